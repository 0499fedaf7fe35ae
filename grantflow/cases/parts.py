"""Sections that later stages add to a page of an earlier one: each says itself who may see it.

Which pages there are stands with their stages; the shape of a section and the way to add one stand here, once.
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


class Parts:
    """The sections of one page, by whoever makes them."""

    def __init__(self) -> None:
        self._providers: dict[str, Provider] = {}

    def add(self, function: Provider) -> Provider:
        """Register `f(what the page shows, actor) -> Part | None`."""
        self._providers[f"{function.__module__}.{function.__qualname__}"] = function
        return function

    def of(self, shown: Any, actor: Actor) -> list[Part]:
        """The sections this actor may see, in order."""
        found = [part for function in self._providers.values() if (part := function(shown, actor)) is not None]
        return sorted(found, key=lambda part: part.order)
