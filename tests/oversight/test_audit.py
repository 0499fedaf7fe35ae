"""An auditor reads everything in scope, changes nothing, verifies, exports; and leaves a line of it."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select, text

from grantflow import clock
from grantflow.cases import service
from grantflow.db import db, session, unit_of_work
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.oversight import queries
from tests.factories import organisation, person, record_file, signed_in


class House:
    """A programme with an auditor, an officer, and a file whose history has some dangerous words in it."""

    def __init__(self) -> None:
        self.programme = record_file("programme")
        self.file = record_file("alliance", '=HYPERLINK("x")', programme_id=self.programme)
        self.auditor = person("auditor", programme_id=self.programme)
        self.officer = person("officer", programme_id=self.programme, name="=cmd|' /C calc'!A0")
        with unit_of_work():
            service.record(
                self.file, "noted", actor=self.officer, reason="-1+2 because of \x07bell", changes=[("sum", "1", "+2")]
            )

    def events(self, actor: Actor) -> list[str]:
        return list(session().scalars(select(Event.move).where(Event.case_id == actor.person_id).order_by(Event.seq)))


@pytest.fixture
def house(app: Flask) -> House:
    return House()


def test_the_list_shows_the_cases_in_scope_and_no_other(app: Flask, house: House) -> None:
    other = record_file("programme", "Somebody else’s")
    page = signed_in(app, house.auditor).get("/audit").get_data(as_text=True)
    assert "=HYPERLINK" in page and "Somebody else" not in page
    assert signed_in(app, house.auditor).get(f"/cases/{other}").status_code == 404


def test_the_list_can_be_filtered_and_says_so(app: Flask, house: House) -> None:
    client = signed_in(app, house.auditor)
    assert "Nothing fits" in client.get("/audit?q=zzz").get_data(as_text=True)
    assert "Showing the 1 case that fits" in client.get("/audit?kind=alliance").get_data(as_text=True)
    assert client.get("/audit?kind=nonsense&page=-7&q=%00'%22").status_code == 200


def test_the_list_is_paged_newest_first_and_ends_with_its_last_page(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    for n in range(3):
        record_file("panel", f"Panel {n}", programme_id=house.programme)
    client = signed_in(app, house.auditor)

    def named(number: str) -> list[int]:
        page = client.get("/audit", query_string={"page": number, "kind": "panel"}).get_data(as_text=True)
        return [n for n in range(3) if f"Panel {n}" in page]

    assert named("1") == [1, 2] and named("2") == [0] and named("88") == [0]
    assert [named(hostile) for hostile in ("0", "-3", "x", "9" * 400)] == [[1, 2]] * 4


def test_verification_says_that_the_history_is_whole_and_is_itself_recorded(app: Flask, house: House) -> None:
    client = signed_in(app, house.auditor)
    assert "The history is whole" in client.post("/audit/verify").get_data(as_text=True)
    assert "The history is whole" in client.post(f"/cases/{house.file}/verify").get_data(as_text=True)
    assert house.events(house.auditor).count("history_verified") == 2


def test_an_auditor_is_asked_to_verify_once_a_month(app: Flask, house: House) -> None:
    def asked() -> str:
        page = signed_in(app, house.auditor).get("/desk").get_data(as_text=True)
        return page if "The histories of all cases" in page else ""

    assert "for the first time" in asked()
    signed_in(app, house.auditor).post(f"/cases/{house.file}/verify")
    assert "for the first time" in asked(), "one chain is not all of them"
    signed_in(app, house.auditor).post("/audit/verify")
    assert not asked()
    for days, shown in ((22, False), (24, True), (31, True)):
        with clock.at(clock.now() + timedelta(days=days)):
            assert bool(asked()) is shown, days
    assert "The histories of all cases" not in signed_in(app, house.officer).get("/desk").get_data(as_text=True)


def test_verification_names_the_place_that_is_broken(app: Flask, house: House) -> None:
    with unit_of_work() as current:
        off = {"sqlite": "DROP TRIGGER events_no_update", "postgresql": "ALTER TABLE events DISABLE TRIGGER USER"}
        current.execute(text(off[db.engine.dialect.name]))
        current.execute(text("UPDATE events SET role = 'manager' WHERE case_id = :id AND seq = 2"), {"id": house.file})
    page = signed_in(app, house.auditor).post("/audit/verify").get_data(as_text=True)
    assert "The history is broken in 1 place" in page
    assert f"alliance/{house.file}, event 2: its content is not what was written" in page


def test_opening_a_case_is_noted_once_a_day_on_the_auditors_own_file(app: Flask, house: House) -> None:
    client = signed_in(app, house.auditor)
    for _ in range(3):
        assert client.get(f"/cases/{house.file}").status_code == 200
    assert house.events(house.auditor).count("case_viewed") == 1
    signed_in(app, house.officer).get(f"/cases/{house.file}")
    assert house.events(house.officer).count("case_viewed") == 0


def test_an_exported_history_has_texts_not_formulas_and_all_a_stranger_needs(app: Flask, house: House) -> None:
    answer = signed_in(app, house.auditor).get(f"/cases/{house.file}/history.xlsx")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    book = load_workbook(io.BytesIO(answer.data))
    sheet = book["History"]
    rows = list(sheet.iter_rows(min_row=2))
    assert len(rows) == 2
    for row in rows:
        assert all(cell.data_type != "f" for cell in row)
    heads = [cell.value for cell in sheet[1]]
    last = dict(zip(heads, (cell.value for cell in rows[-1]), strict=True))
    assert last["Who"] == "=cmd|' /C calc'!A0" and last["Before → after"] == "sum: 1 → +2"
    assert last["Reason"] == "-1+2 because of \N{REPLACEMENT CHARACTER}bell"
    stored = session().scalars(select(Event).where(Event.case_id == house.file, Event.seq == 2)).one()
    assert (last["hash"], last["prev"]) == (stored.hash, stored.prev_hash)
    assert house.events(house.auditor).count("history_exported") == 1


def test_headers_of_the_workbook_are_in_the_readers_language(app: Flask, house: House) -> None:
    reader = person("auditor", programme_id=house.programme, language="ru")
    answer = signed_in(app, reader).get(f"/cases/{house.file}/history.xlsx")
    names = load_workbook(io.BytesIO(answer.data)).sheetnames
    assert names[0] != "History"


def test_an_auditor_changes_nothing_and_an_officer_exports_nothing(app: Flask, house: House) -> None:
    assert signed_in(app, house.officer).get(f"/cases/{house.file}/history.xlsx").status_code == 403
    assert signed_in(app, house.auditor).get(f"/cases/{record_file('programme')}/history.xlsx").status_code == 404
    applicant = person("applicant", organisation_id=organisation())
    assert signed_in(app, applicant).get("/audit").status_code == 403
