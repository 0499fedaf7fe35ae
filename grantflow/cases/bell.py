"""The bell that wakes a worker after a commit. It carries nothing: whoever hears it looks into the outbox.

If nobody hears it, the next ring, the worker's own round or the scheduler's sweep finds the same rows. Where there is
a queue, `relay` carries the ring to it.
"""

from __future__ import annotations

import threading

from flask import current_app

from grantflow.cases.relay import LONG_WORK, Relay, Standing

_rung, _rung_for_long_work = threading.Event(), threading.Event()


def wake() -> None:
    """Wake the worker of this process."""
    _rung.set()


def wake_for_long_work() -> None:
    """Wake the thread of this process that does the work of minutes."""
    _rung_for_long_work.set()


def ring_for_long_work() -> None:
    """Wake it and, where there is a queue, one of its workers. Never waits for the queue."""
    wake_for_long_work()
    if (relay := _relay()) is not None:
        relay.ring(LONG_WORK)


def ring() -> None:
    """Wake the worker of this process and, where there is a queue, one of its workers. Never waits for the queue."""
    wake()
    if (relay := _relay()) is not None:
        relay.ring()


def settle() -> None:
    """Wait, two seconds at most, until the rings of this process reached the queue: for one about to end."""
    if (relay := _relay()) is not None:
        relay.settle()


def standing() -> Standing | None:
    """How the queue stands, as of some seconds ago; None where there is none and the server does its work itself."""
    relay = _relay()
    return relay.standing() if relay is not None else None


def _relay() -> Relay | None:
    return current_app.extensions.get("relay")


def wait(seconds: float, *, for_long_work: bool = False) -> bool:
    """Sleep until the bell rings, each of the two for its own worker, or the time is over; whether it rang."""
    bell = _rung_for_long_work if for_long_work else _rung
    rang = bell.wait(seconds)
    bell.clear()
    return rang
