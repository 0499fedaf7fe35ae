"""The one source of time. Everything that asks "when" asks here, so that tests and the demo can set the hour.

Instants are UTC and aware; dates are dates in a named zone. It leaves zones' names and wording to `rendering`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_travelled = timedelta()
_fixed: ContextVar[datetime | None] = ContextVar("fixed", default=None)


def now() -> datetime:
    """The current instant, UTC and aware, to the microsecond."""
    fixed = _fixed.get()
    return fixed if fixed is not None else datetime.now(UTC) + _travelled


def today(zone: str = "UTC") -> date:
    """The calendar day in the named zone."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Hold the clock at an aware instant inside the block: for tests and for driving the demo through its past."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs its zone")
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)


def travel(moment: datetime | None) -> None:
    """Let the clock of the whole process, all threads, go on from another instant; None brings it home. For tests."""
    global _travelled
    _travelled = timedelta() if moment is None else moment.astimezone(UTC) - datetime.now(UTC)


def local(day: date, hour: int, minute: int, zone: str, second: int = 0) -> datetime:
    """The UTC instant of a wall-clock time in a named zone."""
    moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)
