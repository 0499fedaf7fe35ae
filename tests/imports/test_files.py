"""Files as people bring them: which are read, how, and which are refused with one sentence that names the place."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook

from grantflow.errors import Invalid
from grantflow.submissions import spreadsheets, tables
from grantflow.submissions.tables import Layout, Unusable, open_table

WANTED = ("Name", "Sum")


def made(path: Path, data: bytes | str, **layout: object) -> tables.Table:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return open_table(path, Layout(**layout), WANTED)  # type: ignore[arg-type]


def rows(table: tables.Table) -> list[tuple[int, tuple[object, ...]]]:
    return [(line.number, line.cells) for line in table.lines()]


def workbook(path: Path, *lines: list[object], change: object = None) -> Path:
    book = Workbook()
    for cells in lines:
        book.active.append(cells)
    if callable(change):
        change(book)
    book.save(path)
    return path


def repacked(path: Path, part: str, text: str | None) -> Path:
    """The same workbook with one part written anew."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = (text or "").encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_a_csv_is_read_whatever_parts_its_columns_and_however_it_is_encoded(
    tmp_path: Path, mark: str, encoding: str
) -> None:
    text = "\r\n".join(
        mark.join(cells) for cells in (("Name", "Sum"), ("Мастерская «Ёлка», Карелия", "12"), ("Вторая мастерская", ""))
    )
    if mark == ",":
        text = text.replace("Мастерская «Ёлка», Карелия", '"Мастерская «Ёлка», Карелия"')
    table = made(tmp_path / "t.csv", text.encode(encoding))
    assert table.headers == WANTED
    assert rows(table) == [(2, ("Мастерская «Ёлка», Карелия", "12")), (3, ("Вторая мастерская", None))]


def test_a_comma_in_a_header_does_not_hide_that_semicolons_part_the_columns(tmp_path: Path) -> None:
    table = made(tmp_path / "t.csv", "a, b, c, d, e;Name;Sum\n1;Wool;3\n")
    assert table.headers == ("a, b, c, d, e", "Name", "Sum")


def test_lines_are_counted_as_an_editor_counts_them_also_behind_a_cell_of_several_lines(tmp_path: Path) -> None:
    table = made(tmp_path / "t.csv", 'sep=;\nName;Sum\n"two\nlines";1\n\n  ;\nWool;2\n')
    assert rows(table) == [(3, ("two\nlines", "1")), (7, ("Wool", "2"))]


def test_lines_of_text_above_the_header_are_left_out(tmp_path: Path) -> None:
    table = made(tmp_path / "t.csv", "Register of grants\n\nName,Sum,,\nWool,2,,\n", header_line=3)
    assert table.headers == WANTED and rows(table) == [(4, ("Wool", "2", None, None))]


def test_a_byte_that_does_not_decode_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="Line 3, byte 4 of it: this is no UTF-8 text"):
        made(tmp_path / "t.csv", "Name,Sum\nЖизнь и работа в районе,1\nabc".encode() + b"\xd0,2\n")
    with pytest.raises(Invalid, match="Line 2, byte 2 of it: this is no CP1251 text"):
        made(tmp_path / "t.csv", b"Name,Sum\nA\x98,1\n", encoding="cp1251")


