"""Where later stages add their section to the page of a grant: tranches, reports, checks.

Each says itself who may see it; the page shows them in the order of a grant's life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grantflow.identity.access import Actor


@dataclass(frozen=True)
class Part:
    """A section of the page: a template of its own, given `part` as it was made here."""

    template: str
    facts: dict[str, Any]
    order: int = 50


Provider = Callable[[Any, Actor], Part | None]
_providers: dict[str, Provider] = {}


def award_part(function: Provider) -> Provider:
    """Register `f(case, actor) -> Part | None`."""
    _providers[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def parts_of(case: Any, actor: Actor) -> list[Part]:
    """The sections this actor may see, in order."""
    found = [part for function in _providers.values() if (part := function(case, actor)) is not None]
    return sorted(found, key=lambda part: part.order)
