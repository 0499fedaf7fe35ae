"""Links by mail: signed, kept as digests, good for a while and for one use, also of two at once."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text

from grantflow import clock, create_app, schema
from grantflow.cases.models import Outbox
from grantflow.db import db, session, unit_of_work
from grantflow.errors import Invalid
from grantflow.history.models import Event
from grantflow.identity import links, registration, service
from grantflow.identity.access import SYSTEM
from grantflow.identity.models import AccountLink, KeptInput, Person
from tests import factories
from tests.browsing import field, text_of
from tests.identity.letters import letters, link_in
from tests.together import all_at_once

PASSWORD = "three words together"


def invited(email: str = "olga@example.org") -> int:
    with unit_of_work():
        person = service.add_person(SYSTEM, email=email, name="Ольга Лемпи", language="ru")
        person_id = person.id
        registration.invite(SYSTEM, person_id)
    return person_id


def token_of(link_id: int) -> str:
    return links.address_of(link_id).rpartition("/")[2]


def test_a_link_is_kept_as_a_digest_and_says_nothing_of_anybody(app: Flask) -> None:
    person_id = invited()
    way = link_in(letters()[-1], "invitation")
    token = way.rpartition("/")[2]
    with db.engine.connect() as connection:
        for table in set(inspect(db.engine).get_table_names()) - {"letters"}:
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                assert token not in str(row), table
    inside = base64.urlsafe_b64decode(token.partition(".")[0] + "==").decode()
    row = session().scalars(select(AccountLink).where(AccountLink.kind == "invitation")).one()
    assert inside == f'"{row.nonce}"' and row.person_id == person_id


def test_a_link_opens_its_own_door_alone(app: Flask) -> None:
    invited()
    token = link_in(letters()[-1], "invitation").rpartition("/")[2]
    assert links.opened_by(token, "invitation") is not None
    assert links.opened_by(token, "password") is None
    assert links.opened_by(token + "x", "invitation") is None
    assert links.opened_by("nothing", "invitation") is None
    assert links.opened_by("", "invitation") is None


def test_a_link_made_with_another_key_does_not_open(app: Flask) -> None:
    invited()
    token = link_in(letters()[-1], "invitation").rpartition("/")[2]
    app.config["SECRET_KEY"] = "another" * 6
    assert links.opened_by(token, "invitation") is None


@pytest.mark.parametrize("kind", sorted(links.LIVES))
def test_a_link_ends_with_its_time(app: Flask, kind: str) -> None:
    person = factories.person()
    assert person.person_id
    with unit_of_work():
        token = token_of(links.issue(person.person_id, kind, onward="ru"))
    end = clock.now() + links.LIVES[kind]
    with clock.at(end - timedelta(minutes=1)):
        assert links.opened_by(token, kind) is not None
    with clock.at(end + timedelta(minutes=1)):
        assert links.opened_by(token, kind) is None
        with pytest.raises(links.Spent), unit_of_work():
            links.spend(token, kind)


def test_looking_at_a_link_spends_nothing_and_choosing_does(app: Flask) -> None:
    invited()
    way = link_in(letters()[-1], "invitation")
    client = app.test_client()
    for _ in range(3):
        page = client.get(way)
        assert page.status_code == 200
        assert client.head(way).status_code == 200
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "no-referrer"
    weak = client.post(way, data={"password": "short"})
    assert weak.status_code == 400 and "10" in text_of(weak)
    assert client.get(way).status_code == 200, "a password that may not be chosen spends nothing"
    assert client.post(way, data={"password": PASSWORD}).status_code == 303
    for answer in (client.get(way), client.post(way, data={"password": "other words again"})):
        assert answer.status_code == 404 and answer.headers["Cache-Control"] == "no-store"
    assert service.authenticate("olga@example.org", PASSWORD)


def test_a_page_behind_a_link_that_was_open_for_long_is_shown_again_and_kept_nowhere(app: Flask) -> None:
    invited()
    way = link_in(letters()[-1], "invitation")
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    given = {"password": PASSWORD, "username": "olga@example.org", "csrf_token": "old"}
    again = client.post(way, data=given)
    assert again.status_code == 303 and again.location == way
    page = client.get(way)
    assert page.status_code == 200 and session().scalars(select(KeptInput)).all() == []
    assert client.post(way, data={**given, "csrf_token": field(page, "csrf_token")}).status_code == 303


def test_a_letter_is_in_the_language_of_who_reads_it_and_so_is_the_page_behind_it(app: Flask) -> None:
    invited()
    letter = letters()[-1]
    assert letter.language == "ru" and "Вас приглашают" in letter.subject
    page = app.test_client().get(link_in(letter, "invitation"), headers={"Accept-Language": "en"})
    assert '<html lang="ru"' in page.get_data(as_text=True)


def test_the_notice_on_the_page_shows_no_link(app: Flask) -> None:
    person_id = invited()
    client = factories.signed_in(app, factories.actor_for(session().get_one(Person, person_id)))
    page = client.get("/inbox").get_data(as_text=True)
    assert "Вас приглашают" in page and "/invitation/" not in page


def test_a_letter_in_the_wrong_language_brings_the_way_to_the_other(app: Flask) -> None:
    person_id = invited()
    letter = letters()[-1]
    assert "Pages and letters in this language instead" in letter.body
    way = link_in(letter, "language")
    client = app.test_client()
    assert "English" in text_of(client.get(way)) and client.get(way).status_code == 200
    assert session().get_one(Person, person_id, populate_existing=True).language == "ru"
    assert client.post(way).status_code == 303
    assert session().get_one(Person, person_id, populate_existing=True).language == "en"
    assert client.post(way).status_code == 404
    event = session().scalars(select(Event).where(Event.case_id == person_id, Event.move == "language_changed")).one()
    assert event.facts["changes"] == [{"field": "language", "before": "ru", "after": "en"}]
    assert client.get(link_in(letter, "invitation")).status_code == 200, "the invitation itself is still good"


def test_a_closed_account_opens_no_link(app: Flask) -> None:
    person_id = invited()
    way = link_in(letters()[-1], "invitation")
    with unit_of_work() as current:
        current.get_one(Person, person_id).active = False
    assert app.test_client().get(way).status_code == 404


def test_rows_of_links_that_ended_long_ago_go(app: Flask) -> None:
    person_id = invited()
    with clock.at(clock.now() + links.KEPT + timedelta(days=40)), unit_of_work():
        links.issue(person_id, "password")
    assert [row.kind for row in session().scalars(select(AccountLink))] == ["password"]


def test_a_link_that_cannot_be_taken_is_as_it_was(app: Flask) -> None:
    invited()
    token = link_in(letters()[-1], "invitation").rpartition("/")[2]
    with pytest.raises(Invalid), unit_of_work():
        registration.choose_password(token, "invitation", "short")
    assert links.opened_by(token, "invitation") is not None


@pytest.fixture(params=["sqlite", "postgresql"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app on a database of each kind, committed for real."""
    environ = {"GRANTFLOW_HOME": str(tmp_path), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": "t" * 40}
    if request.param == "postgresql":
        environ["DATABASE_URL"] = request.getfixturevalue("migrated_postgres")()
    made = create_app(environ)
    schema.upgrade(made)
    yield made
    with made.app_context():
        db.engine.dispose()


def at_once(app: Flask, count: int, act: Any) -> list[str]:
    """Let several do the same thing in the same moment; what each got."""

    def run(number: int) -> str:
        with unit_of_work():
            act(number)
        return "done"

    said = all_at_once(app, *(partial(run, number) for number in range(count)))
    return sorted(type(one).__name__ if isinstance(one, Exception) else one for one in said)


def test_of_several_who_press_at_once_one_gets_in(real: Flask, thorough: bool) -> None:
    for round_ in range(40 if thorough else 4):
        with real.app_context():
            person_id = invited(f"olga{round_}@example.org")
            token = token_of(links.invitations_of([person_id])[person_id].id)
            db.session.remove()

        def choose(number: int, token: str = token) -> None:
            registration.choose_password(token, "invitation", f"three words of {number} together")

        outcomes = at_once(real, 4, choose)
        assert outcomes == ["Spent", "Spent", "Spent", "done"]
        with real.app_context():
            events = session().scalars(select(Event.move).where(Event.case_id == person_id).order_by(Event.seq)).all()
            assert list(events).count("invitation_accepted") == 1
            assert session().get_one(Person, person_id).session_epoch == 1
            db.session.remove()


def test_of_several_who_register_one_address_at_once_one_account_comes(real: Flask) -> None:

    def register() -> None:
        registration.ask_account(
            email="vera@example.org", name="Вера", language="ru", zone="Europe/Moscow", consent=True
        )

    assert all_at_once(real, *[register] * 4) == [None] * 4
    with real.app_context():
        assert len(session().scalars(select(Person)).all()) == 1
        told = session().scalars(select(Outbox.notice)).all()
        assert list(told) == ["confirm_address"] * 4
        db.session.remove()


@pytest.mark.parametrize(("language", "said"), [("en", "works once, for {} days"), ("ru", "один раз, {} дней")])
def test_the_privacy_page_says_what_is_kept_of_somebody_invited_and_how_long_the_link_works(
    app: Flask, language: str, said: str
) -> None:
    page = text_of(app.test_client().get("/privacy", headers={"Accept-Language": language}))
    assert said.format(links.LIVES["invitation"].days) in page and f"{links.KEPT.days} " in page
