"""Coming in by oneself: an address is confirmed before anybody gets in, and nobody learns who has an account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.history.models import Event, PrivateValue
from grantflow.identity import registration, service, throttle
from grantflow.identity.access import SYSTEM, actor_for
from grantflow.identity.models import Person
from tests.browsing import field, text_of
from tests.identity.letters import letters, link_in

PASSWORD = "three words together"
GIVEN = {"name": "Вера", "email": "vera@example.org", "language": "ru", "consent": "y"}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits here for an answer to take its time."""
    monkeypatch.setattr(throttle, "PACE_SECONDS", 0.0)


@pytest.fixture
def anna(app: Flask) -> Person:
    with unit_of_work():
        return service.register(email="anna@example.org", name="Anna", password=PASSWORD, language="en", consent=True)


def moves(person_id: int) -> list[str]:
    return list(session().scalars(select(Event.move).where(Event.case_id == person_id).order_by(Event.seq)))


def person(email: str) -> Person:
    session().rollback()
    return session().scalars(select(Person).where(Person.email_key == email)).one()


def test_an_address_is_confirmed_before_anybody_gets_in(app: Flask) -> None:
    client = app.test_client()
    asked = client.post("/register?next=/calls/KR-2021/apply", data=GIVEN)
    assert asked.status_code == 303 and asked.location == "/register/letter"
    page = text_of(client.get(asked.location))
    assert "vera@example.org" in page
    assert client.get("/profile").status_code == 303, "asking lets nobody in"
    vera = person("vera@example.org")
    assert vera.password_hash is None and moves(vera.id) == ["open", "account_opened", "link_sent"]
    letter = letters("vera@example.org")[-1]
    assert letter.language == "ru" and "Подтвердите" in letter.subject
    done = app.test_client().post(link_in(letter, "confirmation"), data={"password": PASSWORD})
    assert done.location == "/organisation/new?next=/calls/KR-2021/apply", (
        "also in another browser one goes on where one was"
    )
    assert moves(vera.id)[-1] == "address_confirmed"
    assert service.authenticate("vera@example.org", PASSWORD)


def test_what_was_begun_before_registering_is_kept_in_the_same_browser(app: Flask) -> None:
    client = app.test_client()
    client.post("/organisation/new", data={"name_ru": "Войлок"})
    client.post("/register", data=GIVEN)
    done = client.post(link_in(letters()[-1], "confirmation"), data={"password": PASSWORD})
    assert done.location == "/organisation/new"
    assert field(client.get(done.location), "name_ru") == "Войлок"


def test_who_was_going_nowhere_describes_the_organisation_first(app: Flask) -> None:
    app.test_client().post("/register", data=GIVEN)
    done = app.test_client().post(link_in(letters()[-1], "confirmation"), data={"password": PASSWORD})
    assert done.location == "/organisation/new"


def test_faulty_words_are_told_by_field_and_kept(app: Flask) -> None:
    page = app.test_client().post("/register", data={"name": "Вера", "email": "vera@", "language": "ru"})
    assert page.status_code == 400 and field(page, "name") == "Вера" and field(page, "email") == "vera@"
    said = text_of(page)
    assert "anna@example.org" in said and "Everything you typed is kept" in said
    assert session().scalar(select(Person)) is None
    assert app.test_client().get("/register/letter").location == "/register"


def test_an_address_that_has_an_account_gets_a_letter_and_the_page_says_the_same(app: Flask, anna: Person) -> None:
    answers = []
    for email in ("anna@example.org", "new@example.org"):
        client = app.test_client()
        answer = client.post("/register", data={**GIVEN, "email": email}, follow_redirects=True)
        answers.append(text_of(answer).replace(email, "…"))
    assert answers[0] == answers[1]
    told = letters("anna@example.org")[-1]
    assert "has an account already" in told.subject and "/confirmation/" not in told.body
    assert moves(anna.id)[-1] == "registration_repeated"
    assert service.authenticate("anna@example.org", PASSWORD), "nothing about the account has changed"


def test_registering_once_more_before_confirming_sends_the_letter_again(app: Flask) -> None:
    client = app.test_client()
    client.post("/register?next=/calls/KR-2021", data=GIVEN)
    assert field(client.get("/register"), "email") == "vera@example.org"
    client.post("/register", data={**GIVEN, "email": "VERA@example.org"})
    first, second = letters("vera@example.org")
    assert app.test_client().get(link_in(first, "confirmation")).status_code == 200
    done = app.test_client().post(link_in(second, "confirmation"), data={"password": PASSWORD})
    assert done.location == "/organisation/new?next=/calls/KR-2021"
    assert app.test_client().get(link_in(first, "confirmation")).status_code == 404, "one choice ends them all"


def test_an_account_nobody_confirmed_cannot_be_signed_in_to(app: Flask) -> None:
    app.test_client().post("/register", data=GIVEN)
    page = app.test_client().post("/sign-in", data={"email": "vera@example.org", "password": ""})
    assert page.status_code == 400
    assert service.authenticate("vera@example.org", "") is None
    assert service.authenticate("vera@example.org", "nobody has this password") is None


