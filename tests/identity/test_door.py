"""Signing in and out, sessions that end, and what was typed meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.identity import kept, service
from grantflow.identity.access import actor_for
from grantflow.identity.models import KeptInput, Person
from tests import factories
from tests.browsing import field, signed_in, text_of

PASSWORD = "three words together"


@pytest.fixture
def anna(app: Flask) -> Person:
    with unit_of_work():
        return service.register(email="anna@example.org", name="Anna", password=PASSWORD, language="en", consent=True)


def enter(client: object, **more: str) -> object:
    return client.post("/sign-in", data={"email": "anna@example.org", "password": PASSWORD, **more})  # type: ignore[attr-defined]


def test_the_sign_in_page_opens_for_everybody(app: Flask) -> None:
    page = app.test_client().get("/sign-in")
    assert page.status_code == 200 and "Sign in" in text_of(page)


def test_signing_in_leads_to_the_desk_and_out_again(app: Flask, anna: Person) -> None:
    client = app.test_client()
    answer = enter(client)
    assert answer.status_code == 303 and answer.location == "/desk"  # type: ignore[attr-defined]
    assert client.get("/profile").status_code == 200
    assert client.post("/sign-out").status_code == 303
    assert client.get("/profile").location == "/sign-in?next=/profile"


@pytest.mark.parametrize(
    "email, password",
    [("anna@example.org", "wrong words here"), ("nobody@example.org", PASSWORD), ("not an address", "x")],
)
def test_a_wrong_sign_in_says_the_same_whoever_exists(app: Flask, anna: Person, email: str, password: str) -> None:
    page = app.test_client().post("/sign-in", data={"email": email, "password": password})
    assert page.status_code == 400
    assert "do not fit together" in text_of(page)
    assert field(page, "email") == email and field(page, "password") == ""


def test_what_was_planted_in_a_session_does_not_survive_signing_in(app: Flask, anna: Person) -> None:
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["found"], cookie["language"] = [1, 2], "ru"
    enter(client)
    with client.session_transaction() as cookie:
        assert "found" not in cookie and cookie["language"] == "ru"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb"]
)
def test_signing_in_leads_to_no_other_site(app: Flask, anna: Person, target: str) -> None:
    with app.test_request_context():
        assert kept.safe_next(target) is None
    assert (
        app.test_client()
        .post(
            "/sign-in",
            query_string={"next": target},
            data={"email": "anna@example.org", "password": PASSWORD},
        )
        .location
        == "/desk"
    )


def test_a_session_ends_after_hours_without_a_click(app: Flask, anna: Person) -> None:
    client = app.test_client()
    enter(client)
    with clock.at(clock.now() + timedelta(minutes=239)):
        assert client.get("/profile").status_code == 200
    with clock.at(clock.now() + timedelta(minutes=239 + 239)):
        assert client.get("/profile").status_code == 200
    with clock.at(clock.now() + timedelta(minutes=239 + 239 + 241)):
        assert client.get("/profile").status_code == 303


def test_what_was_typed_into_an_ended_session_is_in_the_form_again(app: Flask, anna: Person) -> None:
    client = app.test_client()
    enter(client)
    later = clock.now() + timedelta(hours=9)
    with clock.at(later):
        answer = client.post(
            "/organisation/new",
            data={"name_ru": "Войлок", "inn": "12x", "password": "secret", "csrf_token": "t"},
        )
        assert answer.status_code == 303 and answer.location.startswith("/sign-in")
        assert "what you typed is kept" in text_of(client.get(answer.location))
        row = session().scalars(select(KeptInput)).one()
        assert row.person_id == anna.id and "secret" not in str(row.data) and "csrf_token" not in str(row.data)
        back = enter(client)
        assert back.location == "/organisation/new"  # type: ignore[attr-defined]
        page = client.get("/organisation/new")
        assert field(page, "name_ru") == "Войлок" and field(page, "inn") == "12x"
        assert "What you typed is kept" in text_of(page)
        assert field(client.get("/organisation/new"), "name_ru") == ""


def test_kept_words_are_not_shown_to_another_person(app: Flask, anna: Person) -> None:
    with unit_of_work():
        service.register(email="boris@example.org", name="Boris", password=PASSWORD, language="en", consent=True)
    client = app.test_client()
    enter(client)
    with clock.at(clock.now() + timedelta(hours=9)):
        client.post("/organisation/new", data={"name_ru": "Войлок"})
        answer = enter(client, email="boris@example.org")
        assert answer.location == "/desk"  # type: ignore[attr-defined]
        assert field(client.get("/organisation/new"), "name_ru") == ""


def test_a_form_sent_by_another_site_is_not_kept(app: Flask, anna: Person) -> None:
    client = app.test_client()
    client.post("/organisation/new", data={"name_ru": "Planted"}, headers={"Sec-Fetch-Site": "cross-site"})
    client.post("/organisation/new", data={"name_ru": "Planted"}, headers={"Origin": "https://evil.example"})
    assert session().scalars(select(KeptInput)).all() == []


def test_only_as_much_is_kept_as_fits(app: Flask, anna: Person) -> None:
    client = app.test_client()
    client.post("/organisation/new", data={"name_ru": "x" * 300_000})
    client.post("/organisation/new", data={"name_ru": "x" * 100_000, "name_en": "y"})
    rows = session().scalars(select(KeptInput)).all()
    assert [[name for name, _ in row.data] for row in rows] == [["name_ru", "name_en"]]


def test_a_form_with_an_old_token_comes_back_with_its_words(app: Flask, anna: Person) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    client = signed_in(app, actor_for(anna))
    answer = client.post("/organisation/new", data={"name_ru": "Войлок", "csrf_token": "old"})
    assert answer.status_code == 303 and answer.location == "/organisation/new"
    page = client.get("/organisation/new")
    assert field(page, "name_ru") == "Войлок"
    good = client.post(
        "/organisation/new",
        data={
            "name_ru": "Войлок",
            "kind": "cso",
            "legal_form": "ano",
            "country": "RU",
            "csrf_token": field(page, "csrf_token"),
        },
    )
    assert good.location == "/organisation"


def test_a_changed_password_signs_other_devices_out(app: Flask, anna: Person) -> None:
    here, elsewhere = app.test_client(), app.test_client()
    enter(here)
    enter(elsewhere)
    wrong = here.post("/profile/password", data={"old": "no", "password": "other words again"})
    assert wrong.status_code == 400 and "not your present password" in text_of(wrong)
    assert here.post("/profile/password", data={"old": PASSWORD, "password": "other words again"}).status_code == 303
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 303


def test_a_closed_account_is_out_at_once(app: Flask, anna: Person) -> None:
    client = app.test_client()
    enter(client)
    with unit_of_work() as current:
        current.get_one(Person, anna.id).active = False
    assert client.get("/profile").status_code == 303


def test_the_language_is_kept_with_the_person_and_in_the_browser(app: Flask, anna: Person) -> None:
    client = app.test_client()
    assert client.get("/language/ru?next=/sign-in").location == "/sign-in"
    assert '<html lang="ru"' in client.get("/sign-in").get_data(as_text=True)
    enter(client)
    assert '<html lang="en"' in client.get("/profile").get_data(as_text=True)
    client.get("/language/ru?next=/profile")
    assert session().get_one(Person, anna.id, populate_existing=True).language == "ru"
    assert '<html lang="ru"' in client.get("/profile").get_data(as_text=True)
    assert client.get("/language/xx").status_code == 404


def test_the_browsers_wish_decides_for_who_never_chose(app: Flask) -> None:
    page = app.test_client().get("/sign-in", headers={"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.5"})
    assert '<html lang="ru"' in page.get_data(as_text=True)


def test_a_view_that_declares_nothing_is_closed_to_everybody(app: Flask, anna: Person) -> None:
    app.view_functions["identity.profile"] = lambda: "open"
    assert signed_in(app, actor_for(anna)).get("/profile").status_code == 404


def test_a_wrong_role_is_told_who_may(app: Flask, anna: Person) -> None:
    page = signed_in(app, actor_for(anna)).get("/people")
    assert page.status_code == 403 and "Only the programme manager may open this page" in text_of(page)


def test_the_profile_keeps_settings_and_refuses_what_is_no_zone(app: Flask, anna: Person) -> None:
    client = signed_in(app, actor_for(anna))
    good = {"name_en": "Anna L.", "name_ru": "", "language": "ru", "zone": "Asia/Chita", "theme": "dark"}
    assert client.post("/profile", data=good).status_code == 303
    person = session().get_one(Person, anna.id, populate_existing=True)
    assert (person.name_en, person.language, person.zone, person.theme) == (
        "Anna L.",
        "ru",
        "Asia/Chita",
        "dark",
    )
    bad = client.post("/profile", data={**good, "zone": "Mars/Base", "name_en": "", "language": "en"})
    assert bad.status_code == 400
    nameless = client.post("/profile", data={**good, "name_en": " "})
    assert nameless.status_code == 400


def test_every_page_costs_the_same_two_questions_for_who_is_here(app: Flask, anna: Person) -> None:
    from tests.browsing import counting

    client = signed_in(app, actor_for(anna))
    client.get("/profile")
    with counting() as seen:
        client.get("/profile")
    about = [s for s in seen if "FROM people" in s or "FROM roles" in s]
    assert len(about) == 4, about  # who is here with their roles, and the same two for what the profile shows


def test_an_applicant_without_an_organisation_describes_one_first(app: Flask, anna: Person) -> None:
    client = signed_in(app, actor_for(anna))
    assert client.get("/organisation").location == "/organisation/new"
    bad = client.post(
        "/organisation/new",
        data={
            "name_ru": "Войлок",
            "kind": "cso",
            "legal_form": "ano",
            "country": "RU",
            "inn": "7707083894",
            "founded_on": "1.13.2020",
        },
    )
    assert bad.status_code == 400 and field(bad, "name_ru") == "Войлок"
    bad = client.post(
        "/organisation/new",
        data={"name_ru": "Войлок", "kind": "cso", "legal_form": "ano", "country": "RU", "inn": "7707083894"},
    )
    assert "last digits do not fit" in text_of(bad)
    good = client.post(
        "/organisation/new",
        data={
            "name_ru": "Войлок",
            "kind": "cso",
            "legal_form": "ano",
            "country": "RU",
            "inn": "7707083893",
            "founded_on": "1.11.2020",
            "key": "a",
        },
    )
    assert good.location == "/organisation"
    assert (
        client.post(
            "/organisation/new",
            data={
                "name_ru": "Войлок",
                "kind": "cso",
                "legal_form": "ano",
                "country": "RU",
                "inn": "7707083893",
                "key": "a",
            },
        ).location
        == "/organisation"
    )
    page = client.get("/organisation")
    assert text_of(page).count("Войлок") >= 1 and "1 November 2020" in text_of(page)


def test_another_persons_organisation_is_not_found(app: Flask, anna: Person) -> None:
    client = signed_in(app, actor_for(anna))
    client.post("/organisation/new", data={"name_ru": "Мой", "kind": "cso", "legal_form": "ano", "country": "RU"})
    other = factories.organisation()
    assert client.get(f"/organisation/{other}/edit").status_code == 404
    assert client.post(f"/organisation/{other}/edit", data={"name_ru": "x"}).status_code == 404
    assert client.get(f"/organisation/{other}/people").status_code == 404
