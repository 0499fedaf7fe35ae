"""Changing the address of an account: confirmed where it goes, told where it was, and undone from there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.history.models import Event
from grantflow.identity import service, throttle
from grantflow.identity.access import actor_for
from grantflow.identity.models import Person
from tests.browsing import field, signed_in, text_of
from tests.identity.letters import letters, link_in

PASSWORD, OLD, NEW = "three words together", "anna@example.org", "anna@new.example"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PACE_SECONDS", 0.0)


def opened(email: str, name: str = "Anna") -> Person:
    with unit_of_work():
        return service.register(email=email, name=name, password=PASSWORD, language="en", consent=True)


@pytest.fixture
def anna(app: Flask) -> Person:
    return opened(OLD)


@pytest.fixture
def hers(app: Flask, anna: Person) -> FlaskClient:
    return signed_in(app, actor_for(anna))


def ask(client: Any, email: str = NEW, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/profile/address", data={"email": email, "password": password, **more})


def now(person: Person) -> str:
    session().rollback()
    return str(session().execute(select(Person.email).where(Person.id == person.id)).scalar_one())


def test_an_address_changes_once_somebody_reads_there(app: Flask, anna: Person, hers: FlaskClient) -> None:
    assert ask(hers).status_code == 303
    assert now(anna) == OLD and NEW in text_of(hers.get("/profile"))
    letter = letters(NEW)[-1]
    way = link_in(letter, "address")
    assert "/language/" not in letter.body, "who reads there is not known yet"
    stranger = app.test_client()
    assert NEW in text_of(stranger.get(way)) and now(anna) == OLD, "looking spends nothing"
    assert stranger.post(way).status_code == 303
    assert now(anna) == NEW
    assert stranger.post(way).status_code == 404
    assert service.authenticate(NEW, PASSWORD) and service.authenticate(OLD, PASSWORD) is None
    assert hers.get("/profile").status_code == 200, "the session goes on"


def test_the_password_is_asked_and_every_fault_is_told_by_field(anna: Person, hers: FlaskClient) -> None:
    wrong = ask(hers, password="no")
    assert wrong.status_code == 400 and "not your present password" in text_of(wrong) and field(wrong, "email") == NEW
    assert "your address already" in text_of(ask(hers, OLD))
    assert ask(hers, "anna@").status_code == 400
    assert letters(NEW) == []


def test_the_old_address_is_told_and_can_undo_for_seven_days(app: Flask, anna: Person, hers: FlaskClient) -> None:
    ask(hers)
    app.test_client().post(link_in(letters(NEW)[-1], "address"))
    told = letters(OLD)[-1]
    assert "was changed" in told.subject
    way = link_in(told, "undo")
    thief = app.test_client()
    thief.post("/sign-in", data={"email": NEW, "password": PASSWORD})
    assert thief.get("/profile").status_code == 200
    owner = app.test_client()
    assert owner.get(way).status_code == 200 and now(anna) == NEW
    chosen = owner.post(way)
    assert now(anna) == OLD and thief.get("/profile").status_code == 303, "every session is over"
    assert service.authenticate(OLD, PASSWORD) is None, "the password somebody may know is void"
    onward = chosen.location.partition("//")[2].partition("/")[2]
    assert owner.post("/" + onward, data={"password": "new words in a row"}).location == "/desk"
    assert service.authenticate(OLD, "new words in a row")
    assert owner.post(way).status_code == 404
    moves = list(session().scalars(select(Event.move).where(Event.case_id == anna.id).order_by(Event.seq)))
    assert moves[-4:] == ["address_change_asked", "address_changed", "address_restored", "password_changed"]


def test_the_way_back_ends_after_seven_days(app: Flask, anna: Person, hers: FlaskClient) -> None:
    ask(hers)
    app.test_client().post(link_in(letters(NEW)[-1], "address"))
    way = link_in(letters(OLD)[-1], "undo")
    with clock.at(clock.now() + timedelta(days=7, minutes=1)):
        assert app.test_client().post(way).status_code == 404
    assert now(anna) == NEW


def test_undoing_the_first_of_two_changes_undoes_both(app: Flask, anna: Person, hers: FlaskClient) -> None:
    ask(hers)
    app.test_client().post(link_in(letters(NEW)[-1], "address"))
    first = link_in(letters(OLD)[-1], "undo")
    ask(hers, "third@example.org")
    app.test_client().post(link_in(letters("third@example.org")[-1], "address"))
    second = link_in(letters(NEW)[-1], "undo")
    assert now(anna) == "third@example.org"
    app.test_client().post(first)
    assert now(anna) == OLD
    assert app.test_client().post(second).status_code == 404 and now(anna) == OLD


def test_nobody_takes_an_address_while_its_owner_may_come_back_to_it(
    app: Flask, anna: Person, hers: FlaskClient
) -> None:
    ask(hers)
    app.test_client().post(link_in(letters(NEW)[-1], "address"))
    given = {"name": "Thief", "email": OLD, "language": "en", "consent": "y"}
    assert app.test_client().post("/register", data=given).status_code == 303
    told = letters(OLD)[-1]
    assert "has an account already" in told.subject
    assert len(session().scalars(select(Person)).all()) == 1
    assert app.test_client().post(link_in(told, "undo")).status_code == 303, "the letter brings the way back once more"
    assert now(anna) == OLD


def test_an_address_of_somebody_else_gets_a_letter_and_the_asker_reads_the_same(
    app: Flask, anna: Person, hers: FlaskClient
) -> None:
    boris = opened("boris@example.org", "Boris")
    with clock.at(clock.now()):  # the page tells the minute
        ask(hers, "free@example.org")
        free = text_of(hers.get("/profile")).replace("free@example.org", "…")
        ask(hers, "boris@example.org")
        taken = text_of(hers.get("/profile")).replace("boris@example.org", "…")
    assert free == taken
    assert "has an account already" in letters("boris@example.org")[-1].subject
    assert "/address/" not in letters("boris@example.org")[-1].body
    last = session().scalars(select(Event.move).where(Event.case_id == boris.id).order_by(Event.seq.desc())).first()
    assert last == "registration_repeated"


def test_nobody_moves_to_an_address_while_its_owner_may_come_back_to_it(
    app: Flask, anna: Person, hers: FlaskClient
) -> None:
    ask(hers)
    app.test_client().post(link_in(letters(NEW)[-1], "address"))
    thief = signed_in(app, actor_for(opened("thief@example.org", "Thief")))
    assert ask(thief, OLD).status_code == 303
    told = letters(OLD)[-1]
    assert "has an account already" in told.subject and "/letter/address/" not in told.body
    assert app.test_client().post(link_in(told, "undo")).status_code == 303 and now(anna) == OLD


def test_an_address_taken_meanwhile_is_refused_in_words(app: Flask, anna: Person, hers: FlaskClient) -> None:
    ask(hers)
    way = link_in(letters(NEW)[-1], "address")
    opened(NEW, "Quick")
    page = app.test_client().post(way)
    assert page.status_code == 403 and "opened under this address meanwhile" in text_of(page)
    assert now(anna) == OLD and app.test_client().get(way).status_code == 200, "the link is as it was"


def test_only_the_newest_request_counts_and_a_new_password_ends_it(app: Flask, anna: Person, hers: FlaskClient) -> None:
    ask(hers, "first@example.org")
    first = link_in(letters("first@example.org")[-1], "address")
    ask(hers, "second@example.org")
    second = link_in(letters("second@example.org")[-1], "address")
    assert app.test_client().get(first).status_code == 404
    assert app.test_client().get(second).status_code == 200
    hers.post("/profile/password", data={"old": PASSWORD, "password": "new words in a row"})
    assert app.test_client().post(second).status_code == 404 and now(anna) == OLD


def test_a_reset_sent_to_the_old_address_is_void_once_it_has_changed(
    app: Flask, anna: Person, hers: FlaskClient
) -> None:
    app.test_client().post("/password", data={"email": OLD})
    reset = link_in(letters(OLD)[-1], "password")
    ask(hers)
    app.test_client().post(link_in(letters(NEW)[-1], "address"))
    assert app.test_client().get(reset).status_code == 404


def test_addresses_stand_beside_the_chain_not_in_it(app: Flask, anna: Person, hers: FlaskClient) -> None:
    ask(hers, key="k")
    ask(hers, key="k")
    app.test_client().post(link_in(letters(NEW)[-1], "address"))
    events = session().scalars(select(Event).where(Event.case_id == anna.id)).all()
    assert [e.move for e in events].count("address_change_asked") == 1, "sent twice it counts once"
    for event in events:
        assert "example" not in str(event.facts)
    (asked,) = [e for e in events if e.move == "address_change_asked"]
    assert asked.facts["changes"] == [{"field": "email", "private": True}]


def test_the_language_saved_in_the_profile_stands_in_the_file(anna: Person, hers: FlaskClient) -> None:
    given = {"name_en": "Anna", "language": "ru", "zone": "Europe/Moscow", "theme": "auto"}
    assert hers.post("/profile", data=given).status_code == 303
    assert hers.post("/profile", data=given).status_code == 303
    rows = session().scalars(select(Event).where(Event.case_id == anna.id, Event.move == "language_changed")).all()
    assert [row.facts["changes"] for row in rows] == [[{"field": "language", "before": "en", "after": "ru"}]]
