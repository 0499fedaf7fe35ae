"""Writing XLSX: long tables in constant memory, every text a text and never a formula, figures as figures.

What is the same is written in the same bytes: no instant of the writing stands in the file. What stands in the columns is for those who export.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Self
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST = 32_000
"""A cell holds 32,767 characters; what is longer is cut with a mark that says so."""
_TEXT, _QUOTED = "text", "quoted text"


_BEGINNING = datetime(2000, 1, 1)
"""The instant of a workbook that speaks of none."""


class _Still(ZipFile):
    """An archive whose members bear no instant of the writing."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_given: Any, **_more: Any) -> None:
        """One member from memory."""
        super().writestr(self._named(zinfo_or_arcname), data)

    def write(self, filename: Any, arcname: Any = None, *_given: Any, **_more: Any) -> None:
        """One member from a file, a piece at a time."""
        with Path(filename).open("rb") as source, self.open(self._named(arcname), "w") as member:
            shutil.copyfileobj(source, member)

    @staticmethod
    def _named(name: str) -> ZipInfo:
        member = ZipInfo(name, _BEGINNING.timetuple()[:6])
        member.compress_type = ZIP_DEFLATED
        member.external_attr = 0o600 << 16
        return member


class Book:
    """A workbook under way: `sheet()` writes one table after the other, `save()` ends it.

    The sheets grow in files of the system's temporary folder, which leaving the `with` takes away.
    """

    def __init__(self) -> None:
        self._book = Workbook(write_only=True)
        self._styles: dict[tuple[str, bool], Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for sheet in self._book.worksheets:
            if (writer := getattr(sheet, "_writer", None)) is not None:
                if not sheet.closed:
                    sheet.close()
                Path(writer.out).unlink(missing_ok=True)

    def _cell(self, sheet: Any, value: Any, *, bold: bool = False) -> Any:
        """A cell that shows the value as it is: a text beginning with = + - @ stays a text, an instant is UTC."""
        look = ""
        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            value, look = value.astimezone(UTC).replace(tzinfo=None), "yyyy-mm-dd hh:mm:ss"
        elif isinstance(value, date):
            value, look = datetime(value.year, value.month, value.day), "yyyy-mm-dd"
        elif isinstance(value, bool | int | float | Decimal):
            look = "#,##0.00" if isinstance(value, Decimal) else ""
        else:
            value = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(value))
            if len(value) > _LONGEST:
                value = value[:_LONGEST] + " […]"
            look = _QUOTED if value[:1] in ("=", "+", "-", "@") else _TEXT
        made: Any = WriteOnlyCell(sheet, value)
        if look in (_TEXT, _QUOTED):
            made.data_type = "s"
        # A style is reckoned once: to reckon it for every cell takes half the time of a workbook.
        known = self._styles.get((look, bold))
        if known is None:
            self._styles[look, bold] = self._style(made, look, bold=bold)
        else:
            made._style = known
        return made

    @staticmethod
    def _style(made: Any, look: str, *, bold: bool) -> Any:
        if look in (_TEXT, _QUOTED):
            made.quotePrefix = look == _QUOTED
            made.alignment = Alignment(wrap_text=True, vertical="top")
        elif look:
            made.number_format = look
        if bold:
            made.font = Font(bold=True)
        return made._style

    def sheet(self, title: str, headers: Sequence[tuple[Any, float]], rows: Iterable[Sequence[Any]]) -> int:
        """One sheet with a frozen, bold head and a filter; `headers` are (text, width). Gives back the number of rows."""
        sheet = self._book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", str(title))[:31])
        for number, (_text, width) in enumerate(headers, 1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        sheet.freeze_panes = "A2"
        sheet.append([self._cell(sheet, str(text), bold=True) for text, _width in headers])
        count = 0
        for row in rows:
            sheet.append([self._cell(sheet, value) for value in row])
            count += 1
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(headers))}{count + 1}"
        return count

    def notes(self, title: str, lines: Iterable[tuple[Any, Any]]) -> None:
        """A sheet of names and values: what this workbook is, of when, and how to verify it."""
        sheet = self._book.create_sheet(str(title)[:31])
        sheet.column_dimensions["A"].width = 34
        sheet.column_dimensions["B"].width = 100
        for name, value in lines:
            sheet.append([self._cell(sheet, str(name), bold=True), self._cell(sheet, value)])

    def save(self, out: Path | IO[bytes], at: datetime | None = None) -> None:
        """Write the file; `at` is the instant its properties name."""
        instant = at.astimezone(UTC).replace(tzinfo=None) if at is not None else _BEGINNING
        self._book.properties.created = self._book.properties.modified = instant
        ExcelWriter(self._book, _Still(out, "w", ZIP_DEFLATED, allowZip64=True)).save()
