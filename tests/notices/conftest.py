"""What the tests of notices share: the desk of the cases' tests, and several schedulers at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask

from grantflow import clock
from tests.cases.conftest import Desk, desk
from tests.together import all_at_once

__all__ = ["Desk", "at_once", "desk"]


def at_once(app: Flask, moment: datetime, act: Callable[[], int], of: int = 4) -> list[int]:
    """What each of several schedulers did that act at the same moment, the least first."""

    def one() -> int:
        with clock.at(moment):
            return act()

    return sorted(all_at_once(app, *[one] * of))
