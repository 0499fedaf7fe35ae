"""The manager's pages of people and roles."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grantflow.cases.models import Outbox
from grantflow.db import session
from grantflow.identity import links
from grantflow.identity.models import Person, RoleAssignment
from tests import factories
from tests.browsing import counting, field, signed_in, text_of


class House:
    def __init__(self, app: Flask) -> None:
        self.programme = factories.record_file("programme", "PROZVET")
        self.manager = factories.person("manager", programme_id=self.programme)
        self.client: FlaskClient = signed_in(app, self.manager)


def test_a_manager_adds_somebody_and_gives_a_role(app: Flask) -> None:
    house = House(app)
    assert house.client.get("/people/new").status_code == 200
    bad = house.client.post("/people/new", data={"email": "nobody", "name": "Olga", "language": "ru"})
    assert bad.status_code == 400 and field(bad, "name") == "Olga"
    answer = house.client.post(
        "/people/new", data={"email": "olga@example.org", "name": "Ольга", "language": "ru", "key": "k"}
    )
    person = session().scalars(select(Person).where(Person.email_key == "olga@example.org")).one()
    assert answer.location == f"/people/{person.id}/roles"
    again = house.client.post(
        "/people/new", data={"email": "olga@example.org", "name": "Ольга", "language": "ru", "key": "k"}
    )
    assert again.location == answer.location
    invited = session().scalars(select(Outbox).where(Outbox.person_id == person.id, Outbox.notice == "invited")).one()
    assert links.address_of(invited.params["account_link"]).rpartition("/")[0].endswith("/invitation")
    given = {"role": f"officer/{house.programme}", "ends_on": "31.12.2090", "reason": "Joins"}
    assert house.client.post(answer.location, data=given).status_code == 303
    page = house.client.get(answer.location)
    assert "Programme officer" in text_of(page) and "31 Dec 2090" in text_of(page)


def test_a_role_page_refuses_in_words_and_keeps_what_was_typed(app: Flask) -> None:
    house = House(app)
    finance = factories.person("finance", programme_id=house.programme)
    url = f"/people/{finance.person_id}/roles"
    assert house.client.get(url).status_code == 200
    refused = house.client.post(url, data={"role": f"manager/{house.programme}", "reason": "Short of hands"})
    assert refused.status_code == 403 and "does not pay" in text_of(refused) and "Short of hands" in text_of(refused)
    assert house.client.post(url, data={"role": f"officer/{house.programme + 999}"}).status_code == 400
    assert (
        house.client.post(url, data={"role": f"officer/{house.programme}", "ends_on": "30.02.2030"}).status_code == 400
    )


def test_taking_a_role_asks_for_the_reason(app: Flask) -> None:
    house = House(app)
    officer = factories.person("officer", programme_id=house.programme)
    number = session().scalars(select(RoleAssignment.id).where(RoleAssignment.person_id == officer.person_id)).one()
    url = f"/people/{officer.person_id}/roles/{number}/revoke"
    assert house.client.get(url).status_code == 200
    assert house.client.post(url, data={"reason": ""}).status_code == 400
    assert house.client.post(url, data={"reason": "Left", "key": "k"}).status_code == 303
    assert house.client.post(url, data={"reason": "Left", "key": "k"}).status_code == 303
    assert session().get_one(RoleAssignment, number, populate_existing=True).revoked_at is not None


def test_people_of_other_programmes_are_not_found_until_their_address_is_known(app: Flask) -> None:
    house = House(app)
    stranger = factories.person("officer", email="far@example.org", programme_id=factories.record_file("programme"))
    assert house.client.get(f"/people/{stranger.person_id}/roles").status_code == 404
    assert "far@example.org" not in text_of(house.client.get("/people"))
    assert "far@example.org" in text_of(house.client.get("/people?q=FAR@example.org"))
    assert house.client.get(f"/people/{stranger.person_id}/roles").status_code == 200
    page = house.client.get("/people?q=zzz")
    assert "Nobody is found" in text_of(page)


def test_only_managers_enter(app: Flask) -> None:
    house = House(app)
    officer = signed_in(app, factories.person("officer", programme_id=house.programme))
    for url in ("/people", "/people/new", "/people/1/roles", "/people/1/roles/1/revoke"):
        assert officer.get(url).status_code == 403
        assert officer.post(url).status_code in (403, 405)
        assert app.test_client().get(url).status_code == 303


def test_the_list_of_people_costs_the_same_for_one_and_for_three(app: Flask) -> None:
    house = House(app)
    house.client.get("/people")
    with counting() as one:
        house.client.get("/people")
    for _ in range(3):
        factories.person("officer", programme_id=house.programme)
    house.client.get("/people")
    with counting() as three:
        house.client.get("/people")
    assert len(one) == len(three), set(one) ^ set(three)
