from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from grantflow import create_app
from grantflow.db import db
from tests.conftest import _without_waiting_for_the_disk
from tests.databases import KEY
from tests.lives.world import File, Server, World


@pytest.fixture(scope="module")
def world(
    request: pytest.FixtureRequest, template_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The contest with its chapters, told once, on a copy of the migrated database."""
    home = tmp_path_factory.mktemp("lives")
    settings = {"GRANTFLOW_HOME": str(home), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": KEY}
    on_file = getattr(request, "param", "sqlite") == "sqlite"
    if on_file:
        shutil.copy(template_database, home / "grantflow.db")
    else:
        settings["DATABASE_URL"] = request.getfixturevalue("migrated_postgres")()
    app = create_app(settings)
    with app.app_context():
        if on_file:
            event.listen(db.engine, "connect", _without_waiting_for_the_disk)
        database = File(app, tmp_path_factory.mktemp("chapters")) if on_file else Server(settings["DATABASE_URL"])
        yield World(app, database)
        db.session.remove()
        db.engine.dispose()
