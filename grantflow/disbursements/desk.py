"""The finance desk: what waits and for whom, what is late and how long, what holds it, and what the fund
holds.

It only reads, joins every list on what the reader may see, and costs the same number of queries for one row
or many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.orm import aliased

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.awards.queries import card, names
from grantflow.cases.access import visible_to
from grantflow.cases.desk import dates_of
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.disbursements import gates
from grantflow.disbursements.accounts import waiting_of
from grantflow.disbursements.models import Tranche
from grantflow.disbursements.queries import awaited
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.money import Money
from grantflow.paging import Page
from grantflow.programmes.models import Programme

PAGE = 25
HORIZON = timedelta(days=30)
AT_WORK = ("due", "checked", "first_approved", "ready", "failed", "on_hold")
VIEWS = (
    "all",
    "prepare",
    "first",
    "second",
    "ready",
    "hold",
    "failed",
    "late",
    "late_1",
    "late_31",
    "late_61",
)
BY_STATE = {
    "due": "prepare",
    "checked": "first",
    "first_approved": "second",
    "ready": "ready",
    "on_hold": "hold",
    "failed": "failed",
}
AGES = (("late_1", 1, 30), ("late_31", 31, 60), ("late_61", 61, None))

_AwardCase = aliased(Case, name="award_case")


@dates_of("tranche")
def due_dates(case_ids: Any) -> dict[int, datetime]:
    """A tranche is due until the end of its day, by the programme's calendar."""
    rows = session().execute(
        select(Tranche.case_id, Tranche.due_on, Programme.zone)
        .join(Case, Case.id == Tranche.case_id)
        .join(Programme, Programme.id == Case.programme_id)
        .where(Tranche.case_id.in_(case_ids))
    )
    found = rows.all()
    ends = {(due_on, zone): clock.local(due_on, 23, 59, zone) for due_on, zone in {row[1:] for row in found}}
    return {case_id: ends[due_on, zone] for case_id, due_on, zone in found}


def _age(today: date, first: int, last: int | None) -> ColumnElement[bool]:
    newest = Tranche.due_on <= today - timedelta(days=first)
    return newest if last is None else and_(newest, Tranche.due_on >= today - timedelta(days=last))


def _mine_second(actor: Actor) -> ColumnElement[bool]:
    if actor.person_id is None or not actor.has("finance"):
        return false()
    return and_(Tranche.prepared_by_id != actor.person_id, Tranche.first_by_id != actor.person_id)


def _condition(view: str, today: date) -> ColumnElement[bool]:
    work = Case.state.in_(AT_WORK)
    late = and_(or_(work, Case.state == "planned"), Tranche.due_on < today)
    for state, name in BY_STATE.items():
        if view == name:
            return Case.state == state
    if view == "late":
        return late
    for name, first, last in AGES:
        if view == name:
            return and_(late, _age(today, first, last))
    return or_(work, and_(Case.state == "planned", Tranche.due_on <= today + HORIZON))


@dataclass(frozen=True)
class Line:
    """A row of the desk: the tranche, its grant and grantee, and what holds it."""

    case: Any
    tranche: Tranche
    award: Award
    organisation: Organisation
    state: Any
    held: Sequence[gates.Gate]
    """The gates that are not met; the first is the reason."""
    suspended_at: Any
    """Since when its grant is suspended, if it is."""
    mine: bool
    """Whether the reader may make its next move as far as duties are kept apart."""


@dataclass(frozen=True)
class Age:
    """What is overdue for so many days: how many tranches, and their sums by currency."""

    view: str
    first: int
    last: int | None
    count: int
    sums: tuple[Money, ...]


@dataclass(frozen=True)
class Desk:
    """One page of the finance desk with its counts."""

    view: str
    counts: dict[str, int]
    mine_second: int
    ages: tuple[Age, ...]
    lines: tuple[Line, ...]
    sums: tuple[Money, ...]
    ready: tuple[Money, ...]
    page: Page
    people: dict[int, str]


def _sums(rows: list[tuple[str, int]]) -> tuple[Money, ...]:
    total: dict[str, int] = {}
    for currency, minor in rows:
        total[currency] = total.get(currency, 0) + minor
    return tuple(Money(minor, currency) for currency, minor in sorted(total.items()))


