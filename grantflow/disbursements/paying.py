"""Approving and paying: who gave their hand, the ledger that only grows, and the award's sum that follows it.

Whether a move may be made is judged in `rules`; what it sets going elsewhere is in `flow`.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.awards.queries import award, zone_of
from grantflow.awards.words import instalment_both
from grantflow.cases.context import Context
from grantflow.db import session
from grantflow.disbursements.flow import finish, wake_next
from grantflow.disbursements.models import Payment, Tranche
from grantflow.disbursements.queries import tranche
from grantflow.disbursements.rules import read_reference
from grantflow.engine.registry import registry
from grantflow.errors import Refused
from grantflow.money import Money


def _told(ctx: Context, one: Tranche) -> None:
    ctx.fact("instalment", f"{one.n}/{one.of}")
    ctx.fact("amount", one.amount)
    ctx.param("amount", one.amount)
    ctx.param("number", instalment_both(one.n, one.of))


@registry.effect("disbursements.prepare")
def prepare(ctx: Context) -> None:
    """Somebody has looked at agreement, report, account and balance; what they saw stands in the event."""
    one = tranche(ctx.case.id)
    one.prepared_by_id, one.prepared_at = ctx.actor.person_id, ctx.now
    ctx.session.flush()
    _told(ctx, one)
    ctx.fact("account_ends", award(one.award_id).account_end)


@registry.effect("disbursements.approve_first")
def approve_first(ctx: Context) -> None:
    """The first of two persons approves the sum."""
    one = tranche(ctx.case.id)
    one.first_by_id, one.first_at = ctx.actor.person_id, ctx.now
    ctx.session.flush()
    _told(ctx, one)


@registry.effect("disbursements.approve_second")
def approve_second(ctx: Context) -> None:
    """The second of two persons approves; the database itself refuses whoever prepared or approved first."""
    one = tranche(ctx.case.id)
    one.second_by_id, one.second_at = ctx.actor.person_id, ctx.now
    ctx.session.flush()
    _told(ctx, one)


@registry.effect("disbursements.withdraw_approvals")
def withdraw_approvals(ctx: Context) -> None:
    """Every approval falls; whoever gave one is told. A payment sent back leaves the tranche, not the
    ledger."""
    one = tranche(ctx.case.id)
    given = {"prepared": one.prepared_by_id, "first": one.first_by_id, "second": one.second_by_id}
    ctx.fact("withdrawn_from", {name: person_id for name, person_id in given.items() if person_id is not None})
    one.paid_on = one.bank_ref = one.paid_by_id = one.returned_on = None
    one.second_by_id = one.second_at = one.first_by_id = one.first_at = None
    one.prepared_by_id = one.prepared_at = None
    ctx.session.flush()
    _told(ctx, one)
    people = [person_id for person_id in given.values() if person_id is not None and person_id != ctx.actor.person_id]
    if people:
        ctx.notify("approval_withdrawn", people)


@registry.effect("disbursements.pay")
def pay(ctx: Context) -> None:
    """The bank has paid: a line in the ledger, the award's sum with it, the next tranche woken, the grant
    completed."""
    one = tranche(ctx.case.id)
    reference, booked_on = read_reference(ctx.payload["bank_ref"]), ctx.payload["booked_on"]
    ctx.session.add(
        Payment(
            award_id=one.award_id,
            tranche_id=one.case_id,
            kind="payment",
            amount_minor=one.amount_minor,
            currency=one.currency,
            booked_on=booked_on,
            bank_ref=reference,
            at=ctx.now,
            person_id=ctx.actor.person_id,
        )
    )
    one.paid_on, one.bank_ref, one.paid_by_id, one.returned_on = (
        booked_on,
        reference,
        ctx.actor.person_id,
        None,
    )
    try:
        ctx.session.flush()
    except IntegrityError:  # another tranche took the reference between the guard and here
        raise Refused(
            _("The reference %(reference)s has just been used for another tranche.", reference=reference)
        ) from None
    _book(ctx, one.award_id, paid=one.amount_minor)
    _told(ctx, one)
    ctx.fact("bank_ref", reference)
    ctx.fact("booked_on", booked_on)
    wake_next(ctx, one.award_id)
    finish(ctx, one.award_id)


@registry.effect("disbursements.reverse")
def reverse(ctx: Context) -> None:
    """The bank sent the money back: the payment is reversed by a line of its own, never edited."""
    one = tranche(ctx.case.id)
    payment = ctx.session.scalars(
        select(Payment).where(Payment.tranche_id == one.case_id, Payment.kind == "payment").order_by(Payment.id.desc())
    ).first()
    if payment is None:
        raise Refused(_("The ledger holds no payment of this tranche."))
    today = clock.today(zone_of(ctx.case.programme_id))
    ctx.session.add(
        Payment(
            award_id=one.award_id,
            tranche_id=one.case_id,
            kind="reversal",
            amount_minor=-payment.amount_minor,
            currency=payment.currency,
            booked_on=today,
            bank_ref=payment.bank_ref,
            at=ctx.now,
            person_id=ctx.actor.person_id,
            reverses_id=payment.id,
        )
    )
    one.returned_on = today
    ctx.session.flush()
    _book(ctx, one.award_id, paid=-payment.amount_minor, returned=payment.amount_minor)
    _told(ctx, one)
    ctx.fact("bank_ref", payment.bank_ref)


def _book(ctx: Context, award_id: int, *, paid: int, returned: int = 0) -> None:
    """Bring the award's sums to what the ledger says, by a statement that no other transaction can come
    between."""
    ctx.session.execute(
        update(Award)
        .where(Award.case_id == award_id)
        .values(paid_minor=Award.paid_minor + paid, returned_minor=Award.returned_minor + returned)
        .execution_options(synchronize_session=False)
    )
    row = award(award_id)
    ctx.session.refresh(row)
    ctx.change("paid", Money(row.paid_minor - paid, row.currency), row.paid)


def ledger_sum(award_id: int) -> int:
    """What the ledger of an award adds up to, in minor units: equal to its `paid_minor`, always."""
    found = session().scalar(select(func.sum(Payment.amount_minor)).where(Payment.award_id == award_id))
    return int(found or 0)
