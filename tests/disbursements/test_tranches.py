"""A tranche from the plan to the bank's word: gates, two persons, the ledger, and what falls back."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from grantflow import clock
from grantflow.cases import deadlines, service
from grantflow.cases.models import Outbox
from grantflow.db import session, unit_of_work
from grantflow.disbursements.funds import funds
from grantflow.disbursements.models import Payment, Tranche
from grantflow.disbursements.queries import ledger, of_award
from grantflow.disbursements.service import ledger_sum
from grantflow.engine.registry import registry
from grantflow.errors import Refused
from grantflow.money import Money
from tests.awards.scene import STOPPED, Scene
from tests.factories import also


def books_agree(scene: Scene, award_id: int) -> None:
    """Paid is the ledger's sum, and awarded, paid and planned leave nothing below zero."""
    award = scene.award(award_id)
    assert award.paid_minor == ledger_sum(award_id)
    planned = sum(t.amount_minor for t in of_award(award_id) if not t.is_paid and t.stage != "refused")
    assert award.amount_minor - award.paid_minor - planned >= 0


def test_a_grant_is_planned_in_exact_parts_with_dates_and_conditions(scene: Scene) -> None:
    award_id = scene.active(33_000_001)
    rows = of_award(award_id)
    assert [t.amount_minor for t in rows] == [13_200_001, 13_200_000, 6_600_000]
    assert [(t.n, t.of) for t in rows] == [(1, 3), (2, 3), (3, 3)]
    assert [t.condition for t in rows] == [
        "agreement_signed",
        "report_accepted:interim",
        "report_accepted:final",
    ]
    starts = scene.award(award_id).starts_on
    assert starts is not None and rows[0].due_on == starts + timedelta(days=10)
    assert rows[1].condition_case_id == scene.report(award_id, "interim").case_id
    assert scene.row(rows[1].case_id).ref == "KR-2021-0001-G-T2"
    books_agree(scene, award_id)


def test_a_tranche_falls_due_by_itself_on_the_morning_of_its_day(scene: Scene) -> None:
    award_id = scene.active()
    one = scene.tranche(award_id, 1)
    with clock.at(clock.local(one.due_on, 9, 1, "Europe/Moscow")):
        deadlines.sweep()
    assert scene.state(one.case_id) == "due"


def test_a_later_tranche_waits_for_the_one_before_it(scene: Scene) -> None:
    award_id = scene.active()
    with pytest.raises(Refused, match="Tranche 1 of 3 is not paid yet"):
        scene.fire(scene.tranche(award_id, 2), "fall_due", scene.finance)


def test_a_tranche_whose_day_passed_while_another_was_unpaid_falls_due_with_the_payment(scene: Scene) -> None:
    award_id = scene.active()
    second = scene.tranche(award_id, 2)
    with clock.at(clock.local(second.due_on, 9, 1, "Europe/Moscow")):
        deadlines.sweep()
        assert scene.state(second.case_id) == "planned"
        scene.paid(award_id, 1)
        assert scene.state(second.case_id) == "due"


def test_a_tranche_waits_for_its_report_and_the_refusal_names_it(scene: Scene) -> None:
    award_id = scene.active()
    scene.paid(award_id, 1)
    second = scene.due(award_id, 2)
    with pytest.raises(Refused, match=r"Interim report \(KR-2021-0001-G-R1\): not accepted yet. Its state: Assigned"):
        scene.fire(second, "prepare", scene.finance)


def test_an_accepted_report_lets_its_tranche_fall_due(scene: Scene) -> None:
    award_id = scene.active()
    scene.paid(award_id, 1)
    assert scene.state(scene.tranche(award_id, 2).case_id) == "planned"
    scene.reported(award_id, "interim")
    assert scene.state(scene.tranche(award_id, 2).case_id) == "due"


