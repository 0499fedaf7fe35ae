"""Owns which days are nobody's working days, each list with its source, and the clock that counts working days.

Pure. Leaves what is counted by it, a correction, a check or an appeal, to the stages that tell of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from grantflow.clock import local
from grantflow.engine.definition import Label
from grantflow.programmes.parts import Part
from grantflow.programmes.rule_kinds import Source


def _yearly(text: str) -> str:
    try:
        date.fromisoformat(f"2000-{text}")  # a leap year: 29 February comes in some years
    except ValueError:
        raise ValueError(f'"{text}" is no day of a year; write its month and day, such as "01-07"') from None
    return text


class DaysOff(Part):
    """Days on which nobody has to work beside Saturdays and Sundays: those of every year as "01-07", or single ones.

    A Saturday that becomes a working day in exchange is still not counted: nobody gets less time by it.
    """

    label: Label
    every_year: tuple[Annotated[str, Field(pattern=r"^\d\d-\d\d$"), AfterValidator(_yearly)], ...] = ()
    days: tuple[date, ...] = ()
    source: Source

    @model_validator(mode="after")
    def _names_days_once(self) -> DaysOff:
        named = (*self.every_year, *self.days)
        if not named or len(set(named)) != len(named):
            raise ValueError("a list of days off names days, each once")
        return self

    def holds(self, day: date) -> bool:
        """Whether a day is among them."""
        return day in self.days or day.isoformat()[5:] in self.every_year


def working_days_after(start: datetime, days: int, zone: str, off: Iterable[DaysOff]) -> datetime:
    """The last second of the day so many working days after an instant, in a named zone: neither Saturdays and Sundays
    nor the days off count."""
    lists, day = tuple(off), start.astimezone(ZoneInfo(zone)).date()
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5 and not any(one.holds(day) for one in lists)
    return local(day, 23, 59, zone, 59)
