"""Owns the reading of a table's lines: from what was typed in each cell to the lines that are kept, or to sentences.

Leaves reading a single value to `reading`, and sums of tables to the expressions of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow.programmes.questions import Column, Question
from grantflow.rendering import clean_text
from grantflow.submissions import countries
from grantflow.submissions.budget import CellFault
from grantflow.typed import Unreadable

Cell = Callable[[Question, str], Any]
"""Reads a cell as the answer of a question of its column."""


@dataclass(frozen=True)
class Table:
    """A table as typed and as read: only lines that are understood whole are among the values."""

    typed: list[dict[str, str]]
    values: list[dict[str, Any]]
    faults: tuple[CellFault, ...]


def read(question: Question, typed: Any, cell: Cell) -> Table:
    """Read typed lines; wholly blank ones are dropped."""
    lines = [
        {column.code: clean_text(str(line.get(column.code) or "")) for column in question.columns}
        for line in (typed if isinstance(typed, list | tuple) else ())
        if isinstance(line, Mapping)
    ]
    lines = [line for line in lines if any(line.values())]
    values: list[dict[str, Any]] = []
    faults: list[CellFault] = []
    for at, line in enumerate(lines):
        kept, wrong = _line(at, line, question.columns, cell)
        faults += wrong
        if not wrong:
            values.append(kept)
    if len(lines) > question.max_lines:
        told = _("At most %(most)s lines: put small things together.", most=question.max_lines)
        faults.append(CellFault(f"{question.max_lines}-{question.columns[0].code}", told, True))
    return Table(lines, values, tuple(faults))


def _line(
    at: int, line: dict[str, str], columns: Sequence[Column], cell: Cell
) -> tuple[dict[str, Any], list[CellFault]]:
    """A line as it is kept and what is wrong with it; figures that are understood are written plainly in `line`, so that
    they are read the same in either language later."""
    kept: dict[str, Any] = {}
    faults = []
    for column in columns:
        part = f"{at}-{column.code}"
        if not line[column.code]:
            if column.required:
                faults.append(CellFault(part, _("Fill this in, or clear the whole line."), False))
            continue
        try:
            value = _value(column, line[column.code], cell)
        except Unreadable as told:
            faults.append(CellFault(part, told, True))
            continue
        kept[column.code] = value
        if column.kind == "number":
            line[column.code] = str(value)
        elif column.kind == "money":
            line[column.code] = format(Decimal(value).scaleb(-2).normalize(), "f")
    return kept, faults


def _value(column: Column, text: str, cell: Cell) -> Any:
    if column.kind == "country":
        return countries.code_of(text)
    found = cell(column.question, text)
    if found.faults:
        raise Unreadable(found.faults[0].sentence)
    return int(found.value) if column.kind == "year" else found.value


def to_type(question: Question, lines: Sequence[Mapping[str, Any]], show: Callable[[Question, Any], str]) -> list[Any]:
    """Kept lines as somebody would type them in the reader's language."""
    return [{column.code: _shown(column, line.get(column.code), show) for column in question.columns} for line in lines]


def _shown(column: Column, value: Any, show: Callable[[Question, Any], str]) -> str:
    if value is None:
        return ""
    if column.kind == "country":
        return countries.name_of(value)
    return str(value) if column.kind == "year" else show(column.question, value)
