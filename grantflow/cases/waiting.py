"""What waits for whom by the definitions: the default provider of the desk, and what an applicant has moving
elsewhere.

Stages add what definitions do not know (reviews to write, forms to fill) through `desk.provider`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _
from sqlalchemy import and_, false, func, or_, select

from grantflow import clock
from grantflow.cases import definitions, desk, sealed, titles
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case, Definition
from grantflow.db import session
from grantflow.engine.definition import Move, Workflow
from grantflow.history.models import Event
from grantflow.identity.access import SCOPES, Actor
from grantflow.identity.labels import ROLE_LABELS
from grantflow.paging import Page
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


def _binding(workflow: Workflow, state: str) -> set[str]:
    """The moves whose maker counts for what may be done in a state: another person must go on, or they are votes."""
    moves = workflow.moves_from(state)
    return {name for move in moves for name in move.distinct_from} | {move.name for move in moves if move.quorum > 1}


_ORDERED = (
    *(_C.id, _C.kind, _C.workflow_hash, _C.state, _C.stage, _C.ref, _C.due_at, _C.since_seq, _C.call_id),
    *(_C[scope] for scope in SCOPES),
)
"""What the order of a desk and the question whether a case waits need of it; the rest is read for a page."""


@desk.provider
def by_definition(actor: Actor) -> list[desk.DeskItem]:
    """Cases on the desk of a role the actor holds on them, unless their part is done: five queries."""
    if actor.person_id is None:
        return []
    cards = _cards(actor)
    if not cards:
        return []

    def lying(some: list[tuple[str, str]]) -> Any:
        return and_(visible_to(actor), or_(false(), *(and_(_C.workflow_hash == n, _C.state == s) for n, s in some)))

    rows = session().execute(select(*_ORDERED).where(lying(cards)).order_by(_C.id)).all()
    past = _past(actor, [card for card in cards if _binding(definitions.pinned(card[0]), card[1])], lying)
    shown = sealed.shown_states([row for row in rows if row.kind == "application"], actor)
    undated = {row.kind for row in rows if row.due_at is None}
    due = desk.dates(undated, lambda kind: select(_C.id).where(lying(cards), _C.kind == kind, _C.due_at.is_(None)))
    items = []
    steps: dict[Any, Move | None] = {}
    for row in rows:
        workflow = definitions.pinned(row.workflow_hash)
        roles = actor.roles_on(row)
        if workflow.state(row.state).desk not in roles or (row.id in shown and shown[row.id].sealed):
            continue
        mine = past.get(row.id, [])
        alike = row.workflow_hash, row.state, frozenset(roles), tuple((e.move, e.seq > row.since_seq) for e in mine)
        if alike not in steps:
            step = _step(workflow, row, roles, mine)
            barred = step is not None and step.kind != "primary" and _primary_barred(workflow, row, roles)
            steps[alike] = None if barred else step
        if (step := steps[alike]) is not None:
            items.append(
                desk.DeskItem(
                    due_at=row.due_at or due.get(row.id),
                    case_id=row.id,
                    ref=row.ref or "",
                    kind=row.kind,
                    dress=_dressed,
                    about=step,
                )
            )
    return items


def _past(actor: Actor, cards: list[tuple[str, str]], lying: Any) -> dict[int, list[Any]]:
    """What the actor did on cases in these states that binds the next step, by case."""
    if not cards:
        return {}
    names = {name for number, state in cards for name in _binding(definitions.pinned(number), state)}
    found: dict[int, list[Any]] = {}
    for event in session().execute(
        select(_E.case_id, _E.move, _E.seq)
        .join(Case.__table__, _C.id == _E.case_id)
        .where(_E.actor_id == actor.person_id, _E.move.in_(names), lying(cards))
        .order_by(_E.case_id, _E.seq)
    ):
        found.setdefault(event.case_id, []).append(event)
    return found


def _dressed(items: Sequence[desk.DeskItem]) -> list[desk.DeskItem]:
    """The items of a page with title, address, next step and state."""
    ids = [item.case_id for item in items]
    rows = {row.id: row for row in session().execute(select(Case.__table__).where(_C.id.in_(ids)))}
    titles.load(rows.values())
    return [
        replace(
            item,
            what=titles.title(rows[item.case_id]) or item.ref,
            url=url_for("cases.show", case_id=item.case_id),
            why=_("Next step: %(move)s", move=label(item.about.label)),
            state=definitions.card(rows[item.case_id]),
        )
        for item in items
    ]


def _primary_barred(workflow: Workflow, case: Any, roles: set[str]) -> bool:
    """Whether going on is another person's now: there is a primary move, and it was not the one left open."""
    return any(m.kind == "primary" and set(m.roles) & roles for m in workflow.moves_from(case.state))


def elsewhere(actor: Actor, number: int = 1) -> tuple[list[dict[str, Any]], Page]:
    """An applicant's applications and grants that do not wait for them: state, whose desk, next step; newest
    first, a page at a time.
    """
    mine = actor.scopes("applicant", "organisation_id")
    where = and_(visible_to(actor), _C.organisation_id.in_(mine), _C.kind.in_(("application", "award")))
    total = int(session().scalar(select(func.count()).select_from(Case.__table__).where(where)) or 0)
    page = Page(number, total, ELSEWHERE)
    rows = (
        session()
        .execute(
            select(Case.__table__)
            .where(where)
            .order_by(_C.opened_at.desc(), _C.id.desc())
            .limit(ELSEWHERE)
            .offset(page.offset)
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
    return found, page


def count(actor: Actor) -> int:
    """How many things wait on the actor's desk; worked out anew only after something happened anywhere."""
    if actor.person_id is None:
        return 0
    known = _known()
    stamp = _stamp(actor)
    found = known.get(actor.person_id)
    if found is None or found[0] != stamp:
        if len(known) > 5000:
            known.clear()
        found = known[actor.person_id] = (stamp, len(desk.waiting(actor)))
    return found[1]


def look(actor: Actor) -> list[desk.DeskItem]:
    """What lies on the actor's desk, not dressed; it is counted with the same look."""
    if actor.person_id is None:
        return []
    stamp, found = _stamp(actor), desk.waiting(actor)
    _known()[actor.person_id] = (stamp, len(found))
    return found


def _known() -> dict[int, tuple[Any, int]]:
    known: dict[int, tuple[Any, int]] = current_app.extensions.setdefault("grantflow_desk", {})
    return known


def _stamp(actor: Actor) -> Any:
    """What changes when a desk may have changed."""
    return session().scalar(select(func.max(_E.id))), clock.today(), actor.held
