"""Deadlines as rows: opened when a case enters a state, closed when it leaves, fired by the sweep as the system.

When a deadline falls is in the definition or in a source that a stage registered; what then happens is a move.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, bindparam, func, insert, or_, select, update

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.context import Context
from grantflow.cases.models import Case, CaseDeadline
from grantflow.db import session, unit_of_work, writing
from grantflow.engine.registry import registry
from grantflow.errors import GrantFlowError, Refused
from grantflow.identity.access import SYSTEM
from grantflow.prepared import Prepared

log = structlog.get_logger(__name__)
FIRED = "fired"
_ROWS = CaseDeadline.__table__
_LEAVE = Prepared(
    update(_ROWS)
    .where(_ROWS.c.case_id == bindparam("left_case"), _ROWS.c.closed_at.is_(None))
    .values(closed_at=bindparam("now"), outcome="left behind")
)
_OPEN = Prepared(insert(_ROWS).inline(), "case_id", "name", "trigger", "due_at")


def enter(ctx: Any, state: str, *, sources: bool = True) -> datetime | None:
    """Close what was left behind, open the deadlines of the state now entered, give back the nearest.

    Without `sources` those that a stage's row decides stay away: the row of a case just opened is not there yet.
    """
    unit, left = ctx.connection, ctx.case
    # Whatever opened one either stands in the definition of the state or left its date on the case.
    if left.due_at is not None or (left.state is not None and ctx.workflow.deadlines_of(left.state)):
        _LEAVE.run(unit, {"left_case": left.id, "now": ctx.now})
    opened = planned(ctx, state, sources=sources)
    _OPEN.run(unit, *opened)
    return min((row["due_at"] for row in opened), default=None)


def planned(ctx: Any, state: str, *, sources: bool = True) -> list[dict[str, Any]]:
    """The rows that the deadlines of a state call for, counted from the context's moment; nothing is written."""
    opened = []
    for deadline in ctx.workflow.deadlines_of(state):
        if deadline.field and not sources:
            continue
        due_at = registry.deadline_sources[deadline.field](ctx) if deadline.field else deadline.due(ctx.now)
        if due_at is not None:
            opened.append(
                {"case_id": ctx.case.id, "name": deadline.name, "trigger": deadline.trigger, "due_at": due_at}
            )
    return opened


def against(case: Any, wanted: list[dict[str, Any]]) -> tuple[list[Any], list[dict[str, Any]]]:
    """The open rows of a case that its `planned` deadlines have no room for, and those of them that are yet to be opened.

    A row that stays as it is stays the same row, and a date that was kept already in the present state is not set
    again: a reminder comes once.
    """
    missing = {(row["name"], row["trigger"], row["due_at"]): row for row in wanted}
    surplus = []
    for row in session().execute(select(_ROWS).where(_ROWS.c.case_id == case.id).order_by(_ROWS.c.id)).all():
        known = (row.name, row.trigger, row.due_at)
        if row.closed_at is not None:
            if row.outcome == FIRED and row.due_at > case.since_at:
                missing.pop(known, None)
        elif missing.pop(known, None) is None:
            surplus.append(row)
    return surplus, list(missing.values())


def carry_over(ctx: Any, state: str) -> None:
    """Give a case that was put under another version the deadlines of its state there, and take away the others."""
    surplus, missing = against(ctx.case, planned(ctx, state))
    if surplus:
        closed = update(_ROWS).where(_ROWS.c.id.in_([row.id for row in surplus]))
        writing().execute(closed.values(closed_at=clock.now(), outcome="left behind"))
    _OPEN.run(ctx.connection, *missing)
    _nearest(Case.__table__.c.id == ctx.case.id)