@pytest.mark.parametrize("move", ["prepare", "approve_first", "approve_second", "pay"])
def test_no_tranche_moves_while_the_grant_is_suspended(scene: Scene, move: str) -> None:
    award_id = scene.active()
    steps = {
        "prepare": scene.due,
        "approve_first": scene.prepared,
        "approve_second": scene.first_approved,
        "pay": scene.ready,
    }
    one = steps[move](award_id, 1)
    scene.fire(award_id, "suspend", scene.manager, reason="A visit to the site comes first.")
    payload = {"amount_minor": one.amount_minor, **scene.payment()}
    with pytest.raises(Refused, match=r"suspended since .*A visit to the site comes first"):
        scene.fire(one, move, scene.finance3, payload=payload)
    scene.fire(award_id, "resume", scene.manager, reason="The visit went well.")
    scene.fire(one, move, scene.finance3, payload=payload)


def test_the_first_approval_needs_the_sum_typed_again_and_names_both_figures(scene: Scene) -> None:
    one = scene.prepared(scene.active())
    with pytest.raises(Refused, match=r"You typed RUB 132,001.00, and the tranche is RUB 132,000.00"):
        scene.fire(one, "approve_first", scene.finance2, payload={"amount_minor": 13_200_100})
    for payload in ({}, {"amount_minor": "13200000"}, {"amount_minor": 13_200_000, "currency": "EUR"}):
        with pytest.raises(Refused, match="sum once more"):
            scene.fire(one, "approve_first", scene.finance2, payload=payload)
    scene.fire(one, "approve_first", scene.finance2, payload={"amount_minor": 13_200_000})


def test_whoever_prepared_or_approved_first_is_never_the_second(scene: Scene) -> None:
    award_id = scene.active()
    one = scene.prepared(award_id)
    scene.fire(one, "approve_first", scene.finance2, payload={"amount_minor": one.amount_minor})
    for same in (scene.finance, scene.finance2):
        with pytest.raises(Refused, match="second person"):
            scene.fire(one, "approve_second", same)
    scene.fire(one, "approve_second", scene.finance3)
    assert scene.tranche(award_id, 1).second_by_id == scene.finance3.person_id


def test_a_second_role_does_not_make_a_second_person(scene: Scene) -> None:
    both = also(scene.officer, "finance", programme_id=scene.programme)
    one = scene.due(scene.active())
    scene.fire(one, "prepare", scene.officer)
    scene.fire(one, "approve_first", scene.finance, payload={"amount_minor": one.amount_minor})
    with pytest.raises(Refused, match="second person"):
        scene.fire(one, "approve_second", both)


@pytest.mark.parametrize("column", ["prepared_by_id", "first_by_id"])
def test_the_database_itself_refuses_one_person_twice(scene: Scene, column: str) -> None:
    one = scene.ready(scene.active())
    table = Tranche.__table__
    with pytest.raises(IntegrityError), unit_of_work() as current:
        same = update(table).where(table.c.case_id == one.case_id).values(second_by_id=table.c[column])
        current.execute(same)


def test_nobody_outside_finance_approves_or_pays(scene: Scene) -> None:
    one = scene.ready(scene.active())
    for other in (scene.officer, scene.manager, scene.auditor, scene.stranger):
        with pytest.raises(Refused, match="finance officer"):
            scene.fire(one, "pay", other, payload=scene.payment())


def test_a_payment_is_a_line_in_the_ledger_and_the_awards_sum(scene: Scene) -> None:
    award_id = scene.active()
    one = scene.paid(award_id)
    assert [(p.kind, p.amount_minor) for p in ledger(award_id=award_id)] == [("payment", 13_200_000)]
    assert one.is_paid and scene.award(award_id).paid == Money(13_200_000, "RUB")
    books_agree(scene, award_id)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bank_ref": ""}, "bank’s reference"),
        ({"bank_ref": "x" * 61}, "bank’s reference"),
        ({"booked_on": None}, "the day on which the bank booked"),
        ({"booked_on": "2022-03-01"}, "the day on which the bank booked"),
    ],
)
def test_a_payment_needs_the_banks_reference_and_day(scene: Scene, change: dict[str, Any], sentence: str) -> None:
    one = scene.ready(scene.active())
    with pytest.raises(Refused, match=sentence):
        scene.fire(one, "pay", scene.finance, payload={**scene.payment(), **change})
    assert not ledger(tranche_id=one.case_id)


