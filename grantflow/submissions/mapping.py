"""Owns the mapping of a file's columns to a call's form: its TOML, and whether it fits the call it names.

Leaves reading the file to `tables` and `spreadsheets`, and reading its lines to `translating`. A mapping with a fault
is never used: all its faults are told at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from grantflow.engine.faults import DefinitionFaults, Fault, instead
from grantflow.identity.models import LEGAL_FORMS, ORGANISATION_KINDS
from grantflow.programmes.pack import faults_of
from grantflow.programmes.parts import Code, Part
from grantflow.programmes.terms import Terms
from grantflow.submissions import tables

Column = Annotated[str, StringConstraints(min_length=1, max_length=300)]
CallCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,6}-[0-9]{4}$")]
BY_HAND = ("file", "counter", "table", "consent", "computed")
"""Kinds of questions a single column cannot answer."""


class Source(Part):
    """Where one answer comes from: a column, or one value for all lines.

    `values` says what the file's words stand for; with it, any other word is a fault. `blank` stands for an empty cell.
    """

    column: Column | None = None
    value: str | None = None
    values: dict[str, str] = Field(default_factory=dict)
    blank: str | None = None
    no_value: tuple[str, ...] = ()
    """What the file writes where it has nothing to say, such as 0 or n/a: read as an empty cell."""
    separator: str = ";"
    """What parts several answers in one cell."""
    item: str = Field(default="", max_length=200)
    """For a budget: what its one line is called. The column holds the sum."""

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError("give column or value, one of the two")
        if self.value is not None and (self.values or self.no_value or self.blank is not None):
            raise ValueError("values, blank and no_value belong to a column")
        return self


class Filter(Part):
    """Which lines of the file belong to a call: those with these words in these columns. None named: all lines."""

    where: dict[Column, str] = Field(default_factory=dict)


class Layout(Part):
    """How the file is laid out and written, as far as it does not say so itself."""

    sheet: str | None = None
    header_line: int = Field(default=1, ge=1, le=100)
    encoding: Literal[tables.ENCODINGS] | None = None  # type: ignore[valid-type]
    delimiter: Literal["comma", "semicolon", "tab"] | None = None
    numbers: Literal["en", "ru", ""] = ""
    """How 1,234 is read: en, a thousand and more; ru, a bit more than one; not given, it is refused."""
    dates: tuple[str, ...] = ()
    """Ways in which the file writes days, such as "%d/%m/%Y", tried before the usual ones."""


class Body(Part):
    """Who applied. `number` is a tax or company number; `identifier` a longer one, such as GB-CHC-1234567."""

    name: Source
    country: Source
    number: Source | None = None
    identifier: Source | None = None
    kind: Literal[ORGANISATION_KINDS] = "business"  # type: ignore[valid-type]
    legal_form: Literal[LEGAL_FORMS] = "other"  # type: ignore[valid-type]


class Outcome(Part):
    """What became of it: words of a column that mean awarded or declined, or `always`; and the sum that was awarded."""

    column: Column | None = None
    awarded: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    always: Literal["awarded"] | None = None
    amount: Column
    on: Column | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.column is None) == (self.always is None):
            raise ValueError("give column or always, one of the two")
        if self.column is not None and not self.awarded:
            raise ValueError("say which words of the column mean awarded")
        if both := sorted(set(self.awarded) & set(self.declined)):
            raise ValueError(f"these words mean both awarded and declined: {', '.join(both)}")
        return self


class Mapping(Part):
    """A whole mapping. `calls` names the calls it is for; `key` the columns that tell one line from every other."""

    calls: dict[CallCode, Filter] = Field(min_length=1)
    key: tuple[Column, ...] = Field(min_length=1)
    received: Column | None = None
    """The column with the day or the instant of arrival; without it, the moment of the import."""
    layout: Layout = Layout()
    organisation: Body
    answers: dict[Code, Source] = Field(min_length=1)
    outcome: Outcome | None = None
    left_out: tuple[Column, ...] = ()
    """Columns of the file that are known and not taken over: nobody need be told of them."""

    def columns(self) -> dict[str, str]:
        """Every column the mapping reads, with the table of the mapping that names it."""
        found = dict.fromkeys(self.key, "key")
        for code, rows in self.calls.items():
            found |= dict.fromkeys(rows.where, f"calls.{code}.where")
        if self.received:
            found[self.received] = "received"
        for name in ("name", "country", "number", "identifier"):
            source: Source | None = getattr(self.organisation, name)
            if source is not None and source.column:
                found[source.column] = f"organisation.{name}"
        found |= {source.column: f"answers.{code}" for code, source in self.answers.items() if source.column}
        if self.outcome is not None:
            for name in ("column", "amount", "on"):
                if column := getattr(self.outcome, name):
                    found[column] = f"outcome.{name}"
        return found

    def column_of(self, question: str) -> str:
        """The column an answer comes from; the question's code where it comes from none."""
        source = self.answers.get(question)
        return (source.column if source else None) or question


