from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from grantflow import create_app, schema
from grantflow.db import db
from tests.faults.house import House


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file brought up by the migrations, to be copied."""
    home = tmp_path_factory.mktemp("migrated")
    app = create_app({"GRANTFLOW_HOME": str(home), "GRANTFLOW_WORKER": "no"})
    schema.upgrade(app)
    with app.app_context():
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    return home / "grantflow.db"


@pytest.fixture
def build(app: Flask, migrated: Path, tmp_path: Path) -> Callable[..., House]:
    """`build(**settings)` makes a house with a database of its own."""
    return lambda **settings: House(tmp_path / "house", migrated, **settings)
