"""Which definitions are in force, and the pinned ones of running cases, kept in the database under their hash.

Reading and judging definition files is the engine's; moving live cases to a newer one is an explicit act, `amending`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from grantflow import clock
from grantflow.cases.models import Definition
from grantflow.config import resource_folder
from grantflow.db import insert_if_new, session, writing
from grantflow.engine.definition import State, Workflow
from grantflow.engine.loader import load
from grantflow.engine.registry import registry


@lru_cache(maxsize=8)
def _load(folder: Path) -> dict[str, Workflow]:
    return load(folder, registry)


def current(name: str) -> Workflow:
    """The workflow of that name as its file stands now. The first call reads and judges all files at once."""
    return _load(resource_folder("workflows"))[name]


def all_current() -> dict[str, Workflow]:
    """Every workflow by name. Raises DefinitionFaults with every fault of every file."""
    return dict(_load(resource_folder("workflows")))


@lru_cache(maxsize=256)
def _parsed(content: str) -> Workflow:
    return Workflow.from_content(content)


_pinned: dict[str, Workflow] = {}


def pinned(workflow_hash: str) -> Workflow:
    """The definition a case is pinned to. Content never changes under its hash, so it is read once a process."""
    found = _pinned.get(workflow_hash)
    if found is None:
        content = session().scalar(select(Definition.content).where(Definition.hash == workflow_hash))
        if content is None:
            raise LookupError(f"definition {workflow_hash} is not in the database")
        found = _pinned[workflow_hash] = _parsed(content)
    return found


def card(case: Any) -> State:
    """The card of the state a case stands in: label, tone, stage, desk."""
    return pinned(case.workflow_hash).state(case.state)


def pin(workflow: Workflow) -> str:
    """Keep a definition in the database, once, and give back its hash."""
    known = session().scalar(select(Definition.hash).where(Definition.hash == workflow.content_hash))
    if known is None:
        writing().execute(
            insert_if_new(Definition.__table__),
            {
                "hash": workflow.content_hash,
                "name": workflow.name,
                "content": workflow.content,
                "stored_at": clock.now(),
            },
        )
    return workflow.content_hash


CHANGED = "definition_changed"
"""The record of a case being put under another version of its definition."""


def along(case: Any, events: Sequence[Any]) -> list[Workflow | None]:
    """The version under which each of a case's events, all of them in order, was written.

    The event that changes it stands under the newer one; where it came from is a state of the older, as of the event
    before. A move or state that a newer version has no more keeps its words that way.
    """
    changes = [event for event in events if event.move == CHANGED]
    return [at(case, changes, event.seq) for event in events]


def at(case: Any, changes: Sequence[Any], seq: int) -> Workflow | None:
    """The version under which one event of a case was written, `changes` being its changes of version in their order."""
    for change in changes:
        if change.seq > seq:
            fields = change.facts.get("changes", ())
            before = next((field["before"] for field in fields if field["field"] == "definition"), None)
            if before is not None:
                return pinned(before)
    return pinned(case.workflow_hash) if case.workflow_hash is not None else None


def kept() -> list[Workflow]:
    """Every version of every workflow that the database keeps, in one query."""
    return [pinned(number) for number in session().scalars(select(Definition.hash).order_by(Definition.hash)).all()]


def versions_of(name: str) -> list[Workflow]:
    """Every version of a workflow that a case was ever put under, the oldest first."""
    query = select(Definition.hash).where(Definition.name == name).order_by(Definition.stored_at, Definition.hash)
    return [pinned(number) for number in session().scalars(query).all()]
