"""Owns the reading of one typed answer: from what a person wrote to the value that is kept, or to a sentence.

Leaves whole forms (what is missing, what adds up) to `answers`, sums of a budget to `budget`, and pages to
`views`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from flask_babel import lazy_gettext as _
from stdnum.exceptions import ValidationError as BadNumber
from stdnum.ru import inn, ogrn

from grantflow import clock
from grantflow.history.canonical import stamp
from grantflow.money import MINOR_DIGITS
from grantflow.programmes.hearing import SEXES as SEXES
from grantflow.programmes.questions import Question
from grantflow.rendering import (
    Unreadable,
    clean_text,
    label,
    language,
    number,
    parse_date,
    parse_decimal,
    parse_money,
)
from grantflow.submissions import budget, lines

LONGEST = 30_000
"""Characters of the longest answer anybody may send; a draft keeps more, so that nothing is lost."""
LONGEST_NAME = 300
"""Characters of an organisation's name."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[\d\s().-]{5,30}")

FaultKind = Literal["unreadable", "wrong", "limit", "missing", "check"]


@dataclass(frozen=True)
class Fault:
    """What has to be corrected, where, in a sentence that says what to write.

    `unreadable` and `wrong` are told while writing; `limit`, `missing` and `check` (a rule of the form between answers)
    only when the whole is checked. `part`
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
    `budget` a list of mappings of `item`, `unit`, `quantity`, `price`, for `table` of its columns. Files are kept
    elsewhere and what is computed is typed by nobody: both are read as nothing.
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
    if question.kind == "table":
        table = lines.read(question, typed, lambda of, text: read(of, text, currency, lang))
        faults = tuple(
            Fault(question.code, f.sentence, "unreadable" if f.unreadable else "missing", f.part) for f in table.faults
        )
        return Read(table.values or None, table.typed if faults else None, faults)
    if question.kind == "organisation" and isinstance(typed, Mapping):
        return Read(dict(typed))
    if question.kind in ("file", "computed"):
        return Read()
    text = clean_text(typed if isinstance(typed, str) else "")
    if question.kind == "declaration":
        return Read(True if text in ("1", "y", "yes", "on", "true") else None)
    if question.kind == "consent":
        return Read(_consent(question, lang) if text in ("1", "y", "yes", "on", "true") else None)
    if not text:
        return Read()
    if question.kind == "organisation":
        return Read({"name": " ".join(text.split())})
    try:
        return _simple(question, text, currency, lang)
    except Unreadable as told:
        return Read(None, text, (Fault(question.code, told, "unreadable"),))


def _consent(question: Question, lang: str | None) -> dict[str, str]:
    """What is kept of a consent: when it was ticked, and which wording stood before the reader, by its fingerprint."""
    read_in = (lang or language())[:2]
    found = {"at": stamp(clock.now()), "language": read_in, "sha256": fingerprint(question, read_in)}
    return found | ({"version": question.version} if question.version else {})


def fingerprint(question: Question, lang: str) -> str:
    """The SHA-256 of a consent's wording in one language."""
    return hashlib.sha256(question.text.in_(lang).encode()).hexdigest() if question.text else ""


def settled(question: Question, value: Any, before: Any) -> Any:
    """A value as it is kept beside the one before it: who ticked stays ticked as they read it then, and a body taken
    from the register stays that body while its name stands unchanged."""
    if not isinstance(value, Mapping) or not isinstance(before, Mapping):
        return value
    if question.kind == "consent" and before.get("sha256") == fingerprint(question, str(before.get("language"))):
        return before
    if question.kind == "organisation" and value == {"name": before.get("name")}:
        return before
    return value


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
    if kind == "long_text" and len(value) > (question.limit or LONGEST):
        return [_too_long(code, len(value), question.limit or LONGEST)]
    if kind == "organisation" and len(value["name"]) > LONGEST_NAME:
        return [_too_long(code, len(value["name"]), LONGEST_NAME)]
    if kind == "table":
        return _table_limits(question, value, currency, today)
    if kind == "date" and question.past and date.fromisoformat(value) > today:
        return [Fault(code, _("This day has not come yet. Write the day it happened."), "limit")]
    if kind in ("number", "money", "counter", "choices"):
        return _bounds(question, value, currency)
    if kind == "file" and len(value) > question.max_files:
        sentence = _("At most %(most)s files: take away the rest.", most=question.max_files)
        return [Fault(code, sentence, "limit")]
    return []


def _table_limits(question: Question, value: Any, currency: str, today: date) -> list[Fault]:
    found = [
        Fault(question.code, told.sentence, told.kind, f"{at}-{column.code}")
        for at, line in enumerate(value)
        for column in question.columns
        if column.code in line
        for told in limits(column.question, line[column.code], currency, today)
    ]
    if len(value) < question.min_lines:
        told = _("Write at least %(least)s lines: there are %(count)s.", least=question.min_lines, count=len(value))
        found.append(Fault(question.code, told, "limit"))
    return found


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


class Told:
    """A pack's own sentence, in the reader's language when somebody reads it."""

    def __init__(self, sentence: Any) -> None:
        self.sentence = sentence

    def __str__(self) -> str:
        return label(self.sentence)


def plain(value: Decimal) -> str:
    """A decimal as an answer keeps it: exact, without an exponent or needless zeros: "17.3"."""
    return format(value.normalize(), "f") if value else "0"


def to_type(question: Question, value: Any, currency: str) -> Any:
    """A kept value as somebody would type it in the reader's language: what a form is filled with again."""
    if question.kind == "counter":
        return {sex: str(value[sex]) for sex in SEXES} if value else dict.fromkeys(SEXES, "")
    if question.kind == "budget":
        return budget.to_type(value or [], currency)
    if question.kind == "table":
        return lines.to_type(question, value or (), lambda of, cell: str(to_type(of, cell, currency)))
    if question.kind == "choices":
        return list(value or ())
    if value is None:
        return ""
    if question.kind == "organisation":
        return value["name"]
    if question.kind == "number":
        return number(Decimal(value))
    if question.kind == "money":
        return budget.money_to_type(value, currency)
    if question.kind == "date":
        return f"{date.fromisoformat(value):%d.%m.%Y}"
    if question.kind == "yes_no":
        return "yes" if value else "no"
    if question.kind in ("declaration", "consent"):
        return "1" if value else ""
    return value
