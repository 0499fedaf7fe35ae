"""The forms of a grant as grantee and officer meet them: open, faulty, right, and in the wrong hands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from grantflow import clock
from grantflow.awards import queries
from tests.awards.scene import ACCOUNT, BIK, Scene
from tests.browsing import counting, field, signed_in, text_of


@pytest.fixture
def at(app: Flask) -> Any:
    return lambda actor: signed_in(app, actor)


def move(client: Any, case_id: int, trigger: str, **data: str) -> Any:
    url = f"/cases/{case_id}/moves/{trigger}"
    page = client.get(url)
    return client.post(url, data={"version": field(page, "version"), "key": field(page, "key"), **data})


RIGHT = {"bank_account": ACCOUNT, "bank_code": BIK, "bank_name": "Onego Bank", "signatory": "The director"}


def test_the_grantee_accepts_with_an_account(scene: Scene, at: Any) -> None:
    award_id = scene.offered()
    client = at(scene.grantees[award_id])
    assert "A grant is offered to you" in text_of(client.get(f"/cases/{award_id}"))
    assert move(client, award_id, "accept", **RIGHT).status_code == 303
    assert scene.state(award_id) == "accepted"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"bank_account": ""}, "Write the account"),
        ({"bank_account": "4070281050000001234"}, "here are 19"),
        ({"bank_account": "=HYPERLINK(1)"}, "neither an account"),
        ({"bank_code": ""}, "Write the bank’s BIK"),
        ({"bank_code": "044525225"}, "do not fit each other"),
        ({"bank_name": ""}, "Write the name of the bank"),
        ({"signatory": "x" * 300}, "Shorten it to 200"),
    ],
)
def test_a_faulty_account_is_told_beside_its_field_and_kept(
    scene: Scene, at: Any, wrong: dict[str, str], said: str
) -> None:
    award_id = scene.offered()
    page = move(at(scene.grantees[award_id]), award_id, "accept", **{**RIGHT, **wrong})
    assert page.status_code == 400 and said in text_of(page) and "Everything you typed is kept" in text_of(page)
    assert 'value="Onego Bank"' in page.get_data(as_text=True) or "bank_name" in wrong
    assert scene.state(award_id) == "offered"


def test_an_offer_is_not_anothers_to_accept(scene: Scene, at: Any) -> None:
    award_id, other = scene.offered(), scene.offered()
    assert at(scene.grantees[other]).get(f"/cases/{award_id}/moves/accept").status_code == 404
    assert at(scene.officer).get(f"/cases/{award_id}/moves/accept").status_code == 403


def test_the_officer_records_the_agreement(scene: Scene, at: Any) -> None:
    award_id = scene.accepted()
    today = clock.today("Europe/Moscow")
    days = {"signed_on": today.strftime("%d.%m.%Y"), "starts_on": today.isoformat()}
    client = at(scene.officer)
    late = move(client, award_id, "sign", agreement_no="5", ends_on=today.isoformat(), **days)
    assert late.status_code == 400 and "before it starts" in text_of(late)
    ahead = {**days, "signed_on": (today + timedelta(days=3)).isoformat()}
    end = (today + timedelta(days=300)).isoformat()
    assert "has not come yet" in text_of(move(client, award_id, "sign", agreement_no="5", ends_on=end, **ahead))
    assert move(client, award_id, "sign", agreement_no="5", ends_on=end, **days).status_code == 303
    assert scene.award(award_id).agreement_no == "5"


def test_the_page_of_a_grant_costs_the_same_at_its_start_and_end(scene: Scene, at: Any) -> None:
    young, old = scene.active(), scene.completed()
    client = at(scene.manager)
    client.get(f"/cases/{young}")
    with counting() as first:
        client.get(f"/cases/{young}")
    with counting() as last:
        client.get(f"/cases/{old}")
    assert abs(len(first) - len(last)) <= 1  # one more for the name of whoever paid


def test_an_application_leads_to_its_grant_once_it_may_be_known(scene: Scene) -> None:
    award_id = scene.decided()
    application = scene.award(award_id).application_id
    assert queries.of_application(application, scene.grantees[award_id]) is None
    known = queries.of_application(application, scene.manager)
    assert known is not None and known.number == "KR-2021-0001-G"
    scene.fire(scene.call, "announce", scene.manager)
    assert queries.of_application(application, scene.grantees[award_id]) is not None