def test_a_closed_account_gets_no_letter_and_the_page_says_the_same(app: Flask, anna: Person) -> None:
    with unit_of_work() as current:
        current.get_one(Person, anna.id).active = False
    before = len(letters())
    assert app.test_client().post("/register", data={**GIVEN, "email": "anna@example.org"}).status_code == 303
    assert app.test_client().post("/password", data={"email": "anna@example.org"}).status_code == 303
    assert len(letters()) == before


def test_a_reset_tells_nobody_who_exists_and_ends_every_session(app: Flask, anna: Person) -> None:
    answers = [
        text_of(app.test_client().post("/password", data={"email": e}, follow_redirects=True))
        for e in ("anna@example.org", "no@example.org", "not an address")
    ]
    assert answers[0] == answers[1] == answers[2]
    elsewhere = app.test_client()
    elsewhere.post("/sign-in", data={"email": "anna@example.org", "password": PASSWORD})
    assert elsewhere.get("/profile").status_code == 200
    first, again = letters("anna@example.org")[-1], None
    app.test_client().post("/password", data={"email": "anna@example.org"})
    again = letters("anna@example.org")[-1]
    client = app.test_client()
    assert client.post(link_in(first, "password"), data={"password": "new words in a row"}).location == "/desk"
    assert client.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 303
    assert app.test_client().get(link_in(again, "password")).status_code == 404
    assert "was changed" in letters("anna@example.org")[-1].subject
    assert moves(anna.id)[-1] == "password_changed"


def test_a_reset_is_good_for_two_hours(app: Flask, anna: Person) -> None:
    app.test_client().post("/password", data={"email": "anna@example.org"})
    way = link_in(letters("anna@example.org")[-1], "password")
    with clock.at(clock.now() + timedelta(hours=2, minutes=1)):
        assert app.test_client().get(way).status_code == 404


def test_nothing_personal_of_a_registration_is_in_the_chain_itself(app: Flask) -> None:
    app.test_client().post("/register", data=GIVEN)
    vera = person("vera@example.org")
    for event in session().scalars(select(Event).where(Event.case_id == vera.id)):
        assert "vera" not in str(event.facts) and "Вера" not in str(event.facts)
    values = session().scalars(select(PrivateValue.value).where(PrivateValue.case_id == vera.id)).all()
    assert '"vera@example.org"' in values


def test_who_was_invited_may_also_register_and_chooses_one_password(app: Flask) -> None:
    with unit_of_work():
        olga = service.add_person(SYSTEM, email="olga@example.org", name="Olga")
        number = olga.id
        registration.invite(SYSTEM, number)
    app.test_client().post("/register", data={**GIVEN, "email": "olga@example.org"})
    sent = letters("olga@example.org")
    invitation = next(link_in(one, "invitation") for one in sent if "/invitation/" in one.body)
    confirmation = next(link_in(one, "confirmation") for one in sent if "/confirmation/" in one.body)
    assert app.test_client().post(confirmation, data={"password": PASSWORD}).status_code == 303
    assert app.test_client().get(invitation).status_code == 404
    assert len(session().scalars(select(Person).where(Person.email_key == "olga@example.org")).all()) == 1


def test_an_invitation_taken_back_is_not_come_round_by_a_reset_or_a_registration(app: Flask) -> None:
    with unit_of_work():
        olga = service.add_person(SYSTEM, email="olga@example.org", name="Olga")
        number = olga.id
        registration.invite(SYSTEM, number)
    with unit_of_work():
        registration.withdraw_invitation(SYSTEM, number)
    before = len(letters())
    app.test_client().post("/password", data={"email": "olga@example.org"})
    app.test_client().post("/register", data={**GIVEN, "email": "olga@example.org"})
    assert len(letters()) == before


def test_an_answer_takes_its_time_whatever_there_was_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PACE_SECONDS", 0.35)
    for took in (0.05, 0.3, 0.9):
        hands, slept = [100.0 + took, 100.0], []
        with throttle.evenly(hands.pop, slept.append):
            pass
        assert [round(s + took, 6) for s in slept] == ([0.35] if took < 0.35 else [])


def test_both_pages_that_could_tell_take_their_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[str] = []
    real = throttle.evenly

    def noted() -> object:
        began.append("evenly")
        return real()

    monkeypatch.setattr(throttle, "evenly", noted)
    app.test_client().post("/password", data={"email": "no@example.org"})
    app.test_client().post("/register", data=GIVEN)
    assert began == ["evenly", "evenly"]


def test_a_person_of_the_demo_signs_in_without_confirming(app: Flask) -> None:
    with unit_of_work():
        known = service.register(
            email="applicant@demo.example", name="Anna", password="demo-demo-demo", language="en", consent=True
        )
    assert actor_for(known).person_id
    given = {"email": "applicant@demo.example", "password": "demo-demo-demo"}
    assert app.test_client().post("/sign-in", data=given).status_code == 303
