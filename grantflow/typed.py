"""What a person typed, read back: amounts, numbers, dates and text, in English or Russian habits of writing.

What can be read in two ways is refused with a sentence that says what to write; showing is `rendering`.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

from babel import dates, numbers
from flask import has_app_context
from flask_babel import get_locale
from flask_babel import lazy_gettext as _

from grantflow.money import LARGEST_MINOR, MINOR_DIGITS, Money

SPACES = "\u00a0\u2007\u2009\u202f "
"""Every width of space that stands between thousands, in what people type and in what they paste."""
_GROUPED = re.compile(r"[1-9][0-9]{0,2}([ .,'])[0-9]{3}(?:\1[0-9]{3})*")
_FIGURES = re.compile(r"[0-9., ']+")
_TURNERS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_UNWANTED = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{_TURNERS}]")
"""Control characters but for tab and line end, halves of characters, and what turns the direction of reading."""
_ROUBLES = ("руб.", "руб", "р.")
_MONTHS = {
    name.casefold(): n
    for language in ("en", "ru")
    for width in ("wide", "abbreviated")
    for n, name in dates.get_month_names(width, locale=language).items()
} | {"sept": 9}


class Unreadable(ValueError):
    """What was typed cannot be read one way only. `str()` is a sentence that says what to write instead."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return str(self.sentence)


def clean_text(text: str | None) -> str:
    """Text as it is stored: NFC, one kind of line end, no control or direction-turning characters, no rim."""
    text = unicodedata.normalize("NFC", (text or "").replace("\r\n", "\n").replace("\r", "\n"))
    return _UNWANTED.sub("", text).strip()


def _language() -> str:
    found = get_locale() if has_app_context() else None
    return str(found.language) if found is not None else "en"


def _plain(figures: str, places: int, lang: str) -> str | None:
    """Digits with a decimal dot, or None where the marks can be read in two ways or in none."""
    marks = [c for c in figures if c in ".,"]
    whole, fraction = figures, ""
    if marks:
        head, _mark, tail = figures.rpartition(marks[-1])
        grouped = len(set(marks)) == 1 and bool(_GROUPED.fullmatch(figures))
        if grouped and len(marks) == 1:
            # One mark before three digits: a thousand in English prose, a decimal where three are allowed.
            if not (lang == "en" and marks[-1] == ","):
                if places < 3 or not lang:
                    return None
                whole, fraction = head, tail
        elif not grouped:
            whole, fraction = head, tail
            if not fraction.isdigit() or marks[-1] in head:
                return None
    if not whole.isdigit() and not _GROUPED.fullmatch(whole):
        return None
    return re.sub(r"\D", "", whole) + ("." + fraction if fraction else "")


def parse_decimal(
    text: str | None,
    *,
    places: int = 6,
    allow_negative: bool = False,
    largest: Decimal | int = 10**15,
    lang: str | None = None,
) -> Decimal:
    """A number as people write it: 17,3 and 17.3, 1 234,50 and 1,234.50, with any spaces. Raises Unreadable.

    `places` is how many decimals are allowed. One mark before three digits is read by the page's language
    (`lang=""`: refused), and where even that leaves two readings it is refused.
    """
    figures = re.sub(f"[{SPACES}]", " ", (text or "").strip(SPACES + "\t\r\n"))
    if not figures:
        raise Unreadable(_("Write a number in figures, for example 17.5."))
    negative = figures[0] in "-−–"
    figures = figures[1:].strip() if negative else figures
    most = f"{largest:,}".replace(",", " ")
    too_large = Unreadable(_("This number is too large. Write at most %(largest)s.", largest=most))
    if not _FIGURES.fullmatch(figures) or not any(c.isdigit() for c in figures):
        raise Unreadable(_("Write figures only, without letters or signs, for example 1,234.50."))
    if negative and not allow_negative:
        raise Unreadable(_("Write a number that is not below zero, for example 17.5."))
    if len(figures) > 60:
        raise too_large
    plain = _plain(figures, places, _language() if lang is None else lang)
    if plain is None:
        raise Unreadable(
            _("This can be read in two ways. Write it without thousands marks, for example 1234 or 1234.50.")
        )
    value = Decimal(plain)
    if value > largest:
        raise too_large
    if len(plain.partition(".")[2]) > places:
        if places == 0:
            raise Unreadable(_("Write a whole number, for example 12."))
        raise Unreadable(_("Too many figures after the decimal mark. Write at most %(places)s.", places=places))
    return -value if negative and value else value


