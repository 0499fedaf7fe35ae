"""The one door: who may, what must be true, what is remembered, and what a refusal leaves behind."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from grantflow.cases import service
from grantflow.cases.models import Case
from grantflow.db import session, unit_of_work
from grantflow.errors import NotFound, Refused, Stale
from grantflow.history import verify
from grantflow.history.models import Event, PrivateValue
from tests.cases.conftest import Desk


def events(case_id: int) -> list[Event]:
    return list(session().scalars(select(Event).where(Event.case_id == case_id).order_by(Event.seq)))


def test_a_move_changes_the_state_and_writes_one_event_with_before_and_after(desk: Desk) -> None:
    case = desk.case()
    outcome = desk.fire(case, "check", desk.officer, payload={"lamp": "on"})
    assert (outcome.case.state, outcome.case.stage, outcome.case.version, outcome.moved) == (
        "checked",
        "eligibility",
        2,
        True,
    )
    last = events(case.id)[-1]
    assert (last.seq, last.move, last.from_state, last.to_state, last.actor_id, last.role) == (
        2, "check", "open", "checked", desk.officer.person_id, "officer",
    )  # fmt: skip
    assert last.facts == {
        "noted": True,
        "changes": [{"field": "sum", "before": 1, "after": 2}, {"field": "phone", "private": True}],
    }
    assert set(last.private) == {"actor", "phone:before", "phone:after"}
    assert verify.verify_case(case.id).whole


def test_a_refused_move_leaves_no_trace(desk: Desk) -> None:
    case = desk.case()
    with pytest.raises(Refused, match="The lamp is off"):
        desk.fire(case, "check", desk.officer, payload={"lamp": "off"})
    with pytest.raises(Refused, match=r"Only the finance officer may do this|Only the programme officer"):
        desk.fire(case, "check", desk.finance)
    assert [e.seq for e in events(case.id)] == [1]
    assert service.get(case.id).version == 1


def test_an_effect_that_breaks_takes_state_event_and_notice_with_it(desk: Desk) -> None:
    case = desk.case()
    with pytest.raises(RuntimeError, match="the effect broke"):
        desk.fire(case, "break", desk.officer)
    assert (service.get(case.id).state, service.get(case.id).version, len(events(case.id))) == ("open", 1, 1)


def test_a_role_on_another_programme_is_no_role_here(desk: Desk) -> None:
    case = desk.case()
    with pytest.raises(Refused, match="Only the programme officer"):
        desk.fire(case, "check", desk.stranger)


def test_a_move_from_another_state_is_refused_with_the_name_of_the_state(desk: Desk) -> None:
    case = desk.case()
    with pytest.raises(Refused, match="while the state is “open”"):
        desk.fire(case, "approve", desk.finance)


def test_a_repeated_key_gives_the_first_outcome_and_changes_nothing(desk: Desk) -> None:
    case = desk.case()
    first = desk.fire(case, "check", desk.officer, key="k1")
    again = desk.fire(case, "check", desk.officer, key="k1")
    assert (again.replayed, again.event.seq, again.case.version) == (True, first.event["seq"], 2)
    assert len(events(case.id)) == 2


def test_the_second_person_cannot_be_the_first(desk: Desk) -> None:
    case = desk.case()
    desk.fire(case, "check", desk.officer)
    desk.fire(case, "approve", desk.finance)
    with pytest.raises(Refused, match="needs a second person: the step “approve done” was yours"):
        desk.fire(case, "approve_second", desk.finance)
    assert desk.fire(case, "approve_second", desk.finance2).case.state == "done"


def test_after_a_withdrawn_approval_only_the_newest_first_approver_is_barred(desk: Desk) -> None:
    case = desk.case()
    desk.fire(case, "check", desk.officer)
    desk.fire(case, "approve", desk.finance)
    desk.fire(case, "back", desk.officer)
    desk.fire(case, "check", desk.officer)
    desk.fire(case, "approve", desk.finance2)
    assert desk.fire(case, "approve_second", desk.finance).case.state == "done"


def test_a_vote_moves_nothing_but_raises_the_version_and_the_last_vote_moves(desk: Desk) -> None:
    case = desk.case()
    with pytest.raises(Refused, match="Write the reason"):
        desk.fire(case, "refuse", desk.officer)
    first = desk.fire(case, "refuse", desk.officer, reason="Outside the districts.")
    assert (first.moved, first.case.state, first.case.version) == (False, "open", 2)
    with pytest.raises(Refused, match="voted already; one more person is needed"):
        desk.fire(case, "refuse", desk.officer, reason="Again.")
    second = desk.fire(case, "refuse", desk.officer2, reason="I agree.")
    assert (second.moved, second.case.state) == (True, "refused")
    assert events(case.id)[1].facts["vote"] == {"number": 1, "of": 2}


def test_votes_before_the_case_came_back_into_the_state_do_not_count(desk: Desk) -> None:
    case = desk.case()
    desk.fire(case, "refuse", desk.officer, reason="No.")
    desk.fire(case, "check", desk.officer)
    desk.fire(case, "back", desk.officer)
    assert not desk.fire(case, "refuse", desk.officer2, reason="No.").moved


def test_a_stale_version_is_told_and_changes_nothing(desk: Desk) -> None:
    case = desk.case()
    desk.fire(case, "remark", desk.officer)
    with pytest.raises(Stale, match="changed while you were reading"):
        desk.fire(case, "check", desk.officer, version=case.version)
    assert service.get(case.id).state == "open"


def test_the_same_verdict_greys_the_button_and_is_the_error(desk: Desk) -> None:
    case = desk.case()
    seen = {move.name: verdict for move, verdict in service.moves_for(service.get(case.id), desk.finance)}
    assert set(seen) == {"check", "break", "refuse", "remark"}
    with pytest.raises(Refused) as refusal:
        desk.fire(case, "check", desk.finance)
    assert str(refusal.value) == seen["check"].sentence
    assert all(verdict for _, verdict in service.moves_for(service.get(case.id), desk.officer))


def test_opening_twice_under_one_key_opens_one_case(desk: Desk) -> None:
    assert desk.case(key="draft-1").id == desk.case(key="draft-1").id
    assert session().scalar(select(func.count()).select_from(Case).where(Case.open_key == "draft-1")) == 1


def test_a_case_that_does_not_exist_is_not_found(desk: Desk) -> None:
    with unit_of_work(), pytest.raises(NotFound):
        service.fire(10**9, "check", actor=desk.officer)


def test_the_door_is_shut_outside_a_unit_of_work(desk: Desk) -> None:
    case = desk.case()
    with pytest.raises(RuntimeError, match="unit of work"):
        service.fire(case.id, "check", actor=desk.officer)


def test_names_and_reasons_lie_beside_the_chain_and_can_be_erased_without_breaking_it(desk: Desk) -> None:
    case = desk.case()
    desk.fire(case, "refuse", desk.officer, reason="A private reason.")
    row = (
        session()
        .scalars(select(PrivateValue).where(PrivateValue.case_id == case.id, PrivateValue.name == "reason"))
        .one()
    )
    assert row.value == '"A private reason."'
    with unit_of_work() as current:
        current.execute(
            PrivateValue.__table__.update().where(PrivateValue.case_id == case.id).values(value=None, salt=None)
        )
    report = verify.verify_case(case.id)
    assert report.whole and report.erased == 3


def test_a_record_without_a_move_stands_in_the_chain_too(desk: Desk) -> None:
    with unit_of_work():
        service.record(
            desk.programme,
            "scope_amended",
            actor=desk.officer,
            reason="Other districts applied.",
            changes=[("districts", 4, 5)],
        )
    last = events(desk.programme)[-1]
    assert (last.move, last.seq, last.facts["changes"]) == (
        "scope_amended", 2, [{"field": "districts", "before": 4, "after": 5}],
    )  # fmt: skip
    assert verify.verify_case(desk.programme).whole
