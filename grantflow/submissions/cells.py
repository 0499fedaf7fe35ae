"""Owns reading one cell of a file as a day, an instant, a figure or a country. What cannot be read is Unreadable.

Leaves whole lines to `translating`, and what people type into forms to `typed`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _

from grantflow.submissions import spreadsheets, tables
from grantflow.typed import Unreadable, clean_text, parse_date

EARLIEST, LATEST = 1900, 2100


def instant(cell: tables.Cell, ways: Iterable[str], zone: str) -> datetime | None:
    """A day or an instant on the clocks of a zone, None for a blank cell. A bare number is a day as Excel counts them.

    A text is tried in the `ways` a mapping names, then as ISO 8601, then as people write days; 5/6/2012, which has two
    readings, is refused.
    """
    if isinstance(cell, tables.Unusable):
        raise Unreadable(cell.sentence)
    text = clean_text(tables.text_of(cell))
    if isinstance(cell, datetime):
        found = cell
    elif isinstance(cell, date):
        found = datetime.combine(cell, time())
    elif not text:
        return None
    elif isinstance(cell, Decimal) or (text.isascii() and text.isdigit() and len(text) == 5):
        day = spreadsheets.day_of(Decimal(text))
        if day is None:
            raise Unreadable(_("The number %(number)s is no day.", number=text))
        found = day
    else:
        found = _written(text, ways) or datetime.combine(parse_date(text), time())
    if found.tzinfo is not None:
        found = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if not EARLIEST <= found.year <= LATEST:
        raise Unreadable(_("The year %(year)s cannot be meant.", year=found.year))
    return found


def _written(text: str, ways: Iterable[str]) -> datetime | None:
    for way in ways:
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, way)
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(text)
    return None


def country(text: str) -> str:
    """A country's two letters."""
    text = text.strip().upper()
    if len(text) != 2 or not (text.isascii() and text.isalpha()):
        raise Unreadable(_("Write the country in two letters, such as NO."))
    return text


def figures(cell: Decimal, places: int) -> str:
    """A figure of a cell as text that is read one way only: three decimals are never taken for thousands."""
    text = format(cell, "f")
    decimals = len(text.partition(".")[2])
    return text + "0" if decimals == 3 > places else text
