"""What waits for whom by the definitions: the default provider of the desk, and what an applicant has moving
elsewhere.

Stages add what definitions do not know (reviews to write, forms to fill) through `desk.provider`.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _
from sqlalchemy import and_, func, or_, select

from grantflow import clock
from grantflow.cases import definitions, desk, sealed, titles
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case, Definition
from grantflow.db import session
from grantflow.engine.definition import Move, Workflow
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.identity.labels import ROLE_LABELS
from grantflow.rendering import label

_C, _E = Case.__table__.c, Event.__table__.c
ELSEWHERE = 25
OWN_PROVIDERS = ("panellist",)
"""Desks whose work is told person by person by a stage's own provider, not by the state."""


def _cards(actor: Actor) -> list[tuple[str, str]]:
    """Hash and name of every state that lies on the desk of a role this actor holds."""
    roles = {held.role for held in actor.held} - set(OWN_PROVIDERS)
    cards = []
    for (number,) in session().execute(select(Definition.hash).order_by(Definition.hash)):
        workflow = definitions.pinned(number)
        cards += [(number, s.name) for s in workflow.states if s.desk in roles and not s.final]
    return cards


def _step(workflow: Workflow, case: Any, roles: set[str], mine: list[Any]) -> Move | None:
    """The move that is expected here of one of these roles: the first that goes on and is not barred for this
    person.
    """
    barred = {row.move for row in mine}
    voted = {row.move for row in mine if row.seq > case.since_seq}
    open_to = [
        move
        for move in workflow.moves_from(case.state)
        if set(move.roles) & roles
        and move.kind != "stop"
        and not barred & set(move.distinct_from)
        and not (move.quorum > 1 and move.name in voted)
    ]
    return min(open_to, key=lambda move: (move.kind != "primary", move.reason == "required"), default=None)


@desk.provider
def by_definition(actor: Actor) -> list[desk.DeskItem]:
    """Cases on the desk of a role the actor holds on them, unless their part is done: three queries."""
    if actor.person_id is None:
        return []
    cards = _cards(actor)
    if not cards:
        return []
    here = or_(*(and_(_C.workflow_hash == number, _C.state == state) for number, state in cards))
    rows = session().execute(select(Case.__table__).where(visible_to(actor), here).order_by(_C.id)).all()
    past: dict[int, list[Any]] = {}
    ids = [row.id for row in rows]
    query = select(_E.case_id, _E.move, _E.seq).where(_E.actor_id == actor.person_id, _E.case_id.in_(ids))
    for event in session().execute(query) if ids else ():
        past.setdefault(event.case_id, []).append(event)
    items = []
    shown = sealed.shown_states(rows, actor)
    titles.load(rows)
    due = desk.dates(rows)
    for row in rows:
        workflow = definitions.pinned(row.workflow_hash)
        state = workflow.state(row.state)
        roles = actor.roles_on(row)
        if state.desk not in roles or shown[row.id].sealed:
            continue
        step = _step(workflow, row, roles, past.get(row.id, []))
        if step is None or (step.kind != "primary" and _primary_barred(workflow, row, roles)):
            continue
        items.append(
            desk.DeskItem(
                what=titles.title(row) or row.ref or "",
                url=url_for("cases.show", case_id=row.id),
                why=_("Next step: %(move)s", move=label(step.label)),
                due_at=due.get(row.id),
                case_id=row.id,
                ref=row.ref or "",
                kind=row.kind,
                state=state,
            )
        )
    return items


def _primary_barred(workflow: Workflow, case: Any, roles: set[str]) -> bool:
    """Whether going on is another person's now: there is a primary move, and it was not the one left open."""
    return any(m.kind == "primary" and set(m.roles) & roles for m in workflow.moves_from(case.state))


def elsewhere(actor: Actor, page: int = 1) -> tuple[list[dict[str, Any]], int]:
    """An applicant's applications and grants that do not wait for them: state, whose desk, next step; newest
    first.
    """
    mine = actor.scopes("applicant", "organisation_id")
    where = and_(visible_to(actor), _C.organisation_id.in_(mine), _C.kind.in_(("application", "award")))
    total = int(session().scalar(select(func.count()).select_from(Case.__table__).where(where)) or 0)
    rows = (
        session()
        .execute(
            select(Case.__table__)
            .where(where)
            .order_by(_C.opened_at.desc(), _C.id.desc())
            .limit(ELSEWHERE)
            .offset((page - 1) * ELSEWHERE)
        )
        .all()
    )
    titles.load(rows)
    shown = sealed.shown_states(rows, actor)
    found = []
    for row in rows:
        state = shown[row.id].state
        if state.desk in actor.roles_on(row):
            who: Any = _("you")
        elif state.final or state.desk is None:
            who = ""
        else:
            who = ROLE_LABELS.get(state.desk, state.desk)
        found.append(
            {
                "case": row,
                "state": state,
                "who": who,
                "sealed": shown[row.id].sealed,
                "due_at": None if shown[row.id].sealed else row.due_at,
            }
        )
    return found, total


def count(actor: Actor) -> int:
    """How many things wait on the actor's desk; worked out anew only after something happened anywhere."""
    if actor.person_id is None:
        return 0
    known: dict[int, tuple[Any, int]] = current_app.extensions.setdefault("grantflow_desk", {})
    stamp = (session().scalar(select(func.max(_E.id))), clock.today(), actor.held)
    found = known.get(actor.person_id)
    if found is None or found[0] != stamp:
        if len(known) > 5000:
            known.clear()
        found = known[actor.person_id] = (stamp, len(desk.items(actor)))
    return found[1]
