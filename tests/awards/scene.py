"""A grant on its way, made through the real door: the PROZVET call decided, its people, and steps by name.

Applications begin decided here, by a workflow of the tests' own: how they get there belongs to other stages.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from grantflow import clock
from grantflow.awards.banking import russian_account
from grantflow.awards.models import Award
from grantflow.cases import deadlines, definitions, service
from grantflow.cases.models import Case
from grantflow.db import session, unit_of_work
from grantflow.disbursements.models import Tranche
from grantflow.engine.definition import Workflow
from grantflow.followups.models import Check, Report
from grantflow.identity.access import SYSTEM, Actor
from grantflow.programmes import models as programmes
from grantflow.programmes import pack as packs
from grantflow.programmes.service import load_pack
from grantflow.scoring.models import Decision
from grantflow.submissions.models import Application
from tests.databases import Prepared, prepared_by
from tests.factories import organisation, person

FILE = Path(__file__).parents[2] / "workflows" / "programmes" / "prozvet.toml"
BIK = "048602001"
ACCOUNT = russian_account("40702810", "00000012345", BIK)
SPENT = [{"item": "Felt", "unit": "kg", "quantity": "40", "price_minor": 120000}]
INTERIM = {
    "done": "The room is ready.",
    "people_so_far": {"women": 4, "men": 1, "not_stated": 0},
    "spent": SPENT,
    "receipts": [{"name": "receipts.pdf"}],
    "report_true": True,
}
FINAL = {
    "done": "A workshop with four looms.",
    "people_reached": {"women": 20, "men": 2, "not_stated": 1},
    "jobs_made": {"women": 3, "men": 0, "not_stated": 0},
    "income": 12000000,
    "spent": SPENT,
    "receipts": [{"name": "receipts.pdf"}],
    "lessons": "Order wool a month earlier.",
    "report_true": True,
}
WORKING = {
    "operating": True,
    "jobs_now": {"women": 3, "men": 0, "not_stated": 0},
    "grants_share": "25",
    "way_state": False,
    "way_business": False,
    "way_sales": True,
    "way_sales_evidence": "Tax return of 2022",
    "way_sales_share": "75",
}
NO_WAY = {**{k: v for k, v in WORKING.items() if not k.startswith("way_sales")}, "way_sales": False}
STOPPED = {"operating": False, "stopped_why": "The rent rose."}


@lru_cache(maxsize=1)
def pack() -> packs.ProgrammePack:
    return packs.read(FILE)


def _label(text: str) -> dict[str, str]:
    return {"en": text, "ru": text}


def _short(name: str, states: dict[str, str], moves: list[dict[str, Any]]) -> Workflow:
    return Workflow.model_validate(
        {
            "name": name,
            "label": _label(name),
            "initial": next(iter(states)),
            "states": [
                {"name": n, "label": _label(n), "tone": "move", "stage": stage, "desk": "chair"}
                for n, stage in states.items()
            ],
            "moves": [{"label": _label(m["trigger"]), "say": _label(m["trigger"]), **m} for m in moves],
        }
    )


def short_workflows() -> dict[str, Workflow]:
    """An application that is already ranked, and a call that is already decided."""
    award = {
        "trigger": "award",
        "from": ["ranked"],
        "to": "awarded",
        "roles": ["chair"],
        "effects": ["awards.offer"],
    }
    announce = {
        "trigger": "announce",
        "from": ["decided"],
        "to": "announced",
        "roles": ["manager"],
        "effects": ["awards.offer_all"],
    }
    archive = {
        "trigger": "archive",
        "from": ["announced"],
        "to": "archived",
        "roles": ["manager"],
        "guards": ["awards.all_closed"],
    }
    return {
        "application": _short("application", {"ranked": "decision", "awarded": "award"}, [award]),
        "call": _short(
            "call", {"decided": "decision", "announced": "award", "archived": "closed"}, [announce, archive]
        ),
    }


def shorten(patched: pytest.MonkeyPatch) -> None:
    """Put the short machines of calls and applications in the place of the real ones."""
    short, real = short_workflows(), definitions.current
    patched.setattr(definitions, "current", lambda name: short.get(name) or real(name))


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest) -> Prepared:
    """Databases in which the scene stands already."""

    def begin() -> Scene:
        with pytest.MonkeyPatch.context() as patched:
            shorten(patched)
            return Scene()

    return prepared_by(begin, request)


@pytest.fixture
def scene(app: Flask, begun: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The scene, a test's own."""
    shorten(monkeypatch)
    return deepcopy(begun)


