"""Random lives over all machines at once keep every invariant.

Each life begins at a chapter of one contest and goes on by random steps of anybody: moves of calls, applications,
awards, tranches, reports and checks, badly and well; the rooms beside them; requests that come twice; old pages; time.
A plain run takes the same lives each time, so that it is red only when the code is; a thorough one takes new ones.
How far they get is printed under `-s`; the told life goes the whole way, to paid tranches and a verified check.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.lives.lives import OFTEN, SAID, Lives
from tests.lives.world import CHAPTERS, World

KEPT: list[tuple[str, list[tuple[str, int]]]] = [
    # A manager seats a panel and gives roles: the files of persons lie in no programme, and the watch looked for one.
    ("open", [("anybody", 4817), ("goes_on", 104), ("anybody", 16466), ("seats", 4026)]),
]
"""Lives that once failed, as their chapter and steps, each with a word on what was wrong. A failing run prints both."""


WALKS = [("paying", 0), ("paying", 4), ("followed up", 0), ("followed up", 1), ("followed up", 2)]
"""Chapters and seeds of walks that get far."""


def machine_of(world: World, reached: Counter[str], said: Counter[str]) -> type[RuleBasedStateMachine]:
    """The machine whose steps hypothesis chooses, and makes fewer when one fails."""

    class Machine(RuleBasedStateMachine):
        lives: Lives

        @initialize(chapter=st.sampled_from(CHAPTERS))
        def begins(self, chapter: str) -> None:
            self.lives = Lives(world, chapter)

        @rule(name=st.sampled_from(OFTEN), seed=st.integers(0, 65535))
        def step(self, name: str, seed: int) -> None:
            self.lives.step(name, seed)

        def teardown(self) -> None:
            if hasattr(self, "lives"):
                self.lives.end()
                reached.update(self.lives.watch.reached)
                said.update(self.lives.said)

    return Machine


def test_random_lives_keep_every_invariant(world: World, thorough: bool) -> None:
    reached, said = Counter[str](), Counter[str]()
    how_many, how_long = (600, 120) if thorough else (12, 50)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine_of(world, reached, said),
        settings=settings(
            max_examples=how_many,
            stateful_step_count=how_long,
            deadline=None,
            database=None,
            derandomize=not thorough,
            suppress_health_check=list(HealthCheck),
        ),
    )
    for counted in (reached, said):
        print("\n" + ", ".join(f"{what} {number}" for what, number in sorted(counted.items())))
    assert {kind.partition(":")[0] for kind in reached} >= {
        "call",
        "application",
        "award",
        "tranche",
        "report",
        "check",
    }


def test_lives_from_the_first_payment_on_get_to_paid_tranches_and_verified_checks(world: World) -> None:
    reached = Counter[str]()
    for chapter, seed in WALKS:
        chance, lives = random.Random(f"{seed}/{chapter}"), Lives(world, chapter)
        for _ in range(50):
            lives.step(chance.choice(OFTEN), chance.randrange(65536))
        lives.end()
        reached += lives.watch.reached
    assert reached["tranche: paid"] and reached["check: sustainable"] + reached["check: at_risk"], reached


@pytest.mark.parametrize(("chapter", "steps"), KEPT)
def test_lives_that_once_failed_do_not_fail_again(world: World, chapter: str, steps: list[tuple[str, int]]) -> None:
    lives = Lives(world, chapter)
    for name, seed in steps:
        lives.step(name, seed)
    lives.end()


def test_the_told_life_reaches_paid_tranches_and_a_verified_check_under_the_same_watch(world: World) -> None:
    reached: list[Any] = []
    for chapter in CHAPTERS:
        lives = Lives(world, chapter)
        lives.watch.cases, lives.watch.last = {}, 0  # every event from the first is looked at
        lives.watch.look()
        lives.end()
        reached += [(row.kind, row.state) for row in lives.watch.cases.values()]
    assert {("tranche", "paid"), ("award", "followup"), ("check", "sustainable"), ("report", "accepted")} <= set(
        reached
    )


def test_every_step_is_sometimes_taken() -> None:
    assert set(OFTEN) == set(SAID)
