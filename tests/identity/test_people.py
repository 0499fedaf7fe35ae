"""Accounts, passwords and their rules, on a real database."""

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, Refused
from grantflow.history.models import Event, PrivateValue
from grantflow.identity import passwords, service, words
from grantflow.identity.access import NOBODY, SYSTEM, actor_for
from grantflow.identity.models import Person
from tests import factories


def registered(email: str = "anna@example.org", **more: object) -> Person:
    given = {"name": "Анна Лемпи", "password": "три слова вместе", "language": "ru", "consent": True, **more}
    with unit_of_work():
        return service.register(email=email, **given)  # type: ignore[arg-type]


def test_registering_opens_a_file_with_the_consent_and_its_text(app: Flask) -> None:
    person = registered()
    events = session().scalars(select(Event).where(Event.case_id == person.id).order_by(Event.seq)).all()
    assert [e.trigger for e in events] == ["open", "account_opened"]
    assert events[1].facts["consent"] == service.CONSENT
    assert events[1].actor_id == person.id
    assert person.name_ru == "Анна Лемпи" and person.name_en == ""


def test_name_and_address_are_no_part_of_the_chain_itself(app: Flask) -> None:
    person = registered()
    event = session().scalars(select(Event).where(Event.case_id == person.id, Event.seq == 2)).one()
    assert "anna" not in str(event.facts) and "Анна" not in str(event.facts)
    beside = session().scalars(select(PrivateValue).where(PrivateValue.case_id == person.id)).all()
    assert {v.value for v in beside} >= {'"anna@example.org"', '"Анна Лемпи"'}


def test_without_consent_nobody_is_registered(app: Flask) -> None:
    with pytest.raises(Invalid) as fault:
        registered(consent=False)
    assert "consent" in fault.value.fields
    assert session().scalar(select(Person)) is None


def test_an_address_is_taken_whatever_its_case(app: Flask) -> None:
    registered("anna@example.org")
    with pytest.raises(Invalid) as fault:
        registered("ANNA@Example.ORG")
    assert "email" in fault.value.fields


def test_a_repeated_registration_with_one_key_gives_one_person(app: Flask) -> None:
    first = registered(key="k1").id
    assert registered(key="k1").id == first


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 10"),
        ("x" * 300, "at most 200"),
        ("aaaaaaaaaaaa", "guessed first"),
        ("Password123!", "guessed first"),
        ("anna@example.org", "no secret"),
    ],
)
def test_a_weak_password_is_refused_with_what_to_write(app: Flask, password: str, said: str) -> None:
    with app.test_request_context():
        assert said in str(passwords.fault(password, email="anna@example.org"))


def test_a_password_typed_in_two_ways_of_unicode_is_one() -> None:
    kept = passwords.hashed("Caf\u00e9 und Kuchen")
    assert passwords.matches(kept, "Cafe\u0301 und Kuchen")
    assert not passwords.matches(kept, "Cafe und Kuchen")
    assert not passwords.matches(None, "nobody has this password")


def test_a_hash_made_with_little_work_is_made_anew_at_the_next_sign_in_and_then_kept(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    person_id, password, kept = registered().id, "три слова вместе", list[str]()
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher())  # as it is outside the tests
    for _time in range(2):
        sent = app.test_client().post("/sign-in", data={"email": "anna@example.org", "password": password})
        assert sent.status_code == 303
        session().expire_all()
        kept.append(session().get_one(Person, person_id).password_hash or "")
    assert kept[0] == kept[1] and kept[0].startswith("$argon2id$") and "m=65536,t=3" in kept[0]
    assert passwords.matches(kept[0], password) and not passwords.matches(kept[0], "иное слово тут")


def test_signing_in_needs_the_right_password_and_an_active_account(app: Flask) -> None:
    person = registered()
    assert service.authenticate("ANNA@example.org", "три слова вместе") is person
    assert service.authenticate("anna@example.org", "иное слово тут") is None
    assert service.authenticate("nobody@example.org", "три слова вместе") is None
    with unit_of_work() as current:
        current.get_one(Person, person.id).active = False
    assert service.authenticate("anna@example.org", "три слова вместе") is None


def test_a_changed_password_ends_older_sessions(app: Flask) -> None:
    person = registered()
    actor = actor_for(person)
    with pytest.raises(Invalid), unit_of_work():
        service.change_password(actor, person.id, new="другие слова тут", old="не тот пароль")
    with unit_of_work():
        service.change_password(actor, person.id, new="другие слова тут", old="три слова вместе")
    assert session().get_one(Person, person.id).session_epoch == 1
    assert service.authenticate("anna@example.org", "другие слова тут")


def test_a_changed_name_stands_in_the_file_and_is_erasable(app: Flask) -> None:
    person = registered()
    with unit_of_work():
        service.change_name(actor_for(person), person.id, name_en="Anna Lempi", name_ru="Анна Лемпи")
    event = session().scalars(select(Event).where(Event.case_id == person.id, Event.trigger == "name_changed")).one()
    assert event.facts["changes"] == [{"field": "name_en", "private": True}]


@pytest.mark.parametrize("name", ["", "   ", "12345", "a\u0007b", "<b>x</b>", "x\u202ey", "я" * 201])
def test_a_name_that_cannot_be_one_is_refused(app: Flask, name: str) -> None:
    with app.test_request_context(), pytest.raises(Invalid):
        words.name(name)


@pytest.mark.parametrize("name", ["Ö", "Анна-Мария", "=SUM(A1) d'Or", "Нгуен Ван А", "محمد"])
def test_a_name_in_any_script_is_taken_as_typed(app: Flask, name: str) -> None:
    with app.test_request_context():
        assert words.name(f" {name} ") == name


def test_only_managers_and_the_shell_add_people(app: Flask) -> None:
    with unit_of_work():
        assert service.add_person(SYSTEM, email="x@example.org", name="X Y").password_hash is None
    with pytest.raises(Refused), unit_of_work():
        service.add_person(NOBODY, email="y@example.org", name="Y")
    officer = factories.person("officer", programme_id=factories.record_file("programme"))
    with pytest.raises(Refused), unit_of_work():
        service.add_person(officer, email="y@example.org", name="Y")


def test_an_address_without_its_second_half_is_refused_by_field(app: Flask) -> None:
    with pytest.raises(Invalid) as fault:
        registered("anna@")
    assert "email" in fault.value.fields


def test_spellings_of_one_name_have_one_search_key() -> None:
    assert words.search_key("Карельский центр «Ёлка»") == words.search_key('карельскии центр "Елка"')
