"""The embedded worker: a thread of the server that drains the outbox and sweeps deadlines and checkpoints, and another
for the work of minutes, which must hold up neither.

It keeps nothing in memory that matters: killed at any moment, the next one finds the same rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog
from flask import Flask

from grantflow import clock
from grantflow.cases import bell, deadlines, digest, outbox, reminders
from grantflow.db import db, let_go
from grantflow.history import checkpoints

log = structlog.get_logger(__name__)
ROUND = 5.0
"""Seconds between two rounds where nobody rings."""
LONG_ROUND = 20.0
"""The same, for the work of minutes."""
CHECKPOINTS = timedelta(days=1)
"""How old the last checkpoint may grow."""
REMIND_SECONDS = 60
"""How often reminders and the morning's letters are looked for: to look costs a query for every rung there is."""

LongWork = Callable[[Callable[[], bool]], int]
_long: list[LongWork] = []


def long_work(function: LongWork) -> LongWork:
    """Register `f(stop)`, which does what waits of the work of minutes until `stop()`; gives back how much it did.

    It finds its rows in the database and claims them itself, as the outbox does: any number may run at once.
    """
    _long.append(function)
    return function


def do_long_work(stop: Callable[[], bool] = outbox.never) -> int:
    """Do what waits of all that is registered; gives back how much there was to do."""
    return sum(function(stop) for function in _long)


def one_round(stop: Callable[[], bool] = outbox.never, *, remind: bool = True) -> int:
    """Sweep deadlines and, unless told not to, reminders; send what waits, lodge a checkpoint a day.

    Gives back how much there was to do.
    """
    done = deadlines.sweep()
    if remind:
        done += reminders.sweep() + digest.sweep()
    while sent := outbox.drain(stop=stop):
        done += sent
    checkpoints.lodge_if_older(CHECKPOINTS)
    return done


class EmbeddedWorker:
    """Two daemon threads. `stop()` lets the notice under way be sent and leaves the rest to whoever comes next."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for target, name in ((self._run, "grantflow-worker"), (self._run_long, "grantflow-long-work"))
        ]

    def start(self) -> None:
        """Begin working in the background."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to stop and wait for its round to end."""
        self._stopping.set()
        bell.wake()
        bell.wake_for_long_work()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        remind_at = 0.0
        while not self._stopping.is_set():
            remind = time.monotonic() >= remind_at
            if remind:
                remind_at = time.monotonic() + REMIND_SECONDS
            self._once(partial(one_round, remind=remind))
            bell.wait(ROUND)

    def _run_long(self) -> None:
        while not self._stopping.is_set():
            self._once(do_long_work)
            bell.wait(LONG_ROUND, for_long_work=True)

    def _once(self, work: Callable[[Callable[[], bool]], int]) -> None:
        with self.app.app_context():
            try:
                work(self._stopping.is_set)
            except Exception as error:  # a round that fails must not end the worker; the rows are still there
                log.error(
                    "the worker's round failed",
                    error=f"{type(error).__name__}: {error}",
                    at=clock.now().isoformat(),
                )
            finally:
                let_go()
                db.session.remove()
