"""Tranches planned with a grant and cancelled with its end. Guards are in `rules`, approving and paying in
`paying`.

Both are brought in here, so that definitions find what they name; sharing and months are in `schedule`.
"""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import lazy_gettext as _

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.awards.queries import award, terms_of, zone_of
from grantflow.cases import deadlines
from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import lock_parts
from grantflow.db import session
from grantflow.disbursements import account_desk as _account_desk
from grantflow.disbursements import asking
from grantflow.disbursements import paying as _paying
from grantflow.disbursements import rules as _rules
from grantflow.disbursements.flow import fall_back, finish, may_fire, wake_for_report
from grantflow.disbursements.models import Tranche
from grantflow.disbursements.paying import ledger_sum
from grantflow.disbursements.queries import of_award, tranche
from grantflow.disbursements.rules import suspension
from grantflow.disbursements.schedule import shares
from grantflow.engine.registry import registry
from grantflow.errors import Refused
from grantflow.money import Money
from grantflow.programmes.parts import add_period
from grantflow.programmes.queries import workflow_for

OFFICE_OPENS = 9


@registry.effect("disbursements.plan")
def plan(ctx: Context) -> None:
    """Open the tranches of the call's plan: exact shares of the grant, each with its date and condition."""
    row = award(ctx.case.id)
    if row.starts_on is None:
        raise Refused(_("The agreement says no day on which the grant starts."))
    terms = terms_of(row)
    sums = shares(row.amount, [part.percent for part in terms.tranches])
    for n, (part, amount) in enumerate(zip(terms.tranches, sums, strict=True), start=1):
        base = row.starts_on
        if part.after != "agreement":
            report = terms.report(part.after.partition(":")[2])
            base = add_period(base, report.due) if report is not None else base
        _open_tranche(ctx, row, n, len(sums), amount, add_period(base, part.due), part.condition)
    ctx.fact("tranches", [{"n": n, "amount": amount} for n, amount in enumerate(sums, start=1)])


def _open_tranche(ctx: Context, row: Award, n: int, of: int, amount: Money, due_on: date, condition: str) -> None:
    case = ctx.open(
        "tranche",
        actor=ctx.actor,
        role=ctx.role,
        title=f"{ctx.case.title[:380]} · {n}/{of}",
        workflow=workflow_for(ctx.case.programme_id, "tranche"),
        ref=f"{row.number}-T{n}",
        facts={"instalment": f"{n}/{of}", "amount": amount, "due_on": due_on, "condition": condition},
    )
    ctx.session.add(
        Tranche(
            case_id=case.id,
            stage=case.stage,
            award_id=row.case_id,
            n=n,
            of=of,
            amount_minor=amount.minor,
            currency=amount.currency,
            due_on=due_on,
            condition=condition,
        )
    )
    ctx.session.flush()
    deadlines.reckon(case.id)


def bind_report(award_id: int, code: str, report_case_id: int) -> None:
    """Tell the tranches that wait for a report of the plan which case it is, now that it is planned."""
    for one in of_award(award_id):
        if one.report == code:
            one.condition_case_id = report_case_id
    session().flush()


@registry.deadline_source("disbursements.due_at")
def due_at(ctx: Context) -> datetime:
    """The morning of the day a tranche is due, in the programme's zone."""
    one = tranche(ctx.case.id)
    return clock.local(one.due_on, OFFICE_OPENS, 0, zone_of(ctx.case.programme_id))


@registry.effect("disbursements.cancel_unpaid")
def cancel_unpaid(ctx: Context) -> None:
    """The end of a grant cancels every tranche that is not paid, and other bank details that wait; what was paid stays in
    the books."""
    lock_parts(Case.parent_id == ctx.case.id)
    row, cancelled = award(ctx.case.id), Money(0, award(ctx.case.id).currency)
    for one in of_award(row.case_id):
        if one.stage not in ("closed", "refused"):
            ctx.fire(one.case_id, "cancel", reason=ctx.reason)
            cancelled += one.amount
    ctx.fact("cancelled", cancelled)
    asking.lapse(ctx)


__all__ = [
    "_account_desk",
    "_paying",
    "_rules",
    "bind_report",
    "fall_back",
    "finish",
    "ledger_sum",
    "may_fire",
    "suspension",
    "wake_for_report",
]
