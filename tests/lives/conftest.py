from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from grantflow import create_app
from grantflow.db import db
from tests.conftest import _without_waiting_for_the_disk
from tests.lives.world import File, Server, World


@pytest.fixture(scope="module")
def world(kept_for_all: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The contest with its chapters, told once."""
    app = create_app(kept_for_all)
    with app.app_context():
        if url := kept_for_all.get("DATABASE_URL"):
            yield World(app, Server(url))
        else:
            event.listen(db.engine, "connect", _without_waiting_for_the_disk)
            yield World(app, File(app, tmp_path_factory.mktemp("chapters")))
        db.session.remove()
        db.engine.dispose()
