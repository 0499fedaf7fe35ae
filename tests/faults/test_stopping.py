"""Asked to stop, the server answers what was asked of it first; two servers on one file share the work."""

from __future__ import annotations

import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from grantflow.cases import service
from grantflow.cases.models import Letter, Outbox
from grantflow.db import session, unit_of_work
from tests.faults.house import PATIENCE, House, free_port, wait_for


@contextmanager
def another_writer(home: Path) -> Iterator[None]:
    """Somebody else holds the database's write lock."""
    other = sqlite3.connect(home / "grantflow.db", isolation_level=None)
    other.execute("PRAGMA busy_timeout = 20000")
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def refuses(port: int) -> bool:
    """Whether nobody listens there any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


def test_requests_under_way_at_sigterm_are_answered_and_new_ones_are_not_taken(
    build: Callable[..., House],
) -> None:
    house = build()
    # More than the server has threads: some wait in its queue, and are answered too.
    callers = [house.caller(house.case()) for _ in range(12)]
    house.start()
    assert house.process is not None
    with ThreadPoolExecutor(len(callers)) as pool:
        with another_writer(house.home):
            asked = [pool.submit(caller.post, 60) for caller in callers]
            time.sleep(1.5)
            house.process.send_signal(signal.SIGTERM)
            wait_for(lambda: refuses(house.port))
            assert not any(answer.done() for answer in asked)
        assert [answer.result() for answer in asked] == [303] * len(callers)
    assert house.process.wait(PATIENCE) == 0
    with house.inside():
        assert {service.get(caller.case_id).state for caller in callers} == {"there"}


def test_two_servers_on_one_file_send_each_letter_once(build: Callable[..., House]) -> None:
    house = build()
    case_id, number = house.case(), 60
    with house.inside(), unit_of_work():
        for n in range(number):
            told = [("role_granted", [house.reader.person_id], {"number": n})]
            service.record(case_id, "told", actor=house.officer, notices=told)
    other = House.__new__(House)
    other.__dict__ |= house.__dict__ | {"port": free_port(), "process": None, "log": house.home / "serve-other.log"}
    house.start()
    other.start()

    def waiting() -> int:
        with house.inside():
            return len(session().scalars(select(Outbox.id).where(Outbox.sent_at.is_(None))).all())

    wait_for(lambda: waiting() == 0)
    callers = [house.caller(house.case()), other.caller(house.case())]
    for _ in range(10):
        for caller, where in zip(callers, (house, other), strict=True):
            caller.house = where
            assert caller.post() == 303
    wait_for(lambda: waiting() == 0)
    assert (house.stop(signal.SIGTERM), other.stop(signal.SIGINT)) == (0, 0)
    with house.inside():
        sent = session().execute(select(Outbox.message_id, Outbox.attempts)).all()
        assert len(sent) == number + 20 and {row.attempts for row in sent} == {1}
        letters = session().scalars(select(Letter.message_id)).all()
        assert sorted(letters) == sorted(row.message_id for row in sent)
