"""Owns the sums of a programme: what was applied for and what was awarded, by district and by who leads the work.

It changes nothing. A grant that is decided and not offered yet is sealed: it is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import aliased

from grantflow.awards.models import Award, PastOutcome
from grantflow.awards.queries import HELD
from grantflow.awards.regrant_models import CallFunding
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.money import Money
from grantflow.programmes.models import Place
from grantflow.submissions.models import LEADERS, Application


@dataclass(frozen=True)
class Sum:
    """One line: what it is of, how many applied for how much, how many were awarded how much."""

    of: Any
    """A place, the code of who leads, or None for all."""
    applied: int
    asked: Money
    granted: int
    awarded: Money


@dataclass(frozen=True)
class Totals:
    """The sums of a programme. `by_leader` is empty where no form asks who leads."""

    by_place: tuple[Sum, ...]
    by_leader: tuple[Sum, ...]
    whole: Sum


def totals(programme_id: int, currency: str) -> Totals:
    """What was sent in all calls of a programme and what came of it, in one query and one for the places' names.

    An application counts with what it asked for when it was sent last, whatever became of it. Awarded is what grants
    hold (of ended ones what was paid), and what registers tell of past calls. What a grant passed on in the same
    programme and currency counts where it went, and not where it came from: so the whole is the money, once.
    """
    offered = Award.stage != Stage.PREPARATION
    noted = PastOutcome.kind == "awarded"
    rows = session().execute(
        select(
            Application.district_id,
            Application.led_by,
            func.count(),
            func.sum(Application.asked_minor),
            func.sum(case((offered | noted, 1), else_=0)),
            func.sum(case((noted, PastOutcome.amount_minor), (offered, HELD - _passed_on()), else_=0)),
        )
        .join(Case, Case.id == Application.case_id)
        .outerjoin(Award, Award.application_id == Application.case_id)
        .outerjoin(PastOutcome, PastOutcome.case_id == Application.case_id)
        .where(
            Case.programme_id == programme_id,
            Application.submitted_version.is_not(None),
            Application.currency == currency,
        )
        .group_by(Application.district_id, Application.led_by)
    )
    found = [(place, leader, *map(int, counted)) for place, leader, *counted in rows]
    places = {
        place.id: place
        for place in session().scalars(select(Place).where(Place.id.in_({row[0] for row in found})).order_by(Place.id))
    }
    by_place = [_sum(place, [row for row in found if row[0] == number], currency) for number, place in places.items()]
    leaders = [
        _sum(leader, [row for row in found if row[1] == leader], currency)
        for leader in (*LEADERS, None)
        if any(row[1] == leader for row in found)
    ]
    asked = any(row[1] is not None for row in found)
    return Totals(tuple(by_place), tuple(leaders) if asked else (), _sum(None, found, currency))


def _passed_on() -> Any:
    """SQL on awards: what their child grants of the same programme and currency hold."""
    child = aliased(Award)
    held = case((child.terminated_at.is_not(None), child.paid_minor), else_=child.amount_minor)
    return (
        select(func.coalesce(func.sum(held), 0))
        .join(CallFunding, CallFunding.call_id == child.call_id)
        .where(
            CallFunding.award_id == Award.case_id,
            child.programme_id == Award.programme_id,
            child.currency == Award.currency,
            child.stage != Stage.PREPARATION,
        )
        .correlate(Award)
        .scalar_subquery()
    )


def _sum(of: Any, rows: Iterable[tuple[Any, ...]], currency: str) -> Sum:
    rows = list(rows)
    applied, asked, granted, awarded = (sum(row[at] for row in rows) for at in range(2, 6))
    return Sum(of, applied, Money(asked, currency), granted, Money(awarded, currency))
