"""What waits for a person: a list put together from providers that the stages register.

The default provider, which asks the definitions whose desk a state is, is in `queries`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grantflow.identity.access import Actor


@dataclass(frozen=True)
class DeskItem:
    """One thing to do: what, where, by when and why. `why` is a sentence; `what` names the record."""

    what: str
    url: str
    why: Any
    due_at: datetime | None = None
    case_id: int | None = None
    ref: str = ""
    kind: str = ""
    state: Any = None
    """The card of the case's state, for its badge."""


Provider = Callable[[Actor], Iterable[DeskItem]]
Dates = Callable[[Collection[int]], Mapping[int, datetime]]
_providers: dict[str, Provider] = {}
_dates: dict[str, Dates] = {}


def provider(function: Provider) -> Provider:
    """Register a function that lists what waits for an actor."""
    _providers[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def dates_of(kind: str) -> Callable[[Dates], Dates]:
    """Register `f(case ids) -> {case id: instant}`: when cases of a kind are due whose state has no deadline of its own."""

    def keep(function: Dates) -> Dates:
        _dates[kind] = function
        return function

    return keep


def dates(rows: Collection[Any]) -> dict[int, datetime]:
    """When each of these cases is due: by its deadline, else by what its stage says; one query a kind."""
    found = {row.id: row.due_at for row in rows if row.due_at is not None}
    for kind, function in _dates.items():
        if undated := [row.id for row in rows if row.kind == kind and row.id not in found]:
            found.update(function(undated))
    return found


def items(actor: Actor) -> list[DeskItem]:
    """Everything that waits for this actor, each thing once, the most urgent first, undated ones last."""
    found: dict[tuple[int | None, str], DeskItem] = {}
    for function in _providers.values():
        for item in function(actor):
            found.setdefault((item.case_id, item.url if item.case_id is None else ""), item)
    return sorted(
        found.values(),
        key=lambda item: (
            item.due_at is None,
            item.due_at.timestamp() if item.due_at else 0,
            item.ref,
            item.case_id or 0,
        ),
    )
