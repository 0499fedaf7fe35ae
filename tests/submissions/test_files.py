"""Attached files: told by content, never by name; refused with what to do instead; nothing else is
spoiled."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from flask import Flask

from grantflow.errors import NotFound, Refused
from grantflow.submissions import files, service
from tests.browsing import signed_in, text_of
from tests.submissions.conftest import PDF, World


def parcel(*names: str, locked: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    data = bytearray(out.getvalue())
    if locked:  # the flag of encryption, in both headers of the first member
        data[6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def declared(size: int) -> bytes:
    """A document whose directory says that one member becomes so many octets; nothing of that size is made."""
    data = bytearray(parcel("[Content_Types].xml", "word/document.xml"))
    where = data.index(b"PK\x01\x02")
    data[where + 24 : where + 28] = size.to_bytes(4, "little")
    return bytes(data)


def overlapping() -> bytes:
    """A document whose members together take more room than there is: they lie over each other."""
    data = bytearray(parcel("[Content_Types].xml", "word/document.xml"))
    where = data.index(b"PK\x01\x02")
    data[where + 20 : where + 24] = (50_000).to_bytes(4, "little")
    return bytes(data)


def macro() -> bytes:
    """A table whose list of contents says that it is one with macros, the program itself taken out of sight."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(
            "[Content_Types].xml", '<Override ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/>'
        )
        made.writestr("xl/workbook.xml", "x")
    return out.getvalue()


MACRO = macro()
DOCX = parcel("[Content_Types].xml", "word/document.xml")
XLSX = parcel("[Content_Types].xml", "xl/workbook.xml")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"MZ\x90\x00" + b"\0" * 200, "a program, whatever its name says"),
        (b"\x7fELF" + b"\0" * 200, "a program, whatever its name says"),
        (b"plain words", "none of the kinds"),
        (b"", "empty"),
        (b"#!/bin/sh\nrm -rf /", "a program, whatever its name says"),
        (b"PK\x03\x04broken", "damaged"),
        (parcel("setup.exe"), "program"),
        (parcel("letter.txt"), "archive"),
        (parcel("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "macro"),
        (parcel("[Content_Types].xml", "word/document.xml", locked=True), "password"),
        (MACRO, "macro"),
        (parcel("[Content_Types].xml", "xl/workbook.xml", "xl/macrosheets/sheet1.xml"), "macro"),
        (parcel("[Content_Types].xml", "word/document.xml", "word/embeddings/Table.XLSM"), "macro"),
        (declared(400_000_000), "far larger"),
        (declared(21_000_000), "far larger"),
        (parcel(*(f"word/{n}" for n in range(5_001))), "far larger"),
        (overlapping(), "far larger"),
        (parcel("letter.pdf", locked=True), "password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "password"),
        (PDF + b"trailer << /Encrypt 5 0 R >>", "password"),
        (DOCX, "By its content this is Word"),
        (b"%PDF-1.4" + b"0" * 10_000_001, "larger than"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused_with_a_reason(
    world: World, data: bytes, sentence: str
) -> None:
    case_id = world.draft()
    with pytest.raises(Refused, match=sentence):
        world.attach(case_id, "tax_certificate", data, "certificate.pdf")
    assert "tax_certificate" not in service.draft_of(service.row_of(case_id)).values


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, "pdf"),
        (DOCX, "docx"),
        (XLSX, "xlsx"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20, "jpg"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "png"),
    ],
)
def test_the_kinds_named_are_known_by_their_content(data: bytes, kind: str) -> None:
    assert files.kind_of(data) == kind


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Справка о налогах.pdf", "Справка о налогах.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\me\\scan.PDF", "scan.PDF"),
        ("invoice.exe", "invoice.exe.pdf"),
        ("a\u202efdp.exe\x00", "afdp.exe.pdf"),
        ("", "file.pdf"),
        ("x" * 400 + ".pdf", "x" * 200 + ".pdf"),
    ],
)
def test_names_are_cleaned_and_end_with_what_the_file_is(app: Flask, given: str, kept: str) -> None:
    assert files.clean_name(given, "pdf") == kept


