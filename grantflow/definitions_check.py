"""`grantflow workflows check`: every definition, notice file and programme pack judged at once.

Each kind of file is judged by the package that owns it; here is only the walk over the folders.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from grantflow.engine.faults import DefinitionFaults, Fault
from grantflow.engine.loader import examine
from grantflow.engine.registry import registry


def examine_all(paths: Iterable[Path], load_fault: Exception | None = None) -> tuple[int, list[Fault]]:
    """How many files were read, and all their faults. A folder is walked with its shelves: `programmes/`, `notices/`, `imports/`."""
    from grantflow.cases import notices
    from grantflow.programmes import pack
    from grantflow.submissions import mapping

    machines: list[Path] = []
    packs: list[Path] = []
    notes: list[Path] = []
    maps: list[Path] = []
    for path in paths:
        found = sorted(path.rglob("*.toml")) if path.is_dir() else [path]
        for file in found:
            shelf = {"programmes": packs, "notices": notes, "imports": maps}.get(file.parent.name, machines)
            shelf.append(file)
    _, faults = examine(machines, registry)
    for file in packs:
        try:
            pack.read(file)
        except DefinitionFaults as error:
            faults += error.faults
    faults += notices.examine(notes) + mapping.examine(maps)
    if isinstance(load_fault, DefinitionFaults):
        faults += [fault for fault in load_fault.faults if fault not in faults]
    elif load_fault is not None:
        raise load_fault
    return len(machines) + len(packs) + len(notes) + len(maps), sorted(faults)
