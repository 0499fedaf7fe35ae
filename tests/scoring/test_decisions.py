"""Closing scoring, the ranking, deciding within the budget, and the announcement."""

from __future__ import annotations

from functools import partial
from threading import Event as Signal

import pytest
import sqlalchemy
from sqlalchemy import select, update

from grantflow.cases import service as cases
from grantflow.cases.models import Case, Outbox
from grantflow.db import db, session, unit_of_work
from grantflow.errors import Refused, Stale
from grantflow.history.models import Event
from grantflow.money import Money
from grantflow.scoring import service as scoring
from grantflow.scoring.models import Decision
from grantflow.scoring.service import Member
from tests.together import all_at_once


def decision(made, n):
    query = select(Decision).where(Decision.case_id == made.applications[n])
    return session().scalars(query.execution_options(populate_existing=True)).one_or_none()


# closing and ranking
def test_scoring_does_not_close_before_the_quorum_and_the_refusal_names_who_is_missing(contest):
    made = contest(1, started=True)
    made.scored(0, 8, 7)
    said = made.refused("close_scoring", 0, made.chair)
    assert said == "2 of 3 reviews are submitted. Missing: Reader C, Reader D, Reader E."


def test_a_review_of_somebody_with_an_interest_does_not_make_the_quorum(contest):
    made = contest(1, started=True)
    made.scored(0, 8, 7, 9)
    with unit_of_work():
        scoring.declare_interest(made.applications[0], "family", actor=made.members[1])
    assert "2 of 3 reviews are submitted" in made.refused("close_scoring", 0, made.chair)


def test_where_too_few_members_are_free_the_refusal_sends_to_the_manager(contest):
    made = contest(1, started=True)
    made.none(0, made.chair)
    for member in made.members[1:4]:
        with unit_of_work():
            scoring.declare_interest(made.applications[0], "family", actor=member)
    assert "only 2 members of the panel have no interest" in made.refused("close_scoring", 0, made.chair)


def test_nobody_but_the_chair_closes_ranks_or_decides(contest):
    made = contest(1, started=True)
    made.scored(0, 8, 7, 9)
    for actor in (made.members[1], made.manager, made.officer, made.applicants[0]):
        assert "the panel chair" in made.refused("close_scoring", 0, actor)


def test_the_mean_is_of_the_reviews_there_are_and_a_missing_one_is_not_zero(contest):
    made = contest(1, started=True)
    made.scored(0, 9, 8, 7)
    made.fire(made.applications[0], "close_scoring", made.chair)
    made.fire(made.applications[0], "rank", made.chair)
    ranking = scoring.ranking_of(made.call)
    assert (ranking.rows[0].entry.mean, ranking.rows[0].place) == (8000, 1)


def test_equal_means_stand_in_the_order_of_submission(contest):
    made = contest(3, started=True).ranked(7, 8, 7)
    order = [row.entry.key for row in scoring.ranking_of(made.call).rows]
    assert order == [made.applications[1], made.applications[0], made.applications[2]]


# deciding
def test_a_chair_who_has_not_declared_cannot_decide(contest):
    made = contest(1, started=True)
    assert "Declare first" in made.refused("close_scoring", 0, made.chair)


def test_a_chair_with_an_interest_cannot_decide_and_is_sent_to_the_manager_or_the_deputy(contest):
    made = contest(1, started=True)
    made.none(0, *made.members[1:])
    for member in made.members[1:4]:
        made.review(0, member, 8)
    with unit_of_work():
        scoring.declare_interest(made.applications[0], "financial", actor=made.chair)
    assert "names another member of the panel as deputy" in made.refused("close_scoring", 0, made.chair)
    deputy = [Member(s.person_id, s.seat, s.organisation_id, n < 2) for n, s in enumerate(made.seats)]
    made.seat(deputy)
    assert "A deputy decides it: Reader B" in made.refused("close_scoring", 0, made.chair)
    assert made.fire(made.applications[0], "close_scoring", made.members[1]).moved


def test_nothing_is_decided_before_the_ranking_is_complete(contest):
    made = contest(3, started=True).ranked(8, 7)
    for trigger in ("award", "hold_in_reserve", "decline"):
        said = made.refused(trigger, 0, made.chair, reason="Weak.")
        assert said == "The ranking is not complete: KR-2021-0003 is still being scored."


