"""Owns reading one line of a file by a mapping: to the answers of the form, the applicant and the outcome, or to faults.

It finds every fault of a line, each with its column. Leaves files to `tables`, single cells to `cells`, and writing
anything to `importing`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _

from grantflow.errors import Invalid
from grantflow.identity import words
from grantflow.identity.organisations import inn_fault
from grantflow.money import Money
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import Terms
from grantflow.submissions import answers, cells, reading, tables
from grantflow.submissions.answers import Draft
from grantflow.submissions.mapping import Mapping, Source
from grantflow.typed import Unreadable, clean_text, parse_money

LONGEST_IDENTIFIER = 100


@dataclass(frozen=True)
class RowFault:
    """What is wrong where: the line of the file, the column, and a sentence."""

    line: int
    column: str
    sentence: Any

    def __str__(self) -> str:
        return str(
            _("line %(line)s, “%(column)s”: %(reason)s", line=self.line, column=self.column, reason=self.sentence)
        )


@dataclass(frozen=True)
class Applicant:
    """The body that applied, as the file names it."""

    name: str
    country: str
    number: str = ""
    identifier: str = ""
    kind: str = "business"
    legal_form: str = "other"


@dataclass(frozen=True)
class Decided:
    """What became of it: awarded with a sum, or declined."""

    awarded: bool
    amount: Money | None = None
    on: date | None = None


@dataclass(frozen=True)
class Taken:
    """A line that can be imported."""

    line: int
    key: str
    applicant: Applicant
    values: dict[str, Any]
    received_at: datetime | None
    outcome: Decided | None

    @property
    def digest(self) -> str:
        """The fingerprint of all that was read from the line: another one means that the line was changed."""
        told = self.outcome
        minor = told.amount.minor if told and told.amount is not None else None
        body = {
            "applicant": asdict(self.applicant),
            "answers": self.values,
            "received": self.received_at.isoformat() if self.received_at else None,
            "outcome": [told.awarded, minor, told.on.isoformat() if told.on else None] if told else None,
        }
        text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Translator:
    """Reads the lines of one table for one call. `districts` are the codes an answer may name; `zone` is the call's."""

    mapping: Mapping
    table: tables.Table
    call: str
    terms: Terms
    districts: Collection[str]
    zone: str
    today: date
    _faults: list[RowFault] = field(default_factory=list)

    def mine(self, line: tables.Line) -> bool:
        """Whether a line belongs to the call."""
        return self._belongs(line, self.call)

    def anybodys(self, line: tables.Line) -> bool:
        """Whether a line belongs to any call the mapping names."""
        return any(self._belongs(line, code) for code in self.mapping.calls)

    def _belongs(self, line: tables.Line, call: str) -> bool:
        where = self.mapping.calls[call].where
        return all(tables.text_of(self._cell(line, column)) == word for column, word in where.items())

    def _cell(self, line: tables.Line, column: str) -> tables.Cell:
        at = self.table.place(column)
        return line.cells[at] if at is not None and at < len(line.cells) else None

    def read(self, line: tables.Line) -> Taken | list[RowFault]:
        """The line as it can be imported, or everything that is wrong with it, in the order of the mapping."""
        self._faults = []
        known = len(self.table.headers)
        beyond = next((at for at, cell in enumerate(line.cells, 1) if at > known and tables.text_of(cell)), None)
        if beyond is not None:
            self._wrong(
                line, str(_("column %(number)s", number=beyond)), _("There are more cells than columns have names.")
            )
        key = self._key(line)
        applicant = self._applicant(line)
        received = self._received(line)
        values = self._values(line)
        outcome = self._outcome(line)
        if self._faults or applicant is None:
            return self._faults
        return Taken(line.number, key, applicant, values, received, outcome)

    def _wrong(self, line: tables.Line, column: str, sentence: Any) -> None:
        self._faults.append(RowFault(line.number, column, sentence))

    def _plain(self, line: tables.Line, column: str) -> str:
        """A cell's text; Unreadable for a formula or an error."""
        cell = self._cell(line, column)
        if isinstance(cell, tables.Unusable):
            raise Unreadable(cell.sentence)
        return clean_text(tables.text_of(cell))

    def _text(self, line: tables.Line, source: Source | None) -> str:
        """What a source says of this line in the words of the form; Unreadable for a word the mapping does not know."""
        if source is None:
            return ""
        if source.column is None:
            return source.value or ""
        text = self._plain(line, source.column)
        if not text or text in source.no_value:
            return source.blank or ""
        if not source.values:
            return text
        if text not in source.values:
            raise Unreadable(_("The mapping does not know the word “%(word)s”.", word=text[:60]))
        return source.values[text]

    # ------------------------------------------------------------------------------------- who, when, which
    def _key(self, line: tables.Line) -> str:
        parts = []
        for column in self.mapping.key:
            try:
                parts.append(self._plain(line, column))
            except Unreadable as wrong:
                self._wrong(line, column, wrong.sentence)
                return ""
            if not parts[-1]:
                self._wrong(line, column, _("It is blank, and tells one line from every other."))
        return "\x1f".join(parts)

    def _applicant(self, line: tables.Line) -> Applicant | None:
        body, before = self.mapping.organisation, len(self._faults)
        found = {"number": "", "identifier": ""}
        for name in ("name", "country", "number", "identifier"):
            source: Source | None = getattr(body, name)
            if source is None:
                continue
            column = source.column or name
            try:
                text = self._text(line, source)
                if name == "name":
                    text = words.name(text, longest=300)
                elif name == "country":
                    text = cells.country(text)
                else:
                    text = words.line(text, longest=LONGEST_IDENTIFIER, needed=False)
                    text = "".join(text.split()) if name == "number" else text
                if (
                    name == "number"
                    and text
                    and (told := inn_fault(text, found.get("country", ""), body.legal_form, copied=True))
                ):
                    raise Unreadable(told)
                found[name] = text
            except Invalid as told:
                self._wrong(line, column, told.sentence)
            except Unreadable as wrong:
                self._wrong(line, column, wrong.sentence)
        return Applicant(**found, kind=body.kind, legal_form=body.legal_form) if len(self._faults) == before else None

    def _received(self, line: tables.Line) -> datetime | None:
        column = self.mapping.received
        if column is None:
            return None
        try:
            found = self._instant(self._cell(line, column))
        except Unreadable as wrong:
            self._wrong(line, column, wrong.sentence)
            return None
        if found is not None and found.date() > self.today:
            self._wrong(line, column, _("This day is still to come."))
        return None if found is None else found.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    # ------------------------------------------------------------------------------------------ the answers
    def _values(self, line: tables.Line) -> dict[str, Any]:
        values: dict[str, Any] = {}
        told: set[str] = set()
        for code, source in self.mapping.answers.items():
            question = self.terms.questions[code]
            try:
                value = self._answer(line, question, source)
            except Unreadable as wrong:
                self._wrong(line, source.column or code, wrong.sentence)
                told.add(code)
                continue
            if value is not None:
                values[code] = value
        # A required file or declaration that the mapping leaves out, a length, a bound: the form's own judgement.
        for fault in answers.all_faults(self.terms, Draft(values), self.today):
            if fault.question not in told:
                self._wrong(line, self.mapping.column_of(fault.question), fault.sentence)
                told.add(fault.question)
        keys = self.terms.keys
        if not told & {keys.budget, keys.own_share} and answers.Sums.of(self.terms, Draft(values)).asked is None:
            self._wrong(line, self.mapping.column_of(keys.budget), _("It cannot be told what was asked for."))
        return values

    def _answer(self, line: tables.Line, question: Question, source: Source) -> Any:
        cell = self._cell(line, source.column) if source.column else None
        if isinstance(cell, tables.Unusable):
            raise Unreadable(cell.sentence)
        kind, currency, lang = question.kind, self.terms.currency, self.mapping.layout.numbers
        if kind == "date" and source.column:
            found = self._instant(cell)
            return None if found is None else found.date().isoformat()
        typed: Any
        if (
            kind in ("number", "money", "budget")
            and isinstance(cell, Decimal)
            and not (source.values or source.no_value)
        ):
            typed, lang = cells.figures(cell, question.decimals if kind == "number" else 2), "ru"
        else:
            typed = self._text(line, source)
        if not typed:
            return None
        if kind == "district":
            if typed not in self.districts:
                raise Unreadable(_("“%(word)s” is no district of the call’s region.", word=typed[:60]))
            return typed
        if kind == "choices":
            typed = [part.strip() for part in typed.split(source.separator) if part.strip()]
        if kind == "budget":
            typed = [{"item": source.item, "unit": "", "quantity": "1", "price": typed}]
        got = reading.read(question, typed, currency, lang)
        if got.faults:
            raise Unreadable(got.faults[0].sentence)
        return got.value

    def _instant(self, cell: tables.Cell) -> datetime | None:
        return cells.instant(cell, self.mapping.layout.dates, self.zone)

    # ------------------------------------------------------------------------------------------ the outcome
    def _outcome(self, line: tables.Line) -> Decided | None:
        told = self.mapping.outcome
        if told is None:
            return None
        column = told.column or told.amount
        try:
            word = self._plain(line, told.column) if told.column else ""
            if told.column and word not in (*told.awarded, *told.declined):
                raise Unreadable(_("The mapping does not know the word “%(word)s”.", word=word[:60]))
            column = told.amount
            amount = self._amount(line, told.amount)
            if told.on:
                column = told.on
            on = self._instant(self._cell(line, told.on)) if told.on else None
            column = told.amount
            if word in told.declined and told.column:
                if amount:
                    raise Unreadable(_("It was declined, and yet there is a sum."))
                return Decided(False, None, on and on.date())
            if amount is None:
                raise Unreadable(_("It was awarded, and the sum is blank. Write 0 where nothing was paid."))
            return Decided(True, amount, on and on.date())
        except Unreadable as wrong:
            self._wrong(line, column, wrong.sentence)
            return None

    def _amount(self, line: tables.Line, column: str) -> Money | None:
        cell, text = self._cell(line, column), self._plain(line, column)
        if not text:
            return None
        if isinstance(cell, Decimal):
            return parse_money(cells.figures(cell, 2), self.terms.currency, lang="ru")
        return parse_money(text, self.terms.currency, lang=self.mapping.layout.numbers)
