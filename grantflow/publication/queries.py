"""What the public may read of a contest's results, once they are announced: list, sums and counts.

Names of persons, marks of single members and the numbers of those who were declined never leave the house.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select

from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.errors import NotFound
from grantflow.identity.models import Organisation
from grantflow.money import Money
from grantflow.paging import Page
from grantflow.programmes.models import Call, Place
from grantflow.programmes.queries import call_by_code
from grantflow.programmes.terms import Terms
from grantflow.scoring.budget import given_back
from grantflow.scoring.models import Decision, PanelMember
from grantflow.scoring.panels import members_of, panel_of
from grantflow.submissions.models import Application, ApplicationVersion
from grantflow.submissions.rows import terms_of

PAGE = 50
_D, _C = Decision.__table__.c, Case.__table__.c


@dataclass(frozen=True)
class Row:
    """A line of the public list. `mean` is in hundredths of a point."""

    place: int | None
    number: str
    title: str
    title_en: str
    organisation: Any
    """Its names, as a text in both languages."""
    district: Any
    """The name of its district, or None."""
    mean: int | None
    awarded: Money | None
    given_back: bool
    """The grant was not taken up: its money goes to the reserve list."""

    def title_in(self, language: str) -> str:
        """The project's title in that language where the applicant wrote one."""
        return self.title if language == "ru" else (self.title_en or self.title)


@dataclass(frozen=True)
class Listed:
    """A page of one of the two lists."""

    rows: tuple[Row, ...]
    page: Page


@dataclass(frozen=True)
class Results:
    """A contest's results as they are published: its counts and sums, and of both lists a page."""

    call: Call
    terms: Terms
    awarded: Listed
    """Those the panel decided to fund."""
    reserve: Listed
    """Those next in line."""
    taken: int
    """Those funded whose grant was not given back."""
    total: Money
    """What was awarded to those in all."""
    received: int
    assessed: int
    declined: int
    announced_at: datetime
    members: tuple[PanelMember, ...]


def results_of(code: str, awarded: int | None = 1, reserve: int | None = 1) -> Results:
    """The results of a call; NotFound before they are announced, as if there were no such page.

    `awarded` and `reserve` are the pages wanted of either list; None is the whole list.
    """
    call = call_by_code(code)
    stage = session().scalar(select(Case.stage).where(Case.id == call.case_id))
    if stage not in (Stage.AWARD, Stage.CLOSED):
        raise NotFound
    counted = _counts(call.case_id)
    if not counted and stage == Stage.CLOSED:
        raise NotFound  # a call of the past, taken over from a register: no panel decided here
    terms = terms_of(call.pack_hash)
    funded = [row for row in counted if row.kind == "awarded"]
    panel = panel_of(call.case_id)
    members = members_of(panel.case_id) if panel is not None else []
    return Results(
        call,
        terms,
        _listed(call.case_id, _D.kind == "awarded", sum(row.number for row in funded), awarded),
        _listed(call.case_id, _in_reserve(), sum(row.number for row in counted if row.reserve), reserve),
        sum(row.number for row in funded if not row.back),
        Money(sum(int(row.minor) for row in funded if not row.back), call.currency),
        _received(call.case_id),
        sum(row.number for row in counted),
        sum(row.number for row in counted if row.kind == "declined"),
        min((row.first_at for row in counted), default=call.closes_at),
        tuple(member for member, _person, _body in members),
    )


def _announced(call_id: int) -> Any:
    return and_(_D.call_id == call_id, _D.announced_at.is_not(None))


def _in_reserve() -> Any:
    """SQL on decisions and cases: a reserve that was withdrawn since is nobody's reserve any more."""
    return and_(_D.kind == "reserve", _C.stage == Stage.DECISION)


def _counts(call_id: int) -> Any:
    """What was announced, counted by outcome, by whether it still stands in reserve, and was given back."""
    columns = (
        _D.kind.label("kind"), case((_in_reserve(), 1), else_=0).label("reserve"),
        case((given_back(), 1), else_=0).label("back"),
    )  # fmt: skip
    each = (
        select(*columns, _D.amount_minor, _D.announced_at)
        .join(Case.__table__, _C.id == _D.case_id)
        .where(_announced(call_id))
        .subquery()
    )
    by = (each.c.kind, each.c.reserve, each.c.back)
    query = select(
        *by, func.count().label("number"), func.coalesce(func.sum(each.c.amount_minor), 0).label("minor"),
        func.min(each.c.announced_at).label("first_at"),
    )  # fmt: skip
    return session().execute(query.group_by(*by)).all()


def _listed(call_id: int, which: Any, total: int, number: int | None) -> Listed:
    """A page of a list by place, or the whole of it."""
    page = Page(number or 1, total, PAGE if number else max(total, 1))
    found = session().execute(
        select(
            _D.place, _C.ref, Application.title, ApplicationVersion.answers, ApplicationVersion.pack_hash,
            Organisation.name_en, Organisation.name_ru,
            Place.name.label("district"), _D.mean, _D.amount_minor, _D.currency, given_back().label("back"),
        )
        .join(Case.__table__, _C.id == _D.case_id)
        .join(Application, Application.case_id == _D.case_id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .join(
            ApplicationVersion,
            (ApplicationVersion.case_id == Application.case_id)
            & (ApplicationVersion.n == Application.submitted_version),
        )
        .outerjoin(Place, Place.id == Application.district_id)
        .where(_announced(call_id), which)
        .order_by(_D.place, _C.ref)
        .limit(page.size)
        .offset(page.offset)
    )  # fmt: skip
    rows = (
        Row(
            row.place,
            row.ref or "",
            row.title,
            _title_en(row.answers, row.pack_hash),
            {"en": row.name_en or row.name_ru, "ru": row.name_ru or row.name_en},
            row.district,
            row.mean,
            Money(row.amount_minor, row.currency) if row.amount_minor else None,
            bool(row.back),
        )
        for row in found
    )
    return Listed(tuple(rows), page)


def _title_en(answers: str, pack_hash: str) -> str:
    """The title in English, where the form that was answered asked for it."""
    key = terms_of(pack_hash).keys.title_en
    found: Any = json.loads(answers).get(key) if key else None
    return found if isinstance(found, str) else ""


def _received(call_id: int) -> int:
    """How many applications were submitted, whatever became of them."""
    query = select(func.count()).where(Application.call_id == call_id, Application.submitted_version.is_not(None))
    return int(session().scalar(query) or 0)
