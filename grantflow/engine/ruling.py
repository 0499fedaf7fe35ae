"""Owns what a rule of the lint is, the list of all of them, and the view of a definition that they look at.

Leaves the rules to `rules` and `paths`. A rule names the keys it reads, so that a key whose own fault is told
already is not blamed a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from grantflow.engine.definition import Deadline, Move, State, Workflow
from grantflow.engine.registry import Registry
from grantflow.engine.shape import list_table, state_table

Finding = tuple[str, str]
"""The table, and the sentence about it."""


class View:
    """A definition with the names of its tables and the paths through it."""

    def __init__(self, workflow: Workflow, registry: Registry) -> None:
        self.workflow = workflow
        self.registry = registry
        self.states: list[tuple[str, State]] = [(state_table(s.name), s) for s in workflow.states]
        self.moves: list[tuple[str, Move]] = [
            (list_table("moves", i, m.name), m) for i, m in enumerate(workflow.moves, 1)
        ]
        self.deadlines: list[tuple[str, Deadline]] = [
            (list_table("deadlines", i, d.name), d) for i, d in enumerate(workflow.deadlines, 1)
        ]

    def nearest(self, state: str) -> str | None:
        """The state itself, or the one that was surely meant: a slip of the pen must not look like a lost
        state.
        """
        names = list(self.workflow.states_by_name)
        return state if state in names else next(iter(get_close_matches(state, names, n=1, cutoff=0.6)), None)

    @cached_property
    def steps(self) -> dict[str, set[str]]:
        """The states one move away from each state; a move that stays is no step."""
        steps: dict[str, set[str]] = {state.name: set() for state in self.workflow.states}
        for move in self.workflow.moves:
            target = self.nearest(move.to) if move.to is not None else None
            for source in filter(None, map(self.nearest, move.source)):
                if target is not None and target != source:
                    steps[source].add(target)
        return steps

    def reach(self, *starts: str | None) -> set[str]:
        """The states that can be reached from these, themselves included."""
        found: set[str] = set()
        open_ends = [start for start in starts if start is not None]
        while open_ends:
            state = open_ends.pop()
            if state not in found:
                found.add(state)
                open_ends.extend(self.steps[state])
        return found

    @cached_property
    def reachable(self) -> set[str]:
        """The states a case can ever be in."""
        return self.reach(self.nearest(self.workflow.initial))


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of the whole. `reads`: keys of the table it blames; `needs`: keys it trusts in every table."""

    kind: str
    find: Callable[[View], Iterator[Finding]]
    reads: frozenset[str]
    needs: frozenset[str]


RULES: list[Rule] = []


def rule(
    kind: str, reads: str = "", needs: str = ""
) -> Callable[[Callable[[View], Iterator[Finding]]], Callable[[View], Iterator[Finding]]]:
    """Add a function to the lint under a short code; `reads` and `needs` are keys with blanks between
    them.
    """

    def add(find: Callable[[View], Iterator[Finding]]) -> Callable[[View], Iterator[Finding]]:
        RULES.append(Rule(kind, find, frozenset(reads.split()), frozenset(needs.split())))
        return find

    return add
