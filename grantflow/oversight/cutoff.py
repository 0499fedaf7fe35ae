"""A cut-off: how far each history reached at one moment, so that the same workbook can be written again later.

The last event of every case says it exactly: a chain has no gaps and nothing before its last event is ever changed,
while the highest number of an event on PostgreSQL says nothing of those whose writers were still at work. Number, title
and version of the workflow, which a case may change later, are kept beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.errors import NotFound
from grantflow.history.canonical import canonical
from grantflow.identity.access import Actor

_C = Case.__table__.c
LOT = 500
"""So many events are held in memory at a time."""


@dataclass(frozen=True)
class Chain:
    """One case as it stood: `last` is the number of its last event then."""

    id: int
    kind: str
    workflow_hash: str | None
    last: int
    ref: str
    title: str


@dataclass(frozen=True)
class Window:
    """Events to be read at once: some whole chains, or a part of one long chain."""

    chains: tuple[Chain, ...]
    first: int
    last: int


@dataclass(frozen=True)
class CutOff:
    """The chains in the order of their cases."""

    chains: tuple[Chain, ...]

    @property
    def events(self) -> int:
        """How many events they hold."""
        return sum(chain.last for chain in self.chains)

    @property
    def fingerprint(self) -> str:
        """Two cut-offs with one fingerprint are the same."""
        return hashlib.sha256(canonical(self.kept()).encode()).hexdigest()

    def kept(self) -> dict[str, Any]:
        """As it stands in the database, each version of a workflow once."""
        versions = sorted({chain.workflow_hash for chain in self.chains if chain.workflow_hash is not None})
        places = {version: place for place, version in enumerate(versions)}
        return {
            "workflows": versions,
            "chains": [[c.id, c.kind, places.get(c.workflow_hash or ""), c.last, c.ref, c.title] for c in self.chains],
        }

    def windows(self, size: int = LOT) -> Iterator[Window]:
        """The events in lots of about `size`, case by case, each case's in their order."""
        lot: list[Chain] = []
        for chain in self.chains:
            if lot and sum(c.last for c in lot) + chain.last > size:
                yield Window(tuple(lot), 1, max(c.last for c in lot))
                lot = []
            if chain.last <= size:
                lot.append(chain)
                continue
            for first in range(1, chain.last + 1, size):
                yield Window((chain,), first, min(first + size - 1, chain.last))
        if lot:
            yield Window(tuple(lot), 1, max(c.last for c in lot))


def read(kept: dict[str, Any]) -> CutOff:
    """The cut-off from what `kept()` gave."""
    versions = kept["workflows"]
    return CutOff(
        tuple(
            Chain(number, kind, None if place is None else versions[place], last, ref, title)
            for number, kind, place, last, ref, title in kept["chains"]
        )
    )


def _about(actor: Actor, case: Any, *columns: Any) -> Any:
    """A query of a case with its descendants, or of a call with all that belongs to it, as far as this actor may see."""
    query = select(*columns).where(visible_to(actor)).order_by(_C.id)
    if case.kind == "call":
        return query.where(or_(_C.call_id == case.id, _C.id == case.id))
    family = select(_C.id).where(_C.id == case.id).cte("family", recursive=True)
    family = family.union(select(_C.id).where(_C.parent_id == family.c.id))
    return query.where(_C.id.in_(select(family.c.id)))


def now(actor: Actor, case: Any) -> CutOff:
    """As far as the histories reach now, of what this actor may see; NotFound where that is nothing."""
    rows = session().execute(_about(actor, case, _C.id, _C.kind, _C.workflow_hash, _C.version, _C.ref, _C.title))
    found = tuple(Chain(r.id, r.kind, r.workflow_hash, r.version, r.ref or "", r.title) for r in rows)
    if not found:
        raise NotFound
    return CutOff(found)


def still_seen(actor: Actor, case: Any, chains: Iterable[Chain]) -> bool:
    """Whether this actor may see all of them today."""
    return {chain.id for chain in chains} <= set(session().scalars(_about(actor, case, _C.id)))
