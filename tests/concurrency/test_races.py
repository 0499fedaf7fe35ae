"""Two at once: exactly one wins each time, the other is told so in a sentence, and the chain verifies after.

Threads on an SQLite file, processes on PostgreSQL; 200 rounds for what matters most, 50 for the rest and 16 on
PostgreSQL; with `--thorough` 1,000 and 200.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select

from grantflow import clock
from grantflow.cases import deadlines, definitions, service
from grantflow.cases.models import Case, CaseDeadline, Letter, Outbox
from grantflow.db import session, unit_of_work
from grantflow.engine.definition import Deadline
from grantflow.history import verify
from grantflow.history.models import Event
from grantflow.programmes import models as programmes
from tests.cases.conftest import Desk
from tests.cases.machines import small
from tests.concurrency import ring as ways
from tests.concurrency.ring import Told

_times = count(1)


def cases(desk: Desk, rounds: int, *moves: tuple[str, Any]) -> list[int]:
    """So many cases of the small machine, each taken these steps."""
    made = []
    with unit_of_work():
        for _ in range(rounds):
            case = service.open_case(
                "check", workflow="small", actor=desk.officer, title="Felt", programme_id=desk.programme
            )
            for trigger, actor in moves:
                service.fire(case.id, trigger, actor=actor, reason="Outside the districts.")
            made.append(case.id)
    return made


def one_wins(told: list[tuple[Told, ...]], *sentences: str) -> Counter[int]:
    """In every round one moved and every other was told one of these sentences; how often each one won."""
    won: Counter[int] = Counter()
    for answers in told:
        moved = [n for n, answer in enumerate(answers) if answer.what == "moved"]
        assert len(moved) == 1, answers
        won[moved[0]] += 1
        for answer in answers:
            if answer.what != "moved":
                assert answer.what in ("refused", "stale"), answer
                assert any(sentence in answer.sentence for sentence in sentences), answer
    return won


def whole(case_ids: list[int], events: int | None = None) -> None:
    """Every chain verifies and, where said, has so many events."""
    session().rollback()
    for case_id in case_ids:
        report = verify.verify_case(case_id)
        assert report.whole, [str(broken) for broken in report.breaks]
        if events is not None:
            assert report.events == events
    session().rollback()


def states(case_ids: list[int]) -> Counter[str]:
    """How many of these cases stand in which state."""
    return Counter(session().scalars(select(Case.state).where(Case.id.in_(case_ids))))


def test_of_two_approvers_one_wins_and_the_other_is_told_the_state(ring: Any, desk: Desk) -> None:
    made = cases(desk, ring.rounds, ("check", desk.officer))
    told = ring.race(
        made,
        partial(ways.fire, trigger="approve", actor=desk.finance),
        partial(ways.fire, trigger="approve", actor=desk.finance2),
    )
    one_wins(told, "This cannot be done while the state is “first”")
    assert states(made) == {"first": ring.rounds}
    whole(made, 3)


def test_of_two_who_saw_the_same_page_the_later_is_told_that_it_changed(ring: Any, desk: Desk) -> None:
    made = cases(desk, ring.some, ("check", desk.officer))
    told = ring.race(
        made,
        partial(ways.fire, trigger="approve", actor=desk.finance, version=2),
        partial(ways.fire, trigger="back", actor=desk.officer, version=2),
    )
    one_wins(told, "changed while you were reading it")
    assert sum(states(made)[state] for state in ("first", "open")) == ring.some
    whole(made, 3)


def test_the_second_approval_is_given_once_and_never_by_the_first_approver(ring: Any, desk: Desk) -> None:
    made = cases(desk, ring.rounds, ("check", desk.officer), ("approve", desk.finance))
    told = ring.race(
        made,
        partial(ways.fire, trigger="approve_second", actor=desk.finance),
        partial(ways.fire, trigger="approve_second", actor=desk.finance2),
    )
    won = one_wins(told, "This needs a second person: the step “approve done” was yours", "while the state is “done”")
    assert won == {1: ring.rounds}
    whole(made, 4)


def test_one_key_sent_twice_at_once_makes_one_event_and_tells_both_the_same(ring: Any, desk: Desk) -> None:
    made = cases(desk, ring.rounds)
    same = partial(ways.fire, trigger="check", actor=desk.officer, key=f"press/{next(_times)}")
    for answers in ring.race(made, same, same):
        assert sorted(answer.what for answer in answers) == ["moved", "replayed"], answers
        assert {answer.value for answer in answers} == {2}
    whole(made, 2)
    noted = partial(ways.record, actor=desk.officer, key=f"note/{next(_times)}")
    for answers in ring.race(made, noted, noted):
        assert [answer[::2] for answer in answers] == [("moved", 3), ("moved", 3)], answers
    whole(made, 3)


def test_a_vote_and_a_step_back_at_once_never_carry_an_old_vote_along(ring: Any, desk: Desk) -> None:
    made = cases(desk, ring.some, ("check", desk.officer), ("refuse", desk.officer))
    told = ring.race(
        made,
        partial(ways.fire, trigger="refuse", actor=desk.officer2, reason="I agree."),
        partial(ways.fire, trigger="back", actor=desk.officer),
    )
    for case_id, (vote, back) in zip(made, told, strict=True):
        state = service.get(case_id).state
        if vote.what == "moved":
            assert (state, back.what) == ("refused", "refused"), back
            assert "while the state is “refused”" in back.sentence
        else:  # the case went back first: a vote there is the first of a new count
            assert (state, vote.what, back.what) == ("open", "stayed", "moved"), (vote, back)
    whole(made)


def test_two_votes_at_once_are_both_counted_and_the_later_moves(ring: Any, desk: Desk) -> None:
    made = cases(desk, ring.some)
    told = ring.race(
        made,
        partial(ways.fire, trigger="refuse", actor=desk.officer, reason="No."),
        partial(ways.fire, trigger="refuse", actor=desk.officer2, reason="No."),
    )
    assert all(sorted(answer.what for answer in answers) == ["moved", "stayed"] for answers in told), told
    assert states(made) == {"refused": ring.some}
    whole(made, 3)


def test_one_persons_two_votes_at_once_count_as_one(ring: Any, desk: Desk) -> None:
    made = cases(desk, ring.some)
    vote = partial(ways.fire, trigger="refuse", actor=desk.officer, reason="No.")
    for answers in ring.race(made, vote, vote):
        assert sorted(answer.what for answer in answers) == ["refused", "stayed"], answers
        assert "You have voted already; one more person is needed" in "".join(a.sentence for a in answers)
    whole(made, 2)


def test_two_who_open_under_one_key_at_once_get_the_same_case(ring: Any, desk: Desk) -> None:
    keys = [f"once/{next(_times)}" for _ in range(ring.some)]
    opening = partial(ways.open_once, actor=desk.officer)
    told = ring.race(keys, opening, opening)
    assert all(answer.what == "moved" for answers in told for answer in answers), told
    assert all(len({answer.value for answer in answers}) == 1 for answers in told)
    whole([answers[0].value for answers in told], 1)


def test_two_sweeps_of_the_same_deadlines_fire_each_once(
    ring: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated = small().model_copy(
        update={"deadlines": (Deadline(name="too_long", state="open", after="P5D", trigger="remark"),)}
    )
    monkeypatch.setattr(definitions, "current", lambda name: dated)
    with clock.at(clock.now() - timedelta(days=6)):
        made = cases(desk, ring.some)
    told = ring.race(range(2 + ring.some // 200), ways.sweep, ways.sweep)
    assert all(answer.what == "moved" for answers in told for answer in answers), told
    rows = session().execute(select(CaseDeadline.closed_at, CaseDeadline.outcome).where(CaseDeadline.case_id.in_(made)))
    assert Counter(row.outcome for row in rows if row.closed_at) == {"fired": ring.some}
    whole(made, 2)


def test_a_deadline_and_a_person_at_once_never_both_move_the_case(
    ring: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = small()
    late = [m if m.name != "back" else m.model_copy(update={"roles": ("officer", "system")}) for m in hasty.moves]
    deadline = Deadline(name="late", state="checked", after="PT1S", trigger="back")
    hasty = hasty.model_copy(update={"moves": tuple(late), "deadlines": (deadline,)})
    monkeypatch.setattr(definitions, "current", lambda name: hasty)
    with clock.at(clock.now() - timedelta(days=1)):
        made = cases(desk, ring.some, ("check", desk.officer))
    # approve leads to "first", from where "back" could be made too: the deadline of "checked" must not do it.
    told = ring.race(made, partial(ways.fire, trigger="approve", actor=desk.finance), ways.sweep)
    assert not [answer for answers in told for answer in answers if answer.what == "broken"], told
    for case_id, (approval, _swept) in zip(made, told, strict=True):
        row = service.get(case_id)
        expected = "first" if approval.what == "moved" else "open"
        assert (row.state, row.version) == (expected, 3), (row, approval)
    assert deadlines.sweep() == 0
    whole(made, 3)


def test_two_drains_of_one_outbox_send_every_notice_once(ring: Any, desk: Desk) -> None:
    made = cases(desk, 1)
    ring.race([0], *[ways.drain] * 2)  # whatever other tests left
    before = session().scalar(select(func.count()).select_from(Letter)) or 0
    with unit_of_work():
        for number in range(ring.some):
            told = [("role_granted", [desk.finance.person_id], {"number": number})]
            service.record(made[0], "told", actor=desk.officer, notices=told)
    answers = ring.race([0], *[ways.drain] * 2)
    assert sum(answer.value for answer in answers[0]) == ring.some, answers
    session().rollback()
    assert session().scalar(select(func.count()).select_from(Letter)) == before + ring.some
    rows = session().execute(select(Outbox.sent_at, Outbox.attempts).where(Outbox.case_id == made[0])).all()
    assert len(rows) == ring.some and all(row.sent_at and row.attempts == 1 for row in rows)


def test_numbers_given_at_once_are_all_different_and_leave_no_gap(ring: Any, pack: Any, desk: Desk) -> None:
    from grantflow.identity.access import SYSTEM
    from grantflow.programmes.service import allot_number, load_pack

    with unit_of_work():
        loaded = load_pack(pack, SYSTEM)
    call = loaded.calls["KR-2021"]
    first = session().scalar(select(programmes.Call.next_number).where(programmes.Call.case_id == call)) or 1
    told = ring.race([call] * ring.some, ways.allot, ways.allot)
    with pytest.raises(ZeroDivisionError), unit_of_work():
        allot_number(call)
        raise ZeroDivisionError
    with unit_of_work():
        last = allot_number(call)
    numbers = sorted(int(answer.value.rsplit("-", 1)[1]) for answers in told for answer in answers)
    assert numbers == list(range(first, first + 2 * ring.some))
    assert last.endswith(f"{first + 2 * ring.some:04d}"), "a failed unit gives its number back"


def test_every_event_has_its_own_place_in_its_chain(ring: Any, desk: Desk) -> None:
    (case_id,) = cases(desk, 1)
    remark = partial(ways.fire, trigger="remark", actor=desk.officer)
    told = ring.race([case_id] * ring.some, remark, partial(ways.fire, trigger="remark", actor=desk.officer2))
    assert all(answer.what == "stayed" for answers in told for answer in answers), told
    seqs = session().scalars(select(Event.seq).where(Event.case_id == case_id).order_by(Event.seq)).all()
    assert list(seqs) == list(range(1, 2 + 2 * ring.some))
    whole([case_id], 1 + 2 * ring.some)