class Scene:
    """The Karelian call, decided; its people; and every step of a grant as one word."""

    def __init__(self) -> None:
        with unit_of_work():
            loaded = load_pack(pack(), SYSTEM)
        self.programme, self.call = loaded.programme_id, loaded.calls["KR-2021"]
        self.officer, self.officer2 = (person("officer", programme_id=self.programme) for _ in range(2))
        self.finance, self.finance2, self.finance3 = (person("finance", programme_id=self.programme) for _ in range(3))
        self.manager = person("manager", programme_id=self.programme)
        self.auditor = person("auditor", programme_id=self.programme)
        with unit_of_work():
            self.panel = service.open_case("panel", actor=SYSTEM, title="Panel", programme_id=self.programme).id
        self.chair = person("chair", panel_id=self.panel)
        self.stranger = person("finance", programme_id=self._other_programme())
        self.grantees: dict[int, Actor] = {}
        self.count = 0

    @staticmethod
    def _other_programme() -> int:
        with unit_of_work():
            return int(service.open_case("programme", actor=SYSTEM, title="Other").id)

    # --------------------------------------------------------------------------------- small tools
    def fire(self, case: Any, trigger: str, actor: Actor, **more: Any) -> service.Outcome:
        case_id = case if isinstance(case, int) else getattr(case, "case_id", None) or case.id
        with unit_of_work():
            return service.fire(case_id, trigger, actor=actor, **more)

    def state(self, case_id: int) -> str:
        return str(session().scalar(select(Case.state).where(Case.id == case_id)))

    def row(self, case_id: int) -> Any:
        return session().execute(select(Case.__table__).where(Case.id == case_id)).one()

    def award(self, award_id: int) -> Award:
        session().rollback()
        return session().get_one(Award, award_id)

    def tranche(self, award_id: int, n: int) -> Tranche:
        session().rollback()
        return session().scalars(select(Tranche).filter_by(award_id=award_id, n=n)).one()

    def report(self, award_id: int, kind: str) -> Report:
        session().rollback()
        return session().scalars(select(Report).filter_by(award_id=award_id, kind=kind)).one()

    def check(self, award_id: int, months: int) -> Check:
        session().rollback()
        return session().scalars(select(Check).filter_by(award_id=award_id, months=months)).one()

    # --------------------------------------------------------------------------------------- steps
    def applied(self, asked: int = 33_000_000, own: int = 4_000_000) -> int:
        """A ranked application, with a decision about to be fired; gives back its case."""
        self.count += 1
        organisation_id = organisation()
        grantee = person("applicant", organisation_id=organisation_id)
        with unit_of_work() as current:
            case = service.open_case(
                "application",
                actor=SYSTEM,
                title=f"Workshop {self.count}",
                programme_id=self.programme,
                call_id=self.call,
                panel_id=self.panel,
                organisation_id=organisation_id,
                ref=f"KR-2021-{self.count:04d}",
            )
            call = current.get_one(programmes.Call, self.call)
            place = current.scalars(select(programmes.Place.id).filter_by(code="olonetsky")).one()
            current.add(
                Application(
                    case_id=case.id,
                    stage=case.stage,
                    call_id=self.call,
                    organisation_id=organisation_id,
                    pack_hash=call.pack_hash,
                    award_type="female",
                    grant_kind="new",
                    district_id=place,
                    title=case.title,
                    total_minor=asked + own,
                    own_minor=own,
                    asked_minor=asked,
                    currency="RUB",
                    submitted_version=1,
                    submitted_at=clock.now(),
                )
            )
        self.grantees[case.id] = grantee
        return int(case.id)

    def decided(self, amount: int = 33_000_000, asked: int | None = None) -> int:
        """An award put into the books; gives back the award's case."""
        application = self.applied(asked or amount)
        with unit_of_work() as current:
            current.execute(
                insert(Decision).values(
                    case_id=application,
                    stage="decision",
                    call_id=self.call,
                    kind="awarded",
                    amount_minor=amount,
                    currency="RUB",
                    place=1,
                    mean=8000,
                    decided_by_id=self.chair.person_id,
                    decided_at=clock.now(),
                )
            )
        self.fire(application, "award", self.chair)
        award_id = session().scalars(select(Award.case_id).filter_by(application_id=application)).one()
        self.grantees[award_id] = self.grantees[application]
        return award_id

    def offered(self, amount: int = 33_000_000) -> int:
        award_id = self.decided(amount)
        if self.state(award_id) == "prepared":
            self.fire(self.call, "announce", self.manager)
        return award_id

    def accepted(self, amount: int = 33_000_000) -> int:
        award_id = self.offered(amount)
        self.fire(award_id, "accept", self.grantees[award_id], payload=self.acceptance())
        return award_id

    @staticmethod
    def acceptance() -> dict[str, Any]:
        return {
            "bank_account": ACCOUNT,
            "bank_code": BIK,
            "bank_name": "Onego Bank",
            "signatory": "The director",
        }

    @staticmethod
    def agreement(number: str = "12/2022") -> dict[str, Any]:
        today = clock.today("Europe/Moscow")
        return {
            "agreement_no": number,
            "signed_on": today,
            "starts_on": today,
            "ends_on": today + timedelta(days=300),
        }

    def signed(self, amount: int = 33_000_000) -> int:
        award_id = self.accepted(amount)
        self.fire(award_id, "sign", self.officer, payload=self.agreement(f"{award_id}/2022"))
        return award_id

    def active(self, amount: int = 33_000_000) -> int:
        award_id = self.signed(amount)
        self.fire(award_id, "activate", self.manager)
        return award_id

    def due(self, award_id: int, n: int = 1) -> Tranche:
        one = self.tranche(award_id, n)
        if self.state(one.case_id) == "planned":
            self.fire(one, "fall_due", self.finance)
        return self.tranche(award_id, n)

    def prepared(self, award_id: int, n: int = 1) -> Tranche:
        one = self.due(award_id, n)
        self.fire(one, "prepare", self.finance)
        return self.tranche(award_id, n)

    def first_approved(self, award_id: int, n: int = 1) -> Tranche:
        one = self.prepared(award_id, n)
        self.fire(one, "approve_first", self.finance, payload={"amount_minor": one.amount_minor})
        return self.tranche(award_id, n)

    def ready(self, award_id: int, n: int = 1) -> Tranche:
        one = self.first_approved(award_id, n)
        self.fire(one, "approve_second", self.finance2)
        return self.tranche(award_id, n)

    def payment(self, reference: str = "", on: date | None = None) -> dict[str, Any]:
        self.count += 1
        return {"bank_ref": reference or f"PO-{self.count}", "booked_on": on or clock.today("Europe/Moscow")}

    def paid(self, award_id: int, n: int = 1) -> Tranche:
        one = self.ready(award_id, n)
        self.fire(one, "pay", self.finance, payload=self.payment())
        return self.tranche(award_id, n)

    def reported(self, award_id: int, kind: str) -> Report:
        """A report sent and accepted."""
        one = self.report(award_id, kind)
        answers = INTERIM if kind == "interim" else FINAL
        self.fire(one, "submit", self.grantees[award_id], payload={"answers": answers})
        self.fire(one, "accept", self.officer)
        return self.report(award_id, kind)

    def completed(self, amount: int = 33_000_000) -> int:
        """A grant paid in full, with every report accepted."""
        award_id = self.active(amount)
        self.paid(award_id, 1)
        self.reported(award_id, "interim")
        self.paid(award_id, 2)
        self.reported(award_id, "final")
        self.paid(award_id, 3)
        return award_id

    def settled(self, award_id: int, months: int, answers: dict[str, Any]) -> Check:
        """A check opened, answered and verified."""
        one = self.check(award_id, months)
        if self.state(one.case_id) == "planned":
            self.fire(one, "open", self.officer)
        self.fire(one, "fill", self.grantees[award_id], payload={"answers": answers})
        self.fire(one, "verify", self.officer)
        return self.check(award_id, months)


START = datetime(2022, 2, 14, 9, 0, tzinfo=UTC)
"""When the tests' call has been decided; the later it is, the earlier due dates have passed."""

__all__ = ["FINAL", "INTERIM", "NO_WAY", "START", "STOPPED", "WORKING", "Scene", "deadlines"]