def reckon(case_id: int) -> None:
    """Ask the sources again for the deadlines of the case's present state, inside a unit of work.

    For a stage that has just written its row, or changed the date in it. Whoever changes a date records why.
    """
    from grantflow.cases.service import lock

    current = writing()
    case = lock(case_id)
    workflow = definitions.pinned(case.workflow_hash)
    ctx = Context(current, case, workflow, None, SYSTEM, clock.now())  # type: ignore[arg-type]
    rows = _ROWS
    for deadline in workflow.deadlines_of(case.state):
        if not deadline.field:
            continue
        due_at = registry.deadline_sources[deadline.field](ctx)
        here = (rows.c.case_id == case_id, rows.c.name == deadline.name, rows.c.closed_at.is_(None))
        if due_at is None:
            current.execute(update(rows).where(*here).values(closed_at=ctx.now, outcome="no date"))
        elif current.execute(update(rows).where(*here).values(due_at=due_at)).rowcount == 0:  # type: ignore[attr-defined]
            current.execute(
                insert(rows).values(case_id=case_id, name=deadline.name, trigger=deadline.trigger, due_at=due_at)
            )
    _nearest(Case.__table__.c.id == case_id)


def set_for_many(source: str, due_at: datetime | None, *which: ColumnElement[bool]) -> None:
    """Give the open deadlines that this source decides another date, in all the cases of a condition, inside a unit of
    work; None: they wait for nothing any more. The same few statements however many there are; whoever calls holds them.
    """
    named = {
        deadline.name for workflow in definitions.kept() for deadline in workflow.deadlines if deadline.field == source
    }
    cases = select(Case.__table__.c.id).where(*which)
    done = {"closed_at": clock.now(), "outcome": "no date"} if due_at is None else {"due_at": due_at}
    here = (_ROWS.c.case_id.in_(cases), _ROWS.c.name.in_(named), _ROWS.c.closed_at.is_(None))
    writing().execute(update(_ROWS).where(*here).values(done))
    _nearest(*which)


def _nearest(*which: ColumnElement[bool]) -> None:
    """Keep the nearest date of the present state on the cases: an open one, or one that passed and was only noted."""
    rows, cases = CaseDeadline.__table__, Case.__table__
    noted = and_(rows.c.outcome == FIRED, rows.c.due_at > cases.c.since_at)
    nearest = (
        select(func.min(rows.c.due_at))
        .where(rows.c.case_id == cases.c.id, or_(rows.c.closed_at.is_(None), noted))
        .correlate(cases)
        .scalar_subquery()
    )
    writing().execute(update(cases).where(*which).values(due_at=nearest))


def next_due() -> datetime | None:
    """When the nearest open deadline of all cases falls; for whoever lets time pass in steps."""
    rows = CaseDeadline.__table__.c
    due: datetime | None = session().scalar(select(func.min(rows.due_at)).where(rows.closed_at.is_(None)))
    return due


def sweep(limit: int = 200) -> int:
    """Fire what has fallen due, each in its own unit of work; gives back how many were taken up.

    Two sweeps at once are harmless: each takes the case's lock before it looks whether the deadline is still open, and
    the move's key is the deadline's. A refused one is closed with the refusal's sentence, because asking again would
    get the same answer.
    """
    from grantflow.cases.service import fire

    rows = _ROWS
    due = (
        session()
        .execute(
            select(rows.c.id, rows.c.case_id, rows.c.trigger, rows.c.name)
            .where(rows.c.closed_at.is_(None), rows.c.due_at <= clock.now())
            .order_by(rows.c.due_at, rows.c.id)
            .limit(limit)
        )
        .all()
    )
    for row in due:
        try:
            with unit_of_work():
                if _still_open(row):
                    fire(row.case_id, row.trigger, actor=SYSTEM, key=f"deadline/{row.id}")
                    _close(row, "fired")
        except Refused as refusal:
            with unit_of_work():
                if _still_open(row):
                    _close(row, str(refusal)[:400])
        except GrantFlowError as error:
            log.warning("deadline not fired", deadline=row.id, case=row.case_id, error=str(error))
    return len(due)


def _still_open(row: Any) -> bool:
    """Whether nobody has closed the deadline meanwhile; asked under the case's lock, so that the answer stays true."""
    from grantflow.cases.service import lock

    lock(row.case_id)
    found = writing().scalar(select(_ROWS.c.id).where(_ROWS.c.id == row.id, _ROWS.c.closed_at.is_(None)))
    return found is not None


def _close(row: Any, outcome: str) -> None:
    writing().execute(update(_ROWS).where(_ROWS.c.id == row.id).values(closed_at=clock.now(), outcome=outcome))
    _nearest(Case.__table__.c.id == row.case_id)
