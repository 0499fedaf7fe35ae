"""The step from state to state: every legal one is made, every other one is refused, by all threads at
once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from grantflow.engine.definition import Workflow
from grantflow.engine.loader import read
from grantflow.engine.machine import IllegalMove, Lifecycle, lifecycle_of
from tests.engine.sound import sound

HOUSE = sorted((Path(__file__).parents[2] / "workflows").glob("*.toml"))


def test_the_definitions_of_the_house_are_found() -> None:
    assert {path.stem for path in HOUSE} >= {"application", "award", "call", "check", "report", "tranche"}


@pytest.mark.parametrize("path", HOUSE, ids=lambda path: path.stem)
def test_every_pair_of_state_and_move_is_made_or_refused_as_the_table_says(path: Path) -> None:
    workflow = read(path)
    lifecycle = Lifecycle(workflow)
    refused = 0
    for state, move in product(workflow.states_by_name, workflow.moves):
        if state in move.source:
            assert lifecycle.advance(state, move) == (move.to or state)
        else:
            refused += 1
            with pytest.raises(IllegalMove, match=f'"{move.name}" does not start in "{state}"'):
                lifecycle.advance(state, move)
    assert refused > len(workflow.moves)


def test_two_moves_with_one_trigger_are_told_apart(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    lifecycle = Lifecycle(workflow)
    assert lifecycle.advance("checked", workflow.move("approve")) == "approved_first"
    assert lifecycle.advance("approved_first", workflow.move("approve_second")) == "paid"
    with pytest.raises(IllegalMove):
        lifecycle.advance("approved_first", workflow.move("approve"))


def test_a_move_without_a_target_stays(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    assert Lifecycle(workflow).advance("planned", workflow.move("remind")) == "planned"


@pytest.mark.parametrize("state", ["nowhere", "", "Planned", "to_paid", "initial"])
def test_an_unknown_state_is_refused(tmp_path: Path, state: str) -> None:
    workflow = sound(tmp_path)
    with pytest.raises(IllegalMove):
        Lifecycle(workflow).advance(state, workflow.move("prepare"))


def test_a_move_of_another_definition_is_refused_even_under_the_same_name(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    forged = workflow.move("prepare").model_copy(update={"to": "paid"})
    with pytest.raises(IllegalMove, match="of this form"):
        Lifecycle(workflow).advance("planned", forged)
    stranger = workflow.move("prepare").model_copy(update={"name": "to_paid"})
    with pytest.raises(IllegalMove, match='no move "to_paid"'):
        Lifecycle(workflow).advance("planned", stranger)


def test_the_library_adds_no_back_doors_and_keeps_no_case(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    lifecycle = Lifecycle(workflow)
    assert set(lifecycle._machine.events) == set(workflow.moves_by_name)
    for _ in range(50):
        lifecycle.advance("planned", workflow.move("prepare"))
    assert lifecycle._machine.models == []


def test_one_lifecycle_serves_all_threads(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    lifecycle = Lifecycle(workflow)
    steps = [(state, move) for move in workflow.moves for state in move.source] * 150

    def step(pair: tuple[str, object]) -> bool:
        state, move = pair
        return lifecycle.advance(state, move) == (move.to or state)  # type: ignore[arg-type, attr-defined]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(step, steps))


def test_equal_definitions_share_one_lifecycle(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    again = Workflow.from_content(workflow.content)
    assert again is not workflow
    assert lifecycle_of(again) is lifecycle_of(workflow)
    assert lifecycle_of(again).advance("planned", again.move("prepare")) == "checked"
