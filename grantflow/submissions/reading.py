"""Owns the reading of one typed answer: from what a person wrote to the value that is kept, or to a sentence.

Leaves whole forms (what is missing, what adds up) to `answers`, sums of a budget to `budget`, and pages to
`views`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from flask_babel import lazy_gettext as _
from stdnum.exceptions import ValidationError as BadNumber
from stdnum.ru import inn, ogrn

from grantflow.money import MINOR_DIGITS
from grantflow.programmes.questions import Question
from grantflow.rendering import Unreadable, clean_text, number, parse_date, parse_decimal, parse_money
from grantflow.submissions import budget

LONGEST = 30_000
"""Characters of the longest answer anybody may send; a draft keeps more, so that nothing is lost."""
SEXES = ("women", "men", "not_stated")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[\d\s().-]{5,30}")

FaultKind = Literal["unreadable", "wrong", "limit", "missing"]


@dataclass(frozen=True)
class Fault:
    """What has to be corrected, where, in a sentence that says what to write.

    `unreadable` and `wrong` are told while writing; `limit` and `missing` only when the whole is checked.
    `part`
    names a control inside the question: "women", "3-price".
    """

    question: str
    sentence: Any
    kind: FaultKind
    part: str = ""

    @property
    def anchor(self) -> str:
        """The id of the control on the page."""
        return f"q-{self.question}" + (f"-{self.part}" if self.part else "")

    @property
    def at_once(self) -> bool:
        """Whether it is told while the draft is still being written."""
        return self.kind in ("unreadable", "wrong")


@dataclass(frozen=True)
class Read:
    """One answer as read. `value` is None where nothing can be kept; `raw` is what was typed and not
    understood."""

    value: Any = None
    raw: Any = None
    faults: tuple[Fault, ...] = ()


def read(question: Question, typed: Any, currency: str, lang: str | None = None) -> Read:
    """Read one answer. Never raises: what cannot be understood comes back as `raw` with its sentence.

    `typed` is a string; for `choices` a list of strings, for `counter` a mapping of `women`, `men`,
    `not_stated`, for
    `budget` a list of mappings of `item`, `unit`, `quantity`, `price`. Files are kept elsewhere and read
    as nothing.
    """
    if question.kind == "budget":
        sheet = budget.read(typed, currency, question.max_lines, lang)
        faults = tuple(
            Fault(question.code, f.sentence, "unreadable" if f.unreadable else "missing", f.part) for f in sheet.faults
        )
        return Read(sheet.values or None, sheet.typed if faults else None, faults)
    if question.kind == "counter":
        return _counter(question, typed, lang)
    if question.kind == "choices":
        return _choices(question, typed)
    if question.kind == "file":
        return Read()
    text = clean_text(typed if isinstance(typed, str) else "")
    if question.kind == "declaration":
        return Read(True if text in ("1", "y", "yes", "on", "true") else None)
    if not text:
        return Read()
    try:
        return _simple(question, text, currency, lang)
    except Unreadable as told:
        return Read(None, text, (Fault(question.code, told, "unreadable"),))


def _simple(question: Question, text: str, currency: str, lang: str | None) -> Read:
    code = question.code
    if question.kind == "choice" or question.kind == "yes_no":
        if text not in question.values:
            return Read(None, None, (Fault(code, _("Choose one of the answers."), "unreadable"),))
        return Read(text if question.kind == "choice" else text == "yes")
    if question.kind == "number":
        below = question.min is None or question.min < 0
        return Read(plain(parse_decimal(text, places=question.decimals, allow_negative=below, lang=lang)))
    if question.kind == "money":
        below = question.min is not None and question.min < 0
        return Read(parse_money(text, currency, allow_negative=below, lang=lang).minor)
    if question.kind == "date":
        return Read(parse_date(text).isoformat())
    if question.kind == "text":
        text = " ".join(text.split())
        sentence = _form(question, text)
        if question.format in ("inn", "ogrn") and sentence is None:
            text = re.sub(r"\s", "", text)
        return Read(text, None, () if sentence is None else (Fault(code, sentence, "wrong"),))
    return Read(text)


def _form(question: Question, text: str) -> Any:
    """The sentence when a text has not the form its question asks for."""
    if question.format in ("inn", "ogrn"):
        digits = re.sub(r"\s", "", text)
        check, lengths = (inn, (10, 12)) if question.format == "inn" else (ogrn, (13, 15))
        if not (digits.isascii() and digits.isdigit()) or len(digits) not in lengths:
            if question.format == "inn":
                return _("Write the tax number in figures: 10 for an organisation, 12 for a person.")
            return _("Write the register number in figures: 13 for an organisation, 15 for a sole trader.")
        try:
            check.validate(digits)
        except BadNumber:
            return _("The last figures of this number do not fit the others. Look at the certificate once more.")
    if question.format == "email" and not _EMAIL.fullmatch(text):
        return _("Write an e-mail address, for example name@example.org.")
    if question.format == "phone" and (not _PHONE.fullmatch(text) or sum(c.isdigit() for c in text) < 5):
        return _("Write a telephone number with its code, for example +7 8142 000-000.")
    return None


def _choices(question: Question, typed: Any) -> Read:
    ticked = [typed] if isinstance(typed, str) else list(typed or ())
    known = [value for value in question.values if value in ticked]
    foreign = [value for value in ticked if value and value not in question.values]
    faults = (Fault(question.code, _("Tick answers of the list only."), "unreadable"),) if foreign else ()
    return Read(known or None, None, faults)


def _counter(question: Question, typed: Any, lang: str | None) -> Read:
    given = {sex: clean_text(str(typed.get(sex) or "")) for sex in SEXES} if isinstance(typed, Mapping) else {}
    if not any(given.values()):
        return Read()
    counts: dict[str, int] = {}
    faults = []
    for sex in SEXES:
        try:
            counts[sex] = int(parse_decimal(given[sex], places=0, largest=10**7, lang=lang)) if given[sex] else 0
        except Unreadable as told:
            faults.append(Fault(question.code, told, "unreadable", sex))
    return Read(None, given, tuple(faults)) if faults else Read(counts)


def limits(question: Question, value: Any, currency: str, today: date) -> list[Fault]:
    """What an understood answer may not be when it is sent: too long, too many, out of bounds, in the
    future."""
    code, kind = question.code, question.kind
    if kind == "text" and len(value) > question.max_length:
        return [_too_long(code, len(value), question.max_length)]
    if kind == "long_text" and len(value) > LONGEST:
        return [_too_long(code, len(value), LONGEST)]
    if kind == "date" and question.past and date.fromisoformat(value) > today:
        return [Fault(code, _("This day has not come yet. Write the day it happened."), "limit")]
    if kind in ("number", "money", "counter", "choices"):
        return _bounds(question, value, currency)
    if kind == "file" and len(value) > question.max_files:
        sentence = _("At most %(most)s files: take away the rest.", most=question.max_files)
        return [Fault(code, sentence, "limit")]
    return []


def _too_long(code: str, length: int, most: int) -> Fault:
    sentence = _("Shorten it to %(most)s characters: it has %(length)s.", most=number(most), length=number(length))
    return Fault(code, sentence, "limit")


def _bounds(question: Question, value: Any, currency: str) -> list[Fault]:
    if question.kind == "number":
        amount = Decimal(value)
    elif question.kind == "money":
        amount = Decimal(value).scaleb(-MINOR_DIGITS[currency])
    elif question.kind == "counter":
        amount = Decimal(sum(value[sex] for sex in SEXES))
    else:
        amount = Decimal(len(value))
    if question.kind == "choices":
        few, many = _("Tick at least %(least)s."), _("Tick at most %(most)s.")
    elif question.kind == "counter":
        few = _("The three numbers must add up to %(least)s or more.")
        many = _("The three numbers must add up to %(most)s or less.")
    else:
        few, many = _("Write %(least)s or more."), _("Write %(most)s or less.")
    if question.min is not None and amount < question.min:
        return [Fault(question.code, Filled(few, least=number(question.min)), "limit")]
    if question.max is not None and amount > question.max:
        return [Fault(question.code, Filled(many, most=number(question.max)), "limit")]
    return []


class Filled:
    """A lazy sentence and what goes into it; put together when somebody reads it."""

    def __init__(self, sentence: Any, **values: Any) -> None:
        self.sentence, self.values = sentence, values

    def __str__(self) -> str:
        return str(self.sentence) % self.values


def plain(value: Decimal) -> str:
    """A decimal as an answer keeps it: exact, without an exponent or needless zeros: "17.3"."""
    return format(value.normalize(), "f") if value else "0"


def to_type(question: Question, value: Any, currency: str) -> Any:
    """A kept value as somebody would type it in the reader's language: what a form is filled with again."""
    if question.kind == "counter":
        return {sex: str(value[sex]) for sex in SEXES} if value else dict.fromkeys(SEXES, "")
    if question.kind == "budget":
        return budget.to_type(value or [], currency)
    if question.kind == "choices":
        return list(value or ())
    if value is None:
        return ""
    if question.kind == "number":
        return number(Decimal(value))
    if question.kind == "money":
        return budget.money_to_type(value, currency)
    if question.kind == "date":
        return f"{date.fromisoformat(value):%d.%m.%Y}"
    if question.kind == "yes_no":
        return "yes" if value else "no"
    if question.kind == "declaration":
        return "1" if value else ""
    return value
