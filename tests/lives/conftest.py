from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from grantflow import create_app
from grantflow.db import db
from tests.conftest import _without_waiting_for_the_disk
from tests.lives.world import World


@pytest.fixture(scope="module")
def world(template_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The contest with its chapters, told once, on a copy of the migrated database."""
    home = tmp_path_factory.mktemp("lives")
    (home / "grantflow.db").write_bytes(template_database.read_bytes())
    app = create_app({"GRANTFLOW_HOME": str(home), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": "t" * 40})
    with app.app_context():
        event.listen(db.engine, "connect", _without_waiting_for_the_disk)
        yield World(app, tmp_path_factory.mktemp("chapters"))
        db.session.remove()
        db.engine.dispose()
