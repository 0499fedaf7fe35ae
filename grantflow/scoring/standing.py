"""What an application stands at: the reviews that count, their mean and spread, kept when it enters the
ranking.

A review counts when it is submitted, by a member whose declaration is "none". Writing needs a unit of work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, insert, or_, select, update

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.models import Case
from grantflow.db import session, writing
from grantflow.engine.definition import Stage
from grantflow.programmes.terms import Rubric
from grantflow.scoring import ranking
from grantflow.scoring.models import Interest, Review, Standing

_REVIEWS = Review.__table__
_STANDINGS = Standing.__table__
_INTERESTS = Interest.__table__
_CASES = Case.__table__
SENT = ("submitted", "locked")


def open_for_reviews(case: Any) -> bool:
    """Whether members score it now: its state has a move that locks reviews. A name of a state says
    nothing."""
    if case.workflow_hash is None or case.stage != Stage.SCORING:
        return False
    moves = definitions.pinned(case.workflow_hash).moves_from(case.state)
    return any("scoring.lock_reviews" in move.effects for move in moves)


def open_now() -> ColumnElement[bool]:
    """SQL on cases: whether members score it now, by the same rule, asked of every definition that is kept."""
    cards = [
        (workflow.content_hash, state.name)
        for workflow in definitions.kept()
        for state in workflow.states
        if any("scoring.lock_reviews" in move.effects for move in workflow.moves_from(state.name))
    ]
    here = (and_(_CASES.c.workflow_hash == number, _CASES.c.state == state) for number, state in cards)
    return and_(_CASES.c.stage == Stage.SCORING, or_(false(), *here))


def counts(review: Any = _REVIEWS) -> ColumnElement[bool]:
    """SQL on reviews: whether a review counts."""
    from grantflow.scoring.interests import has_interest

    return and_(review.c.status.in_(SENT), ~has_interest(review.c.case_id, review.c.person_id))


def counted(case_ids: Iterable[int]) -> dict[int, dict[int, int]]:
    """The totals that count, in hundredths, by application and member."""
    rows = session().execute(
        select(_REVIEWS.c.case_id, _REVIEWS.c.person_id, _REVIEWS.c.total)
        .where(_REVIEWS.c.case_id.in_(tuple(case_ids)), counts())
        .order_by(_REVIEWS.c.case_id, _REVIEWS.c.person_id)
    )
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for row in rows:
        found[row.case_id][row.person_id] = row.total
    return dict(found)


def exact(totals: Iterable[int]) -> list[Fraction]:
    """Stored totals as exact points of a hundred."""
    return [Fraction(total, 100) for total in totals]


def mean(totals: Sequence[int]) -> int | None:
    """The mean of stored totals in hundredths; of none there is none."""
    found = ranking.mean(exact(totals))
    return None if found is None else ranking.hundredths(found)


def total(points: Mapping[str, Decimal], rubric: Rubric) -> int | None:
    """The total of a review in hundredths; None while a criterion is missing."""
    found = ranking.total(points, {c.code: c.weight for c in rubric.criteria}, rubric.max)
    return None if found is None else ranking.hundredths(found)


def running(points: Mapping[str, Decimal], rubric: Rubric) -> int:
    """What the points given so far bring, in hundredths."""
    weights = {c.code: c.weight for c in rubric.criteria}
    return ranking.hundredths(ranking.running_total(points, weights, rubric.max))


def mean_of(case_id: int) -> int | None:
    """The mean in the ranking, in hundredths; None where it is not ranked."""
    return session().scalar(select(_STANDINGS.c.mean).where(_STANDINGS.c.case_id == case_id))


def put(case_id: int) -> Any | None:
    """Write what the application stands at now; gives back the values, or None where nobody's review
    counts."""
    current = writing()
    totals = list(counted([case_id]).get(case_id, {}).values())
    known = mean_of(case_id) is not None
    if not totals:
        drop(case_id)
        return None
    values = {
        "mean": mean(totals),
        "low": min(totals),
        "high": max(totals),
        "reviews": len(totals),
        "ranked_at": clock.now(),
    }
    if known:
        current.execute(update(_STANDINGS).where(_STANDINGS.c.case_id == case_id).values(values))
    else:
        call_id = current.scalar(select(_CASES.c.call_id).where(_CASES.c.id == case_id))
        current.execute(insert(_STANDINGS).values(case_id=case_id, call_id=call_id, **values))
    return values


def drop(case_id: int) -> None:
    """Take an application out of the ranking."""
    writing().execute(delete(_STANDINGS).where(_STANDINGS.c.case_id == case_id))


def settle(case_id: int) -> bool:
    """Count a ranked application's mean anew after a review was set aside; whether it was ranked at all."""
    if mean_of(case_id) is None:
        return False
    put(case_id)
    return True
