"""The same pages on PostgreSQL: every room opens, a move is made, words of an ended session come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask

from grantflow import create_app
from grantflow.db import db
from tests.browsing import FreshClient, field, text_of
from tests.cases_web.conftest import House


def test_the_pages_of_people_and_cases_open_on_postgresql(
    house: House, migrated_postgres: Callable[[], str], tmp_path: Path
) -> None:
    del house  # the machine of the tests is put in place; the rest happens on the other database
    app: Flask = create_app(
        {
            "GRANTFLOW_HOME": str(tmp_path / "pg"),
            "DATABASE_URL": migrated_postgres(),
            "GRANTFLOW_WORKER": "no",
            "GRANTFLOW_SECRET_KEY": "t" * 40,
        }
    )
    app.test_client_class = FreshClient
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    with app.app_context():
        try:
            walk(House(app))
        finally:
            db.session.remove()
            db.engine.dispose()


def walk(house: House) -> None:
    case = house.case()
    client = house.at(house.officer)
    for url in (
        "/desk",
        "/inbox",
        "/profile",
        f"/cases/{case.id}",
        f"/history/{case.id}",
        f"/cases/{case.id}/moves/check",
    ):
        assert client.get(url).status_code == 200, url
    made = client.post(
        f"/cases/{case.id}/moves/check", data={"version": "1", "key": "k", "lamp": "on", "reason": "fine"}
    )
    again = client.post(f"/cases/{case.id}/moves/check", data={"version": "1", "key": "k", "lamp": "on"})
    assert made.status_code == again.status_code == 303
    stale = client.post(f"/cases/{case.id}/moves/back", data={"version": "1"})
    assert stale.status_code == 409
    client.post("/inbox/read", data={})
    out = house.app.test_client()
    out.post("/organisation/new", data={"name_ru": "Войлок"})
    with out.session_transaction() as cookie, house.at(house.applicant).session_transaction() as own:
        cookie.update({name: own[name] for name in ("_user_id", "seen")})
    assert field(out.get("/organisation/new"), "name_ru") == "Войлок"
    from tests import factories

    manager = house.at(factories.person("manager", programme_id=house.programme))
    assert "Olga 1" in text_of(manager.get("/people"))
    assert manager.get(f"/people/{house.officer.person_id}/roles").status_code == 200
    assert manager.get(f"/people/{house.stranger.person_id}/roles").status_code == 404
    given = {"email": "olga@example.org", "name": "Ольга", "language": "ru", "key": "k"}
    page = manager.post("/people/new", data=given)
    assert page.status_code == 303
    assert manager.post(page.location, data={"role": f"officer/{house.programme}", "key": "r"}).status_code == 303
