"""Owns the form of a fault in a definition: which file, which table, what is wrong and what to write instead.

Leaves finding faults to `loader` and `lint`, and printing them to the shell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from grantflow.errors import Misconfigured


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong. `kind` is a short fixed code of the rule broken, for tests and for counting."""

    file: str
    table: str
    text: str
    kind: str = ""

    def __str__(self) -> str:
        where = f"{self.file}: {self.table}" if self.table else self.file
        return f"{where}: {self.text}"


class DefinitionFaults(Misconfigured):
    """Definitions that must not load. Carries every fault of every file, never only the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults: list[Fault] = list(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{count} in the workflow definitions:", *map(str, self.faults)]))


def quoted(names: Iterable[str]) -> str:
    """Names for a sentence: "a", "b" and "c"."""
    shown = [f'"{name}"' for name in names]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1] if shown else "none"


def instead(wrong: str, known: Iterable[str]) -> str:
    """The end of a sentence that helps: the nearest known name, or all of them when they are few."""
    names = sorted(known)
    near = get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    if 0 < len(names) <= 12:
        return f"; known: {quoted(names)}."
    return "."
