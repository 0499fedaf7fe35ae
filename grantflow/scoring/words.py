"""Values inside a refusal's sentence that are written in the reader's language only when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask_babel import lazy_ngettext

from grantflow.identity.labels import Joined
from grantflow.money import Money
from grantflow.rendering import language, money, number

NAMED = 3
"""So many records a refusal names; of the rest it gives the number."""


class Sum:
    """A sum of money, from minor units and their currency."""

    def __init__(self, minor: int, currency: str) -> None:
        self.value = Money(minor, currency)

    def __str__(self) -> str:
        return money(self.value)


class Said:
    """A number."""

    def __init__(self, value: Decimal | int) -> None:
        self.value = value

    def __str__(self) -> str:
        return number(self.value)


class Name:
    """The name of a person or body."""

    def __init__(self, named: Any) -> None:
        self.en, self.ru = named.name_in("en"), named.name_in("ru")

    def __str__(self) -> str:
        return str(self.ru if language() == "ru" else self.en)


class Filled:
    """A lazy sentence whose placeholders are filled when it is read."""

    def __init__(self, sentence: Any, **values: Any) -> None:
        self.sentence, self.values = sentence, values

    def __str__(self) -> str:
        return str(self.sentence) % {name: str(value) for name, value in self.values.items()}


def named(rows: Sequence[Any]) -> Joined:
    """The first of several records, and how many more there are."""
    said: list[Any] = list(rows[:NAMED])
    if len(rows) > NAMED:
        said.append(lazy_ngettext("%(num)d more", "%(num)d more", len(rows) - NAMED))
    return Joined(said)
