"""The PROZVET call with many alike applications, so that the real definitions can be raced over and over."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from grantflow import clock
from grantflow.cases import service
from grantflow.cases.models import Case
from grantflow.db import session, unit_of_work
from grantflow.identity.access import SYSTEM
from grantflow.programmes.models import Call
from grantflow.programmes.service import load_pack
from grantflow.scoring.models import Interest, Standing
from grantflow.submissions import service as submissions
from grantflow.submissions.models import Application, Attachment
from tests.factories import organisation, person
from tests.submissions.conftest import ANSWERS, PDF

OPEN_DAY = datetime(2021, 10, 20, 9, 0, tzinfo=UTC)
DECIDING = datetime(2022, 1, 10, 9, 0, tzinfo=UTC)


class Real:
    """The open call, an organisation with its applicant, two officers, and a panel with two who may decide."""

    def __init__(self, pack: Any) -> None:
        with clock.at(datetime(2021, 9, 20, 9, 0, tzinfo=UTC)):
            with unit_of_work():
                loaded = load_pack(pack, SYSTEM)
            self.programme, self.call = loaded.programme_id, loaded.calls["KR-2021"]
            self.manager = person("manager", programme_id=self.programme)
            self.officers = [person("officer", programme_id=self.programme) for _ in range(2)]
            self.body = organisation("Tervo Craft Workshop")
            self.people = [person("applicant", organisation_id=self.body)]
            with unit_of_work():
                self.panel = service.open_case("panel", actor=SYSTEM, title="Panel", programme_id=self.programme).id
            self.chairs = [person("chair", panel_id=self.panel) for _ in range(2)]
        if service.get(self.call).state == "draft":
            with clock.at(datetime(2021, 10, 1, 6, 0, tzinfo=UTC)), unit_of_work():
                for trigger in ("approve", "schedule", "open"):
                    service.fire(self.call, trigger, actor=self.manager)

    def drafts(self, number: int) -> list[int]:
        """So many complete drafts: one written section by section, the others like it."""
        with clock.at(OPEN_DAY):
            first = self._begin()
            with unit_of_work():
                for section, typed in ANSWERS.items():
                    revision = submissions.row_of(first).revision
                    submissions.save_section(first, section, typed, revision=revision, actor=self.people[0])
                for question in ("tax_certificate", "register_extract"):
                    submissions.add_file(first, question, f"{question}.pdf", io.BytesIO(PDF), actor=self.people[0])
            others = [self._begin() for _ in range(number - 1)]
        written, files = Application.__table__, Attachment.__table__
        source = session().execute(select(written).where(written.c.case_id == first)).one()
        papers = session().execute(select(files).where(files.c.case_id == first)).all()
        like = {name: getattr(source, name) for name in ("answers", "typed", "saved", "revision", "title")}
        with unit_of_work() as current:
            current.execute(update(written).where(written.c.case_id.in_(others)).values(like))
            for case_id in others:
                for paper in papers:
                    row = {**paper._mapping, "case_id": case_id, "stored_name": f"{case_id}-{paper.id}"}
                    current.execute(insert(files).values({k: v for k, v in row.items() if k != "id"}))
        return [first, *others]

    def _begin(self) -> int:
        with unit_of_work():
            return int(submissions.start_draft("KR-2021", self.body, actor=self.people[0]).id)

    def submitted(self, number: int) -> list[int]:
        """So many that were sent."""
        made = self.drafts(number)
        with clock.at(OPEN_DAY), unit_of_work():
            for case_id in made:
                submissions.submit(case_id, actor=self.people[0])
        return made

    def ranked(self, number: int) -> list[int]:
        """So many that stand in the ranking, with two chairs who declared that nothing ties them."""
        made = self.submitted(number)
        with unit_of_work() as current:
            # The stages between have tests of their own: the cases are put where they would leave them.
            where = update(Case).where(Case.id.in_(made))
            current.execute(where.values(state="ranked", stage="decision", panel_id=self.panel))
            for case_id in made:
                for chair in self.chairs:
                    row = {"case_id": case_id, "person_id": chair.person_id, "kind": "none", "at": DECIDING}
                    current.execute(insert(Interest.__table__).values(note="", by_system=False, **row))
                standing = {"case_id": case_id, "call_id": self.call, "mean": 8000, "low": 7000, "high": 9000}
                current.execute(insert(Standing.__table__).values(reviews=3, ranked_at=DECIDING, **standing))
        return made

    def budget(self, minor: int) -> None:
        """So much is left of the call's money."""
        from grantflow.scoring.budget import committed

        with unit_of_work() as current:
            spent = committed(self.call)
            current.execute(update(Call).where(Call.case_id == self.call).values(budget_minor=spent + minor))

    def awards(self, case_ids: list[int]) -> int:
        """How many awards were opened for these applications."""
        query = select(func.count()).where(Case.kind == "award", Case.parent_id.in_(case_ids))
        return session().scalar(query) or 0
