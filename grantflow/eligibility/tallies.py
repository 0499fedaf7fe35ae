"""Owns the counts of a call: what was sent, by state, and how many drafts there are; all calls in one query.

Leaves lists to `queries`. Drafts are counted here and shown nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, case, func, select

from grantflow import clock
from grantflow.cases import definitions
from grantflow.db import session
from grantflow.engine.definition import State, Workflow
from grantflow.submissions.rows import APPLICATIONS, CASES

_A, _C = APPLICATIONS.c, CASES.c


@dataclass(frozen=True)
class Count:
    """How many applications are in a state."""

    state: State
    number: int


@dataclass
class Tally:
    """The counts of a call: drafts, what was never sent, and what was sent by state in the order of the
    workflow."""

    drafts: int = 0
    never_sent: int = 0
    counts: list[Count] = field(default_factory=list)
    asked: int = 0
    late: int = 0
    waiting: int = 0

    @property
    def sent(self) -> int:
        """Everything that was sent."""
        return sum(count.number for count in self.counts)


def tallies(call_ids: list[int], roles: set[str]) -> dict[int, Tally]:
    """The counts of several calls in one query. `waiting` is what lies on the desk of one of these roles."""
    found = {call_id: Tally() for call_id in call_ids}
    if not call_ids:
        return found
    late = func.sum(case((and_(_C.due_at < clock.now(), _C.stage == "submission"), 1), else_=0))
    rows = session().execute(
        select(
            _C.call_id, _C.workflow_hash, _C.state, _A.submitted_version.is_(None).label("unsent"),
            func.count().label("number"), func.coalesce(func.sum(_A.asked_minor), 0).label("asked"),
            late.label("late"),
        )
        .join(APPLICATIONS, _A.case_id == _C.id)
        .where(_C.call_id.in_(call_ids), _C.kind == "application")
        .group_by(_C.call_id, _C.workflow_hash, _C.state, _A.submitted_version.is_(None))
    ).all()  # fmt: skip
    merged: dict[int, dict[str, list[Any]]] = {call_id: {} for call_id in call_ids}
    flows: dict[int, Workflow] = {}
    for row in rows:
        tally, workflow = found[row.call_id], definitions.pinned(row.workflow_hash)
        flows[row.call_id] = workflow
        state = workflow.state(row.state)
        if row.unsent:
            if state.stage == "preparation":
                tally.drafts += row.number
            else:
                tally.never_sent += row.number
            continue
        entry = merged[row.call_id].setdefault(row.state, [state, 0])
        entry[1] += row.number
        tally.asked += int(row.asked)
        tally.late += int(row.late or 0)
        if state.desk in roles:
            tally.waiting += row.number
    current = definitions.current("application")
    for call_id, tally in found.items():
        known = merged[call_id]
        order = [s for s in flows.get(call_id, current).states if s.stage != "preparation" and s.name != "lapsed"]
        order += [entry[0] for name, entry in known.items() if name not in {s.name for s in order}]
        tally.counts = [Count(known.get(s.name, [s, 0])[0], known.get(s.name, [s, 0])[1]) for s in order]
    return found