def test_an_award_keeps_sum_place_mean_and_who_decided(contest):
    made = contest(2, started=True).ranked(7, 9)
    made.award(0, payload={"amount_minor": 30_000_000})
    found = decision(made, 0)
    assert (found.kind, found.amount_minor, found.place, found.mean) == ("awarded", 30_000_000, 2, 7000)
    assert (found.decided_by_id, found.announced_at, found.stage) == (made.chair.person_id, None, "award")
    event = session().scalars(select(Event).where(Event.move == "award")).one()
    assert event.facts["amount"] == {"minor": 30_000_000, "currency": "RUB"}


def test_without_a_sum_what_was_asked_is_awarded(contest):
    made = contest(1, started=True).ranked(7)
    made.award(0)
    assert decision(made, 0).amount_minor == 40_000_000


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "more than zero"),
        (-5, "more than zero"),
        ("much", "more than zero"),
        (Money(100, "EUR"), "more than zero"),
        (40_000_001, "asked for RUB 400,000.00"),
    ],
)
def test_a_sum_that_cannot_be_awarded_is_refused(contest, amount, said):
    made = contest(1, started=True).ranked(7)
    assert said in made.refused("award", 0, made.chair, payload={"amount_minor": amount})
    assert decision(made, 0) is None


def test_one_grant_is_never_larger_than_the_call_allows(contest):
    made = contest(0)
    made.add(1, asked=60_000_000)
    made.start().ranked(9)
    assert "One grant of this call is RUB 500,000.00 at most" in made.refused("award", 0, made.chair)


def test_the_calls_budget_holds_and_the_refusal_says_what_is_left(contest):
    made = contest(11, started=True).ranked(*[8] * 11)
    for n in range(10):
        made.award(n)
    said = made.refused("award", 10, made.chair)
    assert said == "Of the call’s budget RUB 200,000.00 is left. Award less, or put the application in reserve."
    made.award(10, payload={"amount_minor": 20_000_000})
    assert scoring.committed(made.call) == made.budget


def test_a_refused_grant_frees_its_money(contest):
    made = contest(1, started=True).ranked(8)
    made.award(0)
    made.fire(made.call, "decide", made.chair)
    made.fire(made.call, "announce", made.manager)
    assert scoring.committed(made.call) == 40_000_000
    award = session().scalars(select(Case.id).where(Case.kind == "award")).one()
    made.fire(award, "refuse", made.applicants[0], reason="We found another partner.")
    assert scoring.committed(made.call) == 0


def test_a_decline_needs_a_reason_and_reserve_can_become_an_award(contest):
    made = contest(2, started=True).ranked(8, 7)
    assert "reason" in made.refused("decline", 1, made.chair)
    made.fire(made.applications[1], "decline", made.chair, reason="Weak plan.")
    assert decision(made, 1).kind == "declined" and decision(made, 1).amount_minor is None
    made.fire(made.applications[0], "hold_in_reserve", made.chair)
    assert decision(made, 0).kind == "reserve"
    made.award(0)
    assert decision(made, 0).kind == "awarded"
    changes = session().scalars(select(Event).where(Event.move == "award")).one().facts["changes"]
    assert {"field": "decision", "before": "reserve", "after": "awarded"} in changes


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "awarded", "amount_minor": None},
        {"kind": "awarded", "amount_minor": 0},
        {"kind": "reserve", "amount_minor": 5},
        {"kind": "perhaps"},
        {"decided_by_id": None},
        {"kind": "declined", "amount_minor": None},
    ],
)
def test_the_database_refuses_an_award_without_its_facts(contest, values):
    made = contest(1, started=True).ranked(8)
    made.award(0)
    with pytest.raises(sqlalchemy.exc.IntegrityError), unit_of_work() as current:
        current.execute(update(Decision).where(Decision.case_id == made.applications[0]).values(values))


def test_the_call_is_decided_once_every_application_is(contest):
    made = contest(3, started=True).ranked(8, 7, 6)
    made.award(0)
    made.fire(made.applications[1], "hold_in_reserve", made.chair)
    assert made.refused("decide", None, made.chair) == "1 application is not decided yet: KR-2021-0003."
    made.fire(made.applications[2], "withdraw", made.applicants[2])
    assert made.fire(made.call, "decide", made.chair).moved


# announcing
@pytest.fixture
def decided(contest):
    made = contest(4, started=True).ranked(8, 7, 6, 5)
    made.award(0)
    made.fire(made.applications[1], "hold_in_reserve", made.chair)
    made.fire(made.applications[2], "decline", made.chair, reason="Weak plan.")
    made.fire(made.applications[3], "hold_in_reserve", made.chair)
    made.fire(made.call, "decide", made.chair)
    return made


