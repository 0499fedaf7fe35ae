"""What an applicant may not know yet. Between the panel's decision and its announcement an application is
"being decided".

Which cases somebody may see at all is in `access`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from grantflow.cases import definitions
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage, State, Workflow
from grantflow.identity.access import Actor

_C = Case.__table__.c
ANNOUNCED = (Stage.AWARD, Stage.DISBURSEMENT, Stage.FOLLOWUP, Stage.CLOSED, Stage.REFUSED)
INSIDERS = {"officer", "manager", "finance", "auditor", "panellist", "chair", "system", "admin"}
_ENDS = {"declined"}
"""An ending the panel decides; other endings (withdrawn, ineligible, disqualified) are told at once."""


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
    """A case's state as a reader may know it: the card, and whether the true one is sealed."""

    state: State
    sealed: bool = False


def shown_states(cases: Iterable[Any], actor: Actor) -> dict[int, Shown]:
    """The states of cases as this actor may know them, in at most one query."""
    rows = [case for case in cases if case.workflow_hash is not None]
    found, doubtful = {}, []
    for case in rows:
        workflow = definitions.pinned(case.workflow_hash)
        found[case.id] = Shown(workflow.state(case.state))
        if case.kind == "application" and not actor.roles_on(case) & INSIDERS and decided(workflow, case.state):
            doubtful.append(case)
    if doubtful:
        calls = {case.call_id for case in doubtful if case.call_id}
        stages = {row.id: row.stage for row in session().execute(select(_C.id, _C.stage).where(_C.id.in_(calls)))}
        for case in doubtful:
            if stages.get(case.call_id) not in ANNOUNCED:
                found[case.id] = Shown(_discussed(definitions.pinned(case.workflow_hash)), sealed=True)
    return found


def public_state(case: Any, actor: Actor) -> Shown:
    """The state of one case as this actor may know it."""
    return shown_states([case], actor)[case.id]
