"""Owns reading an XLSX workbook with care: one line at a time, values only, nothing run and nothing unpacked blindly.

Leaves CSV and headers to `tables`. A formula is refused where it stands, never read: what Excel last calculated may be
old, and a workbook that another program wrote holds no result at all. Macros and passwords are refused for the file.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow.errors import Invalid
from grantflow.submissions.tables import MOST_COLUMNS, Cell, Line, Unusable

MOST_UNPACKED = 400 * 1024 * 1024
"""Bytes a workbook may unpack to: 100,000 lines of 40 columns take about half of it."""
MOST_WORDS = 100 * 1024 * 1024
"""Bytes of its shared texts, the one part that is held in memory whole."""
_LAST_LINE = 1_048_576
"""The last line a sheet may have; a line beyond it would be a million blank ones first."""
_LAST_SERIAL = 73_050
"""31 December 2099, as Excel counts days; the first that is taken for a day is 1 January 1954."""
_FIRST_SERIAL = 19_725


@dataclass(frozen=True)
class Found:
    """The sheet of a workbook: its lines as often as one asks, and about how many there are."""

    rows: Callable[[], Iterator[Line]]
    expected: int


def kind_of(data: bytes) -> Any:
    """What a file is by its first bytes: "xlsx", None for something that may be text, or the sentence of a refusal."""
    if data[:4] == b"PK\x03\x04":
        return "xlsx"
    if data[:8] == bytes.fromhex("d0cf11e0a1b11ae1"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            return _("The workbook is protected by a password. Save it without one.")
        return _("This is a workbook of the old kind (.xls). Save it as .xlsx.")
    return _("This is a PDF, not a table.") if data[:5] == b"%PDF-" else None


def day_of(serial: Decimal) -> datetime | None:
    """The day that Excel keeps as a number; None for a number no date of our time has."""
    if not _FIRST_SERIAL <= serial <= _LAST_SERIAL:
        return None
    return datetime(1899, 12, 30) + timedelta(days=int(serial), seconds=round(serial % 1 * 86_400))


def read(data: bytes, sheet: str | None) -> Found:
    """The sheet of that name, or the only one. Raises Invalid for whatever is no plain workbook."""
    _look_through(data)
    book = _load(data)
    try:
        names = [one.title for one in book.worksheets]
        if sheet is None and len(names) > 1:
            raise Invalid(
                _("The workbook has several sheets. Name one in the mapping: %(names)s.", names=", ".join(names))
            )
        name = sheet if sheet is not None else (names[0] if names else "")
        if name not in names:
            raise Invalid(
                _("The workbook has no sheet “%(name)s”; it has: %(names)s.", name=name, names=", ".join(names))
            )
        expected = book[name].max_row or 0
    finally:
        book.close()
    return Found(lambda: _lines(data, name), expected)


def _load(data: bytes) -> Any:
    from openpyxl import load_workbook  # an import needs it, a server does not

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that no value hangs on
            return load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    except Exception as error:  # openpyxl raises whatever its parts raise
        raise Invalid(_("The workbook is damaged and cannot be read (%(why)s).", why=type(error).__name__)) from None


def _look_through(data: bytes) -> None:
    """Refuse, before anything is unpacked, what would fill the memory, holds macros, or is another kind of file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names and "[Content_Types].xml" not in names:
                raise Invalid(_("This is an archive of another kind, not an XLSX workbook."))
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise Invalid(_("The workbook holds macros. Save it as .xlsx."))
            if any(part.flag_bits & 1 for part in parts):
                raise Invalid(_("The workbook is protected by a password. Save it without one."))
            words = sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml"))
            if sum(part.file_size for part in parts) > MOST_UNPACKED or words > MOST_WORDS:
                raise Invalid(_("Unpacked, the workbook is too large. Part it, or save it as CSV."))
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as opened:
                        head = opened.read(4096).replace(b"\x00", b"")
                    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                        raise Invalid(_("The workbook declares entities of its own, which no plain workbook does."))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise Invalid(_("The workbook is damaged and cannot be read (%(why)s).", why=type(error).__name__)) from None


def _lines(data: bytes, name: str) -> Iterator[Line]:
    book = _load(data)
    try:
        sheet = book[name]
        sheet.reset_dimensions()  # what a sheet says of its own size may be anything
        rows = enumerate(sheet.iter_rows(), 1)
        while True:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    number, cells = next(rows)
            except StopIteration:
                return
            except Exception as error:  # a damaged sheet shows itself only while it is read
                why = type(error).__name__
                raise Invalid(_("The workbook is damaged and cannot be read (%(why)s).", why=why)) from None
            if number > _LAST_LINE:
                raise Invalid(_("The workbook is damaged and cannot be read (%(why)s).", why=f"line {number}"))
            yield Line(number, tuple(_value(cell) for cell in cells[: MOST_COLUMNS + 1]))
    finally:
        book.close()


def _value(cell: Any) -> Cell:
    kind, value = cell.data_type, cell.value
    if kind == "f":
        return Unusable(_("This is a formula. Paste its value in its place."))
    if kind == "e":
        return Unusable(_("This cell holds the error %(error)s.", error=str(value)))
    if value is None or isinstance(value, bool | datetime | date):
        return value
    if isinstance(value, int | float):
        # Excel keeps 15 figures; what a binary float shows behind them was never typed.
        return Decimal(value) if isinstance(value, int) else Decimal(f"{value:.15g}")
    if isinstance(value, time | timedelta):
        return str(value)
    return str(value) or None
