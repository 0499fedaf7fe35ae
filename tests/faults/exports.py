"""An export asked for in a house of its own, to be made, killed and judged."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.cases import service
from grantflow.cases.models import Outbox
from grantflow.db import session, unit_of_work
from grantflow.history.models import Event
from grantflow.oversight import asked
from grantflow.oversight.models import Export
from tests.factories import person
from tests.faults.house import House


class Wanted:
    """The history of the house's programme, with so many events more, as its auditor asked for it."""

    def __init__(self, house: House, *, events: int) -> None:
        self.house = house
        with house.inside():
            self.auditor = person("auditor", programme_id=house.programme)
            with unit_of_work():
                for n in range(events):
                    service.record(house.programme, "noted", actor=house.officer, changes=[("sum", str(n), "more")])
            self.number = asked.ask(self.auditor, service.get(house.programme), "en", "press")

    def row(self) -> Any:
        """As it stands."""
        with self.house.inside():
            return session().execute(select(Export.__table__).where(Export.id == self.number)).one()

    def files(self) -> list[Path]:
        """Every private file there is."""
        return [path for path in (self.house.home / "files").rglob("*") if path.is_file()]

    def half_made(self) -> bool:
        """Whether somebody has begun its file."""
        assert self.row().state != "ready", "it was made before anybody could strike"
        return self.row().state == "being_made" and bool(self.files())

    def let_the_lease_end(self) -> None:
        """What time would do."""
        with self.house.inside(), unit_of_work() as current:
            current.execute(update(Export.__table__).values(lease_until=clock.now() - timedelta(seconds=1)))

    def judge(self) -> None:
        """One file, whole, and one notice; and its making stands once in the history."""
        (path,) = self.files()
        row = self.row()
        assert (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) == (row.size, row.sha256)
        assert row.done == row.events
        with self.house.inside():
            told = select(func.count()).where(Outbox.notice == "export_ready")
            made = select(func.count()).where(Event.move == "export_ready", Event.case_id == self.auditor.person_id)
            assert (session().scalar(told), session().scalar(made)) == (1, 1)
