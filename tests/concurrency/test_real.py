"""The real definitions raced: two submitters, five presses, a vote against a withdrawal, two deciders, two approvers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.models import Case, Outbox
from grantflow.cases.service import get
from grantflow.db import session, unit_of_work
from grantflow.disbursements.models import Tranche
from grantflow.history.models import Event
from grantflow.programmes.models import Call
from grantflow.submissions.models import ApplicationVersion
from tests.awards.scene import Scene, short_workflows, shorten
from tests.browsing import FreshClient, field, signed_in
from tests.concurrency import ring as ways
from tests.concurrency.real import DECIDING, OPEN_DAY, Real
from tests.concurrency.test_races import one_wins, states, whole
from tests.together import all_at_once


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


PRESSES = 5
"""So many browsers press at once."""


@pytest.fixture
def pressed(ring: Any, real: Real, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Any]]]:
    """`pressed(case_id, keys)` presses Submit once for each key, all at once, and gives back the answers."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    monkeypatch.setattr(app, "test_client_class", FreshClient)

    def press(case_id: int, keys: list[str]) -> list[Any]:
        url = f"/applications/{case_id}/check"
        with clock.at(OPEN_DAY):
            clients = [signed_in(app, real.people[0]) for _key in keys]
            page = clients[0].get(url)
        sent = {name: field(page, name) for name in ("version", "revision")} | {"declared": "y"}

        def act(client: Any, key: str) -> Callable[[], Any]:
            def run() -> Any:
                with clock.at(OPEN_DAY):
                    return client.post(url, data=sent | {"key": key})

            return run

        return all_at_once(app, *(act(*pair) for pair in zip(clients, keys, strict=True)))

    yield press
    session().rollback()


@pytest.mark.parametrize(
    "keys", [["same"] * PRESSES, [f"window {n}" for n in range(PRESSES)]], ids=["one page", "five"]
)
def test_five_presses_at_once_send_once_and_all_see_the_same_receipt(real: Real, pressed: Any, keys: list[str]) -> None:
    (case_id,) = real.drafts(1)
    answers = pressed(case_id, keys)
    assert {(answer.status_code, answer.location) for answer in answers} == {(303, f"/applications/{case_id}/receipt")}
    session().rollback()
    assert session().scalars(select(ApplicationVersion.n).where(ApplicationVersion.case_id == case_id)).all() == [1]
    following = session().scalar(select(Call.next_number).where(Call.case_id == real.call))
    assert int((get(case_id).ref or "").rsplit("-", 1)[1]) == following - 1
    told = session().scalars(select(Outbox.person_id).where(Outbox.case_id == case_id, Outbox.notice == "submitted"))
    assert sorted(told) == sorted(who.person_id for who in real.people)
    moves = session().scalars(select(Event.move).where(Event.case_id == case_id).order_by(Event.seq)).all()
    assert moves == ["open", "submit"]


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
