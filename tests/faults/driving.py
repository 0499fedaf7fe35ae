"""A case moved on and on through a server that is killed at random moments, and the judgement afterwards."""

from __future__ import annotations

import random
import signal
import threading
import time

from sqlalchemy import select

from grantflow import clock
from grantflow.cases import outbox, service
from grantflow.cases.models import Outbox
from grantflow.db import session
from grantflow.history import verify
from grantflow.history.models import Event
from tests.faults.house import Caller, House


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


def drained(house: House) -> None:
    """Send what is left as the next worker would: the leases of the killed are over by then."""
    with house.inside(), clock.at(clock.now() + 2 * outbox.LEASE):
        while outbox.drain():
            pass


def whole(house: House, case_id: int, moves: int) -> list[str]:
    """Judge: state, version, events and notices agree, and every notice is sent. Gives back the numbers of all
    messages."""
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
        told = session().execute(select(Outbox).order_by(Outbox.id)).scalars().all()
        wanted = [f"{case_id}/{seq}/tranche_awaits/{house.reader.person_id}" for seq in range(2, moves + 2)]
        assert [notice.dedupe for notice in told] == wanted, "one notice a move, none lost, none doubled"
        assert all(notice.sent_at is not None for notice in told)
        return [notice.message_id for notice in told]