def test_a_payment_is_not_booked_tomorrow_nor_before_the_agreement(scene: Scene) -> None:
    one = scene.ready(scene.active())
    today = clock.today("Europe/Moscow")
    with pytest.raises(Refused, match="has not come yet"):
        scene.fire(one, "pay", scene.finance, payload=scene.payment(on=today + timedelta(days=1)))
    with pytest.raises(Refused, match="the agreement was not signed yet"):
        scene.fire(one, "pay", scene.finance, payload=scene.payment(on=today - timedelta(days=1)))


def test_a_banks_reference_is_used_once_and_the_refusal_says_where(scene: Scene) -> None:
    first, second = scene.ready(scene.active()), scene.ready(scene.active())
    scene.fire(first, "pay", scene.finance, payload=scene.payment("PO-77"))
    with pytest.raises(Refused, match="PO-77 was used for KR-2021-0001-G-T1"):
        scene.fire(second, "pay", scene.finance, payload=scene.payment(" PO-77 "))


def test_paying_twice_with_one_key_pays_once(scene: Scene) -> None:
    award_id = scene.active()
    one, payload = scene.ready(award_id), scene.payment()
    scene.fire(one, "pay", scene.finance, payload=payload, key="pay-1")
    again = scene.fire(one, "pay", scene.finance, payload=payload, key="pay-1")
    assert again.replayed and len(ledger(award_id=award_id)) == 1
    with pytest.raises(Refused, match="Paid"):
        scene.fire(one, "pay", scene.finance, payload=scene.payment(), key="pay-2")


def test_a_return_by_the_bank_is_reversed_never_edited(scene: Scene) -> None:
    award_id = scene.active()
    one = scene.paid(award_id)
    with pytest.raises(Refused, match="second person"):
        scene.fire(one, "fail", scene.finance, reason="The account was closed.")
    scene.fire(one, "fail", scene.finance2, reason="The account was closed.")
    award = scene.award(award_id)
    assert [(p.kind, p.amount_minor) for p in ledger(award_id=award_id)] == [
        ("payment", 13_200_000),
        ("reversal", -13_200_000),
    ]
    assert award.paid_minor == 0 and award.returned_minor == 13_200_000
    books_agree(scene, award_id)
    scene.fire(one, "retry", scene.finance, reason="A new account was named.")
    again = scene.tranche(award_id, 1)
    assert (again.prepared_by_id, again.first_by_id, again.second_by_id, again.paid_on) == (None,) * 4
    scene.paid(award_id)
    assert scene.award(award_id).paid_minor == 13_200_000
    books_agree(scene, award_id)


def test_the_ledger_refuses_to_be_changed(scene: Scene) -> None:
    scene.paid(scene.active())
    table = Payment.__table__
    for statement in (update(table).values(amount_minor=1), delete(table)):
        with pytest.raises(DatabaseError), unit_of_work() as current:
            current.execute(statement)


def test_sending_back_withdraws_every_approval_and_tells_both_persons(scene: Scene) -> None:
    award_id = scene.active()
    one = scene.ready(award_id)
    scene.fire(one, "send_back", scene.finance3, reason="The account changed.")
    again = scene.tranche(award_id, 1)
    assert (again.prepared_by_id, again.first_by_id, again.second_by_id) == (None, None, None)
    told = set(session().scalars(select(Outbox.person_id).filter_by(case_id=one.case_id, notice="approval_withdrawn")))
    assert {scene.finance.person_id, scene.finance2.person_id} <= told


