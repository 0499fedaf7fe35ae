"""Owns what stands around the calls in a pack: places, partners, statistics, objectives with indicators,
alliances.

Leaves the calls and the reading of files to `pack`, and judging the whole to `check`.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from grantflow.engine.definition import Label
from grantflow.programmes.parts import Code, Number, Part, PlaceCode, Prose, Zone
from grantflow.programmes.terms import SeatKind


class Place(Part):
    """A country, region or district, under its parent. Aliases are other spellings by which it is found."""

    code: PlaceCode
    kind: Literal["country", "region", "district"]
    name: Label
    parent: PlaceCode | None = None
    zone: Zone | None = None
    zone_label: Label | None = None
    aliases: tuple[str, ...] = ()


class Partner(Part):
    """An organisation of the programme in its role; another spelling of its name finds the same record."""

    code: Code
    name: Label
    role: Literal["lead", "partner", "associate", "donor"]
    country: PlaceCode
    aliases: tuple[str, ...] = ()


class Statistic(Part):
    """A number about a place and a period, with its source: context for a panel, never a result."""

    code: Code
    label: Label
    place: PlaceCode
    period: Label
    value: Number
    unit: Label
    source: Label


class Split(Part):
    """People by sex. There is no total without this split."""

    women: int = Field(ge=0)
    men: int = Field(ge=0)
    not_stated: int = Field(default=0, ge=0)


class Recorded(Part):
    """A value of an indicator somebody wrote down, as of a day."""

    on: date
    value: Number
    place: PlaceCode | None = None
    split: Split | None = None
    source: Label


class Indicator(Part):
    """What is counted for an objective: `measure` is "recorded", or "computed:NAME" where the house
    counts."""

    code: Code
    label: Label
    target: Number
    unit: Label
    measure: str = Field(pattern=r"^(recorded|computed:[a-z][a-z0-9_]*)$")
    people: bool = False
    """Whether people are counted, so that the split by sex must be shown."""
    values: tuple[Recorded, ...] = ()


class Objective(Part):
    """A line of the results framework: 1 the global objective, 2 a specific one, 3 an activity."""

    code: str = Field(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=20)
    level: Literal[1, 2, 3]
    parent: str | None = None
    title: Prose
    indicators: tuple[Indicator, ...] = ()


class Member(Part):
    """A body that belongs to an alliance; `district` is where it works."""

    code: Code
    name: Label
    kind: SeatKind
    joined: date
    left: date | None = None
    district: PlaceCode | None = None


class Strategy(Part):
    """A strategy an alliance endorsed on a day."""

    code: Code
    title: Label
    version: str = Field(min_length=1, max_length=40)
    method: Label
    endorsed: date


class Alliance(Part):
    """A territorial alliance: region, founding act, members by name, and how many there are of each kind in
    all.

    `counters` count every member, the named ones included.
    """

    code: Code
    title: Label
    region: PlaceCode
    act: Label
    founded: date
    chair: Label
    counters: dict[SeatKind, int]
    counted_on: date
    members: tuple[Member, ...] = ()
    strategies: tuple[Strategy, ...] = ()
