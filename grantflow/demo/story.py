"""Owns the time of the demo: a calendar that moves days, and a story whose steps happen each at its own hour.

Between two steps the house does what it does by itself: deadlines fall, letters go out. What happens in a step is
said by the modules of the demo's chapters.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from grantflow import clock
from grantflow.cases import bell, deadlines, digest, outbox, reminders
from grantflow.db import db
from grantflow.demo.progress import Progress
from grantflow.history import checkpoints

_LETTERS_AFTER = timedelta(seconds=20)
_CHECKPOINTS_EVERY = timedelta(days=28)
_ROUNDS_EVERY = timedelta(hours=1)
"""How often somebody looks for reminders that have come: their hours are those of whole mornings and evenings."""


@dataclass(frozen=True)
class Calendar:
    """Days of the content moved by whole days, hours on the wall of a zone."""

    zone: str
    days: int

    @classmethod
    def so_that(cls, day: date, zone: str) -> Calendar:
        """The calendar in which that day of the content is today in the zone."""
        return cls(zone, (clock.today(zone) - day).days)

    def day(self, day: date) -> date:
        """A day of the content as the demo shows it."""
        return day + timedelta(days=self.days)

    def at(self, wall: datetime) -> datetime:
        """The instant of a wall-clock time of the content."""
        day = self.day(wall.date())
        return clock.local(day, wall.hour, wall.minute, self.zone, wall.second)

    def on(self, day: date, hour: int, minute: int = 0) -> datetime:
        """The instant of an hour on a day of the content."""
        return self.at(datetime.combine(day, time(hour, minute)))

    @property
    def cut(self) -> datetime:
        """The first instant of today: what people do on this day is left to whoever looks at the demo."""
        today = clock.today(self.zone)
        return datetime.combine(today, time(0), ZoneInfo(self.zone))


@dataclass(order=True)
class _Step:
    at: datetime
    order: int
    phase: str = field(compare=False)
    act: Callable[[], None] = field(compare=False)


class Story:
    """Steps in the order of their hours, from the first to the last that lies before now."""

    def __init__(self, progress: Progress) -> None:
        self.now = clock.now()
        self.progress = progress
        self._steps: list[_Step] = []
        self._order = count()
        self._lodged_at: datetime | None = None
        self._reminded_at: datetime | None = None

    def plan(self, at: datetime, phase: str, act: Callable[[], None], *, cut: datetime | None = None) -> None:
        """Let something happen at an hour. What lies after the cut, or after now, never happens."""
        if at < min(cut or self.now, self.now):
            heapq.heappush(self._steps, _Step(at, next(self._order), phase, act))
            self.progress.total += 1

    def tell(self) -> None:
        """Let everything happen, deadlines and letters in between, and stand at the present."""
        while self._steps:
            step = heapq.heappop(self._steps)
            self._meanwhile(step.at)
            self._remind(step.at)
            with clock.at(step.at):
                step.act()
                db.session.remove()
            self._send(step.at)
            self.progress.step(step.phase)
        self._meanwhile(self.now)
        with clock.at(self.now):
            checkpoints.lodge()

    def _meanwhile(self, until: datetime) -> None:
        while (due := deadlines.next_due()) is not None and due <= until:
            at = due + timedelta(seconds=5)
            with clock.at(at):
                deadlines.sweep()
                db.session.remove()
            self._remind(at)
            self._send(at)
        if self._lodged_at is None or until - self._lodged_at >= _CHECKPOINTS_EVERY:
            self._lodged_at = until
            with clock.at(until):
                checkpoints.lodge()
                db.session.remove()

    def _remind(self, at: datetime) -> None:
        if self._reminded_at is not None and at - self._reminded_at < _ROUNDS_EVERY:
            return
        self._reminded_at = at
        with clock.at(at):
            while reminders.sweep():
                pass
            while digest.sweep():
                pass
            db.session.remove()

    def _send(self, at: datetime) -> None:
        if not bell.wait(0):
            return  # nobody has anything to tell
        with clock.at(at + _LETTERS_AFTER):
            while outbox.drain(100):
                pass
            db.session.remove()
