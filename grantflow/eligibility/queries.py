"""Owns what the officer's lists read: calls with their tallies, the pipeline of a call, filtered, sorted
and paged in
the database.

Drafts are counted and never listed; running rules is `service`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from grantflow.cases import definitions, titles
from grantflow.cases.access import visible_to
from grantflow.db import session
from grantflow.eligibility.filters import Filter
from grantflow.eligibility.outcomes import fits, found_double
from grantflow.eligibility.standing import RESULTS, VOTES, WAIVERS
from grantflow.eligibility.tallies import Tally, tallies
from grantflow.engine.definition import State
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation, Person
from grantflow.identity.words import search_key
from grantflow.paging import Page
from grantflow.programmes.models import Call, CallScope, Place
from grantflow.rendering import language
from grantflow.submissions.rows import APPLICATIONS, CASES

PAGE = 50
_A, _C = APPLICATIONS.c, CASES.c


@dataclass(frozen=True)
class CallLine:
    """A call of the officer's list."""

    call: Any
    case: Any
    state: State
    tally: Tally


def calls_of(actor: Actor) -> list[CallLine]:
    """The calls this actor works on: those that take, check or judge applications first, then the latest."""
    stage = case((_C.stage.in_(("submission", "eligibility", "scoring", "decision")), 0), else_=1)
    rows = (
        session()
        .execute(
            select(Call, CASES)
            .join(CASES, _C.id == Call.case_id)
            .where(visible_to(actor), _C.kind == "call")
            .order_by(stage, Call.closes_at.desc(), Call.case_id)
        )
        .all()
    )
    roles = {held.role for held in actor.held}
    counted = tallies([row.id for row in rows], roles)
    return [
        CallLine(row[0], row, definitions.pinned(row.workflow_hash).state(row.state), counted[row.id]) for row in rows
    ]


@dataclass(frozen=True)
class Line:
    """One application of the pipeline."""

    case: Any
    title: str
    applicant: str
    district: Any
    state: State
    mine: bool
    asked_minor: int
    due_at: datetime | None
    checked: Any


@dataclass(frozen=True)
class Found:
    """A page of the pipeline: its lines, how many there are, and what they ask together."""

    lines: list[Line]
    page: Page
    asked: int


def narrowed(query: Select[Any], call_id: int, wanted: Filter, actor: Actor) -> Select[Any]:
    """A query of `cases`, narrowed to what was sent in a call, is wanted, and may be seen by this actor."""
    query = (
        query.join(APPLICATIONS, _A.case_id == _C.id)
        .join(Organisation, Organisation.id == _A.organisation_id)
        .outerjoin(Place, Place.id == _A.district_id)
        .where(
            _C.call_id == call_id,
            _C.kind == "application",
            _A.submitted_version.is_not(None),
            visible_to(actor),
        )
    )
    if key := search_key(wanted.text):
        like = f"%{key.replace('_', '!_')}%"
        query = query.where(or_(_A.search_key.like(like, escape="!"), Organisation.search_key.like(like, escape="!")))
    elif wanted.text:
        query = query.where(_C.id.is_(None))
    if wanted.state:
        query = query.where(_C.state == wanted.state)
    if wanted.district:
        query = query.where(Place.code == wanted.district)
    if wanted.kind:
        query = query.where(_A.grant_kind == wanted.kind)
    if wanted.award_type:
        query = query.where(_A.award_type == wanted.award_type)
    if wanted.desk:
        query = query.where(_C.state.in_(_states_on_desk(call_id, wanted.desk)))
    if wanted.rules:
        query = query.where(fits(wanted.rules, call_id, actor))
    return query


def _states_on_desk(call_id: int, role: str) -> list[str]:
    hashes = session().scalars(
        select(_C.workflow_hash).where(_C.call_id == call_id, _C.kind == "application").distinct()
    )
    return sorted({s.name for h in hashes for s in definitions.pinned(h).states if s.desk == role})


def find(call_id: int, wanted: Filter, actor: Actor, lang: str) -> Found:
    """A page of what was sent in a call, as this filter wants it. A page beyond the last gives the last."""
    total, asked = session().execute(
        narrowed(select(func.count(), func.coalesce(func.sum(_A.asked_minor), 0)).select_from(CASES),
                  call_id, wanted, actor)
    ).one()  # fmt: skip
    page = Page(wanted.page, total, PAGE)
    rows = session().execute(_ordered(call_id, wanted, actor).limit(PAGE).offset(page.offset)).all()
    return Found(_lines(rows, actor, lang), page, int(asked))


