"""A desk of the small machine on a database of either kind, and its newer versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grantflow import create_app
from grantflow.cases import amending, definitions
from grantflow.db import db, unit_of_work
from grantflow.engine.definition import Workflow
from tests.cases.conftest import Desk
from tests.cases.machines import small
from tests.factories import person


@pytest.fixture(scope="session")
def postgres_database(migrated_postgres: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An app on a PostgreSQL with every table by the migrations."""
    app = create_app(
        {
            "GRANTFLOW_HOME": str(tmp_path_factory.mktemp("pg")), "GRANTFLOW_WORKER": "no",
            "DATABASE_URL": migrated_postgres(), "GRANTFLOW_SECRET_KEY": "t" * 40,
        }
    )  # fmt: skip
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The app, with its context pushed, on one database and then on the other."""
    if request.param == "sqlite":
        yield request.getfixturevalue("app")
        return
    app = request.getfixturevalue("postgres_database")
    with app.app_context():
        yield app
        db.session.remove()


class Bench(Desk):
    """A desk whose machine can be put into force in another version."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.manager = person("manager", programme_id=self.programme)
        self.folder, self.force = folder, small()

    def newer(self, *, states: dict[str, str] | None = None, **columns: Any) -> Workflow:
        """Put a version in force in which these states have other names; the other columns replace the table's."""
        names = states or {}
        body = small().model_dump(mode="json", by_alias=True)
        for state in body["states"]:
            state["name"] = names.get(state["name"], state["name"])
        for move in body["moves"]:
            move["from"] = [names.get(name, name) for name in move["from"]]
            move["to"] = names.get(move["to"], move["to"])
        body["label"]["en"] = f"Small {len(columns)} {sorted(names)}"
        self.force = Workflow.model_validate(body | columns)
        return self.force

    def map(self, text: str = "", reason: str = "By the board's decision.") -> Path:
        """A map in a file."""
        file = self.folder / "map.toml"
        file.write_text(f'workflow = "small"\nreason = "{reason}"\n[states]\n{text}\n', encoding="utf-8")
        return file

    def choose(self, **more: Any) -> amending.Chosen:
        """The cases of this desk's programme."""
        return amending.Chosen("small", programme_id=self.programme, **more)

    def plan(self, text: str = "", *, actor: Any = None, **more: Any) -> amending.Plan:
        with unit_of_work():
            return amending.plan(self.choose(**more), self.map(text), actor or self.manager)

    def carry(
        self, text: str = "", *, actor: Any = None, seen: Any = None, mark: str = "", **more: Any
    ) -> amending.Plan:
        with unit_of_work():
            chosen, file = self.choose(**more), self.map(text)
            return amending.carry_out(chosen, file, actor or self.manager, seen=seen, mark=mark)


@pytest.fixture
def bench(house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    real: Callable[[str], Any] = definitions.current
    made: list[Bench] = []

    def current(name: str) -> Workflow:
        return (made[0].force if made else small()) if name == "small" else real(name)

    monkeypatch.setattr(definitions, "current", current)
    made.append(Bench(tmp_path))
    return made[0]
