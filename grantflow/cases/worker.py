"""The embedded worker: a thread of the server that drains the outbox and sweeps deadlines and checkpoints.

It keeps nothing in memory that matters: killed at any moment, the next one finds the same rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Flask

from grantflow import clock
from grantflow.cases import bell, deadlines, digest, outbox, reminders
from grantflow.db import db, let_go
from grantflow.history import checkpoints

log = structlog.get_logger(__name__)
ROUND = 5.0
"""Seconds between two rounds where nobody rings."""
CHECKPOINTS = timedelta(days=1)
"""How old the last checkpoint may grow."""
REMIND_SECONDS = 60
"""How often reminders and the morning's letters are looked for: to look costs a query for every rung there is."""


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
    """One daemon thread. `stop()` lets the notice under way be sent and leaves the others to whoever comes next."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grantflow-worker", daemon=True)

    def start(self) -> None:
        """Begin working in the background."""
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to stop and wait for its round to end."""
        self._stopping.set()
        bell.wake()
        self._thread.join(seconds)

    def _run(self) -> None:
        remind_at = 0.0
        while not self._stopping.is_set():
            remind = time.monotonic() >= remind_at
            if remind:
                remind_at = time.monotonic() + REMIND_SECONDS
            with self.app.app_context():
                try:
                    one_round(self._stopping.is_set, remind=remind)
                except Exception as error:  # a round that fails must not end the worker; the rows are still there
                    log.error(
                        "the worker's round failed",
                        error=f"{type(error).__name__}: {error}",
                        at=clock.now().isoformat(),
                    )
                finally:
                    let_go()
                    db.session.remove()
            bell.wait(ROUND)
