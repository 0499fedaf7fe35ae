"""The finance desk, a tranche's page and its moves, as the people who work there see them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from grantflow import clock
from grantflow.disbursements.queries import ledger
from grantflow.identity.access import Actor
from tests.awards.scene import Scene
from tests.browsing import counting, field, signed_in, text_of


@pytest.fixture
def at(app: Flask) -> Any:
    return lambda actor: signed_in(app, actor)


def move(client: Any, case_id: int, trigger: str, **data: str) -> Any:
    """Open the page of a move and send it with what a person would type."""
    url = f"/cases/{case_id}/moves/{trigger}"
    page = client.get(url)
    data = {"version": field(page, "version"), "key": field(page, "key"), **data}
    return client.post(url, data=data)


def test_the_desk_says_what_waits_and_what_holds_it(scene: Scene, at: Any) -> None:
    waits, held, suspended = scene.active(), scene.active(), scene.active()
    scene.first_approved(waits)
    scene.paid(held)
    scene.due(held, 2)
    scene.due(suspended)
    scene.fire(suspended, "suspend", scene.manager, reason="A visit comes first.")
    page = text_of(at(scene.finance2).get("/money"))
    for said in (
        "Wait for you, second",
        "Waits for you since",
        "Interim report (KR-2021-0002-G-R1): not accepted yet",
        "The grant is suspended since",
        "1 of 3",
        "2 of 3",
        "The fund today",
    ):
        assert said in page, said
    own = text_of(at(scene.finance).get("/money"))
    assert "Waits for another person since" in own and "Wait for second approval" in own


@pytest.mark.parametrize("role", ["officer", "auditor", "chair", "grantee"])
def test_the_finance_desk_is_for_finance_and_managers(scene: Scene, at: Any, role: str) -> None:
    actor = scene.grantees[scene.offered()] if role == "grantee" else getattr(scene, role)
    assert at(actor).get("/money").status_code == 403
    assert at(scene.manager).get("/money").status_code == 200


def test_finance_of_another_programme_sees_none_of_it(scene: Scene, at: Any) -> None:
    one = scene.due(scene.active())
    page = at(scene.stranger).get("/money")
    assert page.status_code == 200 and "KR-2021-0001-G" not in page.get_data(as_text=True)
    assert at(scene.stranger).get(f"/cases/{one.case_id}").status_code == 404
    assert at(scene.stranger).post(f"/cases/{one.case_id}/moves/prepare", data={}).status_code == 404


def test_counts_filter_when_pressed(scene: Scene, at: Any) -> None:
    scene.prepared(scene.active())
    scene.due(scene.active())
    client = at(scene.finance)
    pages = {view: client.get(f"/money?view={view}") for view in ("first", "prepare", "ready", "nonsense")}
    shown = {view: set(re.findall(r"KR-2021-000\d-G", text_of(page))) for view, page in pages.items()}
    assert shown == {
        "first": {"KR-2021-0001-G"},
        "prepare": {"KR-2021-0002-G"},
        "ready": set(),
        "nonsense": {"KR-2021-0001-G", "KR-2021-0002-G"},
    }
    assert client.get("/money?page=-3").status_code == client.get("/money?page=999").status_code == 200


def test_what_is_overdue_is_counted_by_age(scene: Scene, at: Any) -> None:
    for _ in range(2):
        scene.due(scene.active())
    due_on = scene.tranche(scene.active(), 1).due_on
    with clock.at(clock.local(due_on + timedelta(days=40), 12, 0, "Europe/Moscow")):
        page = text_of(at(scene.finance).get("/money"))
    assert "3 tranches are overdue" in page
    assert re.search(r"Overdue 31–60 days 3 ", page) and re.search(r"Overdue 1–30 days 0", page)


def test_the_desk_costs_the_same_for_one_tranche_and_for_three(scene: Scene, at: Any) -> None:
    def another() -> None:
        award_id = scene.active()
        scene.paid(award_id)
        scene.reported(award_id, "interim")
        scene.first_approved(award_id, 2)

    def cost() -> int:
        client.get("/money")  # the count beside "My desk" is worked out anew after every event
        with counting() as seen:
            client.get("/money")
        return len(seen)

    client = at(scene.finance)
    another()
    one = cost()
    another()
    another()
    assert cost() == one


def test_a_tranches_page_shows_the_sum_the_gates_and_the_hands(scene: Scene, at: Any) -> None:
    award_id = scene.active()
    scene.paid(award_id)
    scene.reported(award_id, "interim")
    one = scene.first_approved(award_id, 2)
    page = text_of(at(scene.finance2).get(f"/cases/{one.case_id}"))
    for said in (
        "Tranche 2 of 3",
        "RUB 132,000.00",
        "Nothing holds it",
        "Interim report (KR-2021-0001-G-R1): accepted",
        "Nothing has changed on the grant or its report since the first approval",
        scene.finance.name,
    ):
        assert said in page, said
    scene.fire(award_id, "suspend", scene.manager, reason="A visit comes first.")
    scene.fire(award_id, "resume", scene.manager, reason="It went well.")
    page = text_of(at(scene.finance2).get(f"/cases/{one.case_id}"))
    assert "2 things changed since the first approval" in page and "Suspended" in page


def test_the_grantee_sees_the_tranche_but_nobody_elses_name_or_ledger(scene: Scene, at: Any) -> None:
    award_id = scene.active()
    one = scene.paid(award_id)
    page = text_of(at(scene.grantees[award_id]).get(f"/cases/{one.case_id}"))
    assert "RUB 132,000.00" in page and scene.finance.name not in page and "In the ledger" not in page


def test_the_whole_way_of_a_tranche_through_its_pages(scene: Scene, at: Any) -> None:
    award_id = scene.active()
    case_id = scene.due(award_id).case_id
    first, second = at(scene.finance), at(scene.finance2)
    assert move(first, case_id, "prepare").status_code == 303
    wrong = move(first, case_id, "approve_first", amount="132 001")
    assert wrong.status_code == 400
    assert "This reads as RUB 132,001.00, and the tranche is RUB 132,000.00" in text_of(wrong)
    assert 'value="132 001"' in wrong.get_data(as_text=True)
    assert move(first, case_id, "approve_first", amount="132 000,00").status_code == 303
    assert first.get(f"/cases/{case_id}/moves/approve_second").status_code == 403
    assert move(second, case_id, "approve_second").status_code == 303
    paid = move(first, case_id, "pay", bank_ref="PO-9", booked_on=clock.today("Europe/Moscow").strftime("%d.%m.%Y"))
    assert paid.status_code == 303 and scene.state(case_id) == "paid"
    assert [line.bank_ref for line in ledger(award_id=award_id)] == ["PO-9"]


@pytest.mark.parametrize("typed", ["", "abc", "-132000", "132000,001", "=132000", "1" * 60, "132\u0000000"])
def test_an_amount_that_cannot_be_read_is_told_and_kept(scene: Scene, at: Any, typed: str) -> None:
    one = scene.prepared(scene.active())
    page = move(at(scene.finance2), one.case_id, "approve_first", amount=typed)
    assert page.status_code == 400 and "One thing to correct" in text_of(page)
    assert scene.state(one.case_id) == "checked"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"bank_ref": "", "booked_on": "1.3.2022"}, "Write the reference"),
        ({"bank_ref": "x" * 61, "booked_on": "1.3.2022"}, "Shorten it"),
        ({"bank_ref": "PO-1", "booked_on": "soon"}, "Write the date"),
        ({"bank_ref": "PO-1", "booked_on": "31.2.2022"}, "no such day"),
        ({"bank_ref": "PO-1", "booked_on": "1.1.2100"}, "has not come yet"),
    ],
)
def test_a_payment_that_is_not_stated_whole_is_told_and_kept(
    scene: Scene, at: Any, data: dict[str, str], said: str
) -> None:
    award_id = scene.active()
    one = scene.ready(award_id)
    page = move(at(scene.finance), one.case_id, "pay", **data)
    assert page.status_code == 400 and said in text_of(page)
    assert not ledger(award_id=award_id)


def test_marking_as_paid_twice_pays_once(scene: Scene, at: Any) -> None:
    award_id = scene.active()
    one, client = scene.ready(award_id), at(scene.finance)
    url = f"/cases/{one.case_id}/moves/pay"
    page = client.get(url)
    today = clock.today("Europe/Moscow").isoformat()
    data = {
        "version": field(page, "version"),
        "key": field(page, "key"),
        "bank_ref": "PO-5",
        "booked_on": today,
    }
    assert [client.post(url, data=data).status_code for _ in range(3)] == [303, 303, 303]
    assert len(ledger(award_id=award_id)) == 1


def test_a_page_seen_before_somebody_else_moved_is_told_what_happened(scene: Scene, at: Any) -> None:
    one = scene.first_approved(scene.active())
    slow = at(scene.finance2)
    page = slow.get(f"/cases/{one.case_id}/moves/approve_second")
    scene.fire(one, "approve_second", scene.finance3)
    data = {"version": field(page, "version"), "key": field(page, "key")}
    late = slow.post(f"/cases/{one.case_id}/moves/approve_second", data=data)
    assert late.status_code in (403, 409) and scene.state(one.case_id) == "ready"


def actors(scene: Scene) -> list[Actor]:
    return [scene.finance, scene.manager]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_desk_stands_in_both_languages_when_nothing_is_due(scene: Scene, at: Any, language: str) -> None:
    for actor in actors(scene):
        client = at(actor)
        client.get(f"/language/{language}?next=/money")
        assert client.get("/money").status_code == 200
