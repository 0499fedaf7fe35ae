"""The server killed at random moments while moves with notices are made: nothing half done, lost, doubled."""

from __future__ import annotations

import email
import email.policy
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import outbox, service
from grantflow.cases.models import Letter, Outbox
from grantflow.db import session
from grantflow.history import verify
from grantflow.history.models import Event
from tests.faults.house import Caller, House, free_port


class Post:
    """A real mail server that keeps the number of every message it has accepted."""

    def __init__(self) -> None:
        self.numbers: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.numbers.append(str(message["Message-ID"]))
        return "250 OK"


@pytest.fixture
def post() -> Iterator[tuple[Post, int]]:
    handler = Post()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, controller.port
    controller.stop()


def drive(house: House, moves: int, kills: int, seed: int) -> tuple[Caller, int]:
    """Make so many moves through the server and kill it so often on the way; every request is repeated until
    it is answered, with its own key. Gives back the caller and how many requests a kill cut off."""
    chance = random.Random(seed)
    caller = house.caller(house.case())
    killed_at = sorted(chance.sample(range(2, moves), kills))
    cut = 0
    house.start()
    while caller.version <= moves:
        killer = None
        if killed_at and caller.version >= killed_at[0]:
            killed_at.pop(0)
            killer = threading.Timer(chance.uniform(0, 0.06), house.process.kill)  # type: ignore[union-attr]
            killer.start()
        try:
            while caller.version <= moves:
                status = caller.post()
                assert status == 303, status
                if killer is None:
                    break
        except OSError as error:
            if killer is None:
                raise AssertionError(f"nobody killed the server: {house.log.read_text()[-5000:]}") from error
            cut += 1
        if killer is not None:
            killer.join()
            house.stop(signal.SIGKILL)
            house.start()
    time.sleep(0.3)
    house.stop(signal.SIGKILL)
    return caller, cut


def settled(house: House, case_id: int, moves: int) -> list[str]:
    """Send what is left as the next worker would, and judge: state, version, events and notices agree. Gives
    back the numbers of all messages."""
    with house.inside():
        row = service.get(case_id)
        assert (row.version, row.state) == (moves + 1, "there" if moves % 2 else "here")
        events = (
            session().execute(select(Event.seq, Event.move).where(Event.case_id == case_id).order_by(Event.seq)).all()
        )
        assert [e.seq for e in events] == list(range(1, moves + 2)), "one event a move, none missing, none twice"
        assert [e.move for e in events[1:]] == [("go", "come")[n % 2] for n in range(moves)]
        report = verify.verify_all()
        assert report.whole, [str(broken) for broken in report.breaks]
        with clock.at(clock.now() + 2 * outbox.LEASE):  # the leases of the killed are over by then
            while outbox.drain():
                pass
        told = session().execute(select(Outbox).order_by(Outbox.id)).scalars().all()
        wanted = [f"{case_id}/{seq}/tranche_awaits/{house.reader.person_id}" for seq in range(2, moves + 2)]
        assert [notice.dedupe for notice in told] == wanted, "one notice a move, none lost, none doubled"
        assert all(notice.sent_at is not None for notice in told)
        return [notice.message_id for notice in told]


def test_killed_at_random_moments_no_move_is_half_done_and_no_letter_lost_or_doubled(
    build: Callable[..., House], thorough: bool
) -> None:
    moves, kills = (500, 25) if thorough else (120, 3)
    house = build()
    caller, _cut = drive(house, moves, kills, seed=moves)
    numbers = settled(house, caller.case_id, moves)
    with house.inside():
        assert Counter(session().scalars(select(Letter.message_id))) == Counter(numbers)


def test_killed_while_mail_goes_out_a_message_may_come_twice_under_one_number_and_none_is_lost(
    build: Callable[..., House], thorough: bool, post: tuple[Post, int]
) -> None:
    moves, kills = (500, 25) if thorough else (40, 2)
    handler, port = post
    house = build(smtp_host="127.0.0.1", smtp_port=str(port))
    caller, _cut = drive(house, moves, kills, seed=moves)
    numbers = settled(house, caller.case_id, moves)
    arrived = Counter(handler.numbers)
    assert set(arrived) == set(numbers)
    # A kill between the mail server's yes and the mark: one message a kill at most, under the same number.
    assert sum(arrived.values()) - len(numbers) <= kills + 1
    with house.inside():
        assert session().scalars(select(Letter.message_id)).all() == []
