"""Sums, days and labels inside a sentence, written in the reader's language at the moment of reading.

A guard's verdict may be read later and by somebody else than whoever asked; so nothing in it is put into
words early.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow import rendering
from grantflow.money import Money


class Later:
    """Something whose text is made when somebody reads it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def __str__(self) -> str:
        return str(self.make())

    def __html__(self) -> str:
        from markupsafe import escape

        return str(escape(str(self)))


def money(value: Money) -> Later:
    """A sum with its currency."""
    return Later(lambda: rendering.money(value))


def day(value: date | datetime, style: str = "long", zone: str | None = None) -> Later:
    """A day in words."""
    return Later(lambda: rendering.day(value, style, zone))


def label(value: Any) -> Later:
    """A Label, a lazy sentence or plain text, in the reader's language."""
    return Later(lambda: rendering.label(value))


def instalment(n: int, of: int) -> Any:
    """Which of how many: 2 of 3."""
    return _("%(n)s of %(of)s", n=n, of=of)


def instalment_both(n: int, of: int) -> dict[str, str]:
    """The same in both languages at once, for a notice."""
    return {"en": f"{n} of {of}", "ru": f"{n} из {of}"}
