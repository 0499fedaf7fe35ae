"""The guards of a tranche: what must be true before it moves, each refusal a sentence with its numbers and
dates.

Gates that the page shows too are judged in `gates`; what a move then does is in `paying` and `service`.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow import clock
from grantflow.awards.queries import award, award_case, zone_of
from grantflow.awards.words import day, money
from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.disbursements import gates
from grantflow.disbursements.accounts import waiting_of
from grantflow.disbursements.models import Payment
from grantflow.disbursements.queries import awaited, of_award, tranche
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.history.models import PrivateValue
from grantflow.money import Money
from grantflow.rendering import clean_text

LONGEST_REFERENCE = 60


def suspension(award_id: int) -> Any:
    """The sentence that names a grant's suspension, or None while it is not suspended."""
    row = award_case(award_id)
    if row.state != "suspended":
        return None
    kept = session().scalar(
        select(PrivateValue.value).where(
            PrivateValue.case_id == row.id, PrivateValue.seq == row.since_seq, PrivateValue.name == "reason"
        )
    )
    since = day(row.since_at, zone=zone_of(row.programme_id))
    if kept:
        return _(
            "The grant is suspended since %(day)s: no tranche can move. The reason given: “%(reason)s”",
            day=since,
            reason=json.loads(kept),
        )
    return _("The grant is suspended since %(day)s: no tranche can move.", day=since)


@registry.guard("disbursements.award_active")
def award_active(ctx: Context) -> Verdict:
    """The grant is running: not suspended, not ended."""
    one = tranche(ctx.case.id)
    if (told := suspension(one.award_id)) is not None:
        return no(told)
    if award_case(one.award_id).stage not in ("disbursement", "followup"):
        return no(_("The grant is not running: nothing can be paid from it."))
    return YES


@registry.guard("disbursements.gates_open")
def gates_open(ctx: Context) -> Verdict:
    """Agreement signed, report accepted, tranche before paid, account named and not being changed: the first that is
    missing is the answer."""
    one = tranche(ctx.case.id)
    row = award(one.award_id)
    report = awaited([one], {row.case_id: row}).get(one.case_id)
    change = waiting_of([row.case_id]).get(row.case_id)
    for gate in gates.gates(one, row, report, of_award(row.case_id), change):
        if not gate.ok:
            return no(gate.words)
    return YES


@registry.guard("disbursements.previous_paid")
def previous_paid(ctx: Context) -> Verdict:
    """A tranche falls due only after those before it are paid."""
    one = tranche(ctx.case.id)
    gate = gates.previous(one, of_award(one.award_id))
    return YES if gate is None or gate.ok else no(gate.words)


@registry.guard("disbursements.within_available")
def within_available(ctx: Context) -> Verdict:
    """Available = awarded − paid − planned elsewhere; the refusal shows the formula with its numbers."""
    one = tranche(ctx.case.id)
    gate = gates.balance(one, award(one.award_id), of_award(one.award_id))
    return YES if gate.ok else no(gate.words)


@registry.guard("disbursements.sum_repeated")
def sum_repeated(ctx: Context) -> Verdict:
    """Whoever approves first types the sum once more (payload: amount_minor, in the tranche's currency)."""
    if ctx.asking:
        return YES
    one = tranche(ctx.case.id)
    typed = ctx.payload.get("amount_minor")
    if type(typed) is not int:
        return no(_("Type the sum once more: %(sum)s.", sum=money(one.amount)))
    given = Money(typed, str(ctx.payload.get("currency") or one.currency))
    if given == one.amount:
        return YES
    return no(
        _(
            "You typed %(typed)s, and the tranche is %(sum)s. Compare them, then type the sum once more.",
            typed=money(given),
            sum=money(one.amount),
        )
    )


@registry.guard("disbursements.payment_stated")
def payment_stated(ctx: Context) -> Verdict:
    """The bank's reference and the day it booked (payload: bank_ref, booked_on): not to come, not used
    before."""
    if ctx.asking:
        return YES
    one = tranche(ctx.case.id)
    reference = read_reference(ctx.payload.get("bank_ref"))
    if not reference:
        return no(_("Write the bank’s reference, in at most %(num)s characters.", num=LONGEST_REFERENCE))
    booked_on = ctx.payload.get("booked_on")
    if type(booked_on) is not date:
        return no(_("Write the day on which the bank booked the payment."))
    zone = zone_of(ctx.case.programme_id)
    if booked_on > clock.today(zone):
        return no(
            _(
                "%(day)s has not come yet: write the day on which the bank booked the payment.",
                day=day(booked_on),
            )
        )
    signed_on = award(one.award_id).signed_on
    if signed_on is not None and booked_on < signed_on:
        return no(
            _(
                "On %(day)s the agreement was not signed yet (%(signed)s). Look at the day once more.",
                day=day(booked_on),
                signed=day(signed_on),
            )
        )
    used = reference_used(reference)
    if used is None:
        return YES
    return no(
        _(
            "The reference %(reference)s was used for %(tranche)s on %(day)s. Look at the bank’s paper once more.",
            reference=reference,
            tranche=used[0],
            day=day(used[1]),
        )
    )


def reference_used(reference: str) -> tuple[str, date, int] | None:
    """For which tranche (its number, the day booked, its case) a bank's reference was used already; None if
    for none."""
    used = (
        session()
        .execute(
            select(Case.ref, Payment.booked_on, Case.id)
            .join(Case, Case.id == Payment.tranche_id)
            .where(Payment.kind == "payment", Payment.bank_ref == reference)
        )
        .first()
    )
    return None if used is None else (used[0] or "", used[1], used[2])


def read_reference(typed: Any) -> str:
    """A bank's reference on one line, or an empty text where it is missing or too long."""
    words = " ".join(clean_text(typed if isinstance(typed, str) else "").split())
    return words if len(words) <= LONGEST_REFERENCE else ""


@registry.guard("disbursements.reversible")
def reversible(ctx: Context) -> Verdict:
    """A payment of a grant that has ended is not touched again; until then the bank may send it back."""
    if award_case(tranche(ctx.case.id).award_id).stage == "closed":
        return no(_("The grant is closed; its books are not opened again."))
    return YES


@registry.guard("disbursements.all_paid")
def all_paid(ctx: Context) -> Verdict:
    """The whole grant is paid."""
    row = award(ctx.case.id)
    if row.paid == row.amount:
        return YES
    return no(_("%(paid)s of %(sum)s is paid.", paid=money(row.paid), sum=money(row.amount)))
