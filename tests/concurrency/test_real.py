"""The real definitions raced: two submitters, a vote against a withdrawal, two deciders, two approvers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, update

from grantflow.cases import definitions
from grantflow.cases.models import Case
from grantflow.db import session, unit_of_work
from grantflow.disbursements.models import Tranche
from grantflow.programmes.models import Call
from grantflow.submissions.models import ApplicationVersion
from tests.awards.scene import Scene, short_workflows, shorten
from tests.concurrency import ring as ways
from tests.concurrency.real import DECIDING, OPEN_DAY, Real
from tests.concurrency.test_races import one_wins, states, whole


@pytest.fixture
def real(ring: Any, pack: Any) -> Iterator[Real]:
    made = Real(pack)
    budget = session().scalar(select(Call.budget_minor).where(Call.case_id == made.call))
    yield made
    with unit_of_work() as current:  # the next test loads the pack anew
        current.execute(update(Call).where(Call.case_id == made.call).values(budget_minor=budget))


def test_of_two_submitters_one_sends_and_numbers_have_no_gap(ring: Any, real: Real) -> None:
    made = real.drafts(ring.real)
    # The owner alone sends: it is she in two windows.
    one, two = (partial(ways.submit, actor=real.people[0], key=f"send/{window}") for window in (1, 2))
    told = ring.race(made, one, two, at=OPEN_DAY)
    one_wins(told, "This cannot be done while the state is “Submitted”")
    refs = sorted(session().scalars(select(Case.ref).where(Case.id.in_(made))))
    numbers = [int(ref.rsplit("-", 1)[1]) for ref in refs]
    assert numbers == list(range(numbers[0], numbers[0] + len(made)))
    versions = select(func.count()).where(ApplicationVersion.case_id.in_(made))
    assert session().scalar(versions) == len(made)
    whole(made, 2)


def test_a_second_vote_against_and_a_withdrawal_at_once_leave_one_of_the_two(ring: Any, real: Real) -> None:
    made = real.submitted(ring.real)
    for case_id in made:
        ways.fire(case_id, trigger="disqualify", actor=real.officers[0], reason="Two grants in one year.")
    told = ring.race(
        made,
        partial(ways.fire, trigger="disqualify", actor=real.officers[1], reason="I agree."),
        partial(ways.fire, trigger="withdraw", actor=real.people[0]),
        at=OPEN_DAY,
    )
    won = one_wins(told, "while the state is “Withdrawn”", "while the state is “Disqualified”")
    assert states(made) == {s: n for s, n in (("disqualified", won[0]), ("withdrawn", won[1])) if n}
    whole(made, 4)


def test_of_two_deciders_one_decides(ring: Any, real: Real) -> None:
    made = real.ranked(ring.real)
    real.budget(10**9)
    told = ring.race(
        made,
        partial(ways.fire, trigger="award", actor=real.chairs[0], payload={"amount_minor": 100_000}),
        partial(ways.fire, trigger="decline", actor=real.chairs[1], reason="Below the line."),
        at=DECIDING,
    )
    won = one_wins(told, "while the state is “Awarded”", "while the state is “Declined”")
    assert real.awards(made) == won[0] == states(made)["awarded"]
    whole(made, 3)


def test_two_awards_at_once_never_spend_more_than_is_left(ring: Any, real: Real) -> None:
    rounds = ring.real // 4
    made = real.ranked(2 * rounds)
    award = partial(ways.fire, trigger="award", payload={"amount_minor": 100_000})
    for left, right in zip(made[:rounds], made[rounds:], strict=True):
        real.budget(150_000)
        one, two = (
            partial(ways.other, case_id=case_id, call=partial(award, actor=chair))
            for case_id, chair in zip((left, right), real.chairs, strict=True)
        )
        one_wins(ring.race([0], one, two, at=DECIDING), "Of the call’s budget")
    assert real.awards(made) == rounds


def test_of_two_second_approvers_of_a_payment_one_wins(ring: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)
    scene = Scene()
    scene.count = 6000  # numbers the ring’s other tests do not reach
    # The ring's call may have been opened by another test: here it is decided.
    with unit_of_work() as current:
        short = definitions.pin(short_workflows()["call"])
        decided = {"workflow_hash": short, "state": "decided", "stage": "decision"}
        current.execute(update(Case).where(Case.id == scene.call).values(decided))
    grants = [scene.active() for _ in range(4)]
    made = [scene.first_approved(award).case_id for award in grants]
    amount = session().scalar(select(Tranche.amount_minor).where(Tranche.case_id == made[0]))
    for _ in range(max(ring.real // 8, 2)):
        told = ring.race(
            made,
            partial(ways.fire, trigger="approve_second", actor=scene.finance2),
            partial(ways.fire, trigger="approve_second", actor=scene.finance3),
        )
        one_wins(told, "This cannot be done while the state is “Ready to pay”")
        for case_id in made:
            ways.fire(case_id, trigger="send_back", actor=scene.finance, reason="Once more.")
            ways.fire(case_id, trigger="prepare", actor=scene.finance)
            ways.fire(case_id, trigger="approve_first", actor=scene.finance, payload={"amount_minor": amount})
    whole(made)
