"""What a grant may pass on: its clause in versions, the calls it pays for, and decisions that stay within the envelope."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from grantflow.awards import clauses, envelope, funding
from grantflow.awards.models import Award
from grantflow.cases import service
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history.models import Event
from grantflow.money import Money
from tests.cascade.conftest import Cascade, today
from tests.factories import person
from tests.together import all_at_once


def test_a_sum_in_another_currency_is_rounded_up_and_needs_its_rate() -> None:
    assert envelope.converted(Money(100, "USD"), "USD", None) == Money(100, "USD")
    assert envelope.converted(Money(46_000_00, "KZT"), "USD", Decimal("460")) == Money(100_00, "USD")
    assert envelope.converted(Money(46_000_01, "KZT"), "USD", Decimal("460")) == Money(100_01, "USD")
    with pytest.raises(ValueError, match="needs a rate"):
        envelope.converted(Money(1, "KZT"), "USD", None)


# the clause
@pytest.mark.parametrize(
    ("other", "field", "said"),
    [
        ({"activities": ()}, "activities", "at least one line"),
        ({"criteria": ("x" * 301,)}, "criteria", "300 characters"),
        ({"minimum": -1}, "minimum", "not below zero"),
        ({"minimum": 50_000_001}, "minimum", "more than the most: RUB 500,000.00"),
        ({"maximum": 0}, "maximum", "above zero"),
        ({"maximum": 60_000_001}, "maximum", "more than the whole envelope: RUB 600,000.00"),
        ({"envelope": 100_000_001}, "envelope", "The whole grant is RUB 1,000,000.00"),
    ],
)
def test_a_clause_that_cannot_be_is_refused_beside_its_field(
    cascade: Cascade, other: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Invalid) as told:
        cascade.clause(cascade.top, **other)
    assert list(told.value.fields) == [field] and said in str(told.value.fields[field])


def test_a_clause_has_versions_with_reasons_and_none_is_ever_changed(cascade: Cascade) -> None:
    cascade.clause(cascade.top, maximum=10_000_000)
    assert [row.version for row in clauses.versions(cascade.top)] == [2, 1]
    assert envelope.clause_of(cascade.top).maximum_minor == 10_000_000  # type: ignore[union-attr]
    events = session().scalars(select(Event.facts).where(Event.case_id == cascade.top, Event.move == "regrant_clause"))
    changed = [[c["field"] for c in facts["changes"]] for facts in events]
    assert len(changed[0]) == 5 and changed[1] == ["maximum"]
    with pytest.raises(DBAPIError, match="insert-only"), unit_of_work() as current:
        current.execute(text("UPDATE regrant_clauses SET envelope_minor = envelope_minor + 1"))
    with pytest.raises(Stale), unit_of_work():
        clauses.write(cascade.top, cascade.written(), reason="x", actor=cascade.manager, seen=1)
    with pytest.raises(Invalid, match="cannot be taken"), unit_of_work():
        clauses.write(cascade.top, cascade.written(), reason=" ", actor=cascade.manager)


def test_only_the_manager_writes_a_clause_and_not_before_the_agreement(cascade: Cascade) -> None:
    for actor in (cascade.officer, cascade.finance, cascade.grantees[cascade.top]):
        with pytest.raises(Refused, match="Only the programme manager"), unit_of_work():
            clauses.write(cascade.top, cascade.written(), reason="x", actor=actor)
    early = cascade.accepted()
    with pytest.raises(Refused, match="not signed yet"):
        cascade.clause(early)


# choosing what pays for a call
def test_what_pays_for_a_call_is_chosen_while_it_is_a_draft_and_stands_afterwards(cascade: Cascade) -> None:
    call_id = cascade.draft()
    cascade.choose(call_id, cascade.top)
    cascade.choose(call_id, None)
    assert envelope.funding_of(call_id) is None
    other = cascade.parent()
    cascade.choose(call_id, cascade.top)
    cascade.choose(call_id, other)
    assert envelope.funding_of(call_id).award_id == other  # type: ignore[union-attr]
    with pytest.raises(Refused, match="no longer a draft"):
        cascade.choose(cascade.below, None)
    with pytest.raises(Refused, match="Only the manager"):
        cascade.choose(call_id, cascade.top, actor=cascade.officer)
    with pytest.raises(Stale):
        cascade.choose(call_id, cascade.top, seen=1)


def test_a_grant_that_cannot_pay_is_refused_with_the_reason(cascade: Cascade) -> None:
    call_id, without = cascade.draft(), cascade.signed()
    with pytest.raises(Refused, match="Its clause comes first"):
        cascade.choose(call_id, without)
    cascade.fire(cascade.top, "activate", cascade.manager)
    cascade.fire(cascade.top, "suspend", cascade.manager, reason="Look at it")
    with pytest.raises(Refused, match="is suspended"):
        cascade.choose(call_id, cascade.top)
    stranger = person("manager", programme_id=cascade.row(cascade.stranger.held[0].programme_id).id)
    with pytest.raises(Refused), unit_of_work():
        funding.choose(call_id, None, actor=stranger)
    other = cascade.parent()
    with pytest.raises(Invalid) as told, unit_of_work():
        funding.choose(call_id, funding.Chosen(other, ("Something else",)), actor=cascade.manager)
    assert "activities" in told.value.fields


def test_a_manager_cannot_choose_a_grant_they_do_not_see(cascade: Cascade) -> None:
    elsewhere = person("manager", programme_id=cascade.stranger.held[0].programme_id)
    call_id = cascade.draft(programme=None)
    foreign = service.get(elsewhere.held[0].programme_id or 0).id
    with unit_of_work() as current:
        current.execute(text("UPDATE cases SET programme_id = :p WHERE id = :c"), {"p": foreign, "c": call_id})
    with pytest.raises(NotFound):
        cascade.choose(call_id, cascade.top, actor=elsewhere)


def test_a_grant_does_not_pay_for_the_call_it_was_won_in_nor_for_one_above_it(cascade: Cascade) -> None:
    low = cascade.in_call(cascade.below).signed(15_000_000)
    cascade.clause(low, minimum=0, maximum=5_000_000, envelope=10_000_000)
    cascade._put(cascade.below, "draft", "preparation")  # as nothing but a fault could make it
    with pytest.raises(Refused, match="pay for itself"):
        cascade.choose(cascade.below, low)


@pytest.mark.parametrize(
    ("clause", "call", "said"),
    [
        ({"maximum": 40_000_000}, {}, "may be RUB 500,000.00; the agreement allows RUB 400,000.00 to one third party"),
        ({"minimum": 20_000_000}, {}, "as small as RUB 150,000.00; the agreement sets RUB 200,000.00"),
        ({}, {"budget": 70_000_000}, "comes to RUB 700,000.00; of the envelope RUB 600,000.00 is left"),
        ({}, {"opens": -5}, "opens before the grant"),
        ({}, {"results": 400}, "The results of the call come on"),
    ],
)
def test_a_call_beyond_its_clause_is_not_approved_and_each_reason_is_said(
    cascade: Cascade, clause: dict[str, int], call: dict[str, int], said: str
) -> None:
    award_id = cascade.parent(**{"minimum": 10_000_000, "maximum": 50_000_000, **clause})
    days = {name: timedelta(days=call.pop(name)) for name in ("opens", "results") if name in call}
    call_id = cascade.draft(**call)
    with unit_of_work() as current:
        row = current.get_one(funding.Call, call_id)
        row.opens_at += days.get("opens", timedelta(0))
        row.results_on += days.get("results", timedelta(0))
    cascade.choose(call_id, award_id)
    with pytest.raises(Refused) as told:
        cascade.fire(call_id, "approve", cascade.manager)
    assert said in str(told.value)
    assert len(funding.faults(session().get_one(funding.Call, call_id))) == 1


def test_two_calls_of_one_grant_share_its_envelope(cascade: Cascade) -> None:
    award_id = cascade.parent()
    first, second = (cascade.draft(budget=40_000_000) for _ in range(2))
    cascade.choose(first, award_id)
    cascade.choose(second, award_id)
    cascade.fire(first, "approve", cascade.manager)
    with pytest.raises(Refused, match=r"of the envelope RUB 200,000\.00 is left"):
        cascade.fire(second, "approve", cascade.manager)
    cascade.fire(first, "cancel", cascade.manager, reason="Not now")
    cascade.fire(second, "approve", cascade.manager)


# decisions
def test_decisions_fill_the_envelope_and_the_next_is_refused_and_told(cascade: Cascade) -> None:
    scene = cascade.in_call(cascade.below)
    for _ in range(3):
        scene.decided(18_000_000)
    with pytest.raises(Refused) as told:
        scene.decided(18_000_000)
    assert "passes on RUB 600,000.00 at most, and RUB 60,000.00 of it is left" in str(told.value)
    grantee, manager = cascade.grantees[cascade.top].person_id, cascade.manager.person_id
    assert sorted(scene.sent("child_refused")) == sorted([(grantee, cascade.top), (manager, cascade.top)])
    assert len(envelope.children_of(cascade.award(cascade.top))) == 3
    again = session().scalars(select(Award.case_id).where(Award.call_id == cascade.below)).first()
    scene.fire(again, "refuse", scene.grantees[again])  # type: ignore[index]
    scene.decided(18_000_000)


def test_the_least_of_one_grant_and_the_most_of_one_third_party_hold(cascade: Cascade) -> None:
    scene = cascade.in_call(cascade.below)
    with pytest.raises(Refused, match=r"RUB 10,000\.00 as the least"):
        scene.decided(900_000)
    with pytest.raises(Refused, match=r"One third party may have RUB 500,000\.00"):
        scene.decided(50_000_001)
    scene.decided(50_000_000)


def test_pressing_again_tells_nobody_twice(cascade: Cascade) -> None:
    scene = cascade.in_call(cascade.below)
    application = _about_to_be_awarded(scene, 61_000_000)
    for _ in range(2):
        with pytest.raises(Refused):
            scene.fire(application, "award", scene.chair)
    assert len(scene.sent("child_refused")) == 2  # the grantee and the manager, once each


def test_nothing_is_awarded_below_a_grant_that_has_ended(cascade: Cascade) -> None:
    scene = cascade.in_call(cascade.below)
    scene.decided(18_000_000)
    for actor in (scene.manager, scene.officer):
        scene.fire(cascade.top, "terminate", actor, reason="Over")
    assert {person_id for person_id, _case in scene.sent("children_beyond")} >= {scene.grantees[cascade.top].person_id}
    with pytest.raises(Refused, match="has ended"):
        scene.decided(18_000_000)


def test_an_amendment_below_what_the_children_hold_is_told_at_once(cascade: Cascade) -> None:
    scene = cascade.in_call(cascade.below)
    scene.decided(18_000_000)
    scene.decided(18_000_000)
    cascade.clause(cascade.top, envelope=36_000_000, maximum=20_000_000)
    assert scene.sent("children_beyond") == []
    cascade.clause(cascade.top, envelope=30_000_000, maximum=20_000_000)
    assert len(scene.sent("children_beyond")) == 2


def test_a_child_does_not_run_longer_than_its_parent(cascade: Cascade) -> None:
    scene = cascade.in_call(cascade.below)
    award_id = scene.accepted(15_000_000)
    given = {**scene.agreement("9/9"), "ends_on": today() + timedelta(days=301)}
    with pytest.raises(Refused, match="Write no later day"):
        scene.fire(award_id, "sign", scene.officer, payload=given)


def test_a_call_in_another_currency_is_counted_at_the_rate_that_was_written_down(cascade: Cascade) -> None:
    call_id = cascade.draft(currency="KZT", budget=50_000_000)
    with pytest.raises(Invalid) as told:
        cascade.choose(call_id, cascade.top)
    assert "how much KZT is one RUB" in str(told.value.fields["rate"])
    late = funding.Rate(Decimal("5"), today() + timedelta(days=3), "")
    with pytest.raises(Invalid) as told:
        cascade.choose(call_id, cascade.top, rate=late)
    assert set(told.value.fields) == {"rate_on", "rate_source"}
    rate = funding.Rate(Decimal("5"), today(), "National bank")
    with pytest.raises(Invalid):
        cascade.choose(cascade.draft(), cascade.top, rate=rate)
    cascade.choose(call_id, cascade.top, rate=rate)
    row = envelope.funding_of(call_id)
    assert row is not None and (row.rate, row.rate_on, row.rate_source) == (Decimal("5"), today(), "National bank")


# races
def _about_to_be_awarded(scene: Cascade, amount: int) -> int:
    application = scene.applied(amount)
    scene.ruled(application, amount)
    return application


def test_of_two_decisions_in_two_calls_for_the_last_of_the_envelope_one_wins(
    app: Flask, cascade: Cascade, thorough: bool
) -> None:
    home = cascade.call
    for _ in range(30 if thorough else 1):
        top = cascade.in_call(home).parent()
        both = [_about_to_be_awarded(cascade.in_call(_second(cascade, top)), 40_000_000) for _ in range(2)]

        def decide(case_id: int) -> Any:
            with unit_of_work():
                return service.fire(case_id, "award", actor=cascade.chair)

        got = all_at_once(app, *(partial(decide, case_id) for case_id in both))
        won = [one for one in got if isinstance(one, service.Outcome)]
        lost = [one for one in got if isinstance(one, Refused)]
        assert len(won) == len(lost) == 1, got
        assert "of it is left" in str(lost[0])


def _second(cascade: Cascade, top: int) -> int:
    call_id = cascade.draft(budget=1_000_000)
    cascade.choose(call_id, top)
    cascade._put(call_id, "announced", "award")
    return call_id
