"""A call of the shipped programme with its manager, rehearsed once for all tests of a module."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import text

from grantflow import clock, create_app
from grantflow.db import Base, db, session, unit_of_work
from grantflow.identity.access import SYSTEM, Actor
from grantflow.programmes import pack as packs
from grantflow.programmes.service import load_pack
from grantflow.rehearsals import inside
from tests.browsing import FreshClient, signed_in
from tests.conftest import _share_compiled
from tests.factories import person, record_file

PACKS = Path(__file__).parents[2] / "workflows" / "programmes"
CALL = "KR-2021"
PAGE = f"/calls/{CALL}/rehearsal"
NOW = datetime(2021, 9, 20, 9, 0, tzinfo=UTC)
"""The call is still a draft."""


class Stage:
    """The house outside, and who rehearses in it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with unit_of_work():
            loaded = load_pack(packs.read(PACKS / "prozvet.toml"), SYSTEM)
        self.programme = loaded.programme_id
        self.manager = person("manager", programme_id=self.programme)
        self.russian = person("manager", programme_id=self.programme, language="ru")
        self.officer = person("officer", programme_id=self.programme)
        self.stranger = person("manager", programme_id=record_file("programme"))

    def client(self, actor: Actor | None) -> FlaskClient:
        """A browser in which somebody is signed in."""
        return signed_in(self.app, actor)

    def do(self, actor: Actor, do: str, stage: str = "", page: str = PAGE) -> Any:
        """Press a button of the page."""
        return self.client(actor).post(page, data={"do": do, "stage": stage})

    def traces(self) -> dict[str, str]:
        """Every row of every table and every file outside the rehearsals, in short."""
        session().rollback()
        found = {}
        for table in Base.metadata.sorted_tables:
            rows = session().execute(text(f'SELECT * FROM "{table.name}"')).all()
            found[table.name] = hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()
        home = Path(self.app.config["GRANTFLOW"].home)
        kept = [path for path in home.rglob("*") if path.is_file() and "rehearsals" not in path.parts]
        files = sorted(str(path.relative_to(home)) for path in kept if not path.name.startswith("grantflow.db"))
        return found | {"files": " ".join(files)}


def _sharing(make: Any, folder: Path, manner: inside.Manner) -> Flask:
    """The inside of a chapter, with the statements that the tests have compiled already."""
    app: Flask = make(folder, manner)
    with app.app_context():
        _share_compiled(db.engine)
    return app


@pytest.fixture(scope="module")
def stage(kept_for_all: dict[str, str], compiled_templates: FileSystemBytecodeCache) -> Iterator[Stage]:
    """One house for a module."""
    app = create_app(kept_for_all)
    app.jinja_env.bytecode_cache = compiled_templates
    app.test_client_class = FreshClient
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    with app.app_context(), clock.at(NOW):
        _share_compiled(db.engine)
        patched = pytest.MonkeyPatch()
        patched.setattr(inside, "_made", partial(_sharing, inside._made))
        yield Stage(app)
        patched.undo()
        db.session.remove()
        db.engine.dispose()
    inside.let_go(Path(app.config["GRANTFLOW"].home))
