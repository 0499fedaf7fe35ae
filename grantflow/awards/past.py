"""Owns the outcome of an application of a past call: awarded with a sum, or declined, as a register tells it.

The stage of submissions imports applications and may not know of awards: it fires the definition's moves "award" and
"decline", and the definition names the guard and the effect that stand here. Making grants that are paid is `service`'s.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import insert, select

from grantflow.awards.models import PastOutcome
from grantflow.cases import words
from grantflow.cases.context import Context
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Refused
from grantflow.money import LARGEST_MINOR, Money
from grantflow.submissions.models import Application

words.fact(decided_on=_("Decided on"), amount=_("Amount"))


def currency_of(application_id: int) -> str:
    """The currency an application counts in."""
    return session().execute(select(Application.currency).where(Application.case_id == application_id)).scalar_one()


@registry.guard("awards.sum_is_told")
def sum_is_told(ctx: Context) -> Verdict:
    """An award names its sum in the call's currency: 0 is one, and one above what was asked for is one too."""
    if ctx.asking:
        return YES
    amount = ctx.payload.get("amount")
    if not isinstance(amount, Money):
        return no(_("Write the sum that was awarded; 0 where nothing was."))
    if amount.currency != (wanted := currency_of(ctx.case.id)):
        return no(_("The call counts in %(wanted)s, not in %(given)s.", wanted=wanted, given=amount.currency))
    return YES if 0 <= amount.minor <= LARGEST_MINOR else no(_("This sum cannot be right."))


@registry.effect("awards.note_outcome")
def note_outcome(ctx: Context) -> None:
    """Keep what became of it, with the sum and the day of the decision where the register has one."""
    if ctx.actor.person_id is None:
        raise Refused(_("An outcome is noted by a person."))
    stage = ctx.workflow.state(str(ctx.move.to)).stage
    awarded = stage == Stage.AWARD
    amount: Money | None = ctx.payload.get("amount") if awarded else None
    on: date | None = ctx.payload.get("on")
    ctx.session.execute(
        insert(PastOutcome).values(
            case_id=ctx.case.id,
            stage=ctx.case.stage,
            kind="awarded" if awarded else "declined",
            amount_minor=None if amount is None else amount.minor,
            currency=amount.currency if amount is not None else currency_of(ctx.case.id),
            decided_on=on,
            noted_by_id=ctx.actor.person_id,
            noted_at=ctx.now,
        )
    )
    facts: dict[str, Any] = {"amount": amount, "decided_on": on, **(ctx.payload.get("origin") or {})}
    for name, value in facts.items():
        if value is not None:
            ctx.fact(name, value)
