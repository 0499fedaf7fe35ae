"""Databases to be copied for each test: as the migrations make them, on SQLite and on PostgreSQL.

A folder of tests whose scene takes long to set up overrides the fixture `prepared` with a beginning of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests import postgres

Prepared = Callable[[str], tuple[Any, Any]]
"""By the kind of database: its file or its URL, and what its beginning gave back."""
KEY = "t" * 40
"""The secret key of every installation of the tests."""


def prepared_by(begin: Callable[[], Any], request: pytest.FixtureRequest) -> Prepared:
    """Databases in which `begin()`, called inside the app's context, has put what each test begins with."""
    from grantflow import create_app, schema
    from grantflow.db import db

    folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")

    @cache
    def prepared(kind: str) -> tuple[Any, Any]:
        home = folders.mktemp(f"template-{kind}")
        settings = {"GRANTFLOW_HOME": str(home), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": KEY}
        if kind == "postgresql":
            settings["DATABASE_URL"] = postgres.fresh_database(request.getfixturevalue("cluster"))
        app = create_app(settings)
        schema.upgrade(app)
        with app.app_context():
            begun = begin()
            db.session.remove()
            if kind == "sqlite":
                with db.engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            db.engine.dispose()
        return settings.get("DATABASE_URL", home / "grantflow.db"), begun

    return prepared
