"""What lies in the hands of one member: to declare, to score, to finish, done; and for a chair, what can be closed.

Counted and ordered in the database, shown a page at a time. Nothing is written; what a line shows is in `queries`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select

from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.identity.access import Actor
from grantflow.paging import Page
from grantflow.scoring import standing
from grantflow.scoring.models import Interest, Panel, PanelMember, Review
from grantflow.scoring.queries import Line, Sheet, lines_of, scope_of

PAGE = 50
TODO = ("declare", "score", "finish", "done")
_C, _I, _R, _P = Case.__table__.c, Interest.__table__.c, Review.__table__.c, Panel.__table__.c


@dataclass(frozen=True)
class Task:
    """An application in the hands of one member. `todo`: declare, score, finish, or nothing any more."""

    line: Line
    sheet: Sheet
    todo: str
    review: Review | None


@dataclass(frozen=True)
class Tasks:
    """A page of what a member has to read, what waits on top, and how much there is of each kind."""

    counts: dict[str, int]
    shown: tuple[Task, ...]
    page: Page

    @property
    def total(self) -> int:
        """How many there are, done ones included."""
        return sum(self.counts.values())


def _todo(actor: Actor) -> Any:
    """SQL on a case and the actor's own review of it: what is to be done."""
    said = exists().where(_I.case_id == _C.id, _I.person_id == actor.person_id)
    return case(
        (~standing.open_now(), "done"),
        (~said, "declare"),
        (_R.id.is_(None), "score"),
        (_R.status == "draft", "finish"),
        else_="done",
    )


def _mine(actor: Actor, sheets: Sequence[Sheet], *columns: Any) -> Any | None:
    """These columns of every application in the actor's panels; None where they sit on none of these."""
    mine = actor.scopes("panellist", "panel_id") | actor.scopes("chair", "panel_id")
    panels = mine & {sheet.id for sheet in sheets}
    if not panels:
        return None
    seats = select(PanelMember.panel_id).where(
        PanelMember.person_id == actor.person_id, PanelMember.left_on.is_(None), PanelMember.panel_id.in_(panels)
    )
    own = and_(_R.case_id == _C.id, _R.person_id == actor.person_id)
    return (
        select(*columns)
        .select_from(Case.__table__.outerjoin(Review.__table__, own))
        .where(
            _C.kind == "application",
            _C.panel_id.in_(seats),
            _C.stage.in_((Stage.SCORING, Stage.DECISION)),
            visible_to(actor),
        )
    )


def tasks_of(actor: Actor, sheets: Sequence[Sheet], wanted: str = "", number: int = 1) -> Tasks:
    """A page of what a member has to read, in every panel they sit on; what they have an interest in is not there.

    `wanted` narrows to one of TODO; anything else is all.
    """
    todo = _todo(actor).label("todo")
    # Over without their review: it is nothing of theirs.
    theirs = or_(todo != "done", _R.id.is_not(None))
    counting = _mine(actor, sheets, todo, func.count())
    if counting is None:
        return Tasks(dict.fromkeys(TODO, 0), (), Page(1, 0, PAGE))
    found = {row[0]: row[1] for row in session().execute(counting.where(theirs).group_by("todo"))}
    counts = {name: found.get(name, 0) for name in TODO}
    page = Page(number, counts[wanted] if wanted in counts else sum(counts.values()), PAGE)
    by_panel = {sheet.id: sheet for sheet in sheets}
    dates = sorted({sheet.due_at for sheet in sheets})
    due = case({sheet.id: dates.index(sheet.due_at) for sheet in sheets}, value=_C.panel_id)
    listing = _mine(actor, sheets, _C.id, _C.panel_id, todo)
    assert listing is not None
    listing = listing.where(todo == wanted) if wanted in counts else listing
    rows = session().execute(
        listing.where(theirs).order_by(case((todo == "done", 1), else_=0), due, _C.ref, _C.id)
        .limit(PAGE).offset(page.offset)
    ).all()  # fmt: skip
    ids = [row.id for row in rows]
    lines = lines_of(ids, actor)
    reviews = {
        review.case_id: review
        for review in session().scalars(
            select(Review).where(Review.person_id == actor.person_id, Review.case_id.in_(ids))
        )
    }
    shown = tuple(
        Task(lines[row.id], by_panel[row.panel_id], "" if row.todo == "done" else row.todo, reviews.get(row.id))
        for row in rows
    )
    return Tasks(counts, shown, page)


def waiting(actor: Actor, sheets: Sequence[Sheet]) -> list[Any]:
    """Every application that waits for this member, in the columns a desk is ordered by: id, ref, panel_id, todo."""
    todo = _todo(actor).label("todo")
    query = _mine(actor, sheets, _C.id, _C.ref, _C.panel_id, todo)
    if query is None:
        return []
    return list(session().execute(query.where(todo != "done").order_by(_C.id)).all())


def closable(actor: Actor, sheets: Sequence[Sheet]) -> list[Any]:
    """Every application of this chair that has its quorum and is still open, in the columns of `waiting`."""
    chaired = [sheet.id for sheet in sheets if "chair" in actor.roles_on(scope_of(sheet))]
    if not chaired:
        return []
    reviews = select(func.count()).where(_R.case_id == _C.id, standing.counts()).scalar_subquery()
    query = (
        select(_C.id, _C.ref, _C.panel_id)
        .select_from(Case.__table__.join(Panel.__table__, _P.case_id == _C.panel_id))
        .where(_C.kind == "application", _C.panel_id.in_(chaired), standing.open_now(), visible_to(actor))
        .where(reviews >= _P.quorum)
        .order_by(_C.id)
    )
    return list(session().execute(query).all())
