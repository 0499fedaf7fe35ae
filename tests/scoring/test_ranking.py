"""The arithmetic of scoring, by example and by property."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from grantflow.scoring.ranking import (
    Entry,
    hundredths,
    mean,
    points_of,
    rank,
    running_total,
    spread,
    total,
    zero_spread,
)

NOON = datetime(2021, 11, 1, 9, tzinfo=UTC)
WEIGHTS = {"need": Decimal(60), "cost": Decimal(40)}
TEN = Decimal(10)


def entry(key: int, mean: int | None, minutes: int = 0, takes: int = 100, out: bool = False) -> Entry:
    return Entry(key, mean, NOON + timedelta(minutes=minutes), takes, out)


def test_full_points_make_a_hundred_and_none_make_nothing():
    assert total({"need": 10, "cost": 10}, WEIGHTS, TEN) == 100
    assert total({"need": 0, "cost": 0}, WEIGHTS, TEN) == 0


def test_weights_count_by_their_share():
    assert total({"need": 10, "cost": 0}, WEIGHTS, TEN) == 60
    assert total({"need": Decimal("7.5"), "cost": 5}, WEIGHTS, TEN) == 65


def test_a_review_with_a_missing_criterion_has_no_total_but_a_running_one():
    assert total({"need": 10}, WEIGHTS, TEN) is None
    assert running_total({"need": 10}, WEIGHTS, TEN) == 60


def test_a_missing_review_is_missing_and_never_zero():
    assert mean([Fraction(80), Fraction(60)]) == 70
    assert mean([]) is None
    assert spread([Fraction(80)]) is None
    assert spread([Fraction(80), Fraction(55)]) == 25


def test_hundredths_round_halves_away_from_zero():
    assert hundredths(Fraction(1, 200)) == 1
    assert hundredths(Fraction(-1, 200)) == -1
    assert hundredths(Fraction(200, 3)) == 6667
    assert points_of(6667) == Decimal("66.67")
    assert points_of(None) is None


def test_equal_means_are_ordered_by_the_earlier_submission_and_then_by_the_number():
    found = rank([entry(3, 7000, 5), entry(2, 7000, 5), entry(1, 7000, 9), entry(4, 8000, 60)], 1000)
    assert [row.entry.key for row in found.rows] == [4, 2, 3, 1]
    assert [row.place for row in found.rows] == [1, 2, 3, 4]


def test_the_money_line_stands_above_the_first_that_does_not_fit():
    found = rank([entry(1, 9000, takes=60), entry(2, 8000, takes=60), entry(3, 7000, takes=30)], 100)
    assert found.line == 1
    assert (found.used_minor, found.left_minor) == (60, 40)
    assert [row.where for row in found.rows] == ["above", "reserve", "reserve"]
    assert [row.running_minor for row in found.rows] == [60, 120, 150]


def test_below_the_threshold_nothing_is_proposed_whatever_money_is_left():
    found = rank([entry(1, 6000), entry(2, 4999)], 1_000_000, threshold=5000)
    assert [row.where for row in found.rows] == ["above", "below_threshold"]
    assert found.line == 1


def test_an_application_nobody_read_has_no_place_and_takes_no_money():
    found = rank([entry(1, None), entry(2, 5000)], 1000)
    assert [(row.entry.key, row.place, row.where) for row in found.rows] == [
        (2, 1, "above"),
        (1, None, "unread"),
    ]
    assert found.used_minor == 100
    assert found.place_of(1) is None and found.place_of(2) == 1


def test_what_was_declined_or_given_back_keeps_its_place_and_takes_no_money():
    given_back = entry(2, 8000, takes=60, out=True)
    found = rank([entry(1, 9000, takes=60), given_back, entry(3, 7000, takes=40)], 100)
    assert [(row.place, row.where) for row in found.rows] == [(1, "above"), (2, "out"), (3, "above")]
    assert (found.grants, found.line, found.left_minor) == (2, 3, 0)


def test_a_member_who_gives_everybody_the_same_is_seen():
    assert zero_spread(3, [7000, 7000])
    assert not zero_spread(2, [7000, 7000])
    assert not zero_spread(3, [7000, 7100])


points = st.integers(0, 1000).map(lambda n: Decimal(n) / 100)
entries = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 10_000)), st.integers(0, 5), st.integers(0, 500), st.booleans()),
    max_size=20,
).map(lambda rows: [entry(n, m, at, takes, out) for n, (m, at, takes, out) in enumerate(rows)])


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(points, st.integers(1, 100)), min_size=1))
def test_a_total_lies_between_its_lowest_and_highest_points(scored):
    found = total({k: p for k, (p, _w) in scored.items()}, {k: Decimal(w) for k, (_p, w) in scored.items()}, TEN)
    given_points = [Fraction(p) * 10 for p, _w in scored.values()]
    assert min(given_points) <= found <= max(given_points)


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(points, st.integers(1, 100)), min_size=1), st.data())
def test_more_points_never_lower_a_total(scored, data):
    weights = {k: Decimal(w) for k, (_p, w) in scored.items()}
    before = {k: p for k, (p, _w) in scored.items()}
    raised = data.draw(st.sampled_from(sorted(before)))
    after = before | {raised: TEN}
    assert total(after, weights, TEN) >= total(before, weights, TEN)


@given(st.lists(st.fractions(0, 100), min_size=1, max_size=8))
def test_the_mean_does_not_depend_on_the_order_and_lies_within_the_spread(totals):
    assert mean(totals) == mean(list(reversed(totals)))
    assert min(totals) <= mean(totals) <= max(totals)
    assert (spread(totals) or 0) >= 0


@given(entries, st.integers(0, 3000), st.integers(0, 10_000))
def test_the_ranking_keeps_everybody_and_never_spends_more_than_the_budget(given_entries, budget, threshold):
    found = rank(given_entries, budget, threshold)
    assert sorted(row.entry.key for row in found.rows) == sorted(e.key for e in given_entries)
    assert found.used_minor <= budget and found.used_minor + found.left_minor == budget
    above = [row for row in found.rows if row.where == "above"]
    assert len(above) == found.grants and all(row.place <= found.line for row in above)
    assert all(row.where in ("above", "out") for row in found.rows[: found.line])
    assert sum(row.entry.takes_minor for row in above) == found.used_minor
    assert all(row.entry.mean >= threshold for row in above)


@given(entries, st.integers(0, 3000))
def test_the_ranking_is_the_same_whatever_order_the_applications_come_in(given_entries, budget):
    assert rank(given_entries, budget) == rank(list(reversed(given_entries)), budget)


@given(entries, st.integers(0, 3000))
def test_who_stands_higher_has_no_lower_mean(given_entries, budget):
    ranked = [row.entry.mean for row in rank(given_entries, budget).rows if row.place]
    assert ranked == sorted(ranked, reverse=True)
