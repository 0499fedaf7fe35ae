"""Owns reading the files of a folder into workflows, all of them or none, with every fault of every file at
once.

Leaves the wording of a table's faults to `shape`, judging the whole to `lint`, and keeping versions to
`cases`. Tables are named as a person counts them: `moves[3] "approve"` is the third `[[moves]]` of its file.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grantflow.engine.definition import Deadline, Move, State, Workflow
from grantflow.engine.faults import DefinitionFaults, Fault
from grantflow.engine.lint import lint_mended
from grantflow.engine.registry import Registry
from grantflow.engine.shape import TOP, Mended, P, list_table, part, state_table

LARGEST = 1_000_000
"""Bytes of a definition file; more is not a definition but a mistake."""

_STAND_IN = State.model_validate(
    {"name": "unnamed", "label": {"en": "Text", "ru": "Текст"}, "tone": "idle", "stage": "preparation"}
)
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\Z")

__all__ = ["LARGEST", "DefinitionFaults", "Fault", "load", "read", "text_of", "toml_fault"]


def read(path: Path) -> Workflow:
    """Read one file and check the form of its tables, not the whole; raises DefinitionFaults with all of
    them.
    """
    workflow, faults, _ = _read(path)
    if faults or workflow is None:
        raise DefinitionFaults(faults)
    return workflow


def load(folder: Path, registry: Registry) -> dict[str, Workflow]:
    """Read and lint every `*.toml` that lies directly in a folder; by name, in the order of the file names.

    Raises DefinitionFaults with all faults of all files. A definition with a fault never loads, nor do its
    neighbours: half a house is no house.
    """
    workflows, faults = examine(sorted(folder.glob("*.toml")), registry)
    if not workflows and not faults:
        faults = [Fault(str(folder), "", "there is no workflow file (*.toml) in this folder.", "no-files")]
    if faults:
        raise DefinitionFaults(faults)
    return workflows


def examine(paths: list[Path], registry: Registry) -> tuple[dict[str, Workflow], list[Fault]]:
    """Read and lint these files; the workflows without a fault, and the faults of all, in the order of the
    files.
    """
    workflows: dict[str, Workflow] = {}
    faults: list[Fault] = []
    owner: dict[str, Path] = {}
    for path in paths:
        workflow, found, mended = _read(path)
        if workflow is not None:
            found += lint_mended(workflow, registry, path.name, mended)
            if "name" not in mended.get(TOP, ()):
                first = owner.setdefault(workflow.name, path)
                if first != path:
                    text = f'the name "{workflow.name}" is taken by {first.name}; give one another name.'
                    found.append(Fault(path.name, TOP, text, "duplicate-workflow"))
            if not found:
                workflows[workflow.name] = workflow
        faults += found
    return workflows, faults


def _read(path: Path) -> tuple[Workflow | None, list[Fault], Mended]:
    text, faults = text_of(path)
    if text is None:
        return None, faults, {}
    try:
        raw = tomllib.loads(text)
    except RecursionError:
        return None, [Fault(path.name, "", "tables lie too deep in each other for a definition.", "toml")], {}
    except ValueError as error:  # TOMLDecodeError, and int() on a number of thousands of digits
        return None, [toml_fault(path.name, text, error)], {}
    mended: Mended = {}
    workflow = _workflow(raw, path.name, faults, mended)
    return workflow, faults, mended


def text_of(path: Path) -> tuple[str | None, list[Fault]]:
    """The text of a file as people may write it, or None and what keeps it from being read."""

    def fault(text: str, kind: str, table: str = "") -> tuple[None, list[Fault]]:
        return None, [Fault(path.name, table, text, kind)]

    try:
        if not path.is_file():
            return fault("is not a file that can be read.", "unreadable")
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        return fault(f"cannot be read: {error.strerror or error}.", "unreadable")
    if len(data) > LARGEST:
        return fault("is larger than 1 MB; a workflow is a few hundred lines.", "too-large")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return fault("the file is not UTF-8 text; save it again as UTF-8.", "not-utf-8", f"line {line}")
    for number, line_text in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        for character in line_text:
            control = unicodedata.category(character) == "Cc" and character != "\t"
            if control or _DIRECTION.match(character):
                said = f"holds the invisible character U+{ord(character):04X}; take it away."
                return fault(said, "control-character", f"line {number}")
    return text, []


def toml_fault(file: str, text: str, error: ValueError) -> Fault:
    """What the TOML reader found wrong, with its line, in words."""
    said = str(error)
    found = _AT_LINE.search(said)
    reason = _AT_LINE.sub("", said).strip() or "not TOML"
    if not found:
        return Fault(file, "", f"the file is not TOML: {reason}.", "toml")
    line = found[1] or str(text.rstrip("\n").count("\n") + 1)
    column = f" at column {found[2]}" if found[2] else " at the end of the file"
    twice = " Every name and key may stand once only." if "twice" in said or "overwrite" in said else ""
    return Fault(file, f"line {line}", f"the file is not TOML: {reason}{column}.{twice}", "toml")


def _workflow(raw: Mapping[str, Any], file: str, faults: list[Fault], mended: Mended) -> Workflow | None:
    """The workflow, mended where its tables have faults; None where nothing sensible is left to lint."""
    head = {key: value for key, value in raw.items() if key not in ("states", "moves", "deadlines")}
    given = {"states": (_STAND_IN,), "moves": (), "deadlines": ()}
    top = part(Workflow, head, file, TOP, faults, mended, **given)
    states = _states(raw.get("states"), file, faults, mended)
    moves = _list(Move, "moves", raw.get("moves", []), file, faults, mended)
    deadlines = _list(Deadline, "deadlines", raw.get("deadlines", []), file, faults, mended)
    if top is None or not states or moves is None or deadlines is None:
        return None
    return top.model_copy(update={"states": tuple(states), "moves": tuple(moves), "deadlines": tuple(deadlines)})


def _states(raw: object, file: str, faults: list[Fault], mended: Mended) -> list[State] | None:
    if raw is None or raw == {}:
        text = "there are no states; write a table for each, such as [states.draft]."
        faults.append(Fault(file, TOP, text, "missing-key"))
        return None
    if not isinstance(raw, Mapping):
        faults.append(Fault(file, "states", "must be one table for each state, such as [states.draft].", "not-a-table"))
        return None
    found = [part(State, table, file, state_table(name), faults, mended, name=name) for name, table in raw.items()]
    return None if None in found else [state for state in found if state]


def _list(model: type[P], heading: str, raw: object, file: str, faults: list[Fault], mended: Mended) -> list[P] | None:
    if not isinstance(raw, list):
        text = f"must be a list of tables, each under its own heading [[{heading}]]."
        faults.append(Fault(file, heading, text, "not-a-table"))
        return None
    found = []
    for index, table in enumerate(raw, 1):
        said = table if isinstance(table, Mapping) else {}
        name = said.get("name", said.get("trigger", ""))
        found.append(part(model, table, file, list_table(heading, index, name), faults, mended))
    return None if None in found else [item for item in found if item]
