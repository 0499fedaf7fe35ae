"""The verdict on an enterprise follows from its answers, and from nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantflow.followups.sustainability import Way, classify, evidenced, interval, standing, survival, ways_of

words = st.text(max_size=30)
a_way = st.builds(Way, st.sampled_from([True, False, None]), words, st.none() | st.decimals(0, 100, places=1))
some_ways = st.dictionaries(st.sampled_from(["state", "business", "sales"]), a_way)


@given(some_ways)
def test_what_does_not_operate_has_ceased_whatever_its_ways(ways: dict[str, Way]) -> None:
    assert classify(False, ways) == "ceased"


@given(some_ways)
def test_what_operates_is_sustainable_exactly_when_a_way_is_evidenced(ways: dict[str, Way]) -> None:
    counted = any(way.held is True and any(c.isalnum() for c in way.evidence) for way in ways.values())
    assert classify(True, ways) == ("sustainable" if counted else "at_risk")
    assert bool(evidenced(ways)) == counted


@given(some_ways, st.sampled_from(["state", "business", "sales"]))
def test_a_further_evidenced_way_never_makes_it_worse(ways: dict[str, Way], code: str) -> None:
    better = {**ways, code: Way(True, "contract No. 4")}
    assert classify(True, better) == "sustainable"


@pytest.mark.parametrize("evidence", ["", " ", "\n\t", "—", "...", "?!"])
def test_a_way_without_words_that_show_it_does_not_count(evidence: str) -> None:
    assert classify(True, {"sales": Way(True, evidence)}) == "at_risk"


def test_a_way_that_is_not_held_does_not_count_even_with_words() -> None:
    assert classify(True, {"sales": Way(False, "tax return"), "state": Way(None, "letter")}) == "at_risk"


def test_nothing_is_classified_before_it_is_answered() -> None:
    with pytest.raises(ValueError, match="not answered"):
        classify(None, {})


@given(some_ways)
def test_ways_are_read_back_as_they_are_kept(ways: dict[str, Way]) -> None:
    kept = {
        c: {"held": w.held, "evidence": w.evidence, "share": None if w.share is None else str(w.share)}
        for c, w in ways.items()
    }
    assert ways_of(kept) == ways


def test_standing_counts_by_month_and_leaves_out_who_did_not_answer() -> None:
    rows = standing(
        [(6, "sustainable"), (6, "sustainable"), (6, "ceased"), (12, "at_risk"), (12, "no_answer")],
        [6, 12, 24],
    )
    six, twelve, later = rows
    assert (six.operating, six.answered, six.share(six.operating)) == (2, 3, Decimal("66.7"))
    assert (twelve.answered, twelve.settled) == (1, 2)
    assert later.share(later.operating) is None


verdicts = st.sampled_from(["sustainable", "at_risk", "ceased", "no_answer"])
histories = st.lists(st.lists(verdicts, max_size=3).map(lambda v: list(zip((6, 12, 24), v, strict=False))), max_size=40)


@given(histories)
def test_what_is_left_never_grows_and_lasting_is_a_part_of_it(cohort: list[list[tuple[int, str]]]) -> None:
    left = survival(cohort)
    shares = [Decimal(100), *(row.working for row in left)]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= row.lasting <= row.working and row.low <= row.high for row in left)


def test_those_not_so_far_yet_do_not_pull_the_others_up() -> None:
    old = [
        [(6, "sustainable"), (12, "ceased"), (24, "ceased")],
        [(6, "sustainable"), (12, "at_risk"), (24, "sustainable")],
    ]
    young = [[(6, "sustainable")], [(6, "no_answer")]]
    six, twelve, late = survival([*old, *young])
    assert (six.watched, six.working) == (3, 100)
    assert (twelve.watched, twelve.ceased, twelve.working, twelve.lasting) == (2, 1, 50, 0)
    assert (late.watched, late.working, late.lasting) == (1, 50, 50), "what had ceased is not asked about twice"


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_stays_within_a_hundred(of: int, data: st.DataObject) -> None:
    share = Decimal(data.draw(st.integers(0, of))) / of
    found = interval(share, of)
    assert found is not None
    low, high = found
    assert 0 <= low <= share * 100 + Decimal("0.1") and share * 100 - Decimal("0.1") <= high <= 100


def test_of_nothing_there_is_no_interval() -> None:
    assert interval(Decimal(0), 0) is None
