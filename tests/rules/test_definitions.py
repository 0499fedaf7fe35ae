"""Every definition that ships is sound, has a page and a line for each of its moves, and says everything twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from grantflow import load_stages
from grantflow.cases import definitions, notices, pages, rehearsal, reminders
from grantflow.cases.models import WORKFLOW_KINDS
from grantflow.config import resource_folder
from grantflow.definitions_check import examine_all
from grantflow.engine.definition import Workflow
from grantflow.engine.registry import registry
from grantflow.identity.access import ROLES
from grantflow.programmes import pack as packs

load_stages()
WORKFLOWS = definitions.all_current()
MOVES = [(w, m) for w in WORKFLOWS.values() for m in w.moves]


def test_everything_in_the_folder_passes_its_lint() -> None:
    read, faults = examine_all([resource_folder("workflows")])
    assert faults == [] and read == len(list(resource_folder("workflows").rglob("*.toml")))


def test_every_kind_of_case_has_its_workflow_and_every_other_is_named_by_a_programme() -> None:
    named = {
        name
        for file in sorted((resource_folder("workflows") / "programmes").glob("*.toml"))
        for name in packs.read(file).workflows.values()
    }
    assert set(WORKFLOWS) == set(WORKFLOW_KINDS) | named


def test_every_kind_of_case_has_a_page(app: Flask) -> None:
    assert [kind for kind in WORKFLOW_KINDS if pages.page_for(kind) is None] == []


@pytest.mark.parametrize(("workflow", "move"), MOVES, ids=[f"{w.name}.{m.name}" for w, m in MOVES])
def test_a_move_has_a_line_for_the_time_line_in_both_languages(workflow: Workflow, move: object) -> None:
    say = move.say  # type: ignore[attr-defined]
    assert say.en and say.ru and say.en != say.ru
    assert any("а" <= letter <= "ё" for letter in say.ru.lower()), say.ru


@pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=lambda w: w.name)
def test_a_state_that_waits_for_somebody_lies_on_a_desk_and_a_final_one_on_none(workflow: Workflow) -> None:
    for state in workflow.states:
        assert state.desk is None or state.desk in ROLES
        assert not (state.final and state.desk), f"{workflow.name}.{state.name}"


def test_a_move_that_reaches_a_whole_call_says_that_it_writes_to_many() -> None:
    # The effects of a call's own moves go over all its applications; whoever presses such a button sees the letters first.
    effects = {effect for workflow, move in MOVES if workflow.name in ("call", "past_call") for effect in move.effects}
    assert effects == registry.to_many and len(effects) > 4
    asking = [move.form for _workflow, move in MOVES if rehearsal.writes_to_many(move) and move.form]
    assert asking == [], "between the look and the press a browser lets chosen files go; see to that first"


def test_every_notice_is_sent_by_somebody() -> None:
    named = {notice for _w, move in MOVES for notice in move.notices}
    named |= {ladder.notice for row in notices.rows().values() for ladder in row.ladder}
    package = "\n".join(
        path.read_text(encoding="utf-8") for path in Path(definitions.__file__).parents[1].rglob("*.py")
    )
    silent = [
        name
        for name in notices.catalogue()
        if name not in named and f'"{name}"' not in package and f'"{name.partition("_")[0]}_{{kind}}"' not in package
    ]
    assert silent == []


def test_the_register_has_every_number_and_every_ladder_stands_on_something() -> None:
    assert list(notices.rows()) == [f"N-{number:02}" for number in range(1, 26)]
    deadlines = {
        f"{workflow.name}/{deadline.state}/{deadline.name}"
        for workflow in WORKFLOWS.values()
        for deadline in workflow.deadlines
    }
    ladders = list(reminders.ladders())
    assert len(ladders) > 8
    for ladder in ladders:
        assert ladder.of in deadlines or reminders.known(ladder.of), ladder
