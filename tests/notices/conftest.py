"""What the tests of notices share: the desk of the cases' tests, and several schedulers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from flask import Flask

from grantflow import clock
from grantflow.db import db
from tests.cases.conftest import Desk, desk

__all__ = ["Desk", "at_once", "desk"]


def at_once(app: Flask, moment: datetime, act: Callable[[], int], of: int = 4) -> list[int]:
    """What each of several schedulers did that act at the same moment, the least first."""
    together, done = threading.Barrier(of, timeout=60), []

    def one() -> None:
        with app.app_context(), clock.at(moment):
            together.wait()
            done.append(act())
            db.session.remove()

    threads = [threading.Thread(target=one) for _ in range(of)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(done)
