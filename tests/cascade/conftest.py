"""A grant that opens calls of its own, made through the real door: its clause, its calls and the grants in them, by name.

Calls run their real machine; applications begin ranked, as in the tests of awards.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from grantflow import clock
from grantflow.awards import clauses, funding
from grantflow.awards.models import Award
from grantflow.awards.regrant_models import RegrantClause
from grantflow.cases import definitions, service
from grantflow.cases.models import Case, Outbox
from grantflow.db import session, unit_of_work
from grantflow.engine.definition import Workflow
from grantflow.identity.access import SYSTEM, Actor, actor_for
from grantflow.identity.models import Person
from grantflow.money import Money
from grantflow.programmes.models import Call, Programme
from grantflow.scoring.models import Decision
from grantflow.submissions.models import Application
from tests.awards.scene import Scene, short_workflows
from tests.databases import Prepared, prepared_by
from tests.factories import also, person

ACTIVITIES = ("Training of groups in villages", "Dialogue with local authorities")


def short_application() -> Workflow:
    """The short machine of the tests of awards, with the guard that the real one has."""
    known = short_workflows()["application"]
    moves = [move.model_copy(update={"guards": ("awards.envelope_holds",)}) for move in known.moves]
    return known.model_copy(update={"moves": tuple(moves)})


def shorten(patched: pytest.MonkeyPatch) -> None:
    """Put the short machine of applications in the place of the real one."""
    short, real = short_application(), definitions.current
    patched.setattr(definitions, "current", lambda name: short if name == "application" else real(name))


class Cascade(Scene):
    """The scene of awards whose call is announced, with calls below it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self._put(self.call, "announced", "award")

    def _put(self, case_id: int, state: str, stage: str) -> None:
        # How a call comes there belongs to other stages, which have tests of their own.
        with unit_of_work() as current:
            current.execute(update(Case).where(Case.id == case_id).values(state=state, stage=stage))
        session().expire_all()

    def again(self, actor: Actor) -> Actor:
        """The same person with what they hold now."""
        return actor_for(session().get_one(Person, actor.person_id))

    def written(self, **other: Any) -> clauses.Written:
        sums = {"minimum": 1_000_000, "maximum": 50_000_000, "envelope": 60_000_000}
        money = {name: Money(other.pop(name, minor), "RUB") for name, minor in sums.items()}
        return clauses.Written(**{"activities": ACTIVITIES, "criteria": ("Open to all",), **money, **other})

    def clause(self, award_id: int, **other: Any) -> RegrantClause:
        with unit_of_work():
            return clauses.write(award_id, self.written(**other), reason="Article 7", actor=self.manager)

    def parent(self, amount: int = 100_000_000, **clause: Any) -> int:
        """A running grant with its clause."""
        award_id = self.signed(amount)
        self.clause(award_id, **clause)
        return award_id

    def draft(self, *, budget: int = 50_000_000, programme: int | None = None, **other: Any) -> int:
        """A call in draft; gives back its case."""
        self.calls += 1
        like, now = session().get_one(Call, self.call), clock.now()
        same = {c.key: getattr(like, c.key) for c in Call.__table__.c}
        with unit_of_work() as current:
            case = service.open_case(
                "call", actor=SYSTEM, title=f"Call {self.calls}", programme_id=programme or self.programme,
                alliance_id=like.alliance_id,
            )  # fmt: skip
            current.execute(update(Case).where(Case.id == case.id).values(call_id=case.id))
            own = {
                "case_id": case.id, "stage": case.stage, "programme_id": programme or self.programme,
                "code": f"CH-{self.calls:04d}", "prefix": f"CH-{self.calls:04d}", "budget_minor": budget,
                "opens_at": now + timedelta(days=1), "closes_at": now + timedelta(days=30),
                "questions_until_on": now.date() + timedelta(days=20), "results_on": now.date() + timedelta(days=60),
            }  # fmt: skip
            current.add(Call(**{**same, **own, **other}))
        return int(case.id)

    def choose(self, call_id: int, award_id: int | None, **other: Any) -> Any:
        given = None if award_id is None else funding.Chosen(award_id, ACTIVITIES[:1], other.pop("rate", None))
        actor = other.pop("actor", self.manager)
        with unit_of_work():
            return funding.choose(call_id, given, actor=actor, **other)

    def child_call(self, award_id: int, *, rate: Any = None, actor: Actor | None = None, **other: Any) -> int:
        """A call that the grant pays for, approved and, as a short cut, announced: its decisions are offered at once."""
        call_id = self.draft(**other)
        self.choose(call_id, award_id, rate=rate, actor=actor or self.manager)
        self.fire(call_id, "approve", actor or self.manager)
        self._put(call_id, "announced", "award")
        return call_id

    def in_call(self, call_id: int) -> Cascade:
        """The steps of a grant, in another call."""
        self.call = call_id
        return self

    def sent(self, notice: str) -> list[tuple[int, int]]:
        """To whom a notice was written, and about which case."""
        session().rollback()
        rows = session().execute(select(Outbox.person_id, Outbox.case_id).where(Outbox.notice == notice))
        return [(row[0], row[1]) for row in rows.all()]

    def both(self, other: Actor) -> Actor:
        """Somebody who leads the scene's programme and another one."""
        return also(other, "manager", programme_id=self.programme)

    def elsewhere(self) -> int:
        """Another programme, with nothing in it; gives back its file."""
        own = session().get_one(Programme, self.programme)
        same = {c.key: getattr(own, c.key) for c in Programme.__table__.c}
        number = self._other_programme()
        with unit_of_work() as current:
            current.add(Programme(**{**same, "id": number, "code": f"other{number}"}))
        return number

    def foreign(self, amount: int, currency: str, programme: int | None) -> int:
        """A grant in the present call, in another programme and currency."""
        application = self.applied(amount)
        with unit_of_work() as current:
            current.execute(update(Case).where(Case.id == application).values(programme_id=programme))
            current.execute(update(Application).where(Application.case_id == application).values(currency=currency))
        session().expire_all()
        self.ruled(application, amount, currency)
        self.fire(application, "award", self.chair)
        award_id = session().scalars(select(Award.case_id).filter_by(application_id=application)).one()
        self.grantees[award_id] = self.grantees[application]
        return award_id

    def ruled(self, application: int, amount: int, currency: str = "RUB") -> None:
        """The decision for an application, about to be fired."""
        with unit_of_work() as current:
            current.execute(
                insert(Decision).values(
                    case_id=application, stage="decision", call_id=self.call, kind="awarded", amount_minor=amount,
                    currency=currency, place=1, mean=8000, decided_by_id=self.chair.person_id, decided_at=clock.now(),
                )
            )  # fmt: skip

    def partner(self, award_id: int) -> Actor:
        """The national partner: somebody of the organisation that holds this grant, who acts for nobody."""
        row = session().get_one(Award, award_id)
        return person("partner", programme_id=row.programme_id, organisation_id=row.organisation_id)


def today() -> date:
    return clock.today("Europe/Moscow")


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest) -> Prepared:
    """Databases in which the scene stands already, with one parent and a call below it."""

    def begin() -> Cascade:
        with pytest.MonkeyPatch.context() as patched:
            shorten(patched)
            made = Cascade()
            made.top = made.parent()
            made.below = made.child_call(made.top)
            return made

    return prepared_by(begin, request)


@pytest.fixture
def cascade(app: Flask, begun: Cascade, monkeypatch: pytest.MonkeyPatch) -> Cascade:
    """The scene, a test's own."""
    shorten(monkeypatch)
    return deepcopy(begun)
