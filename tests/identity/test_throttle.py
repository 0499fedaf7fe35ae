"""How often the door may be tried, and that nobody is locked out by another for ever."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from grantflow.db import unit_of_work
from grantflow.identity import service, throttle
from tests.browsing import field, text_of
from tests.identity.letters import letters, link_in

PASSWORD = "three words together"
HOME = "198.51.100.7"


@pytest.fixture(autouse=True)
def anna(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account, and nobody waits."""
    monkeypatch.setattr(throttle, "PACE_SECONDS", 0.0)
    with unit_of_work():
        service.register(email="anna@example.org", name="Anna", password=PASSWORD, language="en", consent=True)


def attempt(client: Any, email: str = "anna@example.org", password: str = "wrong words", at: str = HOME) -> Any:
    given = {"email": email, "password": password}
    return client.post("/sign-in", data=given, environ_overrides={"REMOTE_ADDR": at})


def statuses(app: Flask, count: int, **how: str) -> list[int]:
    return [attempt(app.test_client(), **how).status_code for _ in range(count)]


def test_after_ten_wrong_attempts_from_one_place_one_waits_and_is_told_until_when(app: Flask) -> None:
    assert statuses(app, 10) == [400] * 10
    page = attempt(app.test_client(), "ANNA@example.org", PASSWORD)
    assert page.status_code == 429 and field(page, "email") == "ANNA@example.org" and field(page, "password") == ""
    said = text_of(page)
    assert "Try again after" in said and "link" in said
    assert 0 < int(page.headers["Retry-After"]) <= 901
    assert attempt(app.test_client(), "other@example.org").status_code == 400


def test_an_address_nobody_has_waits_with_the_same_words(app: Flask) -> None:
    pages = []
    for email in ("anna@example.org", "nobody@example.org"):
        assert statuses(app, 10, email=email) == [400] * 10
        pages.append(attempt(app.test_client(), email))
    assert [page.status_code for page in pages] == [429, 429]
    one, other = (text_of(page).replace(e, "…") for page, e in zip(pages, ("anna@", "nobody@"), strict=True))
    assert len(one) == len(other) and one.split("Try again")[0] == other.split("Try again")[0]


def test_many_places_at_once_do_not_guess_further(app: Flask) -> None:
    for number in range(3):
        assert statuses(app, 10, at=f"203.0.113.{number + 1}") == [400] * 10
    assert statuses(app, 1, at="203.0.113.99") == [429]


def test_who_guesses_elsewhere_does_not_lock_out_a_browser_that_was_let_in(app: Flask) -> None:
    mine = app.test_client()
    assert attempt(mine, password=PASSWORD).status_code == 303
    mine.post("/sign-out")
    for number in range(4):
        statuses(app, 10, at=f"203.0.113.{number + 1}")
    statuses(app, 70, at=HOME)
    assert attempt(app.test_client(), password=PASSWORD).status_code == 429
    assert attempt(mine, password=PASSWORD).status_code == 303


def test_a_browser_that_was_let_in_is_counted_too(app: Flask) -> None:
    mine = app.test_client()
    attempt(mine, password=PASSWORD)
    mine.post("/sign-out")
    assert [attempt(mine).status_code for _ in range(11)] == [400] * 10 + [429]


def test_a_browser_is_known_to_the_accounts_it_opened_and_to_no_other(app: Flask) -> None:
    with unit_of_work():
        service.register(email="boris@example.org", name="Boris", password=PASSWORD, language="en", consent=True)
    mine = app.test_client()
    attempt(mine, "boris@example.org", PASSWORD)
    mine.post("/sign-out")
    for number in range(3):
        statuses(app, 10, at=f"203.0.113.{number + 1}")
    assert attempt(mine, password=PASSWORD).status_code == 429
    assert attempt(mine, "boris@example.org", PASSWORD).status_code == 303


@pytest.mark.parametrize("card", ["", "x", "W10.x", "bm9uc2Vuc2U.bm9uc2Vuc2U"])
def test_a_card_nobody_signed_counts_for_nothing(app: Flask, card: str) -> None:
    for number in range(3):
        statuses(app, 10, at=f"203.0.113.{number + 1}")
    forged = app.test_client()
    forged.set_cookie(throttle.COOKIE, card)
    assert attempt(forged, password=PASSWORD).status_code == 429


def test_the_card_names_nobody_and_no_script_reads_it(app: Flask) -> None:
    answer = attempt(app.test_client(), password=PASSWORD)
    (card,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{throttle.COOKIE}=")]
    assert "HttpOnly" in card and "SameSite=Lax" in card and "anna" not in card


def test_a_link_by_mail_lets_in_while_the_door_is_shut(app: Flask) -> None:
    for number in range(4):
        statuses(app, 10, at=f"203.0.113.{number + 1}")
    fresh = app.test_client()
    assert attempt(fresh, password=PASSWORD).status_code == 429
    fresh.post("/password", data={"email": "anna@example.org"})
    done = fresh.post(link_in(letters("anna@example.org")[-1], "password"), data={"password": "other words again"})
    assert done.location == "/desk"
    fresh.post("/sign-out")
    assert attempt(fresh, password="other words again").status_code == 303, "the browser is known now"


def test_letters_to_one_address_are_few_and_those_sent_stay_good(app: Flask) -> None:
    for number in range(5):
        asked = app.test_client().post(
            "/password", data={"email": "anna@example.org"}, environ_overrides={"REMOTE_ADDR": f"203.0.113.{number}"}
        )
        assert asked.status_code == 303
    page = app.test_client().post("/password", data={"email": "anna@example.org"})
    assert page.status_code == 429 and "stay good" in text_of(page) and field(page, "email") == "anna@example.org"
    first = letters("anna@example.org")[1]
    assert app.test_client().get(link_in(first, "password")).status_code == 200


def test_registering_too_often_is_told_with_the_words_kept(app: Flask) -> None:
    given = {"name": "Вера", "email": "vera@example.org", "language": "ru", "consent": "y"}
    for _ in range(5):
        assert app.test_client().post("/register", data=given).status_code == 303
    page = app.test_client().post("/register", data=given)
    assert page.status_code == 429 and field(page, "name") == "Вера" and "Try again after" in text_of(page)
