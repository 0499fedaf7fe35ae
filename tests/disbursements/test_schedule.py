"""Sharing a grant and counting months: the parts add up to the last kopeck, and months end where they end."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantflow.disbursements.schedule import add_months, available, equal_shares, shares
from grantflow.money import LARGEST_MINOR, Money


def rub(minor: int) -> Money:
    return Money(minor, "RUB")


def test_a_hundred_in_three_gives_the_remainder_to_the_first() -> None:
    assert equal_shares(rub(10000), 3) == (rub(3334), rub(3333), rub(3333))
    assert shares(rub(10000), [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]) == (
        rub(3334),
        rub(3333),
        rub(3333),
    )


def test_forty_forty_twenty_of_an_odd_sum() -> None:
    assert shares(rub(33_000_001), [Decimal(40), Decimal(40), Decimal(20)]) == (
        rub(13_200_001),
        rub(13_200_000),
        rub(6_600_000),
    )


@pytest.mark.parametrize(
    "percents",
    [[], [Decimal(50)], [Decimal(50), Decimal(51)], [Decimal(110), Decimal(-10)], [Decimal(100), Decimal(0)]],
)
def test_a_plan_that_is_not_a_whole_is_refused(percents: list[Decimal]) -> None:
    with pytest.raises(ValueError, match="add up to 100"):
        shares(rub(100), percents)


def test_nothing_and_too_little_cannot_be_shared() -> None:
    with pytest.raises(ValueError, match="positive"):
        shares(rub(0), [Decimal(100)])
    with pytest.raises(ValueError, match="too small"):
        shares(rub(2), [Decimal(40), Decimal(40), Decimal(20)])


@st.composite
def plans(draw: st.DrawFn) -> list[Decimal]:
    cuts = sorted(draw(st.sets(st.integers(1, 9_999), max_size=11)))
    ends = [0, *cuts, 10_000]
    return [Decimal(b - a).scaleb(-2) for a, b in pairwise(ends)]


@given(st.integers(100_000, LARGEST_MINOR), plans())
def test_parts_add_up_exactly_and_none_but_the_first_is_rounded_up(minor: int, percents: list[Decimal]) -> None:
    parts = shares(rub(minor), percents)
    assert sum(part.minor for part in parts) == minor
    for part, percent in list(zip(parts, percents, strict=True))[1:]:
        exact = percent * minor / 100
        assert exact - 1 < part.minor <= exact
    assert parts[0].minor >= int(percents[0] * minor / 100)
    assert parts[0].minor - percents[0] * minor / 100 < len(parts)


@given(st.integers(1, 10**12), st.integers(1, 60))
def test_equal_parts_differ_only_in_the_first(minor: int, parts: int) -> None:
    if minor < parts:
        with pytest.raises(ValueError, match="too small"):
            equal_shares(rub(minor), parts)
        return
    found = equal_shares(rub(minor), parts)
    assert sum(part.minor for part in found) == minor and len({part.minor for part in found[1:]}) <= 1


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2022, 1, 31), 1, date(2022, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2022, 1, 31), 2, date(2022, 3, 31)),
        (date(2022, 8, 31), 6, date(2023, 2, 28)),
        (date(2022, 12, 15), 1, date(2023, 1, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2022, 5, 1), 0, date(2022, 5, 1)),
    ],
)
def test_months_end_where_they_end(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)), st.integers(0, 120))
def test_a_month_later_is_the_same_day_or_the_last(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    last = calendar.monthrange(later.year, later.month)[1]
    assert later.day == min(day.day, last)
    assert later >= day or (months == 0 and later == day)
    assert later - day <= timedelta(days=31 * max(months, 1))


def test_available_is_awarded_less_paid_less_planned() -> None:
    assert available(rub(100), rub(40), rub(60)) == rub(0)
    assert available(rub(100), rub(40), rub(61)).minor == -1
    with pytest.raises(ValueError, match="cannot be added"):
        available(rub(100), Money(1, "EUR"), rub(0))