def test_a_text_of_western_letters_is_not_taken_for_a_russian_one(tmp_path: Path) -> None:
    data = "Name,Sum\nSmørbrød på Østfold,1\nBlåbær og fløte,2\n".encode("cp1252")
    with pytest.raises(Invalid, match="Line 2, byte 3"):
        made(tmp_path / "t.csv", data)
    assert rows(made(tmp_path / "t.csv", data, encoding="cp1252"))[0][1][0] == "Smørbrød på Østfold"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty"),
        (b"  \r\n\n", "The file is empty"),
        (b"\x00\x01\x02\x03" * 50, "neither an XLSX workbook nor a CSV"),
        (b"%PDF-1.7 ...", "This is a PDF"),
        (b"PK\x03\x04 and no more", "damaged"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\x00" * 600, "old kind"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (b'Name,Sum\n"open,1\nNo,2\n', "Line 2: the quotation marks"),
        (b"\n\nName,Sum\n", "Line 1 should hold the names"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        list(made(tmp_path / "t.csv", data).lines())


def test_a_column_is_found_whatever_its_case_and_blanks_and_one_that_stands_twice_is_not(tmp_path: Path) -> None:
    table = made(tmp_path / "t.csv", "  NAME ,Sum of  grant,Sum,sum\n")
    assert [table.place(name) for name in ("Name", "sum of grant", "Sum", "None")] == [0, 1, None, None]


def test_a_workbook_gives_figures_days_and_texts_as_they_are(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "t.xlsx", ["Name", "Sum"],
        ["Wool", 41133.770000000004, datetime(2021, 3, 5), True, "007", 12, None], [None] * 7, ["Felt", 0.1 + 0.2],
    )  # fmt: skip
    table = open_table(path, Layout(), WANTED)
    assert rows(table) == [
        (2, ("Wool", Decimal("41133.77"), datetime(2021, 3, 5), True, "007", Decimal(12), None)[:6]),
        (4, ("Felt", Decimal("0.3"))),
    ]  # fmt: skip


def test_a_formula_and_an_error_are_told_not_read_and_a_text_that_looks_like_one_is_a_text(tmp_path: Path) -> None:
    def change(book: Workbook) -> None:
        book.active["A2"], book.active["B2"], book.active["C2"] = "=1+1", "#REF!", "=not a formula"
        book.active["C2"].data_type = "s"

    path = workbook(tmp_path / "t.xlsx", ["Name", "Sum", "Note"], change=change)
    ((_number, cells),) = rows(open_table(path, Layout(), WANTED))
    assert isinstance(cells[0], Unusable) and "formula" in str(cells[0].sentence)
    assert isinstance(cells[1], Unusable) and "#REF!" in str(cells[1].sentence)
    assert cells[2] == "=not a formula"


def test_what_a_sheet_says_of_its_size_fills_no_memory(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", ["Name", "Sum"], ["Wool", 1])
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    huge = repacked(path, "xl/worksheets/sheet1.xml", sheet.replace('ref="A1:B2"', 'ref="A1:XFD1048576"'))
    table = open_table(huge, Layout(), WANTED)
    assert rows(table) == [(2, ("Wool", Decimal(1)))]
    far = repacked(path, "xl/worksheets/sheet1.xml", sheet.replace('r="2"', 'r="99999999"'))
    with pytest.raises(Invalid, match="damaged"):
        rows(open_table(far, Layout(), WANTED))


def test_a_workbook_that_unpacks_to_too_much_is_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path / "t.xlsx", ["Name", "Sum"])
    monkeypatch.setattr(spreadsheets, "MOST_UNPACKED", 5_000_000)
    assert open_table(path, Layout(), WANTED).headers == WANTED
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/big.bin", b"0" * 6_000_000)
    with pytest.raises(Invalid, match="too large"):
        open_table(path, Layout(), WANTED)


def test_macros_entities_and_other_archives_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", ["Name", "Sum"])
    with pytest.raises(Invalid, match="macros"):
        open_table(repacked(path, "xl/vbaProject.bin", "x"), Layout(), WANTED)
    path = workbook(tmp_path / "u.xlsx", ["Name", "Sum"])
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><sst xmlns="x"/>'
    with pytest.raises(Invalid, match="entities"):
        open_table(repacked(path, "xl/sharedStrings.xml", bomb), Layout(), WANTED)
    made_zip = io.BytesIO()
    with zipfile.ZipFile(made_zip, "w") as archive:
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(Invalid, match="archive of another kind"):
        made(tmp_path / "t.ods", made_zip.getvalue())


def test_of_several_sheets_one_must_be_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", ["Name", "Sum"], ["Wool", 1], change=lambda book: book.create_sheet("Notes"))
    with pytest.raises(Invalid, match="Name one in the mapping: Sheet, Notes"):
        open_table(path, Layout(), WANTED)
    assert len(rows(open_table(path, Layout(sheet="Sheet"), WANTED))) == 1
    with pytest.raises(Invalid, match="no sheet “Data”"):
        open_table(path, Layout(sheet="Data"), WANTED)


def test_too_many_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_LINES", 3)
    table = made(tmp_path / "t.csv", "Name,Sum\n" + "Wool,1\n" * 4)
    with pytest.raises(Invalid, match="more than 3 lines"):
        rows(table)