def finance_desk(actor: Actor, today: date, view: str = "all", page: int = 1) -> Desk:
    """The desk as this reader may see it. An unknown view is "all"; a page beyond the end is the last one."""
    view = view if view in VIEWS else "all"
    visible = visible_to(actor)
    age = case(*((_age(today, first, last), name) for name, first, last in AGES), else_="")
    mine = case((_mine_second(actor), 1), else_=0)
    in_all = case((_condition("all", today), 1), else_=0)
    columns = [Case.state, Tranche.currency, age.label("age"), mine.label("mine"), in_all.label("in_all")]
    counted = (
        session()
        .execute(
            select(*columns, func.count(), func.sum(Tranche.amount_minor))
            .join(Tranche, Tranche.case_id == Case.id)
            .where(visible, or_(Case.state.in_(AT_WORK), Case.state == "planned"))
            .group_by(Case.state, Tranche.currency, "age", "mine", "in_all")
        )
        .all()
    )

    def among(name: str, row: Any) -> bool:
        state, _currency, aged, _mine, everything = row[:5]
        if name == "all":
            return bool(everything)
        if name == "late":
            return bool(aged)
        if name.startswith("late_"):
            return bool(aged == name)
        return bool(BY_STATE.get(state) == name)

    def sums_of(name: str) -> tuple[Money, ...]:
        return _sums([(row[1], int(row[6])) for row in counted if among(name, row)])

    counts = {name: sum(row[5] for row in counted if among(name, row)) for name in VIEWS}
    shown = Page(page, counts[view], PAGE)
    lines = _lines(actor, view, today, shown)
    return Desk(
        view=view,
        counts=counts,
        mine_second=sum(row[5] for row in counted if row[0] == "first_approved" and row[3]),
        ages=tuple(Age(name, first, last, counts[name], sums_of(name)) for name, first, last in AGES),
        lines=lines,
        sums=sums_of(view),
        ready=sums_of("ready"),
        page=shown,
        people=names(
            [x for line in lines for x in (line.tranche.prepared_by_id, line.tranche.first_by_id)],
            actor.language,
        ),
    )


def _lines(actor: Actor, view: str, today: date, page: Page) -> tuple[Line, ...]:
    found = (
        session()
        .execute(
            select(Case, Tranche, Award, Organisation, _AwardCase.state, _AwardCase.since_at)
            .join(Tranche, Tranche.case_id == Case.id)
            .join(Award, Award.case_id == Tranche.award_id)
            .join(_AwardCase, _AwardCase.id == Award.case_id)
            .join(Organisation, Organisation.id == Award.organisation_id)
            .where(visible_to(actor), _condition(view, today))
            .order_by(Tranche.due_on, Award.number, Tranche.n)
            .limit(PAGE)
            .offset(page.offset)
        )
        .all()
    )
    awards = {row[2].case_id: row[2] for row in found}
    siblings: dict[int, list[Tranche]] = {award_id: [] for award_id in awards}
    for one in session().scalars(select(Tranche).where(Tranche.award_id.in_(awards)).order_by(Tranche.n)):
        siblings[one.award_id].append(one)
    waited, changes = awaited([row[1] for row in found], awards), waiting_of(awards)
    lines = []
    for row, one, award, organisation, award_state, award_since in found:
        every = siblings[award.case_id]
        opened = gates.gates(one, award, waited.get(one.case_id), every, changes.get(award.case_id))
        judged = [*opened, gates.balance(one, award, every)]
        lines.append(
            Line(
                row,
                one,
                award,
                organisation,
                card(row),
                [gate for gate in judged if not gate.ok],
                award_since if award_state == "suspended" else None,
                _is_mine(actor, row, one),
            )
        )
    return tuple(lines)


def _is_mine(actor: Actor, row: Any, one: Tranche) -> bool:
    if "finance" not in actor.roles_on(row) or row.state not in AT_WORK or row.state == "on_hold":
        return False
    return row.state != "first_approved" or actor.person_id not in (one.prepared_by_id, one.first_by_id)
