"""The first chapter of the demo: the programme is loaded, its people come, its calls are approved and scheduled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from grantflow import clock
from grantflow.db import unit_of_work
from grantflow.demo.cast import SHELL, Cast
from grantflow.demo.story import Calendar, Story
from grantflow.programmes.pack import CallPack, ProgrammePack
from grantflow.programmes.service import apply_amendments, load_pack

PHASE = "The programme, its people and its calls"


@dataclass
class Opened:
    """A call on its way to opening: its pack with the demo's days, and its case once it is there."""

    pack: CallPack
    calendar: Calendar
    case_id: int = 0


class Opening:
    """Loads the programme and brings its calls to their opening hour."""

    def __init__(self, cast: Cast, pack: ProgrammePack, calendars: dict[str, Calendar]) -> None:
        self.cast = cast
        self.pack = pack.shifted({code: calendar.days for code, calendar in calendars.items()})
        self.calls = {call.code: Opened(call, calendars[call.code]) for call in self.pack.calls}

    def plan(self, story: Story, founded_at: datetime) -> None:
        """The programme is founded at an hour before everything else; each call is approved days before it opens.

        A call that opens far in the future stays a draft: it waits for the manager.
        """
        story.plan(founded_at, PHASE, self._found)
        story.plan(founded_at + timedelta(minutes=40), PHASE, self.cast.hire)
        story.plan(founded_at + timedelta(minutes=90), PHASE, self.cast.found_bodies)
        for call in self.calls.values():
            self._plan_call(story, call)

    def _plan_call(self, story: Story, call: Opened) -> None:
        changes = call.pack.amendments
        first = min([call.pack.opens_at, *(self._day(call, change.on) for change in changes)])
        approved = first - timedelta(days=4, hours=-2)
        story.plan(approved, PHASE, lambda: self._approve(call))
        for change in changes:
            story.plan(self._day(call, change.on), PHASE, lambda: self._amend(call))
        story.plan(max(approved, self._day(call, changes[-1].on) if changes else approved) + timedelta(hours=3), PHASE,
                   lambda: self._schedule(call))  # fmt: skip

    @staticmethod
    def _day(call: Opened, day: date) -> datetime:
        return clock.local(day, 11, 20, call.pack.zone)  # the day is the demo's own already

    def _found(self) -> None:
        with unit_of_work():
            loaded = load_pack(self.pack, SHELL)
        self.cast.programme_id = loaded.programme_id
        for code, case_id in loaded.calls.items():
            self.calls[code].case_id = case_id

    def _approve(self, call: Opened) -> None:
        self.cast.move(call.case_id, "approve", "manager")

    def _amend(self, call: Opened) -> None:
        manager = self.cast.actor("manager")
        with unit_of_work():
            apply_amendments(call.case_id, call.pack.amendments, manager)

    def _schedule(self, call: Opened) -> None:
        self.cast.move(call.case_id, "schedule", "manager")