def test_a_file_is_stored_under_a_name_of_our_own_and_never_twice(world: World) -> None:
    case_id = world.draft()
    one, two = world.attach(case_id, name="Справка.pdf"), world.attach(case_id, name="again.pdf")
    assert one == two
    from grantflow.submissions.queries import file_of

    row = file_of(case_id, one)
    assert row.filename == "Справка.pdf" and "Справка" not in row.stored_name
    assert service.path_of(row.stored_name).read_bytes() == PDF
    assert service.path_of(row.stored_name).stat().st_mode & 0o077 == 0


def test_there_is_room_only_for_so_many_and_taking_away_makes_room(world: World) -> None:
    from grantflow.db import unit_of_work

    case_id = world.draft()
    first = world.attach(case_id)
    with pytest.raises(Refused, match="no room"):
        world.attach(case_id, data=PDF + b"%other")
    with unit_of_work():
        service.remove_file(case_id, first, actor=world.applicant)
    world.attach(case_id, data=PDF + b"%other")


def test_a_file_taken_away_after_sending_stays_in_the_version_sent(app: Flask, world: World) -> None:
    from grantflow.db import unit_of_work

    case_id = world.submitted()
    file_id = service.answers_of(case_id, 1)["tax_certificate"][0]["id"]
    with pytest.raises(Refused), unit_of_work():
        service.remove_file(case_id, file_id, actor=world.applicant)
    world.give_back(case_id, "files")
    with unit_of_work():
        service.remove_file(case_id, file_id, actor=world.applicant)
    new = world.attach(case_id, data=PDF + b"%newer")
    world.submit(case_id)
    client = signed_in(app, world.officer)
    assert client.get(f"/applications/{case_id}/files/{file_id}", buffered=True).data == PDF
    assert service.answers_of(case_id, 2)["tax_certificate"][0]["id"] == new


def test_a_file_of_a_correction_not_sent_yet_is_nobody_elses(app: Flask, world: World) -> None:
    case_id = world.submitted()
    world.give_back(case_id, "files")
    new = world.attach(case_id, "other_files", PDF + b"%secret")
    assert signed_in(app, world.officer).get(f"/applications/{case_id}/files/{new}").status_code == 404


def test_one_refused_file_does_not_spoil_the_others(app: Flask, world: World) -> None:
    case_id = world.draft()
    sent = {
        "shown": ["tax_certificate", "other_files"],
        "q-tax_certificate": (io.BytesIO(b"MZ" + b"\0" * 100), "bad.pdf"),
        "q-other_files": [(io.BytesIO(PDF), "good.pdf"), (io.BytesIO(DOCX), "letter.docx")],
    }
    reply = signed_in(app, world.applicant).post(
        f"/applications/{case_id}/edit/files", data=sent, content_type="multipart/form-data"
    )
    said = text_of(reply)
    assert reply.status_code == 400 and "bad.pdf: This is a program" in said and "letter.docx" in said
    assert [f["name"] for f in service.draft_of(service.row_of(case_id)).values["other_files"]] == [
        "good.pdf",
        "letter.docx",
    ]


def test_a_file_is_attached_only_to_a_question_that_asks_for_one(world: World) -> None:
    case_id = world.draft()
    for question in ("title", "nonsense"):
        with pytest.raises(NotFound):
            world.attach(case_id, question)


def test_the_size_named_beforehand_is_the_one_that_is_taken(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    address = f"/applications/{case_id}/edit/files"
    assert "up to 10 MB" in text_of(client.get(address))
    monkeypatch.setitem(app.config, "GRANTFLOW", replace(app.config["GRANTFLOW"], upload_mb=1))
    page = client.get(address)
    assert "up to 1 MB" in text_of(page) and "10 MB" not in text_of(page)
    assert 'data-gf-most="1000000"' in page.get_data(as_text=True)
    assert "up to 1 MB" in text_of(client.get("/calls/KR-2021"))
    with pytest.raises(Refused, match="larger than 1 MB"):
        world.attach(case_id, "tax_certificate", PDF + b"%" * 1_000_000)
