"""Owns the map by which live cases go from older versions of a workflow to a newer one: its file, and all its faults.

Leaves which cases there are, what the newer version means for each, and moving them to `cases`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grantflow.engine.definition import Workflow
from grantflow.engine.faults import DefinitionFaults, Fault, instead, quoted
from grantflow.engine.loader import text_of, toml_fault

LONGEST_REASON = 2000
_KEYS = ("workflow", "reason", "states")


@dataclass(frozen=True)
class StateMap:
    """From the states of older versions to those of a newer one. A state that is not named keeps its name."""

    reason: str
    states: Mapping[str, str]

    def target(self, state: str) -> str:
        """The state of the newer version in which a case goes on."""
        return self.states.get(state, state)


@dataclass(frozen=True)
class Leaving:
    """A version that cases leave; `ends` when those at an end leave it too."""

    workflow: Workflow
    ends: bool = False


def read_map(path: Path, new: Workflow, leaving: Iterable[Leaving], known: Iterable[Workflow]) -> StateMap:
    """Read a map and judge it whole against the newer version and those that cases leave.

    `known` are all older versions: a state that only one of them has may be named, so that a map stays good once
    nobody stands there any more. Raises DefinitionFaults with every fault.
    """
    text, faults = text_of(path)
    if text is None:
        raise DefinitionFaults(faults)
    try:
        raw = tomllib.loads(text)
    except RecursionError:
        raise DefinitionFaults([Fault(path.name, "", "tables lie too deep in each other for a map.", "toml")]) from None
    except ValueError as error:
        raise DefinitionFaults([toml_fault(path.name, text, error)]) from None
    found = _Judge(path.name, new, list(leaving), list(known))
    made = found.judge(raw)
    if found.faults:
        raise DefinitionFaults(found.faults)
    return made


class _Judge:
    def __init__(self, file: str, new: Workflow, leaving: list[Leaving], known: list[Workflow]) -> None:
        self.file, self.new, self.leaving, self.known = file, new, leaving, known
        self.faults: list[Fault] = []

    def say(self, table: str, text: str, kind: str) -> None:
        self.faults.append(Fault(self.file, table, text, kind))

    def judge(self, raw: dict[str, Any]) -> StateMap:
        for key in [key for key in raw if key not in _KEYS]:
            self.say(key, f"is no key of a map{instead(key, _KEYS)}", "unknown-key")
        name = raw.get("workflow")
        if name != self.new.name:
            said = f'must be "{self.new.name}", the workflow that is migrated.'
            self.say("workflow", said, "missing-key" if name is None else "wrong-workflow")
        reason = raw.get("reason")
        if not isinstance(reason, str) or not reason.strip():
            self.say("reason", "must be a sentence: it will stand in the history of each case.", "missing-key")
        elif len(reason) > LONGEST_REASON:
            self.say("reason", f"has {len(reason)} characters; {LONGEST_REASON} at most.", "too-long")
        states = raw.get("states", {})
        if not isinstance(states, dict):
            self.say("states", 'must be a table [states] with lines such as checked = "due".', "not-a-table")
            states = {}
        good = {old: new for old, new in states.items() if self._line(old, new)}
        self._missing(states)
        return StateMap(str(reason or "").strip(), good)

    def _line(self, old: str, new: Any) -> bool:
        before = len(self.faults)
        table = f"states.{old}"
        homes = [workflow for workflow in self.known if old in workflow.states_by_name]
        if not homes:
            names = {state for workflow in self.known for state in workflow.states_by_name}
            self.say(table, f"no older version has this state{instead(old, names)}", "unknown-state")
        if not isinstance(new, str):
            self.say(table, "must name a state of the newer version, in quotes.", "wrong-type")
        elif new not in self.new.states_by_name:
            said = f'the newer version has no state "{new}"{instead(new, self.new.states_by_name)}'
            self.say(table, said, "unknown-state")
        elif new != old:
            self._ends(table, old, new, homes)
        return len(self.faults) == before

    def _ends(self, table: str, old: str, new: str, homes: list[Workflow]) -> None:
        """A map neither ends a case nor opens an ended one again: that is a move's, with its guards and effects."""
        there = self.new.state(new).final
        if any(workflow.state(old).final != there for workflow in homes):
            what = "is an end: end the case by a move" if there else "is no end: an ended case is not opened by a map"
            self.say(table, f'"{new}" {what}.', "ends")

    def _missing(self, states: Mapping[str, Any]) -> None:
        gone: dict[str, None] = {}
        for leaving in self.leaving:
            for state in leaving.workflow.states:
                if state.name not in self.new.states_by_name and (leaving.ends or not state.final):
                    gone[state.name] = None
        if missing := [name for name in gone if name not in states]:
            said = "is" if len(missing) == 1 else "are"
            text = f"{quoted(missing)} {said} not in the newer version; say where the cases there go on."
            self.say("states", text, "missing-state")
