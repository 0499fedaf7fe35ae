"""Composing a panel and handing applications over to it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from grantflow.cases import service as cases
from grantflow.cases.access import see
from grantflow.cases.models import CaseDeadline, Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history.models import Event
from grantflow.scoring import service as scoring
from grantflow.scoring.models import PanelMember
from grantflow.scoring.service import Member
from tests.factories import person


def test_a_seated_member_holds_the_role_of_the_panel(contest):
    made = contest()
    assert made.chair.has("panellist", "chair") and made.members[1].has("panellist")
    assert not made.members[1].has("chair")
    assert made.chair.roles_on(cases.get(made.panel)) == {"panellist", "chair"}


def test_only_the_manager_composes_a_panel(contest):
    made = contest(seated=False)
    for actor in (made.officer, made.auditor, person("manager", programme_id=made.bodies[0])):
        with pytest.raises(Refused), unit_of_work():
            scoring.compose_panel(made.call, made.seats, actor=actor)


def test_a_person_sits_once_and_a_seat_has_a_known_kind(contest):
    made = contest(seated=False)
    for seats in ([*made.seats, made.seats[0]], [Member(made.members[0].person_id, "sponsor")], []):
        with pytest.raises(Invalid), unit_of_work():
            scoring.compose_panel(made.call, seats, actor=made.manager)


def test_who_leaves_the_panel_loses_the_role_and_the_history_says_so(contest):
    made = contest()
    gone = made.members[4]
    made.seat(made.seats[:4])
    assert not made.again(gone).has("panellist")
    assert session().scalar(select(PanelMember.left_on).where(PanelMember.person_id == gone.person_id)) == date(
        2022, 1, 10
    )
    event = session().scalars(select(Event).where(Event.case_id == made.panel).order_by(Event.seq.desc())).first()
    assert event.facts["left"] == [gone.person_id]
    made.seat()
    assert made.again(gone).has("panellist")


def test_a_new_quorum_and_due_date_stand_in_the_history_with_what_they_were(contest):
    made = contest(started=True)
    with unit_of_work():
        scoring.compose_panel(made.call, made.seats, actor=made.manager, quorum=4, reviews_due_on=date(2022, 2, 1))
    event = session().scalars(select(Event).where(Event.case_id == made.panel).order_by(Event.seq.desc())).first()
    changed = {change["field"]: (change["before"], change["after"]) for change in event.facts["changes"]}
    assert changed["quorum"] == (3, 4)
    assert changed["reviews_due_on"] == ("2022-01-27", "2022-02-01")
    due = session().scalar(
        select(CaseDeadline.due_at).where(
            CaseDeadline.case_id == made.applications[0], CaseDeadline.closed_at.is_(None)
        )
    )
    assert due == datetime(2022, 2, 1, 20, 59, 59, tzinfo=UTC)


def test_the_evaluation_does_not_start_without_a_panel(contest):
    made = contest(seated=False)
    assert "no panel yet" in made.refused("start_evaluation", None, made.manager)


def test_a_panel_without_a_local_authority_cannot_start(contest):
    made = contest(seated=False)
    made.seat([seat for seat in made.seats if seat.seat != "local_authority"])
    assert "a member from a local authority" in made.refused("start_evaluation", None, made.manager)


def test_a_panel_with_most_members_from_one_body_cannot_start(contest):
    made = contest(seated=False)
    same = made.bodies[0]
    made.seat(
        [Member(s.person_id, s.seat, same if n < 3 else s.organisation_id, s.chair) for n, s in enumerate(made.seats)]
    )
    assert "3 of 5 members come from one organisation, Body 0" in made.refused("start_evaluation", None, made.manager)


def test_every_eligible_application_goes_to_the_panel_with_one_notice_for_each_member(contest):
    made = contest(3, started=True)
    for case_id in made.applications:
        row = cases.get(case_id)
        assert (row.state, row.panel_id) == ("in_scoring", made.panel)
        assert row.due_at == datetime(2022, 1, 27, 20, 59, 59, tzinfo=UTC)
    told = session().execute(select(Outbox.person_id, Outbox.params).where(Outbox.notice == "reviews_assigned")).all()
    assert sorted(row.person_id for row in told) == sorted(m.person_id for m in made.members)
    assert all(row.params["number"] == 3 for row in told)
    assert made.chair.roles_on(cases.get(made.call)) >= {"chair"}


def test_a_member_sees_the_applications_of_their_own_panel_only(contest):
    made = contest(1, started=True)
    assert see(made.applications[0], made.members[2]).id == made.applications[0]
    stranger = person("panellist", panel_id=made.bodies[0])
    with pytest.raises(NotFound):
        see(made.applications[0], stranger)


def test_a_member_of_the_applicants_body_has_an_interest_from_the_start(contest):
    made = contest(0, seated=False)
    made.add(1, body=made.bodies[2])
    made.seat()
    made.start()
    mine = made.members[2]
    assert scoring.declared(made.applications[0], mine.person_id) == "organisation"
    with pytest.raises(NotFound):
        see(made.applications[0], mine)
    told = session().scalars(select(Outbox.person_id).where(Outbox.notice == "interest_declared")).all()
    assert set(told) == {made.chair.person_id, made.manager.person_id}
