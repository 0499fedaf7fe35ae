"""A contest with its panel, applications in it, and short ways to act in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases import service as cases
from grantflow.cases.models import Case
from grantflow.db import session, unit_of_work
from grantflow.identity.access import SYSTEM, Actor, actor_for
from grantflow.identity.models import Person
from grantflow.programmes import pack as packs
from grantflow.programmes.models import Call, Place
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.service import load_pack
from grantflow.scoring import service as scoring
from grantflow.scoring.service import Mark, Member, Written
from grantflow.submissions.models import Application, ApplicationVersion
from tests.browsing import signed_in
from tests.databases import Prepared, prepared_by, told_once
from tests.factories import organisation, person

FILE = Path(__file__).parents[2] / "workflows" / "programmes" / "prozvet.toml"
NOW = datetime(2022, 1, 10, 9, tzinfo=UTC)
SEATS = (("other", True), ("cso", False), ("local_authority", False), ("other", False), ("cso", False))


@pytest.fixture(scope="session")
def prozvet() -> ProgrammePack:
    return packs.read(FILE)


@pytest.fixture(scope="session")
def prepared(prozvet: ProgrammePack, request: pytest.FixtureRequest) -> Prepared:
    """Databases with the programme loaded, once for this folder."""

    def begin() -> None:
        with clock.at(NOW), unit_of_work():
            load_pack(prozvet, SYSTEM)

    return prepared_by(begin, request)


class Contest:
    """KR-2021 with a panel of five, the first of whom is its chair, and applications that were found
    eligible."""

    def __init__(self, applications: int = 3, *, seated: bool = True, started: bool = False) -> None:
        call = session().scalars(select(Call).where(Call.code == "KR-2021")).one()
        self.call, self.programme, self.alliance = call.case_id, call.programme_id, call.alliance_id
        self.budget = 420_000_000
        with unit_of_work() as current:  # the sums of these tests, whatever the pack has
            current.execute(update(Call).where(Call.case_id == call.case_id).values(budget_minor=self.budget))
        self.pack_hash = call.pack_hash
        self.rubric = scoring.terms_of(call.pack_hash).rubric
        self.manager = person("manager", programme_id=self.programme)
        self.auditor = person("auditor", programme_id=self.programme)
        self.officer = person("officer", programme_id=self.programme)
        self.bodies = [organisation(f"Body {n}") for n in range(len(SEATS))]
        people = [person(name=f"Reader {letter}") for letter in "ABCDE"]
        self.seats = [
            Member(who.person_id, seat, body, chair)
            for who, (seat, chair), body in zip(people, SEATS, self.bodies, strict=True)
        ]
        self.members: list[Actor] = people
        self.applications: list[int] = []
        self.applicants: list[Actor] = []
        self._move(self.call, "closed", "eligibility")
        for n in range(applications):
            self.add(n + 1)
        if seated:
            self.seat()
        if started:
            self.start()

    @property
    def chair(self) -> Actor:
        return self.members[0]

    def _move(self, case_id: int, state: str, stage: str) -> None:
        # The stages before this one have tests of their own: a case is put where they would leave it.
        with unit_of_work() as current:
            current.execute(update(Case).where(Case.id == case_id).values(state=state, stage=stage))
        session().expire_all()

    def add(self, n: int, asked: int = 40_000_000, body: int | None = None) -> int:
        body = body or organisation(f"Applicant {n}")
        self.applicants.append(person("applicant", name=f"Owner {n}", organisation_id=body))
        sent = datetime(2021, 10, 20, tzinfo=UTC) + timedelta(hours=n)
        with unit_of_work() as current:
            call = cases.get(self.call)
            row = cases.open_case(
                "application",
                actor=SYSTEM,
                title=f"Project {n}",
                ref=f"KR-2021-{n:04}",
                organisation_id=body,
                call_id=call.id,
                programme_id=call.programme_id,
                alliance_id=call.alliance_id,
            )
            district = current.scalar(select(Place.id).where(Place.code == "suoyarvsky"))
            current.add(
                Application(
                    case_id=row.id,
                    stage=row.stage,
                    call_id=call.id,
                    organisation_id=body,
                    pack_hash=self.pack_hash,
                    title=f"Project {n}",
                    district_id=district,
                    asked_minor=asked,
                    own_minor=5_000_000,
                    total_minor=asked + 5_000_000,
                    currency="RUB",
                    submitted_version=1,
                    submitted_at=sent,
                    revision=1,
                )
            )
            current.flush()
            current.add(
                ApplicationVersion(
                    case_id=row.id,
                    n=1,
                    answers="{}",
                    sha256="0" * 64,
                    pack_hash=self.pack_hash,
                    submitted_at=sent,
                )
            )
        self._move(row.id, "eligible", "eligibility")
        self.applications.append(row.id)
        return int(row.id)

    def seat(self, seats: list[Member] | None = None) -> None:
        with unit_of_work():
            panel = scoring.compose_panel(self.call, seats or self.seats, actor=self.manager)
            self.panel = panel.case_id
        self.members = [self.again(member) for member in self.members]

    def again(self, actor: Actor) -> Actor:
        """The same person with the roles they hold now."""
        return actor_for(session().get_one(Person, actor.person_id))

    def start(self) -> Contest:
        self.fire(self.call, "start_evaluation", self.manager)
        return self

    def fire(self, case_id: int, trigger: str, actor: Actor, **more: Any) -> Any:
        with unit_of_work():
            return cases.fire(case_id, trigger, actor=actor, **more)

    def none(self, n: int, *members: Actor) -> None:
        """Declare no interest, for these members or all."""
        for member in members or self.members:
            with unit_of_work():
                scoring.declare_interest(self.applications[n], "none", actor=member)

    def written(self, points: int | Decimal, **more: Any) -> Written:
        comment = "Weak." if points < 4 else ""
        return Written({c.code: Mark(Decimal(points), comment) for c in self.rubric.criteria}, **more)

    def review(self, n: int, member: Actor, points: int | Decimal) -> Any:
        with unit_of_work():
            return scoring.submit_review(self.applications[n], self.written(points), actor=member)

    def scored(self, n: int, *points: int) -> None:
        """Everybody declares none; the first members give these points."""
        self.none(n)
        for member, given in zip(self.members, points, strict=False):
            self.review(n, member, given)

    def ranked(self, *means: int) -> Contest:
        """Every application scored by three members alike, closed and put into the ranking."""
        for n, points in enumerate(means):
            self.scored(n, points, points, points)
            self.fire(self.applications[n], "close_scoring", self.chair)
            self.fire(self.applications[n], "rank", self.chair)
        return self

    def award(self, n: int, **more: Any) -> Any:
        return self.fire(self.applications[n], "award", self.chair, **more)

    def refused(self, trigger: str, n: int | None, actor: Actor, **more: Any) -> str:
        """The sentence with which a move is refused; the call's where n is None."""
        from grantflow.errors import Refused

        with pytest.raises(Refused) as told:
            self.fire(self.call if n is None else self.applications[n], trigger, actor, **more)
        return str(told.value)


@pytest.fixture
def contest(app: Flask) -> Any:
    """`contest(n)` makes one with n applications, `contest(n, started=True)` one whose evaluation has begun; the clock
    stands in January 2022."""
    with clock.at(NOW):
        yield lambda applications=3, **more: told_once(
            ("contest", applications, *sorted(more.items())), lambda: Contest(applications, **more)
        )


@pytest.fixture
def web(app: Flask) -> Any:
    """`web(actor)` is a browser in which this person is signed in."""
    return lambda actor: signed_in(app, actor)
