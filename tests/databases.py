"""Databases to be copied for each test: as the migrations make them, on SQLite and on PostgreSQL.

A folder of tests whose scene takes long to set up overrides the fixture `prepared` with a beginning of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Hashable
from copy import deepcopy
from functools import cache
from pathlib import Path
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


_told: dict[Hashable, tuple[Path, Any]] = {}


def told_once(key: Hashable, tell: Callable[[], Any]) -> Any:
    """What `tell()` leaves in this test's untouched database, and gives back: on SQLite told once for each process, and
    laid again as a copy of the file it left. Elsewhere told each time.
    """
    from grantflow.db import db

    if db.engine.dialect.name != "sqlite":
        return tell()
    file = Path(str(db.engine.url.database))
    if key not in _told:
        scene = tell()
        _at_rest(file)
        kept = file.parent.with_name(f"told-{len(_told)}.db")
        shutil.copy(file, kept)
        _told[key] = kept, deepcopy(scene)
        return scene
    kept, scene = _told[key]
    _at_rest(file)
    shutil.copy(kept, file)
    return deepcopy(scene)


def _at_rest(file: Path) -> None:
    """All of the database in its one file, and nobody at it."""
    from grantflow.db import db

    db.session.remove()
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.engine.dispose()
    assert not any(Path(f"{file}-{rest}").exists() for rest in ("wal", "shm")), "somebody still has it open"
