"""One contest with everybody in it, told by the real services; a copy of its database is kept at each chapter.

A life begins at one of these chapters. Nobody is put into a state here: every step was asked of the one door.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases import service, worker
from grantflow.cases.models import Case
from grantflow.db import db, session, unit_of_work
from grantflow.eligibility import service as eligibility
from grantflow.identity.access import SYSTEM, Actor, actor_for
from grantflow.identity.models import Person
from grantflow.programmes import pack as packs
from grantflow.programmes.models import Call
from grantflow.programmes.service import load_pack
from grantflow.scoring import service as scoring
from grantflow.submissions import service as submissions
from tests import postgres
from tests.awards.scene import FINAL, INTERIM, WORKING, Scene
from tests.factories import organisation, person
from tests.submissions.conftest import ANSWERS, FILE, PDF

CODE = "KR-2021"
STAFF = ("manager", "manager2", "officer", "officer2", "finance", "finance2", "auditor")
READERS = (
    ("chair", "other"),
    ("reader1", "cso"),
    ("reader2", "local_authority"),
    ("reader3", "other"),
    ("reader4", "cso"),
)
APPLICANTS = {"anna": 0, "boris": 0, "clara": 1, "dmitri": 2, "elena": 3}
"""Who acts for which of the four bodies; two act for the first."""
BUDGET = 60_000_000
"""Room for two grants and a half, so that the call's money runs out."""
CHAPTERS = ("drawn up", "open", "closed", "scoring", "ranked", "running", "paying", "followed up")


class File:
    """The database is an SQLite file; what is kept of it are copies."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.file, self.folder = Path(app.config["GRANTFLOW"].home) / "grantflow.db", folder

    def keep(self, name: str) -> None:
        """Copy the database as it now is."""
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
        shutil.copy(self.file, self.folder / f"{name}.db")

    def put_back(self, name: str) -> None:
        """Make the database as it was when it was kept."""
        for tail in ("-wal", "-shm"):
            Path(f"{self.file}{tail}").unlink(missing_ok=True)
        shutil.copy(self.folder / f"{name}.db", self.file)


class Server:
    """The database is one of a PostgreSQL server; what is kept of it are databases beside it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.kept: dict[str, str] = {}

    def keep(self, name: str) -> None:
        """Copy the database as it now is."""
        self.kept[name] = postgres.fresh_database(self.url, like=self.url)

    def put_back(self, name: str) -> None:
        """Make the database as it was when it was kept."""
        postgres.put_back(self.url, self.kept[name])


