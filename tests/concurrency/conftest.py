from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grantflow import create_app
from grantflow.cases import definitions
from grantflow.db import db
from grantflow.programmes import pack as packs
from tests.cases.conftest import Desk
from tests.cases.machines import small
from tests.concurrency.ring import Processes, Threads

PACK = Path(__file__).parents[2] / "workflows" / "programmes" / "prozvet.toml"


@pytest.fixture(scope="package")
def hosts(
    migrated_postgres: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, thorough: bool
) -> Iterator[Any]:
    """A PostgreSQL with every table by the migrations, and two processes that use it; eight in a thorough run."""
    environ = {
        "GRANTFLOW_HOME": str(tmp_path_factory.mktemp("hosts")), "DATABASE_URL": migrated_postgres(),
        "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": "t" * 40,
    }  # fmt: skip
    app = create_app(environ)
    processes = Processes(environ, pairs=4 if thorough else 1)
    try:
        yield SimpleNamespace(app=app, processes=processes)
    finally:
        processes.stop()
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(params=["threads on SQLite", "processes on PostgreSQL"])
def ring(request: pytest.FixtureRequest, thorough: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`.race(subjects, *calls)`, how many `.rounds`, and the app's context on the contenders' database.

    `some` is for what is like another race, `real` for the real definitions, which take longer to set up.
    """
    real: Callable[[str], Any] = definitions.current
    monkeypatch.setattr(definitions, "current", lambda name: small() if name == "small" else real(name))
    if request.param == "threads on SQLite":
        app = request.getfixturevalue("app")
        yield SimpleNamespace(
            race=Threads(app).race,
            rounds=1000 if thorough else 200,
            some=1000 if thorough else 50,
            real=200 if thorough else 16,
        )
        return
    hosts = request.getfixturevalue("hosts")
    with hosts.app.app_context():
        many = 200 if thorough else 16
        rounds = 1000 if thorough else many
        yield SimpleNamespace(race=hosts.processes.race, rounds=rounds, some=many, real=many)
        db.session.remove()


@pytest.fixture
def desk(ring: Any) -> Desk:
    """People and cases of the small machine on the ring's database."""
    return Desk()


@pytest.fixture(scope="session")
def pack() -> packs.ProgrammePack:
    """The PROZVET pack."""
    return packs.read(PACK)
