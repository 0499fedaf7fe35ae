"""Owns what is read from the history of a check: a refusal proposed and not confirmed yet, and whether it
was told.

Leaves the vote itself to the engine's quorum, and what the rules say to `standing`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from grantflow.cases import definitions, sealed
from grantflow.db import session
from grantflow.history.models import Event, PrivateValue
from grantflow.identity.access import Actor


@dataclass(frozen=True)
class Proposal:
    """A vote for a move that needs a second person: who, when, why."""

    move: Any
    by: str
    by_id: int | None
    at: Any
    reason: str
    missing: int


def proposal(case: Any) -> Proposal | None:
    """The vote under way on an application, if one officer has proposed what a second must confirm."""
    workflow = definitions.pinned(case.workflow_hash)
    names = [m.name for m in workflow.moves_from(case.state) if m.quorum > 1 and "eligibility.settle" in m.effects]
    if not names:
        return None
    events = (
        session()
        .execute(
            select(Event.seq, Event.move, Event.at, Event.actor_id)
            .where(Event.case_id == case.id, Event.move.in_(names), Event.seq > case.since_seq)
            .order_by(Event.seq.desc())
        )
        .all()
    )
    if not events:
        return None
    last = events[0]
    beside = {
        row.name: json.loads(row.value) if row.value is not None else ""
        for row in session().execute(
            select(PrivateValue.name, PrivateValue.value).where(
                PrivateValue.case_id == case.id, PrivateValue.seq == last.seq
            )
        )
    }
    move = workflow.moves_by_name[last.move]
    votes = sum(event.move == last.move for event in events)
    return Proposal(
        move, beside.get("actor", ""), last.actor_id, last.at, beside.get("reason", ""), move.quorum - votes
    )


def told(case: Any, actor: Actor) -> bool:
    """Whether the applicant has been told what the check found: a move that settles it was made."""
    workflow = definitions.pinned(case.workflow_hash)
    names = [m.name for m in workflow.moves if "eligibility.settle" in m.effects]
    untold = {seq for seq, _back in sealed.hidden_moves(case, actor)}
    found = session().scalars(
        select(Event.seq).where(Event.case_id == case.id, Event.move.in_(names), Event.from_state != Event.to_state)
    )
    return any(seq not in untold for seq in found)
