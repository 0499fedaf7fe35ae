"""Several leads of one project, foreign ones too: named in any script, checked by country, each an event."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from grantflow import clock
from grantflow.cases.service import fire
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, Refused
from grantflow.history.models import Event
from grantflow.submissions import coleads, service
from tests import factories
from tests.browsing import field, signed_in, text_of
from tests.submissions.conftest import OPEN_DAY, World


def name(world: World, case_id: int, actor: Any = None, **given: str) -> None:
    with unit_of_work():
        coleads.add_co_lead(case_id, **{"country": "RU", "actor": actor or world.applicant, **given})  # type: ignore[arg-type]


def test_leads_of_any_country_are_named_once_and_known_bodies_are_found(world: World) -> None:
    case_id = world.draft()
    known = factories.organisation("Фонд «Ладога»", inn="7707083893")
    name(world, case_id, name="Фонд «Ладога»", number="7707083893")
    name(world, case_id, name="Kvinneforeningen «Nord»", country="NO", number="988 077 917", part="Teaches")
    name(world, case_id, name="ФОНД «ЛАДОГА»")
    rows = coleads.co_leads_of(case_id)
    assert [(r.name, r.country, r.number, r.organisation_id) for r in rows] == [
        ("Фонд «Ладога»", "RU", "7707083893", known), ("Kvinneforeningen «Nord»", "NO", "988077917", None),
    ]  # fmt: skip
    with unit_of_work():
        coleads.remove_co_lead(case_id, rows[0].id, actor=world.applicant)
    moves = session().scalars(select(Event.move).where(Event.case_id == case_id).order_by(Event.seq)).all()
    assert moves[1:] == ["co_lead_named", "co_lead_named", "co_lead_removed"] and len(coleads.co_leads_of(case_id)) == 1


def test_a_faulty_lead_is_refused_field_by_field_and_the_eleventh_by_its_number(world: World) -> None:
    case_id = world.draft()
    with pytest.raises(Invalid) as fault:
        name(world, case_id, name="<>", country="NO", number="1", part="x" * 301)
    assert set(fault.value.fields) == {"name", "number", "part"}
    for n in range(10):
        name(world, case_id, name=f"Body {chr(65 + n)}")
    with pytest.raises(Refused, match="10 co-leads"):
        name(world, case_id, name="One more")


def test_a_sent_application_and_a_strangers_keep_their_leads(world: World) -> None:
    case_id = world.submitted()
    with pytest.raises(Refused, match="been sent"):
        name(world, case_id, name="Late")
    world.give_back(case_id, "plan")
    with pytest.raises(Refused, match="stay as they were sent"):
        name(world, case_id, name="Late")
    with pytest.raises(Refused, match="Only the applicant"):
        name(world, world.draft(), world.stranger, name="Mine")


def test_the_page_names_takes_away_and_loses_nothing(app: Flask, world: World) -> None:
    case_id = world.complete()
    where = f"/applications/{case_id}/co-leads"
    browser = signed_in(app, world.applicant)
    assert where in browser.get(f"/applications/{case_id}").get_data(as_text=True)
    key = field(browser.get(where), "key")
    refused = browser.post(where, data={"key": key, "name": "Onego «A»", "country": "RU", "number": "12"})
    assert refused.status_code == 400 and "Onego «A»" in refused.get_data(as_text=True)
    assert browser.post(where, data={"key": key, "name": "Onego «A»", "country": "RU", "number": ""}).status_code == 303
    assert "Onego «A»" in text_of(browser.get(where))
    session().rollback()
    world.submit(case_id)
    assert "Onego «A», Russia" in text_of(signed_in(app, world.officer).get(f"/cases/{case_id}"))
    assert signed_in(app, world.stranger).get(where).status_code == 404


def test_co_leads_stand_on_the_check_page_in_what_was_sent_and_under_its_fingerprint(app: Flask, world: World) -> None:
    alone, case_id = world.submitted(), world.complete()
    assert "co-leads" not in service.answers_of(alone, 1)
    name(world, case_id, name="Nord", country="NO", number="988 077 917", part="Teaches")
    client, officer = signed_in(app, world.applicant), signed_in(app, world.officer)
    said = "Nord, Norway, 988077917: Teaches"
    assert said in text_of(client.get(f"/applications/{case_id}/check"))
    world.submit(case_id)
    sealed_ = service.answers_of(case_id, 1)["co-leads"]
    assert sealed_ == [{"name": "Nord", "country": "NO", "number": "988077917", "part": "Teaches"}]
    sent = officer.get(f"/applications/{case_id}/versions/1/sent.json")
    assert hashlib.sha256(sent.data).hexdigest() == service.version_of(case_id, 1).sha256 and b'"Nord"' in sent.data
    assert said in text_of(officer.get(f"/applications/{case_id}/versions/1"))
    book = officer.get("/calls/KR-2021/pipeline.xlsx")
    rows = load_workbook(io.BytesIO(book.data)).worksheets[0].iter_rows(values_only=True)
    assert sorted(str(row[3] or "") for row in rows) == ["", "Co-leads", "Nord"]


def test_co_leads_changed_and_not_sent_are_seen_by_the_writers_alone_and_put_back(app: Flask, world: World) -> None:
    case_id = world.complete()
    name(world, case_id, name="Nord", country="NO")
    world.submit(case_id)
    with clock.at(OPEN_DAY + timedelta(hours=1)):
        with unit_of_work():
            fire(case_id, "take_back", actor=world.applicant)
        (nord,) = coleads.co_leads_of(case_id)
        with unit_of_work():
            coleads.remove_co_lead(case_id, nord.id, actor=world.applicant)
        name(world, case_id, name="Ladoga")
        for address in (f"/applications/{case_id}/versions/1", f"/cases/{case_id}"):
            page = text_of(signed_in(app, world.officer).get(address))
            assert "Nord, Norway" in page and "Ladoga, Russia" not in page
        mine = text_of(signed_in(app, world.applicant).get(f"/applications/{case_id}/check"))
        assert "Ladoga, Russia" in mine and "Nord, Norway" not in mine
    with clock.at(OPEN_DAY + timedelta(hours=2)):
        with unit_of_work():
            fire(case_id, "leave_as_sent", actor=world.applicant)
        assert [row.name for row in coleads.co_leads_of(case_id)] == ["Nord"]
        last = session().scalars(select(Event).where(Event.case_id == case_id).order_by(Event.seq.desc())).first()
        assert last is not None and last.facts["co_leads_put_back"] is True
