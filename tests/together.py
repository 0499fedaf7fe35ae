"""Several who do something at the same moment, each in a thread with a session of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flask import Flask

from grantflow.db import db

PATIENCE = 60
"""So many seconds one waits for the others to be ready."""


def all_at_once(app: Flask, *acts: Callable[[], Any]) -> list[Any]:
    """What each gave back, or the error it met, in the order of the acts."""
    start = threading.Barrier(len(acts), timeout=PATIENCE)
    got: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        with app.app_context():
            try:
                start.wait()
                got[place] = act()
            except Exception as error:
                got[place] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got
