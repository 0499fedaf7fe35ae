"""A grant from the decision to the signed agreement: what each step needs, and what each refusal says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.awards.queries import committed
from grantflow.cases import access, service
from grantflow.db import session, unit_of_work
from grantflow.errors import NotFound, Refused, Stale
from grantflow.history.models import Event
from grantflow.money import Money
from grantflow.programmes.measures import achieved
from tests.awards.scene import ACCOUNT, BIK, Scene


def test_a_decision_makes_an_award_with_its_sum_its_decider_and_its_number(scene: Scene) -> None:
    award = scene.award(scene.decided(30_000_000, asked=33_000_000))
    assert award.amount == Money(30_000_000, "RUB")
    assert award.number == "KR-2021-0001-G"
    assert award.decided_by_id == scene.chair.person_id
    assert award.own == Money(4_000_000, "RUB")
    assert award.total == Money(34_000_000, "RUB"), "a smaller grant makes the whole smaller by as much"


def test_an_award_is_sealed_until_the_call_is_announced(scene: Scene) -> None:
    award_id = scene.decided()
    with pytest.raises(NotFound):
        access.see(award_id, scene.grantees[award_id])
    assert access.see(award_id, scene.officer).state == "prepared"
    scene.fire(scene.call, "announce", scene.manager)
    assert access.see(award_id, scene.grantees[award_id]).state == "offered"
    assert scene.award(award_id).offered_at is not None


def test_an_award_decided_after_the_announcement_is_offered_at_once(scene: Scene) -> None:
    scene.fire(scene.call, "announce", scene.manager)
    assert scene.state(scene.decided()) == "offered"


def test_members_of_the_panel_do_not_see_the_grant(scene: Scene) -> None:
    with pytest.raises(NotFound):
        access.see(scene.offered(), scene.chair)


def test_accepting_keeps_the_account_and_who_signs(scene: Scene) -> None:
    award = scene.award(scene.accepted())
    assert (award.bank_account, award.bank_code, award.bank_name) == (ACCOUNT, BIK, "Onego Bank")
    assert award.account_end == ACCOUNT[-4:]
    assert award.accepted_by_id == scene.grantees[award.case_id].person_id


def test_account_and_signatory_do_not_stand_in_the_chain_as_they_are(scene: Scene) -> None:
    award_id = scene.accepted()
    event = session().scalars(select(Event).filter_by(case_id=award_id, trigger="accept")).one()
    assert ACCOUNT not in str(event.facts) and "director" not in str(event.facts)
    assert {"bank_account:after", "signatory:after"} <= set(event.private)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"bank_account": ""}, "20 digits, or an IBAN"),
        ({"bank_account": ACCOUNT[:-1]}, "here are 19"),
        ({"bank_account": "DE00 1234"}, "neither an account"),
        ({"bank_account": ACCOUNT[:-1] + str((int(ACCOUNT[-1]) + 1) % 10)}, "do not fit each other"),
        ({"bank_name": " "}, "name of the bank"),
        ({"signatory": "x" * 201}, "who signs"),
    ],
)
def test_a_wrong_account_is_refused_with_what_to_write(scene: Scene, wrong: dict[str, Any], sentence: str) -> None:
    award_id = scene.offered()
    with pytest.raises(Refused, match=sentence):
        scene.fire(award_id, "accept", scene.grantees[award_id], payload={**scene.acceptance(), **wrong})
    assert scene.state(award_id) == "offered"


def test_an_iban_is_taken_without_a_bik(scene: Scene) -> None:
    award_id = scene.offered()
    payload = {**scene.acceptance(), "bank_account": "fi21 1234 5600 0007 85", "bank_code": ""}
    scene.fire(award_id, "accept", scene.grantees[award_id], payload=payload)
    assert scene.award(award_id).bank_account == "FI2112345600000785"


def test_nobody_but_the_grantee_accepts(scene: Scene) -> None:
    award_id = scene.offered()
    for other in (scene.officer, scene.manager, scene.finance):
        with pytest.raises(Refused, match="the applicant"):
            scene.fire(award_id, "accept", other, payload=scene.acceptance())


def test_an_agreement_keeps_its_number_and_days(scene: Scene) -> None:
    award = scene.award(scene.signed())
    assert award.agreement_no == f"{award.case_id}/2022"
    assert award.signed_by_id == scene.officer.person_id
    assert award.starts_on is not None and award.ends_on is not None and award.ends_on > award.starts_on


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: {"agreement_no": ""}, "number of the agreement"),
        (lambda a: {"agreement_no": "x" * 61}, "at most 60"),
        (lambda a: {"signed_on": a["signed_on"] + timedelta(days=2)}, "has not come yet"),
        (lambda a: {"ends_on": a["starts_on"]}, "before it starts|Write a later end"),
        (lambda a: {"ends_on": None}, "three days"),
        (lambda a: {"starts_on": "2022-02-01"}, "three days"),
    ],
)
def test_a_wrong_agreement_is_refused(scene: Scene, change: Any, sentence: str) -> None:
    award_id = scene.accepted()
    given = scene.agreement()
    with pytest.raises(Refused, match=sentence):
        scene.fire(award_id, "sign", scene.officer, payload={**given, **change(given)})


def test_two_grants_cannot_have_one_agreement_number(scene: Scene) -> None:
    first, second = scene.accepted(), scene.accepted()
    scene.fire(first, "sign", scene.officer, payload=scene.agreement("7"))
    with pytest.raises(Refused, match="KR-2021-0001-G"):
        scene.fire(second, "sign", scene.officer, payload=scene.agreement("7"))


def test_whoever_recorded_the_agreement_does_not_start_the_grant(scene: Scene) -> None:
    from tests.factories import also

    both = also(scene.officer, "manager", programme_id=scene.programme)
    award_id = scene.accepted()
    scene.fire(award_id, "sign", both, payload=scene.agreement())
    with pytest.raises(Refused, match="second person"):
        scene.fire(award_id, "activate", both)
    scene.fire(award_id, "activate", scene.manager)


def test_a_refused_grant_gives_its_money_back_to_the_call(scene: Scene) -> None:
    kept, refused = scene.offered(20_000_000), scene.offered(30_000_000)
    assert committed(scene.call) == Money(50_000_000, "RUB")
    scene.fire(refused, "refuse", scene.grantees[refused])
    assert committed(scene.call) == Money(20_000_000, "RUB")
    assert scene.state(kept) == "offered"


def test_an_offer_that_is_not_accepted_in_time_expires_and_frees_its_money(scene: Scene) -> None:
    from grantflow.cases import deadlines

    award_id = scene.offered()
    with clock.at(clock.now() + timedelta(days=15)):
        deadlines.sweep()
    assert scene.state(award_id) == "expired"
    assert committed(scene.call) == Money(0, "RUB")


def test_termination_needs_two_persons_and_cancels_what_was_not_paid(scene: Scene) -> None:
    award_id = scene.active()
    scene.paid(award_id, 1)
    scene.fire(award_id, "terminate", scene.manager, reason="The enterprise was sold.")
    assert scene.state(award_id) == "active", "one of two votes"
    with pytest.raises(Refused, match="voted already"):
        scene.fire(award_id, "terminate", scene.manager, reason="Again.")
    scene.fire(award_id, "terminate", scene.officer2, reason="The enterprise was sold.")
    assert scene.state(award_id) == "terminated"
    states = [scene.state(scene.tranche(award_id, n).case_id) for n in (1, 2, 3)]
    assert states == ["paid", "cancelled", "cancelled"]
    assert scene.state(scene.report(award_id, "final").case_id) == "cancelled"
    assert scene.state(scene.check(award_id, 24).case_id) == "cancelled"
    assert committed(scene.call) == scene.award(award_id).paid


def test_a_call_is_archived_only_when_every_grant_has_ended(scene: Scene) -> None:
    first, second = scene.offered(), scene.offered()
    with pytest.raises(Refused, match=r"2 grants .* KR-2021-0001-G, KR-2021-0002-G"):
        scene.fire(scene.call, "archive", scene.manager)
    for award_id in (first, second):
        scene.fire(award_id, "refuse", scene.grantees[award_id])
    scene.fire(scene.call, "archive", scene.manager)


def test_an_old_page_does_not_sign(scene: Scene) -> None:
    award_id = scene.offered()
    seen = scene.row(award_id).version
    scene.fire(award_id, "accept", scene.grantees[award_id], payload=scene.acceptance())
    with pytest.raises(Stale):
        scene.fire(award_id, "sign", scene.officer, payload=scene.agreement(), version=seen)


def test_sending_an_acceptance_twice_accepts_once(scene: Scene) -> None:
    award_id = scene.offered()
    grantee = scene.grantees[award_id]
    first = scene.fire(award_id, "accept", grantee, payload=scene.acceptance(), key="k1")
    again = scene.fire(award_id, "accept", grantee, payload=scene.acceptance(), key="k1")
    assert again.replayed and not first.replayed and again.case.version == first.case.version


@pytest.mark.parametrize(
    "values",
    [
        {"paid_minor": 33_000_001},
        {"paid_minor": -1},
        {"amount_minor": 0},
        {"decided_by_id": None},
        {"agreement_no": None, "signed_on": None, "starts_on": None, "ends_on": None, "signed_by_id": None},
        {"signed_on": None},
        {"bank_account": None},
        {"total_minor": 1},
    ],
)
def test_the_database_itself_refuses_an_award_without_its_facts(scene: Scene, values: dict[str, Any]) -> None:
    award_id = scene.active()
    with pytest.raises(IntegrityError), unit_of_work() as current:
        current.execute(update(Award.__table__).where(Award.__table__.c.case_id == award_id).values(values))


def test_the_results_count_enterprises_that_accepted_a_grant_once_each(scene: Scene) -> None:
    before = achieved("enterprises_granted", scene.programme)
    assert before is not None and before.value == 0
    scene.accepted()
    scene.offered()
    counted = achieved("enterprises_granted", scene.programme)
    assert counted is not None and counted.value == 1
    assert [(str(getattr(name, "en", name)), value) for name, value in counted.split] == [
        ("starting", 1),
        ("Karelia", 1),
        ("female enterprises", 1),
    ]


def test_the_moves_of_an_award_say_why_they_cannot_be_made(scene: Scene) -> None:
    award_id = scene.accepted()
    offered = {move.trigger: verdict for move, verdict in service.moves_for(scene.row(award_id), scene.finance)}
    assert not offered["sign"] and "programme officer" in str(offered["sign"].because)
