"""What a worker runs, and how often the scheduler rings for it. Each job looks into the database for what is due.

A job carries nothing and may be lost, doubled or run by two at once: the rows decide. How workers and schedulers are
kept running is in `workers`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Flask

from grantflow.cases import bell, deadlines, digest, outbox, reminders, worker
from grantflow.cases.relay import CLOCK, LONG, MAIL
from grantflow.cases.worker import CHECKPOINTS, REMIND_SECONDS
from grantflow.history import checkpoints

TURN_SECONDS = 30.0
"""After so long a job that still finds work rings for the next and ends, so that deadlines get their turn."""


_stop: list[int] = []
"""The signals that asked this process to stop. Not an Event: its lock could be held when the signal comes."""


def stop(signal: int, _frame: Any = None) -> None:
    """Ask this process to stop, as a signal's handler: what is under way comes to its end."""
    _stop.append(signal)


def stopping() -> bool:
    """Whether it was asked to."""
    return bool(_stop)


@cache
def house() -> Flask:
    """The application of this process, made once; a worker makes it before it forks. A demo's letters are kept."""
    from grantflow import create_app
    from grantflow.demo.command import demo_facts

    app = create_app()
    demo_facts(app)
    return app


@contextmanager
def _inside() -> Iterator[None]:
    """The application's context; the process may end right after, so what was rung is seen through."""
    with house().app_context():
        yield
        bell.settle()


def send() -> None:
    """Send what waits, what a killed sender left behind included, until nothing waits or the turn is over."""
    with _inside():
        until = time.monotonic() + TURN_SECONDS
        sent = outbox.drain(stop=stopping)
        if sent == outbox.LOT:
            bell.ring()  # perhaps more waits than one can do soon: another worker may help
        while sent and not stopping() and time.monotonic() < until:
            sent = outbox.drain(stop=stopping)
        if sent:
            bell.ring()


def sweep_deadlines() -> None:
    """Fire what has fallen due: the moves by a deadline."""
    with _inside():
        deadlines.sweep()


def remind() -> None:
    """Write the reminders whose time has come, and the morning's letters."""
    with _inside():
        reminders.sweep()
        digest.sweep()


def long_work() -> None:
    """Do what waits of the work of minutes, what a killed worker left behind included."""
    with _inside():
        worker.do_long_work(stopping)


def checkpoint() -> None:
    """Lodge a checkpoint where the last one is a day old."""
    with _inside():
        checkpoints.lodge_if_older(CHECKPOINTS)


@dataclass(frozen=True)
class Ring:
    """A job the scheduler rings for, and how many seconds lie between two rings."""

    job: Callable[[], None]
    queue: str
    seconds: int


SCHEDULE = (
    Ring(sweep_deadlines, CLOCK, 15),
    Ring(remind, CLOCK, REMIND_SECONDS),
    Ring(send, MAIL, 30),
    Ring(long_work, LONG, 30),
    Ring(checkpoint, CLOCK, 600),
)
