"""What an applicant may not know yet: between the panel's decision and its announcement an application is "being
decided"; and a move whose letters lie yet, so that it can be taken back untold, has not happened.

Which cases somebody may see at all is in `access`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, and_, insert, or_, select, update

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.models import Case, Untold
from grantflow.db import session
from grantflow.engine.definition import Stage, State, Workflow
from grantflow.identity.access import Actor

_C, _UNTOLD = Case.__table__.c, Untold.__table__
_U = _UNTOLD.c
ANNOUNCED = (Stage.AWARD, Stage.DISBURSEMENT, Stage.FOLLOWUP, Stage.CLOSED, Stage.REFUSED)
INSIDERS = {"officer", "manager", "finance", "auditor", "panellist", "chair", "system", "admin"}
_ENDS = {"declined"}
"""An ending the panel decides; other endings (withdrawn, ineligible, disqualified) are told at once."""
DECIDING = _("The panel is deciding. Until the results are announced, write to the programme officer.")
WORKED_ON = _("A programme officer is working on it at this moment. Come back to it in a quarter of an hour.")


def decided(workflow: Workflow, state: str) -> bool:
    """Whether a state tells what the panel decided."""
    card = workflow.state(state)
    return card.stage in (Stage.DECISION, Stage.AWARD) or state in _ENDS


def _discussed(workflow: Workflow) -> State:
    """The last card before the decision."""
    scoring = [state for state in workflow.states if state.stage == Stage.SCORING]
    return scoring[-1] if scoring else workflow.state(workflow.initial)


@dataclass(frozen=True)
class Shown:
    """A case's state as a reader may know it: the card, and whether the true one is sealed; then why they have to wait."""

    state: State
    sealed: bool = False
    wait: Any = ""


def _outside(case: Any, actor: Actor) -> bool:
    return case.kind == "application" and not actor.roles_on(case) & INSIDERS


def shown_states(cases: Iterable[Any], actor: Actor) -> dict[int, Shown]:
    """The states of cases as this actor may know them, in at most two queries."""
    rows = [case for case in cases if case.workflow_hash is not None]
    found, doubtful = {}, []
    for case in rows:
        workflow = definitions.pinned(case.workflow_hash)
        found[case.id] = Shown(workflow.state(case.state))
        if _outside(case, actor) and decided(workflow, case.state):
            doubtful.append(case)
    if doubtful:
        calls = {case.call_id for case in doubtful if case.call_id}
        stages = {row.id: row.stage for row in session().execute(select(_C.id, _C.stage).where(_C.id.in_(calls)))}
        for case in doubtful:
            if stages.get(case.call_id) not in ANNOUNCED:
                found[case.id] = Shown(_discussed(definitions.pinned(case.workflow_hash)), True, DECIDING)
    for case in as_told(rows, actor):
        if isinstance(case, SimpleNamespace):
            found[case.id] = Shown(definitions.card(case), True, WORKED_ON)
    return found


def public_state(case: Any, actor: Actor) -> Shown:
    """The state of one case as this actor may know it."""
    return shown_states([case], actor)[case.id]


def tell_later(ctx: Any, seq: int) -> None:
    """Keep that the move under way is told when its letters leave."""
    told = {"case_id": ctx.case.id, "seq": seq, "from_state": ctx.case.state, "tell_at": ctx.now + ctx.wait}
    ctx.session.execute(insert(_UNTOLD).values(told))


def take_back(ctx: Any) -> None:
    """Keep that the move under way takes the last one back; nobody outside ever reads of either if it was not told."""
    here = (_U.case_id == ctx.case.id, _U.seq == ctx.case.since_seq, _U.tell_at > ctx.now)
    ctx.session.execute(update(_UNTOLD).where(*here).values(taken_back_seq=ctx.case.version + 1))


def untold() -> ColumnElement[bool]:
    """SQL on cases: the move by which a case came into its present state is not told yet."""
    last = (_U.case_id == _C.id, _U.seq == _C.since_seq, _U.tell_at > clock.now())
    return select(_U.id).where(*last).exists()


def as_told(cases: Iterable[Any], actor: Actor) -> list[Any]:
    """The rows of cases as this actor may know them: where the last move is not told yet, a copy as it was before."""
    rows = list(cases)
    outside = [case.id for case in rows if case.ref is not None and _outside(case, actor)]
    if not outside:
        return rows
    now = clock.now()
    later = select(_U.case_id, _U.seq, _U.from_state).where(_U.case_id.in_(outside), _U.tell_at > now)
    before = {(row.case_id, row.seq): row.from_state for row in session().execute(later)}
    return [_before(case, before.get((case.id, case.since_seq))) for case in rows]


def one_as_told(case: Any, actor: Actor) -> Any:
    """The row of one case as this actor may know it."""
    return as_told([case], actor)[0]


def _before(case: Any, state: str | None) -> Any:
    workflow = definitions.pinned(case.workflow_hash) if state else None
    if state is None or workflow is None or state not in workflow.states_by_name:
        return case
    stage = str(workflow.state(state).stage)
    return SimpleNamespace(**{**case._asdict(), "state": state, "stage": stage, "due_at": None})


def hidden_moves(case: Any, actor: Actor) -> list[tuple[int, int]]:
    """From which event to which the moves of a case are nothing this actor reads: not told yet, or taken back before."""
    if not _outside(case, actor):
        return []
    not_yet = and_(_U.seq == case.since_seq, _U.tell_at > clock.now())
    rows = session().execute(
        select(_U.seq, _U.taken_back_seq).where(_U.case_id == case.id, or_(_U.taken_back_seq.is_not(None), not_yet))
    )
    return [(row.seq, row.taken_back_seq or row.seq) for row in rows]
