"""Owns a programme pack as one TOML file has it: programme, framework and calls; and the reading of the file.

Leaves judging the whole to `check` and writing it into the database to `loading`. A pack with a fault never
loads: all its faults are told at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from grantflow.clock import local
from grantflow.engine.definition import Label
from grantflow.engine.faults import DefinitionFaults, Fault
from grantflow.programmes import check
from grantflow.programmes.framework import Alliance, Objective, Partner, Place, Statistic
from grantflow.programmes.parts import Code, Currency, Minor, Part, PlaceCode, Prose, WallClock, Zone
from grantflow.programmes.terms import Terms


class Contact(Part):
    """Whom to ask about a call: an office, never a person."""

    name: Label
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=200)
    phone: str | None = Field(default=None, max_length=60)


class Amendment(Part):
    """A change of a call's districts after its approval: from which day, to which, and why."""

    on: date
    districts: tuple[PlaceCode, ...] = Field(min_length=1)
    reason: Prose


class CallPack(Part):
    """A call: when, where, how much, whom to ask, and the terms."""

    code: str = Field(pattern=r"^[A-Z]{2,6}-[0-9]{4}$")
    title: Label
    short: Label
    summary: Prose
    guide: Prose
    """Who may apply and what the money is for, in a few paragraphs: read before sign-in."""
    alliance: Code
    districts: tuple[PlaceCode, ...] = Field(min_length=1)
    amendments: tuple[Amendment, ...] = ()
    budget_minor: Minor = Field(alias="budget", gt=0)
    zone: Zone
    opens: WallClock
    questions_until: date
    closes: WallClock
    grace_minutes: int = Field(default=0, ge=0, le=240)
    results: date
    contact: Contact
    panel_title: Label
    strategy: Code | None = None
    no_strategy_reason: Prose | None = None
    terms: Terms

    @property
    def prefix(self) -> str:
        """What an application's number begins with."""
        return self.code

    @property
    def currency(self) -> str:
        """The currency of the budget and of every application: there is one per call."""
        return self.terms.currency

    @property
    def opens_at(self) -> datetime:
        """The instant of opening, UTC."""
        return local(self.opens.date(), self.opens.hour, self.opens.minute, self.zone, self.opens.second)

    @property
    def closes_at(self) -> datetime:
        """The instant of closing, UTC: the end of the minute named, so that 23:59 lasts until midnight."""
        start = local(self.closes.date(), self.closes.hour, self.closes.minute, self.zone)
        return start + timedelta(seconds=59, microseconds=999_999)

    def shifted(self, days: int) -> CallPack:
        """The same call so many whole days later (the demo moves its past to today)."""
        by = timedelta(days=days)
        return self.model_copy(
            update={
                "opens": self.opens + by,
                "questions_until": self.questions_until + by,
                "closes": self.closes + by,
                "results": self.results + by,
                "amendments": tuple(a.model_copy(update={"on": a.on + by}) for a in self.amendments),
            }
        )


class ProgrammePack(Part):
    """A whole programme as its file has it."""

    code: Code
    title: Prose
    short: Label
    donor: Label
    starts: date
    ends: date
    zone: Zone
    currency: Currency
    page_on: date
    demo: bool = False
    districts: tuple[PlaceCode, ...]
    """The districts of the global objective."""
    workflows: dict[Literal["call", "application", "award", "tranche", "report", "check"], Code]
    partners: tuple[Partner, ...]
    places: tuple[Place, ...]
    statistics: tuple[Statistic, ...] = ()
    objectives: tuple[Objective, ...] = ()
    alliances: tuple[Alliance, ...] = ()
    calls: tuple[CallPack, ...] = ()

    @cached_property
    def places_by_code(self) -> dict[str, Place]:
        """Places by code, parents before children."""
        return {place.code: place for place in self.places}

    def call(self, code: str) -> CallPack:
        """A call by its code; KeyError where there is none."""
        return {call.code: call for call in self.calls}[code]

    def alliance(self, code: str) -> Alliance:
        """An alliance by its code; KeyError where there is none."""
        return {alliance.code: alliance for alliance in self.alliances}[code]

    def shifted(self, days: Mapping[str, int]) -> ProgrammePack:
        """The same programme with each named call so many whole days later."""
        return self.model_copy(update={"calls": tuple(call.shifted(days.get(call.code, 0)) for call in self.calls)})


def read(path: Path) -> ProgrammePack:
    """The pack in a TOML file. Raises DefinitionFaults with every fault; a missing file is one of them."""
    return from_text(_text(path), path.name)


def from_text(text: str, file: str) -> ProgrammePack:
    """The pack in a text; `file` is how faults name it. Raises DefinitionFaults with every fault."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionFaults([Fault(file, "", f"This is not TOML: {error}.", "toml")]) from None
    faults = _lend_terms(raw, file)
    try:
        pack = ProgrammePack.model_validate(raw)
    except ValidationError as error:
        raise DefinitionFaults(faults + faults_of(error, raw, file)) from None
    faults += [Fault(file, table, sentence, kind) for table, sentence, kind in check.pack(pack)]
    if faults:
        raise DefinitionFaults(faults)
    return pack


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionFaults([Fault(path.name, "", f"The file cannot be read: {error}.", "file")]) from None


def _lend_terms(raw: dict[str, Any], file: str) -> list[Fault]:
    """A call with `terms_of = "CODE"` takes over the terms of another call of the file, codes and all."""
    calls = raw.get("calls")
    if not isinstance(calls, list):
        return []
    own = {c.get("code"): c["terms"] for c in calls if isinstance(c, dict) and "terms" in c}
    faults = []
    for call in calls:
        if not isinstance(call, dict) or "terms_of" not in call:
            continue
        lender = call.pop("terms_of")
        where = f"calls.{call.get('code')}"
        if "terms" in call:
            faults.append(Fault(file, where, "The call has terms of its own and terms_of: one of the two.", "terms"))
        elif lender not in own:
            faults.append(Fault(file, where, f'terms_of names "{lender}", a call without terms of its own.', "terms"))
        else:
            call["terms"] = own[lender]
    return faults


def faults_of(error: ValidationError, raw: Any, file: str) -> list[Fault]:
    """What pydantic found, with tables named by their codes instead of their places in a list."""
    found = []
    for item in error.errors(include_url=False):
        names, here = [], raw
        for step in item["loc"]:
            try:
                here = here[step]
            except (KeyError, IndexError, TypeError):
                here = None
            code = next((here[k] for k in ("code", "value") if isinstance(here, dict) and k in here), None)
            names.append(f"{code if isinstance(code, str) else step + 1}" if isinstance(step, int) else str(step))
        text = item["msg"].removeprefix("Value error, ")
        found.append(Fault(file, ".".join(names), text[:1].upper() + text[1:] + ".", item["type"]))
    return found