def test_a_hold_needs_another_person_to_release_it(scene: Scene) -> None:
    one = scene.first_approved(scene.active())
    scene.fire(one, "hold", scene.finance, reason="The bank details changed.")
    with pytest.raises(Refused, match="second person"):
        scene.fire(one, "release", scene.finance, reason="Confirmed by telephone.")
    scene.fire(one, "release", scene.finance2, reason="Confirmed by telephone.")
    assert scene.state(one.case_id) == "due"


def test_a_reopened_report_takes_back_the_approvals_given_on_its_strength(scene: Scene) -> None:
    award_id = scene.active()
    scene.paid(award_id, 1)
    report = scene.reported(award_id, "interim")
    second = scene.first_approved(award_id, 2)
    scene.fire(report, "reopen", scene.officer, reason="A receipt is not dated.")
    assert scene.state(second.case_id) == "due"
    assert scene.tranche(award_id, 2).first_by_id is None
    told = set(
        session().scalars(select(Outbox.person_id).filter_by(case_id=second.case_id, notice="approval_withdrawn"))
    )
    assert scene.finance.person_id in told
    with pytest.raises(Refused, match="not accepted yet"):
        scene.fire(second, "prepare", scene.finance)


def test_a_tranche_beyond_what_is_available_is_refused_with_the_formula(scene: Scene) -> None:
    award_id = scene.active()
    one = scene.due(award_id)
    with unit_of_work() as current:  # what no service does: a plan that promises more than was awarded
        current.execute(
            update(Tranche.__table__).where(Tranche.__table__.c.case_id == one.case_id).values(amount_minor=13_200_001)
        )
    with pytest.raises(Refused) as told:
        scene.fire(one, "prepare", scene.finance)
    assert str(told.value) == (
        "RUB 330,000.00 awarded − RUB 0.00 paid − RUB 198,000.00 planned in other tranches = RUB 132,000.00: "
        "too little for RUB 132,000.01."
    )


def test_the_last_payment_completes_the_grant_and_begins_its_follow_up(scene: Scene) -> None:
    award_id = scene.completed()
    assert scene.state(award_id) == "followup"
    assert scene.award(award_id).paid == scene.award(award_id).amount
    books_agree(scene, award_id)


def test_a_payment_returned_after_completion_is_paid_again(scene: Scene) -> None:
    award_id = scene.completed()
    one = scene.tranche(award_id, 3)
    scene.fire(one, "fail", scene.finance2, reason="Wrong account.")
    scene.fire(one, "retry", scene.finance2, reason="Corrected.")
    scene.paid(award_id, 3)
    assert scene.state(award_id) == "followup"
    books_agree(scene, award_id)


def test_the_fund_adds_up(scene: Scene) -> None:
    first, second = scene.active(33_000_000), scene.offered(20_000_000)
    scene.paid(first)
    (fund,) = funds(scene.finance)
    assert (fund.awarded.minor, fund.paid.minor, fund.planned.minor) == (53_000_000, 13_200_000, 19_800_000)
    assert fund.available == Money(20_000_000, "RUB"), "the second grant is not planned yet"
    assert funds(scene.stranger) == [] and second
    assert service.get(first).state == "active"


def test_the_books_of_a_closed_grant_are_not_opened_again(scene: Scene) -> None:
    award_id = scene.completed()
    for months in (6, 12, 24):
        scene.settled(award_id, months, STOPPED)
    assert scene.state(award_id) == "closed"
    with pytest.raises(Refused, match="its books are not opened again"):
        scene.fire(scene.tranche(award_id, 3), "fail", scene.finance2, reason="Years later.")


def test_nothing_is_paid_from_a_grant_that_is_not_running(scene: Scene) -> None:
    award_id = scene.active()
    one = scene.due(award_id)
    for actor in (scene.manager, scene.officer2):
        scene.fire(award_id, "terminate", actor, reason="Sold.")
    verdict = registry.guards["disbursements.award_active"](SimpleNamespace(case=scene.row(one.case_id)))
    assert not verdict and "not running" in str(verdict.because)
