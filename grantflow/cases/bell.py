"""The bell that wakes a worker after a commit. It carries nothing: whoever hears it looks into the outbox.

If nobody hears it, the next ring, the worker's own round or the scheduler's sweep finds the same rows. Where there is
a queue, `relay` carries the ring to it.
"""

from __future__ import annotations

import threading

from flask import current_app

from grantflow.cases.relay import Relay, Standing

_rung = threading.Event()


def wake() -> None:
    """Wake the worker of this process."""
    _rung.set()


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


def wait(seconds: float) -> bool:
    """Sleep until the bell rings or the time is over; whether it rang."""
    rang = _rung.wait(seconds)
    _rung.clear()
    return rang
