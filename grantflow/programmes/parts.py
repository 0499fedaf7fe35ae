"""Owns the small values a programme pack is made of: texts in two languages, sums, percentages, periods.

Leaves what they are put together to (questions, terms, calls, programmes) to `questions`, `terms` and `pack`.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from grantflow.money import LARGEST_MINOR, MINOR_DIGITS, Money

_PERIOD = re.compile(r"P(?=\d)(?:(?P<months>\d{1,3})M)?(?:(?P<weeks>\d{1,3})W)?(?:(?P<days>\d{1,4})D)?\Z")
_LONE = {"Cc", "Cs", "Co", "Cn"}
PACK_CURRENCIES = tuple(sorted(code for code, digits in MINOR_DIGITS.items() if digits == 2))
"""A pack writes its sums before its currency is known to the reader of one key: only currencies of two
digits."""


class Part(BaseModel):
    """A frozen piece of a pack. An unknown key is a fault, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


def _prose(text: str) -> str:
    text = "\n".join(line.rstrip() for line in text.strip().split("\n"))
    for character in text:
        if character != "\n" and unicodedata.category(character) in _LONE:
            raise ValueError(f"holds the invisible character U+{ord(character):04X}; take it away")
    return text


def number_of(value: Any) -> Decimal:
    """A decimal from an integer, a Decimal or text with a comma or a point; ValueError with a sentence
    otherwise.

    A binary float is refused: what it holds is not what was written.
    """
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError('must be a number such as 12, 17.3 or "17,3"')
    text = re.sub(r"[\s\u00a0\u202f]", "", str(value)).replace(",", ".")
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise ValueError(f'"{value}" is no number; write one such as 12, 17.3 or "17,3"') from None
    if not found.is_finite() or abs(found) > LARGEST_MINOR:
        raise ValueError(f'"{value}" is too large')
    return found


def plain(value: Decimal) -> str:
    """The shortest way to write a decimal exactly, without an exponent: 17.3, 500, 0.5."""
    return format(value.normalize(), "f") if value else "0"


def _minor(value: Any) -> int:
    return Money.of(number_of(value), "RUB").minor


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'"{name}" is no time zone; write one such as "Europe/Moscow"') from None
    return name


def _period(text: str) -> str:
    if not _PERIOD.match(text):
        raise ValueError('must be a length of time in months, weeks and days, such as "P4M", "P2W" or "P30D"')
    return text


def _wall_clock(moment: datetime) -> datetime:
    if moment.tzinfo is not None:
        raise ValueError("is the hour on the wall of the call's own zone: write it without an offset")
    return moment


Text = Annotated[str, StringConstraints(min_length=1, max_length=6000), AfterValidator(_prose)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
PlaceCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", max_length=40)]
Number = Annotated[Decimal, BeforeValidator(number_of), PlainSerializer(plain, return_type=str)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Minor = Annotated[
    int, BeforeValidator(_minor), PlainSerializer(lambda minor: plain(Decimal(minor) / 100), return_type=str)
]
"""A sum: whole units with decimals in the file ("4200000" or "1234.50"), an integer of minor units in
Python."""
Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, StringConstraints(pattern="^(" + "|".join(PACK_CURRENCIES) + ")$")]
Period = Annotated[str, AfterValidator(_period)]
WallClock = Annotated[datetime, AfterValidator(_wall_clock)]
Operator = Literal[">=", ">"]


class Prose(Part):
    """A longer text in both languages; paragraphs are parted by empty lines."""

    en: Text
    ru: Text

    def in_(self, language: str) -> str:
        """The text in a language given as `en`, `ru`, `ru_RU` or `ru-RU`; English for any other."""
        return self.ru if language[:2].lower() == "ru" else self.en


def add_period(day: date, period: str) -> date:
    """The day a period after another: months by the calendar (31 January and P1M is the last of February),
    then days."""
    found = _PERIOD.match(period)
    if not found:
        raise ValueError(f'"{period}" is no period')
    months, weeks, days = (int(found[name] or 0) for name in ("months", "weeks", "days"))
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date.fromordinal(date(year, month + 1, min(day.day, last)).toordinal() + weeks * 7 + days)
