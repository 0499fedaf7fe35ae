"""Arithmetic of scoring: a review's total, the mean of several, their spread, the order and the money line.

Pure: no database, no rounding but the one at the end, no floats. Who may read whom is decided in `service`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

Place = Literal["above", "reserve", "below_threshold", "out", "unread"]

HUNDRED = 10_000
"""A hundred points, counted in hundredths of a point: how totals and means are stored, ranked and
published."""


def hundredths(value: Fraction | Decimal | int) -> int:
    """A number in whole hundredths, halves away from zero: the only rounding of a score."""
    scaled = Fraction(value) * 100
    size = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    return size if scaled >= 0 else -size


def points_of(value: int | None) -> Decimal | None:
    """Stored hundredths as the decimal a person reads; nothing stays nothing, never zero."""
    return None if value is None else Decimal(value).scaleb(-2)


def total(
    points: Mapping[str, Decimal | Fraction | int], weights: Mapping[str, Decimal], largest: Decimal
) -> Fraction | None:
    """The weighted mean of a review's points as a share of the largest, 0 to 100; None while a criterion is
    missing.

    A criterion that has no weight counts nothing and need not be scored. Weights are relative to their own
    sum.
    """
    counted = {code: Fraction(weight) for code, weight in weights.items() if weight}
    whole = sum(counted.values(), Fraction(0))
    if not whole or largest <= 0 or any(code not in points for code in counted):
        return None
    reached = sum((Fraction(points[code]) * weight for code, weight in counted.items()), Fraction(0))
    return reached * 100 / (Fraction(largest) * whole)


def running_total(
    points: Mapping[str, Decimal | Fraction | int], weights: Mapping[str, Decimal], largest: Decimal
) -> Fraction:
    """What the points given so far bring of the hundred: the total of a half-finished review, shown while
    scoring."""
    given = {code: points.get(code, 0) for code in weights}
    return total(given, weights, largest) or Fraction(0)


def mean(totals: Sequence[Fraction]) -> Fraction | None:
    """The plain mean of the totals there are. A missing review is missing, never zero; of none there is no
    mean."""
    return sum(totals, Fraction(0)) / len(totals) if totals else None


def spread(totals: Sequence[Fraction]) -> Fraction | None:
    """How far the highest and the lowest total lie apart; None where fewer than two can be compared."""
    return max(totals) - min(totals) if len(totals) > 1 else None


@dataclass(frozen=True)
class Entry:
    """An application in the ranking. `takes_minor` is what it takes from the budget: awarded, or as yet
    asked."""

    key: int
    mean: int | None
    """Hundredths of a point."""
    submitted_at: datetime
    takes_minor: int
    out: bool = False
    """Decided to receive nothing, or given back: it keeps its place, takes nothing and holds nobody up."""


@dataclass(frozen=True)
class Ranked:
    """An entry in its place, with the sum of all down to it. The unread have no place and add nothing."""

    entry: Entry
    place: int | None
    running_minor: int | None
    where: Place


@dataclass(frozen=True)
class Ranking:
    """The whole order. `line` is the last place above the money line; `grants` fit, `left_minor` is over."""

    rows: tuple[Ranked, ...]
    line: int
    grants: int
    used_minor: int
    left_minor: int

    def place_of(self, key: int) -> int | None:
        """The place of one application; None where it is not ranked."""
        return next((row.place for row in self.rows if row.entry.key == key), None)


def rank(entries: Iterable[Entry], budget_minor: int, threshold: int = 0) -> Ranking:
    """Order by mean; equal means by the earlier submission, then by the earlier number. Draw the money line.

    The line stands above the first that does not fit: nobody further down is let past it. Whoever is below
    the
    threshold (hundredths) is never above the line, whatever money is left, and not in reserve either.
    """
    ordered = sorted(entries, key=lambda e: (e.mean is None, -(e.mean or 0), e.submitted_at, e.key))
    rows: list[Ranked] = []
    running = line = used = grants = 0
    fits = True
    for place, entry in enumerate(ordered, start=1):
        if entry.mean is None:
            rows.append(Ranked(entry, None, None, "unread"))
            continue
        if entry.out:
            rows.append(Ranked(entry, place, running, "out"))
            continue
        running += entry.takes_minor
        reaches = entry.mean >= threshold
        fits = fits and reaches and running <= budget_minor
        if fits:
            line, used, grants = place, running, grants + 1
        where: Place = "above" if fits else "reserve" if reaches else "below_threshold"
        rows.append(Ranked(entry, place, running, where))
    return Ranking(tuple(rows), line, grants, used, budget_minor - used)


def zero_spread(reviews: int, ends: Sequence[int]) -> bool:
    """Whether a member gives several applications one and the same total, and so does not tell them apart; of their
    totals the lowest and the highest are enough."""
    return reviews > 2 and len(set(ends)) == 1
