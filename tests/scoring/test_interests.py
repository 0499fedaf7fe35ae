"""Declaring an interest, and what then vanishes."""

from __future__ import annotations

import pytest
import sqlalchemy
from sqlalchemy import select

from grantflow.cases import service as cases
from grantflow.cases.access import see
from grantflow.cases.models import Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history.models import Event, PrivateValue
from grantflow.scoring import service as scoring
from grantflow.scoring.models import Interest, Standing
from grantflow.submissions.service import may_read
from tests.factories import also, person


def declare(made, n, member, kind, **more):
    with unit_of_work():
        return scoring.declare_interest(made.applications[n], kind, actor=member, **more)


def test_content_opens_only_after_none_is_declared(contest):
    made = contest(1, started=True)
    case, reader = cases.get(made.applications[0]), made.members[1]
    assert "Declare first" in str(may_read(case, reader).because)
    declare(made, 0, reader, "none")
    assert may_read(case, reader)
    assert may_read(case, made.manager) and may_read(case, made.auditor) and may_read(case, made.applicants[0])


def test_an_officer_who_also_sits_on_the_panel_declares_like_any_member(contest):
    made = contest(1, started=True)
    both = also(made.members[1], "officer", programme_id=made.programme)
    assert not may_read(cases.get(made.applications[0]), both)


@pytest.mark.parametrize("kind", ["organisation", "family", "financial", "other"])
def test_an_interest_makes_the_application_vanish_for_its_member_only(contest, kind):
    made = contest(2, started=True)
    declare(made, 0, made.members[1], kind, note="We are cousins.")
    with pytest.raises(NotFound):
        see(made.applications[0], made.members[1])
    assert see(made.applications[1], made.members[1])
    assert see(made.applications[0], made.members[2])


def test_chair_and_manager_are_told_of_an_interest_and_nobody_of_none(contest):
    made = contest(1, started=True)
    declare(made, 0, made.members[1], "none")
    assert session().scalars(select(Outbox.id).where(Outbox.notice == "interest_declared")).all() == []
    declare(made, 0, made.members[2], "family", note="My sister.")
    told = session().execute(select(Outbox.person_id, Outbox.params).where(Outbox.notice == "interest_declared")).all()
    assert {row.person_id for row in told} == {made.chair.person_id, made.manager.person_id}
    assert "sister" not in str([row.params for row in told])


def test_the_note_is_private_and_the_kind_stands_in_the_history(contest):
    made = contest(1, started=True)
    declare(made, 0, made.members[2], "family", note="My sister.")
    event = session().scalars(select(Event).where(Event.move == "interest_declared")).one()
    assert event.facts["kind"] == "family" and "sister" not in str(event.facts)
    assert "My sister." in session().scalar(select(PrivateValue.value).where(PrivateValue.name == "note:after"))


def test_a_declaration_can_never_be_changed_or_deleted(contest):
    made = contest(1, started=True)
    declare(made, 0, made.members[2], "none")
    for statement in ("UPDATE interests SET kind = 'family'", "DELETE FROM interests"):
        with pytest.raises(sqlalchemy.exc.DBAPIError, match="insert-only"), unit_of_work() as current:
            current.execute(sqlalchemy.text(statement))


def test_the_latest_declaration_counts_and_the_earlier_one_stays(contest):
    made = contest(1, started=True)
    declare(made, 0, made.members[1], "none")
    declare(made, 0, made.members[1], "financial")
    assert scoring.declared(made.applications[0], made.members[1].person_id) == "financial"
    assert session().scalars(select(Interest.kind).order_by(Interest.id)).all() == ["none", "financial"]


def test_whoever_declared_an_interest_cannot_take_it_back(contest):
    made = contest(1, started=True)
    declare(made, 0, made.members[1], "family")
    with pytest.raises(NotFound):
        declare(made, 0, made.members[1], "none")


def test_a_member_of_the_applicants_body_cannot_declare_none(contest):
    made = contest(1, started=True)
    body = cases.get(made.applications[0]).organisation_id
    both = also(made.members[1], "applicant", organisation_id=body)
    with pytest.raises(Invalid) as told:
        declare(made, 0, both, "none")
    assert "You belong to the applicant, Applicant 1" in str(told.value.fields["kind"])


def test_declaring_asks_for_a_known_kind_and_words_for_another_reason(contest):
    made = contest(1, started=True)
    for kind, note, field in (("maybe", "", "kind"), ("other", " ", "note"), ("family", "x" * 2001, "note")):
        with pytest.raises(Invalid) as told:
            declare(made, 0, made.members[1], kind, note=note)
        assert field in told.value.fields


def test_only_members_of_the_panel_declare(contest):
    made = contest(1, started=True)
    for actor in (made.manager, made.applicants[0], person("panellist", panel_id=made.bodies[0])):
        with pytest.raises(NotFound):
            declare(made, 0, actor, "none")


def test_declaring_twice_with_one_key_or_the_same_again_changes_nothing(contest):
    made = contest(1, started=True)
    declare(made, 0, made.members[1], "none", key="k")
    version = cases.get(made.applications[0]).version
    declare(made, 0, made.members[1], "none", key="k")
    declare(made, 0, made.members[1], "none")
    assert cases.get(made.applications[0]).version == version


def test_a_conflict_found_after_scoring_sets_the_review_aside_and_both_means_stand_in_the_history(contest):
    made = contest(1, started=True)
    made.scored(0, 9, 6, 6, 3)
    made.fire(made.applications[0], "close_scoring", made.chair)
    made.fire(made.applications[0], "rank", made.chair)
    assert session().scalar(select(Standing.mean)) == 6000
    declare(made, 0, made.members[3], "family")
    assert session().scalar(select(Standing.mean)) == 7000
    event = session().scalars(select(Event).where(Event.move == "interest_declared")).one()
    assert {"field": "mean", "before": "60.00", "after": "70.00"} in event.facts["changes"]


def test_after_the_decision_a_declaration_is_refused(contest):
    made = contest(1, started=True).ranked(8)
    made.award(0)
    with pytest.raises(Refused, match="decided"):
        declare(made, 0, made.members[1], "family")