def parse_money(text: str | None, currency: str, *, allow_negative: bool = False, lang: str | None = None) -> Money:
    """A sum of `currency` as typed, its own sign or code allowed: 132000, 132 000,00 ₽, RUB 132,000.00."""
    raw = (text or "").strip(SPACES + "\t\r\n")
    own = (currency, numbers.get_currency_symbol(currency, "ru"), *(_ROUBLES if currency == "RUB" else ()))
    for sign in own:
        if raw.casefold().endswith(sign.casefold()):
            raw = raw[: -len(sign)]
            break
        if raw.casefold().startswith(sign.casefold()):
            raw = raw[len(sign) :]
            break
    raw = re.sub(f"[{SPACES}]", " ", raw).strip()
    if not raw:
        raise Unreadable(_("Write the amount in figures, for example 14,000.50."))
    if not _FIGURES.fullmatch(raw.lstrip(" -−–")):
        raise Unreadable(_("Write the amount in figures only, for example 14,000.50."))
    digits = MINOR_DIGITS[currency]
    largest = Decimal(LARGEST_MINOR).scaleb(-digits).to_integral_value()
    amount = parse_decimal(raw, places=digits, allow_negative=allow_negative, largest=largest, lang=lang)
    return Money.of(amount, currency)


def parse_date(text: str | None, *, earliest: date = date(1900, 1, 1), latest: date = date(2100, 12, 31)) -> date:
    """2021-11-01, 01.11.2021, 1 November 2021, «1 ноября 2021 г.»; 1/11/2021 only if it has one reading."""
    example = _("Write the date as day, month, year, for example 1.11.2021.")
    words = re.sub(r" +", " ", re.sub(f"[{SPACES}\t]", " ", text or "")).strip()
    words = words.removesuffix("г.").removesuffix(" г").strip()
    if len(words) > 40:
        raise Unreadable(example)
    found = re.fullmatch(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})", words) or re.fullmatch(
        r"(?P<d>[0-9]{1,2})(?P<sep>[./]| ) ?(?P<m>[0-9]{1,2}|[^\W\d_]+\.?)(?:(?P=sep)| ) ?(?P<y>[0-9]{4})",
        words,
    )
    if not found:
        raise Unreadable(example)
    said = found["m"].casefold()
    month = int(said) if said.isdigit() else _MONTHS.get(said) or _MONTHS.get(said.rstrip(".") + ".", 0)
    if "/" in words and int(found["d"]) <= 12 and month <= 12 and month != int(found["d"]):
        raise Unreadable(_("This can be read in two ways. Write the month as a word, for example 1 November 2021."))
    if not month:
        raise Unreadable(example)
    try:
        read = date(int(found["y"]), month, int(found["d"]))
    except ValueError:
        raise Unreadable(_("There is no such day in the calendar. Write for example 1.11.2021.")) from None
    if not earliest <= read <= latest:
        between = {"first": f"{earliest:%d.%m.%Y}", "last": f"{latest:%d.%m.%Y}"}
        raise Unreadable(_("Write a date between %(first)s and %(last)s.", **between))
    return read


def parse_hour(text: str | None) -> tuple[int, int]:
    """An hour of the day with its minutes: 23:59, 9.30. Raises Unreadable."""
    found = re.fullmatch(r"\s*([01]?[0-9]|2[0-3])[:.]([0-5][0-9])\s*", text or "")
    if not found:
        raise Unreadable(_("Write the hour as 23:59."))
    return int(found[1]), int(found[2])
