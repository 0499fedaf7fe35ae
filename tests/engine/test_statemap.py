"""The map by which live cases change version: read whole, every fault at once, nothing half believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from grantflow.engine.definition import Workflow
from grantflow.engine.faults import DefinitionFaults
from grantflow.engine.statemap import Leaving, StateMap, read_map
from tests.cases.machines import small


def renamed(**names: str) -> Workflow:
    body = small().model_dump(mode="json", by_alias=True)
    for state in body["states"]:
        state["name"] = names.get(state["name"], state["name"])
    for move in body["moves"]:
        move["from"] = [names.get(name, name) for name in move["from"]]
        move["to"] = names.get(move["to"], move["to"])
    return Workflow.model_validate(body)


NEW = renamed(first="second_look", checked="looked_at", done="finished")
HEAD = 'workflow = "small"\nreason = "By the board."\n'
GOOD = HEAD + '[states]\nfirst = "second_look"\nchecked = "open"\n'


def read(folder: Path, text: str | bytes, *, ends: bool = False, new: Workflow = NEW) -> StateMap:
    file = folder / "map.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_map(file, new, [Leaving(small(), ends)], [small()])


def faults(folder: Path, text: str | bytes, **more: bool) -> list[str]:
    with pytest.raises(DefinitionFaults) as told:
        read(folder, text, **more)
    return [f"{fault.table}: {fault.text}" for fault in told.value.faults]


def test_a_state_goes_where_the_map_says_and_else_keeps_its_name(tmp_path: Path) -> None:
    made = read(tmp_path, GOOD)
    assert [made.target(state) for state in ("open", "checked", "first")] == ["open", "open", "second_look"]
    assert made.reason == "By the board."


def test_every_fault_is_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = 'workflow = "tranche"\nreason = " "\nwhen = 3\n[states]\nfrist = "open"\nopen = "lokked_at"\nchecked = 7\n'
    assert faults(tmp_path, text) == [
        'when: is no key of a map; known: "reason", "states" and "workflow".',
        'workflow: must be "small", the workflow that is migrated.',
        "reason: must be a sentence: it will stand in the history of each case.",
        'states.frist: no older version has this state; did you mean "first"?',
        'states.open: the newer version has no state "lokked_at"; did you mean "looked_at"?',
        "states.checked: must name a state of the newer version, in quotes.",
        'states: "first" is not in the newer version; say where the cases there go on.',
    ]


def test_a_state_that_disappears_must_be_in_the_map_an_end_only_where_ends_go_too(tmp_path: Path) -> None:
    (only,) = faults(tmp_path, HEAD)
    assert only == 'states: "checked" and "first" are not in the newer version; say where the cases there go on.'
    (end,) = faults(tmp_path, GOOD, ends=True)
    assert end.startswith('states: "done" is not in the newer version')


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('open = "refused"', '"refused" is an end: end the case by a move.'),
        ('open = "finished"', '"finished" is an end: end the case by a move.'),
        ('refused = "open"', '"open" is no end: an ended case is not opened by a map.'),
    ],
)
def test_a_map_neither_ends_a_case_nor_opens_an_ended_one(tmp_path: Path, line: str, said: str) -> None:
    assert faults(tmp_path, GOOD + line) == [f"states.{line.split()[0]}: {said}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        ("workflow = ", "is not TOML"),
        ("x = " + "[" * 5000, "too deep"),
        (HEAD + 'states = "all"', "must be a table"),
        (HEAD + 'states = ["first"]', "must be a table"),
        (GOOD + 'first = "open"', "is not TOML"),
        (GOOD + "x\u202e = 1", "invisible character"),
        (GOOD.replace("By the board.", "x" * 2001), "2000 at most"),
        (GOOD.replace('"By the board."', "7"), "must be a sentence"),
        (GOOD + '"" = "open"', "no older version has this state"),
        (GOOD + 'open = ["open"]', "in quotes"),
        (b" " * 1_000_001, "larger than 1 MB"),
    ],
)
def test_a_hostile_map_is_refused_in_a_sentence(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert any(said in fault for fault in faults(tmp_path, text))


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DefinitionFaults, match="not a file that can be read"):
        read_map(tmp_path / "none.toml", NEW, [], [])
