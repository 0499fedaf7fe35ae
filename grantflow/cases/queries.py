"""What the pages of cases read, each in a fixed number of queries: the case with its relatives, its time
line, its path.

It changes nothing. What waits for whom is in `waiting`; words of the time line are in `words`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select

from grantflow import rendering
from grantflow.cases import definitions, sealed, titles, words
from grantflow.cases.access import see, visible_to
from grantflow.cases.models import Case, Outbox
from grantflow.cases.service import moves_for
from grantflow.db import session
from grantflow.engine.definition import Move, State, Workflow
from grantflow.engine.verdict import Verdict, no
from grantflow.history.models import Event, PrivateValue
from grantflow.history.verify import Report, verify_case
from grantflow.identity.access import Actor
from grantflow.identity.labels import ROLE_LABELS, Joined
from grantflow.identity.models import Organisation

_C, _E, _P, _O = Case.__table__.c, Event.__table__.c, PrivateValue.__table__.c, Outbox.__table__.c
FULL = {"officer", "manager", "auditor", "finance", "system", "admin"}
"""Roles that read every line of a time line, with names and facts."""


@dataclass
class Line:
    """One line of a time line as the macro draws it."""

    seq: int
    at: datetime
    say: Any
    by: Any = ""
    tone: str = "move"
    changes: list[tuple[Any, Any, Any]] = field(default_factory=list)
    facts: list[tuple[Any, Any]] = field(default_factory=list)
    reason: Any = ""


@dataclass
class History:
    """A case's time line, newest first, the states it went through, and whether its chain is whole."""

    lines: list[Line]
    path: list[str]
    report: Report
    full: bool
    since_at: datetime | None = None
    earlier: list[Any] = field(default_factory=list)
    """What states were called in which it was under earlier versions, and which the present one does not have."""


@dataclass
class CaseView:
    """Everything the frame of a case's page shows."""

    case: Any
    workflow: Workflow | None
    shown: sealed.Shown | None
    mine: bool
    desk: Any
    moves: list[tuple[Move, Verdict]]
    above: list[Any]
    below: list[tuple[Any, State | None]]
    organisation: str
    history: History
    due_at: datetime | None = None
    """The nearest deadline of its state, or the one it missed; none at an end and while a decision is sealed.
    """


def case_view(case_id: int, actor: Actor) -> CaseView:
    """The case as this actor may see it; NotFound for a case they may not."""
    case = see(case_id, actor)
    family = _family(case, actor)
    shown = sealed.shown_states([case, *family], actor)
    titles.load([case, *family])
    here = shown.get(case.id)
    history = timeline(case, actor, here.sealed if here else False)
    moves: list[tuple[Move, Verdict]] = []
    workflow = definitions.pinned(case.workflow_hash) if case.workflow_hash else None
    if workflow is not None:
        moves = moves_for(case, actor) if here and not here.sealed else _sealed_moves(workflow, here)
        own = actor.roles_on(case)
        # What the reader's roles could never do here would only crowd the page of an applicant.
        if not own & sealed.INSIDERS:
            moves = [(move, verdict) for move, verdict in moves if set(move.roles) & own]
    desk = here.state.desk if here and not here.state.final else None
    above_ids = tuple(dict.fromkeys((case.programme_id, case.call_id, case.parent_id)))
    return CaseView(
        case=case,
        workflow=workflow,
        shown=here,
        mine=bool(desk and desk in actor.roles_on(case)),
        desk=ROLE_LABELS.get(desk, desk) if desk else "",
        moves=moves,
        above=[row for number in above_ids for row in family if row.id == number and row.id != case.id],
        below=[
            (row, shown[row.id].state if row.id in shown else None)
            for row in family
            if row.parent_id is not None and row.id not in above_ids
        ],
        organisation=_organisation(case),
        history=history,
        due_at=None if here is None or here.sealed or here.state.final else case.due_at,
    )


def _sealed_moves(workflow: Workflow, here: sealed.Shown | None) -> list[tuple[Move, Verdict]]:
    """While a decision is sealed the same moves stand there whatever it is, so that none of them tells it."""
    if here is None:
        return []
    return [(move, no(here.wait)) for move in workflow.moves_from(here.state.name) if not move.hidden]


def _family(case: Any, actor: Actor) -> list[Any]:
    """The files above and the cases below this one that the actor may see, in one query."""
    above = [number for number in (case.parent_id, case.call_id, case.programme_id) if number]
    children = select(_C.id).where(_C.parent_id == case.id)
    kinds = ("application", "award", "tranche", "report", "check")
    below = or_(_C.parent_id == case.id, _C.parent_id.in_(children))
    if case.kind in ("programme", "call", "organisation", "alliance", "person", "panel"):
        below = _C.id.in_([])  # their lists have pages of their own
    query = (
        select(Case.__table__)
        .where(visible_to(actor), or_(_C.id.in_(above), below & _C.kind.in_(kinds)), _C.id != case.id)
        .order_by(_C.id)
        .limit(200)
    )
    return list(session().execute(query))


