"""Owns the results framework as it is read: objectives, targets, and what is achieved of them.

Leaves what the house counts by itself to `measures` and to the stages that register theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from grantflow.db import session
from grantflow.programmes import models
from grantflow.programmes.measures import Achieved, achieved


@dataclass(frozen=True)
class IndicatorLine:
    """An indicator and what is achieved; None where the house cannot count it yet."""

    indicator: models.Indicator
    achieved: Achieved | None

    @property
    def share(self) -> Decimal | None:
        """Achieved as a part of the target; None where either is not known."""
        if self.achieved is None or not self.indicator.target:
            return None
        return self.achieved.value / self.indicator.target


@dataclass(frozen=True)
class ObjectiveLine:
    """An objective with its indicators, in the order of the framework."""

    objective: models.Objective
    indicators: tuple[IndicatorLine, ...]


def results_framework(programme_id: int) -> list[ObjectiveLine]:
    """Every objective with its indicators, target and achieved.

    Three queries for the framework and the recorded values, and those of each measure: none grows with the
    data.
    """
    objective, indicator = models.Objective, models.Indicator
    objectives = (
        session()
        .scalars(select(objective).filter_by(programme_id=programme_id).order_by(objective.position, objective.id))
        .all()
    )
    indicators: Sequence[models.Indicator] = (
        session()
        .scalars(select(indicator).filter_by(programme_id=programme_id).order_by(indicator.position, indicator.id))
        .all()
    )
    recorded = _recorded([row.id for row in indicators if row.measure == "recorded"])
    lines: dict[int, list[IndicatorLine]] = defaultdict(list)
    for row in indicators:
        kind, _, name = row.measure.partition(":")
        counted = achieved(name, programme_id) if kind == "computed" else recorded.get(row.id, Achieved(Decimal(0)))
        lines[row.objective_id].append(IndicatorLine(row, counted))
    return [ObjectiveLine(row, tuple(lines[row.id])) for row in objectives]


def indicator_line(programme_id: int, code: str) -> IndicatorLine | None:
    """One indicator with what is achieved: "12 of 30"."""
    found = (line for row in results_framework(programme_id) for line in row.indicators)
    return next((line for line in found if line.indicator.code == code), None)


def _recorded(indicator_ids: Sequence[int]) -> dict[int, Achieved]:
    values, places = models.IndicatorValue, models.Place
    rows = session().execute(
        select(values, places.name)
        .outerjoin(places, places.id == values.place_id)
        .where(values.indicator_id.in_(indicator_ids))
        .order_by(values.indicator_id, values.slot, values.revision)
    )
    latest: dict[tuple[int, str], tuple[models.IndicatorValue, Any]] = {}
    for value, place in rows:
        latest[value.indicator_id, value.slot] = (value, place)
    grouped: dict[int, list[tuple[models.IndicatorValue, Any]]] = defaultdict(list)
    for (indicator_id, _slot), pair in latest.items():
        grouped[indicator_id].append(pair)
    return {indicator_id: _summed(pairs) for indicator_id, pairs in grouped.items()}


def _summed(pairs: Sequence[tuple[models.IndicatorValue, Any]]) -> Achieved:
    by_place: dict[str, tuple[Any, Decimal]] = {}
    for value, place in pairs:
        if place is not None:
            name, so_far = by_place.get(place.en, (place, Decimal(0)))
            by_place[place.en] = (name, so_far + value.value)
    people = [value for value, _place in pairs if value.women is not None]
    return Achieved(
        sum((value.value for value, _place in pairs), Decimal(0)),
        tuple(by_place.values()),
        sum(v.women or 0 for v in people) if people else None,
        sum(v.men or 0 for v in people) if people else None,
        sum(v.not_stated or 0 for v in people) if people else None,
    )
