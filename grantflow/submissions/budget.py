"""Owns the arithmetic of a budget table: unit × price × quantity, line by line, and its totals, never in
floats.

Leaves questions and limits to `reading` and `answers`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow.money import LARGEST_MINOR, MINOR_DIGITS
from grantflow.programmes.hearing import line_sum as line_sum
from grantflow.rendering import Unreadable, clean_text, number, parse_decimal, parse_money

COLUMNS = ("item", "unit", "quantity", "price")
QUANTITY_PLACES = 3
LONGEST_WORDS = 200


@dataclass(frozen=True)
class CellFault:
    """A cell that is blank or cannot be read; `part` is "LINE-COLUMN", lines counted from 0."""

    part: str
    sentence: Any
    unreadable: bool


@dataclass(frozen=True)
class Sheet:
    """A budget as typed and as read. `sums` has a place for each typed line, None for one not counted yet."""

    typed: list[dict[str, str]]
    values: list[dict[str, Any]]
    sums: list[int | None]
    faults: tuple[CellFault, ...]

    @property
    def total(self) -> int:
        """Minor units of all lines that are understood."""
        return sum(line for line in self.sums if line is not None)

    @property
    def waiting(self) -> int:
        """How many lines are not counted yet."""
        return sum(line is None for line in self.sums)


def total(lines: Sequence[Mapping[str, Any]]) -> int:
    """The total of kept lines in minor units."""
    return sum(line_sum(Decimal(line["quantity"]), line["price_minor"]) for line in lines)


def share(part: int, whole: int) -> Decimal | None:
    """How many per cent one sum is of another, to a tenth; None of nothing."""
    if whole <= 0:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def read(typed: Any, currency: str, most: int, lang: str | None = None) -> Sheet:
    """Read typed lines; wholly blank ones are dropped. A line counts when all but its unit can be
    understood."""
    lines = [
        {column: clean_text(str(line.get(column) or "")) for column in COLUMNS}
        for line in (typed if isinstance(typed, list | tuple) else ())
        if isinstance(line, Mapping)
    ]
    lines = [line for line in lines if any(line.values())]
    values: list[dict[str, Any]] = []
    sums: list[int | None] = []
    faults: list[CellFault] = []
    for at, line in enumerate(lines):
        value, wrong = _line(at, line, currency, lang)
        faults += wrong
        lines[at] = _plain(line, currency, lang)
        if value is None:
            sums.append(None)
        else:
            values.append(value)
            sums.append(line_sum(Decimal(value["quantity"]), value["price_minor"]))
    if len(lines) > most:
        told = _("At most %(most)s lines: put small things together.", most=most)
        faults.append(CellFault(f"{most}-item", told, True))
    return Sheet(lines, values, sums, tuple(faults))


def _figures(value: Decimal) -> str:
    return format(value.normalize(), "f") if value else "0"


def _plain(line: dict[str, str], currency: str, lang: str | None) -> dict[str, str]:
    """A typed line with the figures that are understood written plainly: read the same in either language
    later."""
    plain = dict(line)
    with contextlib.suppress(Unreadable):
        plain["quantity"] = _figures(parse_decimal(line["quantity"], places=QUANTITY_PLACES, lang=lang))
    with contextlib.suppress(Unreadable):
        plain["price"] = _figures(parse_money(line["price"], currency, lang=lang).amount)
    return plain


def _line(
    at: int, line: dict[str, str], currency: str, lang: str | None
) -> tuple[dict[str, Any] | None, list[CellFault]]:
    faults = []
    quantity = price = None
    if not line["item"]:
        faults.append(CellFault(f"{at}-item", _("Write what it is."), False))
    for column in ("item", "unit"):
        if len(line[column]) > LONGEST_WORDS:
            told = _(
                "Shorten it to %(most)s characters: it has %(length)s.",
                most=LONGEST_WORDS,
                length=len(line[column]),
            )
            faults.append(CellFault(f"{at}-{column}", told, True))
    if not line["quantity"]:
        faults.append(CellFault(f"{at}-quantity", _("Write how many."), False))
    else:
        try:
            quantity = parse_decimal(line["quantity"], places=QUANTITY_PLACES, largest=10**7, lang=lang)
        except Unreadable as told:
            faults.append(CellFault(f"{at}-quantity", told, True))
    if not line["price"]:
        faults.append(CellFault(f"{at}-price", _("Write the price of one."), False))
    else:
        try:
            price = parse_money(line["price"], currency, lang=lang).minor
        except Unreadable as told:
            faults.append(CellFault(f"{at}-price", told, True))
    if quantity is not None and quantity == 0:
        faults.append(CellFault(f"{at}-quantity", _("Write a number above zero, or clear the line."), True))
    if quantity is not None and price is not None and quantity * price > LARGEST_MINOR:
        faults.append(
            CellFault(f"{at}-price", _("This sum is too large. Look at the number and the price once more."), True)
        )
    if faults or quantity is None or price is None:
        return None, faults
    kept = format(quantity.normalize(), "f")
    return {"item": line["item"], "unit": line["unit"], "quantity": kept, "price_minor": price}, []


def money_to_type(minor: int, currency: str) -> str:
    """A sum as somebody would type it in the reader's language: kopecks only where there are any."""
    digits = MINOR_DIGITS[currency]
    return number(Decimal(minor).scaleb(-digits), digits if minor % 10**digits else 0).replace("−", "-")


def to_type(lines: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, str]]:
    """Kept lines as somebody would type them."""
    return [
        {
            "item": line["item"],
            "unit": line["unit"],
            "quantity": number(Decimal(line["quantity"])),
            "price": money_to_type(line["price_minor"], currency),
        }
        for line in lines
    ]