def everything(call_id: int, wanted: Filter, actor: Actor, lang: str) -> list[Line]:
    """The same list whole, without pages: for those who take it away. A fixed number of queries."""
    return _lines(session().execute(_ordered(call_id, wanted, actor)).all(), actor, lang)


def _ordered(call_id: int, wanted: Filter, actor: Actor) -> Select[Any]:
    columns = {
        "due": _C.due_at, "number": _C.ref, "title": _A.title, "district": Place.search_key,
        "state": _C.state, "asked": _A.asked_minor,
    }  # fmt: skip
    column = columns[wanted.sort]
    order = [column.is_(None), column.desc() if wanted.down else column.asc(), _C.ref, _C.id]
    return narrowed(
        select(CASES, _A.title.label("project"), _A.asked_minor, _A.total_minor, _A.own_minor, _A.submitted_at,
               Place.name.label("district"), Organisation.name_en, Organisation.name_ru).select_from(CASES),
        call_id, wanted, actor,
    ).order_by(*order)  # fmt: skip


def _lines(rows: Sequence[Any], actor: Actor, lang: str) -> list[Line]:
    checked = checked_of([row.id for row in rows])
    titles.load(rows)
    lines = []
    for row in rows:
        state = definitions.pinned(row.workflow_hash).state(row.state)
        name = (row.name_ru or row.name_en) if lang == "ru" else (row.name_en or row.name_ru)
        mine = state.desk in actor.roles_on(row)
        due = None if state.final else row.due_at
        lines.append(
            Line(
                row,
                titles.title(row) or row.project,
                name,
                row.district,
                state,
                mine,
                row.asked_minor,
                due,
                checked.get(row.id),
            )
        )
    return lines


@dataclass(frozen=True)
class Checked:
    """What the latest run over an application found: how many rules, how many not met, how many let pass, and
    whether one of them named a double."""

    rules: int
    failed: int
    waived: int
    version: int
    run: int
    double: bool


def checked_of(case_ids: list[int]) -> dict[int, Checked]:
    """What the latest run over each of these found; one query. None where the rules were never run."""
    if not case_ids:
        return {}
    latest = (
        select(RESULTS.c.case_id, func.max(RESULTS.c.run).label("run"))
        .where(RESULTS.c.case_id.in_(case_ids))
        .group_by(RESULTS.c.case_id)
        .subquery()
    )
    waived = (
        select(func.count())
        .select_from(WAIVERS)
        .join(VOTES, (VOTES.c.waiver_id == WAIVERS.c.id) & VOTES.c.agreed)
        .where(WAIVERS.c.case_id == latest.c.case_id, WAIVERS.c.run == latest.c.run)
        .scalar_subquery()
    )
    rows = session().execute(
        select(
            RESULTS.c.case_id,
            func.count().label("rules"),
            func.sum(case((RESULTS.c.verdict == "fail", 1), else_=0)).label("failed"),
            func.max(RESULTS.c.version).label("version"),
            waived.label("waived"),
            func.max(RESULTS.c.run).label("run"),
            func.max(case((found_double(RESULTS.c.params), 1), else_=0)).label("double"),
        )
        .join(latest, and_(latest.c.case_id == RESULTS.c.case_id, latest.c.run == RESULTS.c.run))
        .group_by(RESULTS.c.case_id, latest.c.case_id, latest.c.run)
    )
    return {
        row.case_id: Checked(row.rules, int(row.failed), int(row.waived), row.version, row.run, bool(row.double))
        for row in rows
    }


def districts_of(call_id: int) -> list[Any]:
    """The districts named in the call or in an application of it, by name."""
    scope = select(CallScope.place_id).where(CallScope.call_id == call_id, CallScope.until_on.is_(None))
    used = select(_A.district_id).where(_A.call_id == call_id, _A.district_id.is_not(None))
    rows = session().execute(
        select(Place.code, Place.name).where(or_(Place.id.in_(scope), Place.id.in_(used))).order_by(Place.id)
    )
    return sorted(rows, key=lambda row: row.name.en)


def names_of(person_ids: Iterable[int | None]) -> dict[int, str]:
    """Names of people by number, in the reader's language."""
    wanted = {number for number in person_ids if number is not None}
    if not wanted:
        return {}
    people = session().scalars(select(Person).where(Person.id.in_(wanted)))
    return {person.id: person.name_in(language()) for person in people}
