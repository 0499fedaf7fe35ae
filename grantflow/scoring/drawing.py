"""What the ranking page draws and offers: the axis of its plot column, each row's dot with its spread, the
moves of a row.

Geometry is in `grantflow.plots`; the order and the money line come from `ranking`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from grantflow.cases import definitions
from grantflow.engine.definition import Move, Stage
from grantflow.identity.access import Actor
from grantflow.scoring.queries import Line
from grantflow.scoring.ranking import Ranked, Ranking


@dataclass(frozen=True)
class Plot:
    """The axis in points of a hundred, and where the money line crosses it."""

    low: int
    high: int
    ticks: tuple[int, ...]
    line: float | None


def plot_of(order: Ranking, rows: Iterable[Any]) -> Plot:
    """The plot column: an axis that holds every mark of these rows (`low` and `high`, nothing where they are not ranked),
    and the line midway between the last above it and the next."""
    ranked = [row for row in order.rows if row.entry.mean is not None]
    ends = [end for row in rows if row.low is not None for end in (row.low, row.high)] or [0, 10_000]
    low = min(ends) // 1000 * 10
    high = max(-(-max(ends) // 1000) * 10, low + 10)
    step = max(10, (high - low) // 40 * 10)
    money = None
    if 0 < order.line < len(ranked):
        money = ((ranked[order.line - 1].entry.mean or 0) + (ranked[order.line].entry.mean or 0)) / 200
    return Plot(low, high, tuple(range(low, high + 1, step)), money)


def near(plot: Plot, row: Any) -> bool:
    """Whether a row's readers stand on both sides of the money line."""
    return plot.line is not None and row.low is not None and bool(row.low / 100 <= plot.line <= row.high / 100)


def dot_of(plot: Plot, row: Ranked, standing: Any) -> tuple[float, tuple[float, float], str]:
    """A row's dot: mean, (lowest, highest) total, and the tone: above, near or out."""
    tone = "near" if near(plot, standing) else "" if row.where == "above" else "out"
    return standing.mean / 100, (standing.low / 100, standing.high / 100), tone


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
