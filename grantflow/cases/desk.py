"""What waits for a person: a list put together from providers that the stages register.

The default provider, which asks the definitions whose desk a state is, is in `queries`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grantflow.identity.access import Actor


@dataclass(frozen=True, slots=True)
class DeskItem:
    """One thing to do: what, where, by when and why. `why` is a sentence; `what` names the record.

    Of a long desk a page is shown: a provider of many gives each with what the order needs and nothing else, and
    `dress`, which is asked once for all of its items on the page and gives them whole, in the same order.
    """

    what: str = ""
    url: str = ""
    why: Any = ""
    due_at: datetime | None = None
    case_id: int | None = None
    ref: str = ""
    kind: str = ""
    state: Any = None
    """The card of the case's state, for its badge."""
    dress: Dressing | None = None
    about: Any = None
    """What its provider needs to dress it."""


Dressing = Callable[[Sequence[DeskItem]], Iterable[DeskItem]]
Provider = Callable[[Actor], Iterable[DeskItem]]
Dates = Callable[[Any], Mapping[int, datetime]]
_providers: dict[str, Provider] = {}
_dates: dict[str, Dates] = {}


def provider(function: Provider) -> Provider:
    """Register a function that lists what waits for an actor."""
    _providers[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def dates_of(kind: str) -> Callable[[Dates], Dates]:
    """Register `f(case ids) -> {case id: instant}`: when cases of a kind are due whose state has no deadline of its own.

    The ids are a collection, or a query of them: of a long desk nobody sends thousands of numbers.
    """

    def keep(function: Dates) -> Dates:
        _dates[kind] = function
        return function

    return keep


def dates(kinds: Collection[str], ids_of: Callable[[str], Any]) -> dict[int, datetime]:
    """When cases without a deadline are due by what their stage says; one query for each of these kinds that has a word.

    `ids_of(kind)` gives the ids that are asked about.
    """
    found: dict[int, datetime] = {}
    for kind, function in _dates.items():
        if kind in kinds:
            found.update(function(ids_of(kind)))
    return found


def waiting(actor: Actor) -> list[DeskItem]:
    """Everything that waits for this actor, each thing once, the most urgent first, undated ones last; not dressed."""
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


def dressed(items: Sequence[DeskItem]) -> list[DeskItem]:
    """These items whole, in their order; each provider is asked once."""
    whole: dict[int, DeskItem] = {}
    for dress in dict.fromkeys(item.dress for item in items):
        own = [n for n, item in enumerate(items) if item.dress is dress]
        plain = [items[n] for n in own]
        whole.update(zip(own, dress(plain) if dress else plain, strict=True))
    return [whole[n] for n in range(len(items))]


def items(actor: Actor) -> list[DeskItem]:
    """Everything that waits for this actor, whole."""
    return dressed(waiting(actor))
