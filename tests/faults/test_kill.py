"""The server killed at random moments while moves with notices are made: nothing half done, lost, doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sqlalchemy import select

from grantflow.cases.models import Letter
from grantflow.db import session
from tests.faults.driving import drained, drive, whole
from tests.faults.house import House
from tests.post import Post


def test_killed_at_random_moments_no_move_is_half_done_and_no_letter_lost_or_doubled(
    build: Callable[..., House], thorough: bool
) -> None:
    moves, kills = (1000, 50) if thorough else (60, 2)
    house = build()
    caller, _cut = drive(house, moves, kills, seed=moves)
    drained(house)
    numbers = whole(house, caller.case_id, moves)
    with house.inside():
        assert Counter(session().scalars(select(Letter.message_id))) == Counter(numbers)


def test_killed_while_mail_goes_out_a_message_may_come_twice_under_one_number_and_none_is_lost(
    build: Callable[..., House], thorough: bool, post: tuple[Post, int]
) -> None:
    moves, kills = (1000, 50) if thorough else (40, 2)
    handler, port = post
    house = build(smtp_host="127.0.0.1", smtp_port=str(port))
    caller, _cut = drive(house, moves, kills, seed=moves)
    drained(house)
    numbers = whole(house, caller.case_id, moves)
    arrived = Counter(handler.numbers)
    assert set(arrived) == set(numbers)
    # A kill between the mail server's yes and the mark: one message a kill at most, under the same number.
    assert sum(arrived.values()) - len(numbers) <= kills + 1
    with house.inside():
        assert session().scalars(select(Letter.message_id)).all() == []
