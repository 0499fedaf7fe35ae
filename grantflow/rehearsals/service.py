"""What the worker does for rehearsals: those that are a day old are thrown away, whether anybody looks at them or not."""

from __future__ import annotations

from collections.abc import Callable

from grantflow.cases.mail import settings
from grantflow.cases.worker import long_work
from grantflow.rehearsals.house import sweep


@long_work
def throw_away(stop: Callable[[], bool]) -> int:
    """Throw away what has had its day; gives back 0, for nothing waits behind it."""
    sweep(settings().home)
    return 0