def notices(made, n):
    query = select(Outbox.notice).where(
        Outbox.person_id == made.applicants[n].person_id, Outbox.notice.like("outcome%")
    )
    return session().scalars(query).all()


def test_nobody_is_told_an_outcome_before_the_announcement(decided):
    assert [notices(decided, n) for n in range(4)] == [[], [], [], []]


def test_the_announcement_tells_each_applicant_their_own_outcome_once(decided):
    made = decided
    made.fire(made.applications[3], "withdraw", made.applicants[3])
    made.fire(made.call, "announce", made.manager)
    told = [notices(made, n) for n in range(4)]
    assert told == [["outcome_awarded"], ["outcome_reserve"], ["outcome_declined"], []]
    assert [decision(made, n).place for n in range(3)] == [1, 2, 3]
    assert decision(made, 0).announced_at is not None and decision(made, 3).announced_at is None
    params = session().scalar(select(Outbox.params).where(Outbox.notice == "outcome_awarded"))
    assert params["amount"] == {"minor": 40_000_000, "currency": "RUB"} and params["ref"] == "KR-2021-0001"


def test_places_close_up_when_somebody_withdraws_before_the_announcement(contest):
    made = contest(2, started=True).ranked(8, 7)
    made.fire(made.applications[0], "hold_in_reserve", made.chair)
    made.fire(made.applications[1], "hold_in_reserve", made.chair)
    made.fire(made.applications[0], "withdraw", made.applicants[0])
    made.fire(made.call, "decide", made.chair)
    made.fire(made.call, "announce", made.manager)
    assert decision(made, 1).place == 1


def test_an_award_from_the_reserve_after_the_announcement_is_told_at_once(decided):
    made = decided
    made.fire(made.call, "announce", made.manager)
    made.award(1)
    assert notices(made, 1) == ["outcome_reserve", "outcome_awarded"]
    assert decision(made, 1).announced_at is not None


def test_two_deciders_at_once_one_wins_and_the_other_is_told(contest, app, thorough):
    """Chair and deputy award and decline the same application from two threads."""
    rounds = 200 if thorough else 6
    made = contest(rounds, seated=False)
    made.seats = [Member(s.person_id, s.seat, s.organisation_id, n < 2) for n, s in enumerate(made.seats)]
    made.seat()
    with unit_of_work() as current:
        from grantflow.programmes.models import Call

        current.execute(update(Call).where(Call.case_id == made.call).values(budget_minor=10**13))
    made.start().ranked(*[8] * rounds)
    results: list[tuple[int, str]] = []

    def decide(n: int, trigger: str, actor, version: int) -> str:
        try:
            with unit_of_work():
                cases.fire(made.applications[n], trigger, actor=actor, reason="Weak.", version=version)
            return "won"
        except Exception as told:
            return f"{type(told).__name__}: {told}"

    for n in range(rounds):
        version = cases.get(made.applications[n]).version
        session().rollback()
        both = (("award", made.members[0]), ("decline", made.members[1]))
        said = all_at_once(app, *(partial(decide, n, trigger, actor, version) for trigger, actor in both))
        results += [(n, one) for one in said]
    for n in range(rounds):
        outcome = sorted(said for number, said in results if number == n)
        assert outcome[1] == "won" and outcome[0].startswith("Stale: This was changed while you were reading it")
        assert decision(made, n) is not None
    events = session().scalars(select(Event.id).where(Event.move.in_(("award", "decline")))).all()
    assert len(events) == rounds


def test_a_wrong_state_is_refused_with_its_name(contest):
    made = contest(1, started=True)
    with pytest.raises(Refused, match="In scoring"):
        made.award(0)


def test_an_announcement_waits_for_nobody_who_waits_for_the_call(app, decided):
    made = decided
    at_once = db.engine.dialect.name == "postgresql"  # SQLite has one writer at a time
    taken, told = Signal(), Signal()

    def awarding():
        """As an award from the reserve does: the application first, then the call, for its budget."""
        with unit_of_work():
            cases.lock(made.applications[1])
            taken.set()
            told.wait(5 if at_once else 0.1)
            cases.lock(made.call)
        return "done"

    def announcing():
        taken.wait(5)
        try:
            return made.fire(made.call, "announce", made.manager)
        finally:
            told.set()

    got = all_at_once(app, awarding, announcing)
    session().rollback()
    assert got[0] == "done", got
    if at_once:
        assert isinstance(got[1], Stale), got
        assert notices(made, 1) == []
        made.fire(made.call, "announce", made.manager)
    assert notices(made, 1) == ["outcome_reserve"]
