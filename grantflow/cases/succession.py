"""What of a leaver's desk follows their roles to the next person, and which steps stay the leaver's own.

A step is its maker's for good: where a later one needs a second person, that one is counted by persons. Roles
themselves move in `identity.succession`.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from grantflow.cases import definitions, desk, titles
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.cases.service import moves_for
from grantflow.db import session
from grantflow.engine.definition import Move, Workflow
from grantflow.history.models import Event
from grantflow.identity.succession import Handing, Thing, part
from grantflow.rendering import label

_C, _E = Case.__table__.c, Event.__table__.c


def _name(case: Any) -> str:
    ref, title = case.ref or "", str(titles.title(case) or "")
    return f"{ref}, {title}" if ref and title else ref or title


def look(handing: Handing) -> tuple[list[Thing], list[Thing]]:
    """Open items of the desk: what waits for the successor afterwards, what for somebody else, and steps that stay."""
    moves, stays = _waiting(handing)
    return moves, stays + _steps(handing)


def _waiting(handing: Handing) -> tuple[list[Thing], list[Thing]]:
    items = [item for item in desk.items(handing.leaver) if item.case_id is not None]
    if not items or not handing.going:
        return [], []
    heir = handing.heir
    theirs = {item.case_id for item in desk.items(heir)}
    rows = {
        row.id: row for row in session().execute(select(Case.__table__).where(_C.id.in_([i.case_id for i in items])))
    }
    moves, stays = [], []
    for item in items:
        case = rows[item.case_id]
        if not handing.leaver.roles_on(case) - {"panellist", "chair", "applicant"}:
            continue  # of a panel or an organisation, not of the house
        if item.case_id in theirs:
            moves.append(Thing(item.what, item.why, item.url))
        elif heir.roles_on(case) & handing.leaver.roles_on(case):
            stays.append(Thing(item.what, _barred(case, heir), item.url))
    return moves, stays


def _barred(case: Any, heir: Any) -> Any:
    """Why the next step of a case is not the successor's to make: the sentence that will stand under its button."""
    for move, verdict in moves_for(case, heir):
        if not verdict and move.kind == "primary":
            return verdict.because
    return _("The next step here is another person’s: the one before was the successor’s own.")


def _bind(workflow: Workflow) -> set[str]:
    """The moves whose maker counts later: another move needs a different person, or they are votes."""
    return {name for move in workflow.moves for name in move.distinct_from} | {
        move.name for move in workflow.moves if move.quorum > 1
    }


def _steps(handing: Handing) -> list[Thing]:
    """Steps of the leaver on open cases that bind the next ones: a first approval, a vote, a hold."""
    names = {name for workflow in definitions.all_current().values() for name in _bind(workflow)}
    newest = (
        select(_E.case_id, _E.move, func.max(_E.seq).label("seq")).where(_E.move.in_(names))
        .group_by(_E.case_id, _E.move).subquery()
    )  # fmt: skip
    rows = session().execute(
        select(Case.__table__, _E.move, _E.seq)
        .join(Event.__table__, _E.case_id == _C.id)
        .join(newest, (newest.c.case_id == _E.case_id) & (newest.c.move == _E.move))
        .where(
            _E.actor_id == handing.leaver.person_id,
            _E.move.in_(names),
            _C.workflow_hash.is_not(None),
            visible_to(handing.actor),
        )
        .order_by(_C.id, _E.seq)
    )
    steps: dict[tuple[int, bool], tuple[Any, list[Any]]] = {}
    for row in rows.all():
        made = binding(row, definitions.pinned(row.workflow_hash))
        if made is not None:
            steps.setdefault((row.id, made.quorum > 1), (row, []))[1].append(label(made.say))
    return [
        Thing(_name(row), _why(vote, ", ".join(said)), url_for("cases.show", case_id=row.id))
        for (_case, vote), (row, said) in steps.items()
    ]


def _why(vote: bool, steps: str) -> Any:
    if vote:
        return _("Voted: %(steps)s. It stays the leaver’s vote; the next one is another person’s.", steps=steps)
    return _(
        "Done: %(steps)s. It stays the leaver’s; the next step takes a second person, who may be the successor.",
        steps=steps,
    )


def binding(row: Any, workflow: Workflow) -> Move | None:
    """The step that was made, if it still binds from where its case stands; None where it does not."""
    if workflow.state(row.state).final or row.move not in workflow.moves_by_name:
        return None
    made = workflow.moves_by_name[row.move]
    if made.quorum > 1:
        return made if row.seq > row.since_seq and row.state in made.source else None
    return made if any(row.move in move.distinct_from for move in workflow.moves_from(row.state)) else None


part("cases", look)
