from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from grantflow import create_app
from grantflow.db import db
from tests import valkey
from tests.browsing import FreshClient
from tests.queue.house import Works


@pytest.fixture
def redis() -> Iterator[valkey.Server]:
    """A real server, empty."""
    with valkey.server() as found:
        yield found


@pytest.fixture
def app(
    template_database: Path, compiled_templates: FileSystemBytecodeCache, tmp_path: Path, redis: valkey.Server
) -> Iterator[Flask]:
    """The application with a queue, on a fresh SQLite database, with its context pushed."""
    shutil.copy(template_database, tmp_path / "grantflow.db")
    made = create_app(
        {"GRANTFLOW_HOME": str(tmp_path), "GRANTFLOW_SECRET_KEY": "t" * 40, "REDIS_URL": redis.url},
    )
    made.jinja_env.bytecode_cache = compiled_templates
    made.test_client_class = FreshClient
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def build(
    request: pytest.FixtureRequest, template_database: Path, tmp_path: Path, redis: valkey.Server, thorough: bool
) -> Iterator[Callable[..., Works]]:
    """`build(**settings)` makes a house with a queue on either database; its programs end with the test."""
    if request.param == "SQLite" and not (thorough or request.config.getoption("--database") == "both"):
        pytest.skip("a queue stands beside PostgreSQL; on SQLite under --thorough or --database=both")
    made: list[Works] = []

    def make(**settings: Any) -> Works:
        if request.param == "PostgreSQL":
            settings["database_url"] = request.getfixturevalue("migrated_postgres")()
        made.append(Works(tmp_path / "house", template_database, redis_url=redis.url, **settings))
        return made[0]

    yield make
    for works in made:
        works.end()
