"""Where later stages add their section to the page of a programme, such as its sums.

Each says itself who may see it; the page shows them in order, before the calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grantflow.identity.access import Actor
from grantflow.programmes.models import Programme


@dataclass(frozen=True)
class Part:
    """A section of the page: a template of its own, given `part` as it was made here."""

    template: str
    facts: dict[str, Any]
    order: int = 50


Provider = Callable[[Programme, Actor], Part | None]
_providers: dict[str, Provider] = {}


def programme_part(function: Provider) -> Provider:
    """Register `f(programme, actor) -> Part | None`."""
    _providers[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def parts_of(programme: Programme, actor: Actor) -> list[Part]:
    """The sections this actor may see, in order."""
    found = [part for function in _providers.values() if (part := function(programme, actor)) is not None]
    return sorted(found, key=lambda part: part.order)
