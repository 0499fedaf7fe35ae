"""The page of a ranking: the order of all applications over columns alone, one page of it in full, the money line on it.

Order and money line are counted in `ranking`, read by `decisions`; the plot is drawn by `drawing`. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.identity.access import Actor
from grantflow.money import Money
from grantflow.paging import Page
from grantflow.scoring import drawing
from grantflow.scoring.boards import NAMED
from grantflow.scoring.decisions import ranking_of
from grantflow.scoring.models import Standing
from grantflow.scoring.queries import Line, Sheet, lines_of
from grantflow.scoring.ranking import Ranked, Ranking

PAGE = 50
_C, _S = Case.__table__.c, Standing.__table__.c


@dataclass(frozen=True)
class Ordered:
    """A panel's ranking as one reader sees it: a page of rows, and what is said of the whole on every page."""

    order: Ranking
    rows: tuple[Ranked, ...]
    page: Page
    lines: Mapping[int, Line]
    plot: drawing.Plot
    hidden: int
    """Counted, so that the line is true, but not shown: the reader declared an interest in them."""
    waiting: int
    waiting_refs: tuple[str, ...]
    doubtful: int
    """Applications whose readers stand on both sides of the money line."""
    doubtful_refs: tuple[str, ...]
    line_after: int | None
    """The application under which the money line is drawn; none while nothing stands below the line."""
    line_first: bool
    """The money line stands above all rows."""
    line_page: int | None
    """The page on which it is drawn; none where it is not."""
    ranked: int
    """How many are ranked in all, those not shown included."""
    together: Money
    """What all ranked applications take, those that are out left out."""
    above: Money
    """What those above the line take."""


def page_of(sheet: Sheet, actor: Actor, number: int | None = 1) -> Ordered:
    """A page of the panel's ranking, None the whole. The order is over all applications, whatever is shown of it."""
    order = ranking_of(sheet.call.case_id)
    seen = {row.id: row for row in _seen(sheet.id, actor)}
    ranked = [row for row in order.rows if row.place is not None]
    rows = [row for row in ranked if row.entry.key in seen]
    page = Page(number or 1, len(rows), PAGE if number else max(len(rows), 1))
    shown = rows[page.rows]
    waiting = [row for row in seen.values() if row.stage == Stage.SCORING]
    plot = drawing.plot_of(order, seen.values())
    doubtful = [row for row in rows if drawing.near(plot, seen[row.entry.key])]
    below = len(ranked) > order.line
    above = [n for n, row in enumerate(rows) if row.where == "above"]
    line_first = below and not above and bool(rows)
    currency = sheet.call.currency
    return Ordered(
        order,
        tuple(shown),
        page,
        lines_of([row.entry.key for row in shown], actor),
        plot,
        sum(1 for row in order.rows if row.entry.key not in seen),
        len(waiting),
        tuple(row.ref for row in waiting[:NAMED]),
        len(doubtful),
        tuple(seen[row.entry.key].ref for row in doubtful[:NAMED]),
        rows[above[-1]].entry.key if above and below else None,
        line_first,
        page.holding(above[-1]) if above and below else 1 if line_first else None,
        len(ranked),
        Money(ranked[-1].running_minor or 0 if ranked else 0, currency),
        Money(order.used_minor, currency),
    )


def _seen(panel_id: int, actor: Actor) -> Any:
    """What the order and the plot need of every application of the panel that this actor may see, by number."""
    found = session().execute(
        select(_C.id, _C.ref, _C.stage, _S.low, _S.high)
        .outerjoin(Standing.__table__, _S.case_id == _C.id)
        .where(_C.kind == "application", _C.panel_id == panel_id, visible_to(actor))
        .order_by(_C.ref, _C.id)
    )
    return found.all()
