"""Owns the registry of measures: what the house counts by itself for an indicator, each told with its split.

Leaves counting grants and enterprises that last to the stages that know them: they register here. Measures of
alliances stand here because this stage knows them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import func, select

from grantflow.db import session
from grantflow.programmes import models


@dataclass(frozen=True)
class Achieved:
    """What was counted: the value, the parts it falls into by name, and people by sex where people are
    counted."""

    value: Decimal
    split: tuple[tuple[Any, Decimal], ...] = ()
    """Parts with a name each: a Label, a Prose or a lazy sentence."""
    women: int | None = None
    men: int | None = None
    not_stated: int | None = None


Measure = Callable[[int], Achieved]
_F = TypeVar("_F", bound=Measure)
_measures: dict[str, Measure] = {}


def measure(name: str) -> Callable[[_F], _F]:
    """Register `f(programme_id) -> Achieved` for indicators with `measure = "computed:NAME"`.

    It asks a number of queries that does not grow with the data. ValueError where the name is taken.
    """

    def keep(function: _F) -> _F:
        held = _measures.get(name)
        if held is not None and held.__module__ != function.__module__:
            raise ValueError(f'The measure "{name}" is registered twice.')
        _measures[name] = function
        return function

    return keep


def achieved(name: str, programme_id: int) -> Achieved | None:
    """What a measure counts for a programme now; None where no stage has registered it."""
    function = _measures.get(name)
    return function(programme_id) if function else None


@measure("alliances_founded")
def alliances_founded(programme_id: int) -> Achieved:
    """Alliances with a founding act."""
    rows = session().scalars(
        select(models.Alliance.name).filter_by(programme_id=programme_id).order_by(models.Alliance.id)
    )
    names = [(name, Decimal(1)) for name in rows]
    return Achieved(Decimal(len(names)), tuple(names))


@measure("local_actors")
def local_actors(programme_id: int) -> Achieved:
    """Members of all alliances, by region."""
    alliances, places = models.Alliance, models.Place
    rows = session().execute(
        select(places.name, alliances.cso_count + alliances.local_authority_count + alliances.other_count)
        .join(places, places.id == alliances.region_id)
        .where(alliances.programme_id == programme_id)
        .order_by(alliances.id)
    )
    parts = tuple((name, Decimal(count)) for name, count in rows)
    return Achieved(sum((count for _name, count in parts), Decimal(0)), parts)


@measure("strategies_endorsed")
def strategies_endorsed(programme_id: int) -> Achieved:
    """Strategies endorsed by the programme's alliances."""
    count = session().execute(
        select(func.count())
        .select_from(models.Strategy)
        .join(models.Alliance, models.Alliance.id == models.Strategy.alliance_id)
        .where(models.Alliance.programme_id == programme_id)
    )
    value = Decimal(count.scalar_one())
    return Achieved(value)