def read(path: Path) -> Mapping:
    """The mapping in a TOML file. Raises DefinitionFaults with every fault; a missing file is one of them."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionFaults([Fault(path.name, "", f"The file cannot be read: {error}.", "file")]) from None
    except tomllib.TOMLDecodeError as error:
        raise DefinitionFaults([Fault(path.name, "", f"This is not TOML: {error}.", "toml")]) from None
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        raise DefinitionFaults(faults_of(error, raw, path.name)) from None


def check(mapping: Mapping, file: str, call: str, terms: Terms, districts: Collection[str]) -> None:
    """Raise DefinitionFaults with everything in which a mapping does not fit this call and its form."""
    if call not in mapping.calls:
        named = ", ".join(sorted(mapping.calls))
        told = f"This mapping is for {named}, not for {call}{instead(call, mapping.calls)}"
        raise DefinitionFaults([Fault(file, "calls", told, "call")])
    faults = [Fault(file, table, sentence, "mapping") for table, sentence in _faults(mapping, terms, districts)]
    if faults:
        raise DefinitionFaults(faults)


def _faults(mapping: Mapping, terms: Terms, districts: Collection[str]) -> Iterator[tuple[str, str]]:
    known = terms.questions
    for code, source in mapping.answers.items():
        where = f"answers.{code}"
        question = known.get(code)
        if question is None:
            yield where, f"The call's form has no such question{instead(code, known)}"
            continue
        if question.kind in BY_HAND:
            yield where, f"A question of kind {question.kind} cannot be answered from a column."
            continue
        allowed: Collection[str] = districts if question.kind == "district" else question.values
        if question.kind in ("choice", "choices", "yes_no", "district"):
            given = {*source.values.values(), *(v for v in (source.value, source.blank) if v is not None)} - {""}
            if wrong := sorted(given - set(allowed)):
                yield (
                    where,
                    f"It cannot be answered with: {', '.join(wrong)}. It can with: {', '.join(sorted(allowed))}.",
                )
        if question.kind == "budget" and not source.item:
            yield where, "Say in item what the one line of the budget is called."
    for question in known.values():
        if question.required and question.condition is None and question.code not in mapping.answers:
            yield "answers", f'The form requires an answer to "{question.code}", which the mapping does not give.'


def unread(mapping: Mapping, headers: Collection[str]) -> list[str]:
    """The columns of a file that the mapping neither reads nor leaves out."""
    used = {tables.same(column) for column in (*mapping.columns(), *mapping.left_out)}
    return [header for header in headers if header and tables.same(header) not in used]


def examine(paths: Collection[Path]) -> list[Fault]:
    """All faults of mapping files that can be seen without their calls: for `grantflow workflows check`."""
    faults: list[Fault] = []
    for path in paths:
        try:
            read(path)
        except DefinitionFaults as found:
            faults += found.faults
    return faults


def layout_of(mapping: Mapping) -> tables.Layout:
    """What `tables` must know of the file."""
    laid: dict[str, Any] = mapping.layout.model_dump(include={"sheet", "header_line", "encoding", "delimiter"})
    return tables.Layout(**laid)
