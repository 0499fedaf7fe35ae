"""What the ranking page draws and offers: the axis of its plot column, each row's dot with its spread, the
moves of a row.

Geometry is in `grantflow.plots`; the order and the money line come from `ranking`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grantflow.cases import definitions
from grantflow.engine.definition import Move, Stage
from grantflow.identity.access import Actor
from grantflow.scoring.queries import Line
from grantflow.scoring.ranking import Ranking


@dataclass(frozen=True)
class Plot:
    """The axis in points of a hundred, where the money line crosses it, and each row's dot."""

    low: int
    high: int
    ticks: tuple[int, ...]
    line: float | None
    dots: Mapping[int, tuple[float, tuple[float, float], str]]
    """By application: mean, (lowest, highest) total, and the tone: above, near or out."""


def plot_of(order: Ranking, lines: Mapping[int, Line]) -> Plot:
    """The plot column: an axis that holds every mark, and the line midway between the last above it and the
    next."""
    ranked = [row for row in order.rows if row.entry.mean is not None]
    standings = {key: line.standing for key, line in lines.items() if line.standing is not None}
    ends = [end for s in standings.values() for end in (s.low, s.high)] or [0, 10_000]
    low = min(ends) // 1000 * 10
    high = max(-(-max(ends) // 1000) * 10, low + 10)
    step = max(10, (high - low) // 40 * 10)
    money = None
    if 0 < order.line < len(ranked):
        money = ((ranked[order.line - 1].entry.mean or 0) + (ranked[order.line].entry.mean or 0)) / 200
    dots = {}
    for row in ranked:
        standing = standings.get(row.entry.key)
        if standing is None:
            continue
        ends_here = (standing.low / 100, standing.high / 100)
        near = money is not None and ends_here[0] <= money <= ends_here[1]
        dots[row.entry.key] = (
            standing.mean / 100,
            ends_here,
            "near" if near else "" if row.where == "above" else "out",
        )
    return Plot(low, high, tuple(range(low, high + 1, step)), money, dots)


def decisions_of(line: Line, actor: Actor) -> list[Move]:
    """The moves by which this actor may decide on a ranked application; whether each may be made, its page
    says."""
    if line.case.stage != Stage.DECISION:
        return []
    workflow = definitions.pinned(line.case.workflow_hash)
    roles = actor.roles_on(line.case) & {"chair"}
    return [
        move
        for move in workflow.moves_from(line.case.state)
        if not move.hidden and "scoring.decide" in move.effects and roles & set(move.roles)
    ]