def _organisation(case: Any) -> str:
    if case.organisation_id is None or case.kind == "organisation":
        return ""
    row = session().get(Organisation, case.organisation_id)
    return row.name_in(rendering.language()) if row is not None else ""


def timeline(case: Any, actor: Actor, is_sealed: bool = False) -> History:
    """Every line of the case that this actor may read, newest first: three queries, and two for the chain's
    health.
    """
    roles = actor.roles_on(case)
    full = bool(roles & FULL) or case.id == actor.person_id
    events = session().execute(select(Event.__table__).where(_E.case_id == case.id).order_by(_E.seq)).all()
    beside: dict[tuple[int, str], Any] = {
        (row.seq, row.name): json.loads(row.value) if row.value is not None else words.ERASED
        for row in session().execute(select(PrivateValue.__table__).where(_P.case_id == case.id))
    }
    sent: dict[int, int] = {}
    for dedupe in session().scalars(select(_O.dedupe).where(_O.case_id == case.id)):
        seq = dedupe.split("/")[1]
        # A reminder belongs to no event, and what is about this case may have been written with another's.
        if seq.isdecimal() and dedupe.startswith(f"{case.id}/"):
            sent[int(seq)] = sent.get(int(seq), 0) + 1
    present = definitions.pinned(case.workflow_hash) if case.workflow_hash else None
    lines, path, since = [], [], None
    earlier: dict[str, Any] = {}
    hidden, before = False, None
    untold = sealed.hidden_moves(case, actor) if present else []
    for event, workflow in zip(events, definitions.along(case, events), strict=True):
        moved = event.from_state != event.to_state
        if is_sealed and workflow and event.to_state in workflow.states_by_name and moved:
            hidden = hidden or sealed.decided(workflow, event.to_state)
        if hidden:
            break
        if moved and any(first <= event.seq <= last for first, last in untold):
            continue
        if moved and event.to_state:
            path.append(event.to_state)
            since = event.at
            if workflow and present and event.to_state not in present.states_by_name:
                earlier[event.to_state] = workflow.state(event.to_state).label
        own = event.actor_id is not None and event.actor_id == actor.person_id
        if full or own or moved or event.move in words.OPEN_RECORDS:
            lines.append(_line(event, beside, workflow, full, own, sent.get(event.seq, 0)))
            if moved and workflow and before and workflow is not before:
                left, reached = before.state(event.from_state).label, workflow.state(event.to_state).label
                lines[-1].changes.append((words.field_label("state"), rendering.label(left), rendering.label(reached)))
        before = workflow
    lines.reverse()
    return History(lines, path, verify_case(case.id), full, since, list(earlier.values()))


def _line(
    event: Any,
    beside: dict[tuple[int, str], Any],
    workflow: Workflow | None,
    full: bool,
    own: bool,
    sent: int,
) -> Line:
    # The first event opens the file, whatever a workflow calls its own moves ("open").
    move = workflow.moves_by_name.get(event.move) if workflow and event.seq > 1 else None
    say = move.say if move else words.record_label(event.move)
    tone = "move"
    if workflow and event.to_state in workflow.states_by_name:
        tone = str(workflow.state(event.to_state).tone) if event.from_state != event.to_state else "idle"
    facts: list[tuple[Any, Any]] = []
    vote = event.facts.get("vote")
    if vote and move:
        if vote["number"] < vote["of"]:
            say = _(
                "%(move)s: vote %(number)s of %(of)s",
                move=rendering.label(move.label),
                number=vote["number"],
                of=vote["of"],
            )
        else:
            facts.append((_("Votes"), _("%(number)s of %(of)s", number=vote["number"], of=vote["of"])))
    role = ROLE_LABELS.get(event.role, event.role)
    name = beside.get((event.seq, "actor"), "")
    by = Joined([role, name] if event.role and name and event.actor_id else [role or name])
    line = Line(
        event.seq,
        event.at,
        say,
        by if full else _("you") if own else role,
        tone,
        reason=beside.get((event.seq, "reason"), ""),
    )
    if full or own:
        line.changes = [_change(change, event.seq, beside) for change in event.facts.get("changes", [])]
        line.facts = facts + [
            (words.FACTS[name], words.value(thing, name)) for name, thing in event.facts.items() if name in words.FACTS
        ]
        if sent and full:
            line.facts.append((_("Notices"), rendering.number(sent)))
    return line


def _change(change: dict[str, Any], seq: int, beside: dict[tuple[int, str], Any]) -> tuple[Any, Any, Any]:
    name = change["field"]
    if change.get("private"):
        before, after = beside.get((seq, f"{name}:before")), beside.get((seq, f"{name}:after"))
    else:
        before, after = change.get("before"), change.get("after")
    said = [thing if thing is words.ERASED else words.value(thing, name) for thing in (before, after)]
    return words.field_label(name), said[0], said[1]


def since(case_id: int, seq: int, actor: Actor) -> list[Line]:
    """What happened on a case after the event that a person had seen."""
    case = see(case_id, actor)
    shown = sealed.public_state(case, actor) if case.workflow_hash else None
    return [line for line in timeline(case, actor, bool(shown and shown.sealed)).lines if line.seq > seq]
