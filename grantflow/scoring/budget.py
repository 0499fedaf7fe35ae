"""What of a call's budget its awards take, and what is left for one application more.

Whether an award may be made is in `guards`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select

from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.money import Money
from grantflow.programmes.models import Call
from grantflow.scoring.models import Decision
from grantflow.submissions.models import Application

_CASES = Case.__table__
_DECISIONS = Decision.__table__


@dataclass(frozen=True)
class Limits:
    """The sums between which an award lies."""

    asked: Money
    left: Money


def amount_of(payload: dict[str, Any], application: Application) -> int | None:
    """The sum of a decision in minor units: `amount_minor`, or `amount` as Money; what was asked where none
    is named."""
    given = payload.get("amount_minor", payload.get("amount"))
    if given is None:
        return application.asked_minor
    if isinstance(given, Money):
        return given.minor if given.currency == application.currency else None
    return given if type(given) is int else None


def given_back() -> Any:
    """SQL on decisions: whether the grant was refused or let expire before anything of it was to be paid."""
    award, child = _CASES.alias("award"), _CASES.alias("child")
    return exists().where(
        award.c.parent_id == _DECISIONS.c.case_id,
        award.c.kind == "award",
        award.c.stage == Stage.REFUSED,
        ~exists().where(child.c.parent_id == award.c.id, child.c.kind == "tranche"),
    )


def committed(call_id: int, but: int | None = None) -> int:
    """What the call's awards take of its budget, in minor units.

    An award that its applicant refused or let expire, before anything was planned to be paid, gives its money
    back.
    """
    query = select(func.coalesce(func.sum(_DECISIONS.c.amount_minor), 0)).where(
        _DECISIONS.c.call_id == call_id, _DECISIONS.c.kind == "awarded", ~given_back()
    )
    if but is not None:
        query = query.where(_DECISIONS.c.case_id != but)
    return int(session().execute(query).scalar_one())


def limits(case_id: int) -> Limits:
    """What was asked, and what is left of the call's budget, never below nothing."""
    application = session().get_one(Application, case_id)
    call = session().get_one(Call, application.call_id)
    left = max(call.budget_minor - committed(call.case_id), 0)
    return Limits(Money(application.asked_minor or 0, call.currency), Money(left, call.currency))
