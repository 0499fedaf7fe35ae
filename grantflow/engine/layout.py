"""Owns where each state stands in the picture of a workflow: a main line, and lanes above and below it.

Leaves the lines between them to `routing`, and pixels to `diagram`. A state's `lane` in the file wins over
all that is worked out here: negative above the main line, positive below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from grantflow.engine.definition import Move, Stage, State, Workflow

Edge = tuple[str, str]
Cell = tuple[int, int]
"""Column and row, both from 0; rows count downwards."""

_PASSES, _FEW = 6, 14
"""How often the places are tried over, and of how many states that is still quick."""


@dataclass(frozen=True)
class Plan:
    """The grid: the cell of each state, the main line from the beginning to its end, and all steps in file
    order.
    """

    cells: dict[str, Cell]
    main: tuple[str, ...]
    edges: dict[Edge, tuple[Move, ...]]

    @cached_property
    def columns(self) -> int:
        """How many columns there are."""
        return 1 + max(column for column, _ in self.cells.values())

    @cached_property
    def rows(self) -> int:
        """How many rows there are."""
        return 1 + max(row for _, row in self.cells.values())


def edges_of(workflow: Workflow) -> dict[Edge, tuple[Move, ...]]:
    """Each step from one state to another with the moves that make it; a move that stays is no step."""
    found: dict[Edge, tuple[Move, ...]] = {}
    for move in workflow.moves:
        for source in move.source:
            if move.to is not None and move.to != source:
                found[source, move.to] = (*found.get((source, move.to), ()), move)
    return found


def main_line(workflow: Workflow) -> tuple[str, ...]:
    """The longest way forward in the order of the file that meets no refusal; waiting states count for
    nothing.

    Of two equally long ways the one with more primary moves, then the one that stands first in the file.
    """
    order = {state.name: index for index, state in enumerate(workflow.states)}
    best: dict[str, tuple[tuple[float, int], tuple[str, ...]]] = {workflow.initial: ((0.0, 0), (workflow.initial,))}
    edges = edges_of(workflow)
    for name in order:
        if name not in best:
            continue
        score, way = best[name]
        for (source, target), moves in edges.items():
            state = workflow.states_by_name[target]
            if source != name or order[target] <= order[name] or not _happy(state, moves):
                continue
            primary = any(move.kind == "primary" for move in moves)
            reached = (score[0] + (0.0 if state.tone == "hold" else 1.0), score[1] + primary), (*way, target)
            if target not in best or reached[0] > best[target][0]:
                best[target] = reached
    ends = sorted(best.values(), key=lambda end: (-end[0][0], -end[0][1], [order[name] for name in end[1]]))
    return ends[0][1]


def plan(workflow: Workflow) -> Plan:
    """Place every state: the main line in one row, the others where the lines to them are short."""
    main = main_line(workflow)
    edges = edges_of(workflow)
    cells: dict[str, Cell] = {name: (column, 0) for column, name in enumerate(main)}
    others = [state for state in workflow.states if state.name not in cells]
    waiting = list(others)
    while waiting:
        # Whoever has most neighbours in place already is placed next; of equals the first in the file.
        state = max(waiting, key=lambda s: sum((a in cells) + (b in cells) for a, b in edges if s.name in (a, b)))
        waiting.remove(state)
        free = _free(state, cells, len(main))
        cells[state.name] = min(free, key=lambda cell: (_cost(state, cell, cells, edges), cell))
    _improve(others, cells, edges, len(main))
    return Plan(_packed(cells), main, edges)


def _happy(state: State, moves: tuple[Move, ...]) -> bool:
    refused = (state.final and state.tone == "stop") or state.stage is Stage.REFUSED or state.lane != 0
    return not refused and any(move.kind != "stop" for move in moves)


def _free(state: State, cells: dict[str, Cell], columns: int) -> list[Cell]:
    rows = [state.lane] if state.lane else [-1, 1, -2, 2, -3, 3]
    taken = set(cells.values())
    free = [(column, row) for row in rows for column in range(columns) if (column, row) not in taken]
    return free or [(max(column for column, _ in taken) + 1, rows[0])]


def _cost(state: State, cell: Cell, cells: dict[str, Cell], edges: dict[Edge, tuple[Move, ...]]) -> float:
    """How long and how crooked the lines of a state would be from this cell."""
    column, row = cell
    arriving = [cells[a] for a, b in edges if b == state.name and a in cells and (b, a) not in edges]
    mutual = [cells[b] for a, b in edges if a == state.name and (b, a) in edges and b in cells]
    leaving = [cells[b] for a, b in edges if a == state.name and b in cells and (b, a) not in edges]
    cost = sum(6.0 * _length(place, cell) for place in mutual)
    above = state.tone == "hold" or (not state.final and bool(mutual or leaving) and state.tone != "stop")
    # What the same trigger could have led to instead stands beside the outcome of the main line.
    triggers = {(a, move.trigger) for (a, b), moves in edges.items() if b == state.name for move in moves}
    forked = any(
        (a, move.trigger) in triggers
        for (a, b), moves in edges.items()
        if b != state.name and b in cells and cells[b][1] == 0
        for move in moves
    )
    cost += 1.6 * (abs(row) - 1) + (1.3 if (row > 0) == above else 0.0)
    # Lines into one state join: the nearest counts full, the rest for the way they still have to go.
    for places, forward in ((arriving, True), (leaving, False)):
        lengths = sorted(_length(place, cell) if forward else _length(cell, place) for place in places)
        if forked and forward and any(column == place[0] + 1 for place in places):
            cost -= 0.6
        nearest, further = (1.0, 0.35) if forward else (0.5, 0.1)
        cost += sum(length * (further if index else nearest) for index, length in enumerate(lengths))
    between = {(column, step) for step in range(min(row, 0) + 1, max(row, 0))}
    return cost + 0.8 * len(between & set(cells.values()))


def _length(start: Cell, end: Cell) -> float:
    across, down = end[0] - start[0], abs(end[1] - start[1])
    if across < 0:
        return 1.3 * -across + 0.6 * down
    return (0.0 if across == 0 and down == 1 else 0.25) + max(across - 1, 0) + 0.6 * down + 0.1 * (across > 0)


def _improve(others: list[State], cells: dict[str, Cell], edges: dict[Edge, tuple[Move, ...]], columns: int) -> None:
    """Move and swap states as long as that shortens the whole; few states, so plain trying is enough."""

    def total() -> float:
        return sum(_cost(state, cells[state.name], cells, edges) for state in others)

    best = total()
    for _ in range(_PASSES if len(others) <= _FEW else 0):
        before = best
        for state in others:
            rivals = [cells[other.name] for other in others if not other.lane and not state.lane]
            for cell in [*_free(state, cells, columns), *rivals]:
                was = cells[state.name]
                rival = next((o.name for o in others if cells[o.name] == cell and o is not state), None)
                cells[state.name] = cell
                if rival:
                    cells[rival] = was
                if (now := total()) < best - 1e-9:
                    best = now
                    continue
                cells[state.name] = was
                if rival:
                    cells[rival] = cell
        if best > before - 1e-9:
            return


def _packed(cells: dict[str, Cell]) -> dict[str, Cell]:
    rows = {row: index for index, row in enumerate(sorted({row for _, row in cells.values()}))}
    columns = {column: index for index, column in enumerate(sorted({column for column, _ in cells.values()}))}
    return {name: (columns[column], rows[row]) for name, (column, row) in cells.items()}


def main_edges(drawn: Plan) -> set[Edge]:
    """The steps of the main line; they are drawn straight."""
    return set(pairwise(drawn.main))
