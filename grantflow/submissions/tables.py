"""Owns a table that somebody brings as a file: its kind told by its content, its headers, its lines one by one.

XLSX is read by `spreadsheets`; CSV here. What the columns mean is the mapping's (`mapping`, `translating`). Nothing
here knows of a database. A file that cannot be read raises Invalid with one sentence that names the place.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow.errors import Invalid

MOST_MEGABYTES = 64
MOST_LINES = 100_000
MOST_COLUMNS = 500
ENCODINGS = ("utf-8", "utf-16", "cp1251", "cp1252", "koi8-r")
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_CYRILLIC = re.compile(r"[А-яЁё]")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Unusable:
    """A cell that holds no value to rely on, such as a formula or #REF!, with the sentence that says so."""

    sentence: Any


Cell = str | Decimal | datetime | date | bool | Unusable | None
"""A value as the file has it: text, figure, day or instant, yes or no, or nothing."""


@dataclass(frozen=True)
class Line:
    """One line of data: its number in the file, counted from 1, and its cells in the order of the headers."""

    number: int
    cells: tuple[Cell, ...]

    @property
    def blank(self) -> bool:
        """Whether nothing stands in it."""
        return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in self.cells)


@dataclass(frozen=True)
class Layout:
    """How a file is laid out, as far as it does not say so itself."""

    sheet: str | None = None
    header_line: int = 1
    encoding: str | None = None
    delimiter: str | None = None


@dataclass
class Table:
    """A file that can be read: its name and fingerprint, its headers, and its lines as often as one asks for them."""

    name: str
    sha256: str
    headers: tuple[str, ...]
    expected: int
    """About how many lines there are: for showing progress, never for counting."""
    _open: Callable[[], Iterator[Line]]
    header_line: int = 1
    places: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for at, header in enumerate(self.headers):
            if header:
                self.places.setdefault(same(header), []).append(at)

    def place(self, column: str) -> int | None:
        """Where a column stands; None where it is missing or its name stands twice."""
        found = self.places.get(same(column), [])
        return found[0] if len(found) == 1 else None

    def lines(self) -> Iterator[Line]:
        """Every line of data that is not blank, from the top, each time anew."""
        read = 0
        for line in self._open():
            if line.number <= self.header_line or line.blank:
                continue
            read += 1
            if read > MOST_LINES:
                raise Invalid(_("There are more than %(most)s lines. Part the file.", most=f"{MOST_LINES:,}"))
            yield line


def same(header: str) -> str:
    """A column's name as it is compared: case, the form of letters and the width of blanks do not count."""
    return " ".join(unicodedata.normalize("NFKC", header).casefold().split())


