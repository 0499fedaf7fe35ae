"""Drafts of reviews, submitting them, and opening one again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from grantflow.cases import service as cases
from grantflow.cases.models import Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history.models import Event
from grantflow.scoring import service as scoring
from grantflow.scoring.service import Mark, Written


def save(made, member, given, **more):
    with unit_of_work():
        return scoring.save_review(made.applications[0], given, actor=member, **more)


def submit(made, member, given=None, **more):
    with unit_of_work():
        return scoring.submit_review(made.applications[0], given, actor=member, **more)


def reopen(made, member, reason="One criterion was read wrongly.", actor=None, **more):
    with unit_of_work():
        return scoring.reopen_review(made.applications[0], member.person_id, reason, actor=actor or made.chair, **more)


@pytest.fixture
def open_for_all(contest):
    made = contest(1, started=True)
    made.none(0)
    return made


def test_a_review_waits_for_the_declaration(contest):
    made = contest(1, started=True)
    with pytest.raises(Refused, match="Declare first"):
        save(made, made.members[1], made.written(5))
    with pytest.raises(Refused, match="Declare first"):
        submit(made, made.members[1], made.written(5))


def test_panelist_cannot_score_own_organisation(contest):
    made = contest(0, seated=False)
    made.add(1, body=made.bodies[2])
    made.seat()
    made.start()
    with pytest.raises(NotFound):
        submit(made, made.members[2], made.written(10))


def test_a_half_done_draft_is_kept_and_writes_no_history(open_for_all):
    made, reader = open_for_all, open_for_all.members[1]
    version = cases.get(made.applications[0]).version
    half = Written({"need": Mark(Decimal(7), "Real."), "cost": Mark(None, "To read again")}, "So far", "Ask Anna")
    save(made, reader, half)
    kept = scoring.written(scoring.read_review(made.applications[0], reader.person_id))
    assert kept.marks["need"] == Mark(Decimal(7), "Real.") and kept.marks["cost"].points is None
    assert (kept.comment, kept.private_note) == ("So far", "Ask Anna")
    assert cases.get(made.applications[0]).version == version


@pytest.mark.parametrize("points", [Decimal(11), Decimal(-1), Decimal("7.5")])
def test_points_outside_the_rubric_are_refused_even_in_a_draft(open_for_all, points):
    with pytest.raises(Invalid) as told:
        save(open_for_all, open_for_all.members[1], Written({"need": Mark(points)}))
    assert str(told.value.fields["points_need"]) == "Give points from 0 to 10, in steps of 1."


def test_submitting_asks_for_every_criterion_and_names_each(open_for_all):
    made = open_for_all
    with pytest.raises(Invalid) as told:
        submit(made, made.members[1], Written({"need": Mark(Decimal(7))}))
    assert set(told.value.fields) == {f"points_{c.code}" for c in made.rubric.criteria if c.code != "need"}


def test_few_points_need_a_comment(open_for_all):
    made = open_for_all
    marks = dict(made.written(5).marks) | {"need": Mark(Decimal(3), "  ")}
    with pytest.raises(Invalid) as told:
        submit(made, made.members[1], Written(marks))
    assert str(told.value.fields["comment_need"]) == "Say why: fewer than 4 points need a comment."
    assert submit(made, made.members[1], Written(marks | {"need": Mark(Decimal(3), "No facts.")})).status == "submitted"


def test_a_submitted_review_has_its_total_and_stands_in_the_history(open_for_all):
    made = open_for_all
    review = submit(made, made.members[1], made.written(7))
    assert (review.status, review.total) == ("submitted", 7000)
    event = session().scalars(select(Event).where(Event.move == "review_submitted")).one()
    assert (event.facts["total"], event.facts["reviewer"]) == ("70.00", made.members[1].person_id)


def test_submitting_the_same_again_changes_nothing_and_something_else_is_refused(open_for_all):
    made, reader = open_for_all, open_for_all.members[1]
    submit(made, reader, made.written(7), key="once")
    version = cases.get(made.applications[0]).version
    submit(made, reader, made.written(7), key="once")
    submit(made, reader, made.written(7))
    submit(made, reader)
    assert cases.get(made.applications[0]).version == version
    with pytest.raises(Refused, match="chair can open it again"):
        submit(made, reader, made.written(8))
    with pytest.raises(Refused, match="chair can open it again"):
        save(made, reader, made.written(8))


def test_a_second_window_is_told_and_overwrites_nothing(open_for_all):
    made, reader = open_for_all, open_for_all.members[1]
    seen = save(made, reader, made.written(5), revision=0).revision
    save(made, reader, made.written(6), revision=seen)
    for act in (save, submit):
        with pytest.raises(Stale):
            act(made, reader, made.written(9), revision=seen)
    assert scoring.written(scoring.read_review(made.applications[0], reader.person_id)).points["need"] == 6


def test_the_chair_opens_a_review_again_and_both_values_stand_in_the_history(open_for_all):
    made, reader = open_for_all, open_for_all.members[1]
    submit(made, reader, made.written(7))
    reopen(made, reader)
    told = session().execute(select(Outbox.person_id).where(Outbox.notice == "review_reopened")).all()
    assert [row.person_id for row in told] == [reader.person_id]
    submit(made, reader, made.written(9))
    opened = session().scalars(select(Event).where(Event.move == "review_reopened")).one()
    again = session().scalars(select(Event).where(Event.move == "review_submitted").order_by(Event.seq.desc())).first()
    assert opened.facts["total"] == "70.00" and opened.facts["points"]["need"] == "7.00"
    changed = {change["field"]: (change["before"], change["after"]) for change in again.facts["changes"]}
    assert changed["total"] == ("70.00", "90.00") and changed["points.need"] == ("7.00", "9.00")


def test_a_review_opened_again_does_not_count_until_it_is_submitted_anew(open_for_all):
    made = open_for_all
    for member in made.members[:3]:
        submit(made, member, made.written(7))
    reopen(made, made.members[1])
    assert "2 of 3 reviews are submitted" in made.refused("close_scoring", 0, made.chair)


def test_opening_again_is_the_chairs_and_needs_a_reason(open_for_all):
    made, reader = open_for_all, open_for_all.members[1]
    submit(made, reader, made.written(7))
    for actor in (reader, made.manager, made.officer):
        with pytest.raises(Refused, match="Only the panel chair"):
            reopen(made, reader, actor=actor)
    with pytest.raises(Invalid):
        reopen(made, reader, reason="  ")
    with pytest.raises(NotFound):
        reopen(made, made.members[2])
    reopen(made, reader, key="k")
    reopen(made, reader, key="k")
    with pytest.raises(Refused, match="not submitted"):
        reopen(made, reader)


def test_after_closing_no_review_changes(open_for_all):
    made = open_for_all
    for member in made.members[:3]:
        submit(made, member, made.written(7))
    made.fire(made.applications[0], "close_scoring", made.chair)
    assert scoring.read_review(made.applications[0], made.members[1].person_id).status == "locked"
    for act, member in ((save, made.members[3]), (submit, made.members[3]), (submit, made.members[1])):
        with pytest.raises(Refused, match="closed"):
            act(made, member, made.written(9))
    with pytest.raises(Refused, match="closed"):
        reopen(made, made.members[1])


def test_scoring_opened_again_takes_a_missing_review(open_for_all):
    made = open_for_all
    for member in made.members[:3]:
        submit(made, member, made.written(7))
    made.fire(made.applications[0], "close_scoring", made.chair)
    made.fire(made.applications[0], "rank", made.chair)
    made.fire(made.applications[0], "reopen_scoring", made.chair, reason="A fourth reading was asked for.")
    assert submit(made, made.members[3], made.written(3)).total == 3000
    made.fire(made.applications[0], "close_scoring", made.chair)
    made.fire(made.applications[0], "rank", made.chair)
    assert scoring.ranking_of(made.call).rows[0].entry.mean == 6000


def test_control_characters_and_formulas_are_kept_as_plain_text(open_for_all):
    made, reader = open_for_all, open_for_all.members[1]
    save(made, reader, Written({}, "=SUM(A1)\x00\u202e ok", "\r\nnote\r\n"))
    kept = scoring.written(scoring.read_review(made.applications[0], reader.person_id))
    assert (kept.comment, kept.private_note) == ("=SUM(A1) ok", "note")


def test_a_comment_that_is_too_long_says_so_and_keeps_the_rest(open_for_all):
    with pytest.raises(Invalid) as told:
        save(open_for_all, open_for_all.members[1], Written({}, "x" * 4001))
    assert set(told.value.fields) == {"comment"}