class World:
    """The ids of everybody and everything, and the hour. The rest is in the database."""

    def __init__(self, app: Flask, database: File | Server) -> None:
        self.app, self.database = app, database
        self.now = datetime(2021, 9, 20, 9, tzinfo=UTC)
        self.hours: dict[str, datetime] = {}
        self.people: dict[str, int] = {}
        with clock.at(self.now):
            self._found()
        self._told()

    def _found(self) -> None:
        with unit_of_work() as current:
            loaded = load_pack(packs.read(FILE), SYSTEM)
            self.programme, self.call = loaded.programme_id, loaded.calls[CODE]
            current.execute(update(Call).where(Call.case_id == self.call).values(budget_minor=BUDGET))
        self.bodies = [organisation(f"Workshop {letter}") for letter in "ABCD"]
        self.seats = {code: organisation(f"Body of {code}") for code, _seat in READERS}
        for code in STAFF:
            self.people[code] = person(code.rstrip("2"), name=code, programme_id=self.programme).person_id or 0
        for code, _seat in READERS:
            self.people[code] = person(name=code).person_id or 0
        for code, n in APPLICANTS.items():
            self.people[code] = person("applicant", name=code, organisation_id=self.bodies[n]).person_id or 0
        with unit_of_work():
            other = service.open_case("programme", actor=SYSTEM, title="Another programme").id
        self.people["stranger"] = person("finance", name="stranger", programme_id=other).person_id or 0

    # ------------------------------------------------------------------------------------------------- going on
    def actor(self, code: str) -> Actor:
        """Somebody with the roles they hold now."""
        return actor_for(session().get_one(Person, self.people[code], populate_existing=True))

    def fire(self, case_id: int, trigger: str, code: str, **more: Any) -> Any:
        """One move by one person."""
        actor = self.actor(code)
        with unit_of_work():
            return service.fire(case_id, trigger, actor=actor, **more)

    def do(self, code: str, act: Callable[[Actor], Any]) -> Any:
        """One use case by one person."""
        actor = self.actor(code)
        with unit_of_work():
            return act(actor)

    def of(self, kind: str, parent: int | None = None) -> list[int]:
        """The cases of a kind, oldest first."""
        query = select(Case.id).where(Case.kind == kind).order_by(Case.id)
        return list(session().scalars(query if parent is None else query.where(Case.parent_id == parent)))

    def seated(self) -> list[scoring.Member]:
        """The panel of five, the first of whom is its chair."""
        return [scoring.Member(self.people[c], seat, self.seats[c], c == "chair") for c, seat in READERS]

    def keep(self, name: str) -> None:
        """A chapter begins at what the database now is, at this hour."""
        self._leave()
        self.database.keep(name)
        self.hours[name] = self.now

    def begin(self, name: str) -> None:
        """Put the database back to a chapter."""
        self._leave()
        self.database.put_back(name)
        self.now = self.hours[name]

    def _leave(self) -> None:
        db.session.remove()
        db.engine.dispose()

    def later(self, **more: int) -> None:
        """Let time pass, then let the worker do its round."""
        self.now += timedelta(**more)
        with clock.at(self.now):
            worker.one_round()

    # ------------------------------------------------------------------------------------------------- the chapters
    def _told(self) -> None:
        for name, chapter in zip(CHAPTERS, (self._drawn_up, self._open, self._closed, self._scoring, self._ranked,
                                            self._running, self._paying, self._followed_up), strict=True):  # fmt: skip
            with clock.at(self.now):
                chapter()
            self.keep(name)

    def _drawn_up(self) -> None:
        """The call is written, nobody has approved it."""

    def _open(self) -> None:
        self.fire(self.call, "approve", "manager")
        self.fire(self.call, "schedule", "manager")
        self.later(days=30)
        with clock.at(self.now):
            for code in ("anna", "clara", "dmitri", "elena"):
                draft = self.do(
                    code, lambda a, c=code: submissions.start_draft(CODE, self.bodies[APPLICANTS[c]], actor=a)
                ).id
                self.write(draft, code)
            for draft, code in zip(self.of("application")[:2], ("anna", "clara"), strict=True):
                self.do(code, lambda a, d=draft: submissions.submit(d, actor=a))

    def write(self, draft: int, code: str) -> None:
        """Every answer and paper of an application."""
        for section, typed in ANSWERS.items():
            revision = submissions.row_of(draft).revision
            self.do(
                code,
                lambda a, s=section, t=typed, r=revision: submissions.save_section(draft, s, t, revision=r, actor=a),
            )
        for question in ("tax_certificate", "register_extract"):
            self.do(code, lambda a, q=question: submissions.add_file(draft, q, f"{q}.pdf", io.BytesIO(PDF), actor=a))

    def _closed(self) -> None:
        for draft, code in zip(self.of("application")[2:], ("dmitri", "elena"), strict=True):
            self.do(code, lambda a, d=draft: submissions.submit(d, actor=a))
        self.later(days=14)
        with clock.at(self.now):
            self.do("officer", lambda a: eligibility.run_all(self.call, actor=a))
            for case_id in self.of("application")[:2]:
                self.fire(case_id, "pass", "officer2")

    def _scoring(self) -> None:
        for case_id in self.of("application")[2:]:
            self.fire(case_id, "pass", "officer")
        self.do("manager", lambda a: scoring.compose_panel(self.call, self.seated(), actor=a))
        self.fire(self.call, "start_evaluation", "officer")
        for case_id in self.of("application"):
            for code, _seat in READERS[:4]:
                self.do(code, lambda a, c=case_id: scoring.declare_interest(c, "none", actor=a))

    def review(self, case_id: int, points: int) -> scoring.Written:
        """Every criterion of a review with the same points."""
        rubric = scoring.terms_of(submissions.row_of(case_id).pack_hash).rubric
        return scoring.Written({c.code: scoring.Mark(Decimal(points), "Said in short.") for c in rubric.criteria})

    def _ranked(self) -> None:
        for n, case_id in enumerate(self.of("application")):
            for code, _seat in READERS[1:4]:
                self.do(
                    code, lambda a, c=case_id, p=5 - n: scoring.submit_review(c, self.review(c, max(p, 3)), actor=a)
                )
            self.fire(case_id, "close_scoring", "chair")
            self.fire(case_id, "rank", "chair")

    def _running(self) -> None:
        first, second, third, last = self.of("application")
        self.fire(first, "award", "chair")
        self.fire(second, "award", "chair", payload={"amount_minor": 20_000_000})
        self.fire(third, "hold_in_reserve", "chair")
        self.fire(last, "decline", "chair", reason="Below the line.")
        self.fire(self.call, "decide", "chair")
        self.fire(self.call, "announce", "manager")
        for n, (award, code) in enumerate(zip(self.of("award"), ("anna", "clara"), strict=True)):
            self.fire(award, "accept", code, payload=Scene.acceptance())
            self.fire(award, "sign", "officer", payload=Scene.agreement(f"{n + 1}/2021"))
        self.fire(self.of("award")[0], "activate", "manager")

    def _pay(self, tranche: int) -> None:
        row = service.get(tranche)
        if row.state == "planned":
            self.fire(tranche, "fall_due", "finance")
        self.fire(tranche, "prepare", "finance")
        amount = session().get_one(_tranches(), tranche).amount_minor
        self.fire(tranche, "approve_first", "finance", payload={"amount_minor": amount})
        self.fire(tranche, "approve_second", "finance2")
        booked = clock.today("Europe/Moscow")
        self.fire(tranche, "pay", "finance2", payload={"bank_ref": f"PO-{tranche}", "booked_on": booked})

    def _paying(self) -> None:
        self.fire(self.of("award")[1], "activate", "manager2")
        award = self.of("award")[0]
        self._pay(self.of("tranche", award)[0])
        report = self.of("report", award)[0]
        self.fire(report, "submit", "anna", payload={"answers": INTERIM})
        self.fire(report, "accept", "officer")

    def _followed_up(self) -> None:
        award = self.of("award")[0]
        self._pay(self.of("tranche", award)[1])
        report = self.of("report", award)[1]
        self.fire(report, "submit", "boris", payload={"answers": FINAL})
        self.fire(report, "accept", "officer2")
        self._pay(self.of("tranche", award)[2])
        self.later(days=500)
        with clock.at(self.now):
            check = self.of("check", award)[0]
            if service.get(check).state == "planned":
                self.fire(check, "open", "officer")
            self.fire(check, "fill", "anna", payload={"answers": WORKING})
            self.fire(check, "verify", "officer")


def _tranches() -> Any:
    from grantflow.disbursements.models import Tranche

    return Tranche