def text_of(cell: Cell) -> str:
    """A cell as text: a whole figure without decimals, a day as 2021-11-01, midnight without its hour."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, Decimal):
        return format(cell.normalize(), "f") if cell else "0"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}" if (cell.hour, cell.minute, cell.second) == (0, 0, 0) else f"{cell:%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, date):
        return cell.isoformat()
    return cell.strip() if isinstance(cell, str) else ""


def open_table(path: Path, layout: Layout, wanted: Collection[str]) -> Table:
    """The table in a file. `wanted` are the columns looked for: they tell which mark parts the columns of a CSV.

    The whole file is read once, so that what is checked, what is fingerprinted and what is imported are the same.
    """
    if path.stat().st_size > MOST_MEGABYTES * 1024 * 1024:
        raise Invalid(_("The file is larger than %(most)s MB. Part it.", most=MOST_MEGABYTES))
    data = path.read_bytes()
    if not data.strip():
        raise Invalid(_("The file is empty."))
    sha256 = hashlib.sha256(data).hexdigest()
    from grantflow.submissions import spreadsheets

    if (kind := spreadsheets.kind_of(data)) == "xlsx":
        found = spreadsheets.read(data, layout.sheet)
        rows, expected = found.rows, found.expected
    elif kind:
        raise Invalid(kind)
    else:
        text = decoded(data, layout.encoding)
        delimiter = _DELIMITERS.get(layout.delimiter or "") or _delimiter(text, layout.header_line, wanted)
        rows, expected = (lambda: _csv_lines(text, delimiter)), text.count("\n")
    header_line = layout.header_line
    if not kind and text.startswith("sep="):
        header_line = max(header_line, 2)
    head = next((line for line in rows() if line.number >= header_line), None)
    if head is None or head.number != header_line or head.blank:
        raise Invalid(_("Line %(line)s should hold the names of the columns, and is blank.", line=header_line))
    headers = [text_of(cell) for cell in head.cells]
    while headers and not headers[-1]:
        headers.pop()
    if len(headers) > MOST_COLUMNS:
        raise Invalid(_("There are more than %(most)s columns.", most=MOST_COLUMNS))
    return Table(path.name, sha256, tuple(headers), expected, rows, header_line)


def decoded(data: bytes, encoding: str | None) -> str:
    """The text of a CSV. UTF-8 and UTF-16 tell themselves; what is neither is CP1251, if that gives Russian words.

    Raises Invalid with line and byte where a byte does not decode.
    """
    if encoding is None and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    if encoding is None and b"\x00" in data[:4096]:
        raise Invalid(_("This is neither an XLSX workbook nor a CSV text."))
    guessed = encoding is None
    try:
        return _decode(data, encoding or "utf-8-sig")
    except UnicodeDecodeError as broken:
        if not guessed or not _looks_russian(data):
            raise Invalid(_place(data, broken, encoding or "utf-8")) from None
    try:
        return _decode(data, "cp1251")
    except UnicodeDecodeError as broken:
        raise Invalid(_place(data, broken, "cp1251")) from None


def _decode(data: bytes, encoding: str) -> str:
    return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)


def _looks_russian(data: bytes) -> bool:
    """Whether CP1251 gives words of Cyrillic letters, not Latin words with a strange letter here and there."""
    words = _WORD.findall(data[:1_000_000].decode("cp1251", errors="replace"))
    whole = sum(bool(_CYRILLIC.search(word)) and not re.search("[A-Za-z]", word) and len(word) > 1 for word in words)
    mixed = sum(bool(_CYRILLIC.search(word)) and bool(re.search("[A-Za-z]", word)) for word in words)
    strange = len(re.findall(rb"[\x80-\xff]", data[:1_000_000]))
    of_utf8 = 2 * len(re.findall(rb"[\xc2-\xdf][\x80-\xbf]", data[:1_000_000]))
    return whole > 4 * mixed and of_utf8 * 2 < strange


def _place(data: bytes, broken: UnicodeDecodeError, encoding: str) -> Any:
    before = data[: broken.start]
    return _(
        "Line %(line)s, byte %(byte)s of it: this is no %(encoding)s text. Save the file as UTF-8, or name its "
        "encoding in the mapping.",
        line=before.count(b"\n") + 1, byte=broken.start - (before.rfind(b"\n") + 1) + 1, encoding=encoding.upper(),
    )  # fmt: skip


def _delimiter(text: str, header_line: int, wanted: Collection[str]) -> str:
    """The mark that gives the most columns looked for, and among equals the most columns."""
    looked_for = {same(column) for column in wanted}

    def found(mark: str) -> tuple[int, int]:
        try:
            head = next((line for line in _csv_lines(text, mark) if line.number >= header_line), None)
        except Invalid:
            return (0, 0)
        cells = [same(text_of(cell)) for cell in head.cells] if head else []
        return (len(looked_for & set(cells)), len(cells))

    return max(_DELIMITERS.values(), key=found)


def _csv_lines(text: str, delimiter: str) -> Iterator[Line]:
    start = 0
    if told := re.match(r"sep=.\r?\n", text):  # what Excel writes above a table to name its own mark
        text, start = text[told.end() :], 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return _numbered(reader, start)


def _numbered(reader: Any, start: int) -> Iterator[Line]:
    """Lines by the number of their first line in the file: a cell may hold line ends of its own."""
    before = start
    rows: Iterable[list[str]] = reader
    iterator = iter(rows)
    while True:
        try:
            cells = next(iterator)
        except StopIteration:
            return
        except csv.Error as broken:
            raise Invalid(
                _("Line %(line)s: the quotation marks of this CSV do not fit (%(fault)s).",
                  line=before + 1, fault=str(broken))
            ) from None  # fmt: skip
        number, before = before + 1, start + reader.line_num
        yield Line(number, tuple(cell or None for cell in cells))
