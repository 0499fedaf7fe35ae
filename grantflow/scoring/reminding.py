"""What reminders of reviews stand on: who has how many left to submit, and which panels wait for how many.

When a reminder goes out stands in the register of notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, or_, select

from grantflow.cases.deadlines import FIRED
from grantflow.cases.models import Case, CaseDeadline
from grantflow.cases.reminders import Due, source
from grantflow.db import session
from grantflow.scoring.models import Interest, Panel, PanelMember, Review

_C, _D, _P = Case.__table__.c, CaseDeadline.__table__.c, Panel.__table__.c
_M, _R = PanelMember.__table__.c, Review.__table__.c
_DEADLINE = "scoring"
"""The deadline of an application that is being scored; it is left behind as soon as scoring closes."""


@cache
def _counted(*per: Any) -> Select[Any]:
    """Reviews not submitted by members who may read, counted by panel and day. Asked in every round, and built once."""
    said, later = Interest.__table__.alias("said"), Interest.__table__.alias("later")
    newest = select(func.max(later.c.id)).where(
        later.c.case_id == _C.id, later.c.person_id == _M.person_id
    ).scalar_subquery()  # fmt: skip
    return (
        select(
            _P.case_id, _P.title, _D.due_at, func.min(_C.since_at, type_=_C.since_at.type).label("since_at"),
            func.count().label("number"), *per,
        )
        .select_from(CaseDeadline.__table__)
        .join(Case.__table__, and_(_C.id == _D.case_id, _C.kind == "application"))
        .join(Panel.__table__, _P.case_id == _C.panel_id)
        .join(PanelMember.__table__, and_(_M.panel_id == _P.case_id, _M.left_on.is_(None)))
        .outerjoin(Review.__table__, and_(_R.case_id == _C.id, _R.person_id == _M.person_id))
        .outerjoin(said, said.c.id == newest)
        .where(
            _D.name == _DEADLINE, _D.due_at.between(bindparam("first"), bindparam("last")), _D.due_at > _C.since_at,
            or_(_D.closed_at.is_(None), _D.outcome == FIRED),
            or_(_R.id.is_(None), _R.status == "draft"), or_(said.c.id.is_(None), said.c.kind == "none"),
        )
        .group_by(_P.case_id, _P.title, _D.due_at, *per)
        .order_by(_P.case_id, _D.due_at, *per)
    )  # fmt: skip


def _waiting(first: datetime, last: datetime, case_id: int | None, *per: Any) -> Iterator[Any]:
    query = _counted(*per) if case_id is None else _counted(*per).where(_P.case_id == case_id)
    yield from session().execute(query, {"first": first, "last": last})


def _due(row: Any, person_id: int | None) -> Due:
    words = {"number": row.number, "title": {"en": row.title.en, "ru": row.title.ru}}
    return Due(row.case_id, row.due_at, row.since_at, person_id, words)


@source("scoring.open_reviews")
def open_reviews(first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """For each panel and member: the reviews the member has not submitted."""
    for row in _waiting(first, last, case_id, _M.person_id):
        yield _due(row, row.person_id)


@source("scoring.panels_waiting")
def panels_waiting(first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """For each panel: the reviews that have not come, for its chair."""
    for row in _waiting(first, last, case_id):
        yield _due(row, None)
