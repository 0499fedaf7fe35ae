"""What happens to money: planned, prepared, approved by two, paid, sent back. Guards and effects of the tranche.

The ledger only grows, and `paid_minor` of the award is its sum, changed here in the same transaction as every line.
Gates as sentences are in `gates`; sharing and months are in `schedule`.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from flask_babel import gettext, lazy_gettext as _
from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.awards.queries import award, award_case, terms_of, zone_of
from grantflow.awards.words import day, instalment, instalment_both, money
from grantflow.cases import deadlines, definitions
from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import ask
from grantflow.db import session
from grantflow.disbursements import gates
from grantflow.disbursements.models import Payment, Tranche
from grantflow.disbursements.queries import awaited, gates_of, of_award, tranche
from grantflow.disbursements.schedule import shares
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Refused
from grantflow.history.models import PrivateValue
from grantflow.identity.access import SYSTEM
from grantflow.money import Money
from grantflow.programmes.parts import add_period
from grantflow.programmes.queries import workflow_for
from grantflow.rendering import clean_text

OFFICE_OPENS = 9
LONGEST_REFERENCE = 60


# ------------------------------------------------------------------------------------------------------- planning
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


def _open_tranche(
    ctx: Context, row: Award, n: int, of: int, amount: Money, due_on: date, condition: str
) -> None:
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
            case_id=case.id, stage=case.stage, award_id=row.case_id, n=n, of=of, amount_minor=amount.minor,
            currency=amount.currency, due_on=due_on, condition=condition,
        )
    )  # fmt: skip
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
    """The end of a grant cancels every tranche that is not paid; what was paid stays in the books."""
    row, cancelled = award(ctx.case.id), Money(0, award(ctx.case.id).currency)
    for one in of_award(row.case_id):
        if one.stage not in ("closed", "refused"):
            ctx.fire(one.case_id, "cancel", reason=ctx.reason)
            cancelled += one.amount
    ctx.fact("cancelled", cancelled)


# --------------------------------------------------------------------------------------------------------- guards
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
            day=since, reason=json.loads(kept),
        )  # fmt: skip
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
    """Agreement signed, report accepted, tranche before paid, account named: the first that is missing is the answer."""
    one = tranche(ctx.case.id)
    row = award(one.award_id)
    report = awaited([one], {row.case_id: row}).get(one.case_id)
    for gate in gates.gates(one, row, report, of_award(row.case_id)):
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
        _("You typed %(typed)s, and the tranche is %(sum)s. Compare them, then type the sum once more.",
          typed=money(given), sum=money(one.amount))
    )  # fmt: skip


@registry.guard("disbursements.payment_stated")
def payment_stated(ctx: Context) -> Verdict:
    """The bank's reference and the day it booked (payload: bank_ref, booked_on): not to come, not used before."""
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
        return no(_("%(day)s has not come yet: write the day on which the bank booked the payment.", day=day(booked_on)))
    signed_on = award(one.award_id).signed_on
    if signed_on is not None and booked_on < signed_on:
        return no(_("On %(day)s the agreement was not signed yet (%(signed)s). Look at the day once more.",
                    day=day(booked_on), signed=day(signed_on)))  # fmt: skip
    used = reference_used(reference)
    if used is None:
        return YES
    return no(
        _(
            "The reference %(reference)s was used for %(tranche)s on %(day)s. Look at the bank’s paper once more.",
            reference=reference, tranche=used[0], day=day(used[1]),
        )
    )  # fmt: skip


def reference_used(reference: str) -> tuple[str, date, int] | None:
    """For which tranche (its number, the day booked, its case) a bank's reference was used already; None if for none."""
    used = session().execute(
        select(Case.ref, Payment.booked_on, Case.id)
        .join(Case, Case.id == Payment.tranche_id)
        .where(Payment.kind == "payment", Payment.bank_ref == reference)
    ).first()
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


# -------------------------------------------------------------------------------------------------------- approving
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
    """Every approval falls; whoever gave one is told. A payment sent back leaves the tranche, not the ledger."""
    one = tranche(ctx.case.id)
    given = {"prepared": one.prepared_by_id, "first": one.first_by_id, "second": one.second_by_id}
    for name, person_id in given.items():
        if person_id is not None:
            ctx.change(f"{name}_by", person_id, None)
    one.paid_on = one.bank_ref = one.paid_by_id = one.returned_on = None
    one.second_by_id = one.second_at = one.first_by_id = one.first_at = None
    one.prepared_by_id = one.prepared_at = None
    ctx.session.flush()
    _told(ctx, one)
    people = [person_id for person_id in given.values() if person_id is not None and person_id != ctx.actor.person_id]
    if people:
        ctx.notify("approval_withdrawn", people)


# ------------------------------------------------------------------------------------------------------------ paying
@registry.effect("disbursements.pay")
def pay(ctx: Context) -> None:
    """The bank has paid: a line in the ledger, the award's sum with it, the next tranche woken, the grant completed."""
    one = tranche(ctx.case.id)
    reference, booked_on = read_reference(ctx.payload["bank_ref"]), ctx.payload["booked_on"]
    ctx.session.add(
        Payment(
            award_id=one.award_id, tranche_id=one.case_id, kind="payment", amount_minor=one.amount_minor,
            currency=one.currency, booked_on=booked_on, bank_ref=reference, at=ctx.now, person_id=ctx.actor.person_id,
        )
    )  # fmt: skip
    one.paid_on, one.bank_ref, one.paid_by_id, one.returned_on = booked_on, reference, ctx.actor.person_id, None
    ctx.session.flush()
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
        select(Payment)
        .where(Payment.tranche_id == one.case_id, Payment.kind == "payment")
        .order_by(Payment.id.desc())
    ).first()
    if payment is None:
        raise Refused(_("The ledger holds no payment of this tranche."))
    today = clock.today(zone_of(ctx.case.programme_id))
    ctx.session.add(
        Payment(
            award_id=one.award_id, tranche_id=one.case_id, kind="reversal", amount_minor=-payment.amount_minor,
            currency=payment.currency, booked_on=today, bank_ref=payment.bank_ref, at=ctx.now,
            person_id=ctx.actor.person_id, reverses_id=payment.id,
        )
    )  # fmt: skip
    one.returned_on = today
    ctx.session.flush()
    _book(ctx, one.award_id, paid=-payment.amount_minor, returned=payment.amount_minor)
    _told(ctx, one)
    ctx.fact("bank_ref", payment.bank_ref)


def _book(ctx: Context, award_id: int, *, paid: int, returned: int = 0) -> None:
    """Bring the award's sums to what the ledger says, by a statement that no other transaction can come between."""
    ctx.session.execute(
        update(Award)
        .where(Award.case_id == award_id)
        .values(paid_minor=Award.paid_minor + paid, returned_minor=Award.returned_minor + returned)
        .execution_options(synchronize_session=False)
    )
    row = award(award_id)
    ctx.session.refresh(row)
    ctx.change("paid", Money(row.paid_minor - paid, row.currency), row.paid)


def wake_next(ctx: Context, award_id: int) -> None:
    """Let the next planned tranche fall due: its day has come, or the report it waited for is accepted.

    A deadline that found the tranche before it unpaid is over; this makes good for it.
    """
    waiting = next((t for t in of_award(award_id) if not t.is_paid and t.stage == "preparation"), None)
    if waiting is None or waiting.case_id == ctx.case.id:
        return
    case = session().execute(select(Case.__table__).where(Case.id == waiting.case_id)).one()
    row = award(award_id)
    report = awaited([waiting], {award_id: row}).get(waiting.case_id)
    ready = waiting.due_on <= clock.today(zone_of(case.programme_id)) or (report is not None and report.accepted)
    if ready and may_fire(case, "fall_due"):
        ctx.fire(case.id, "fall_due")


def wake_for_report(ctx: Context, award_id: int, report_case_id: int) -> None:
    """The report a tranche waited for is being accepted: it falls due, if those before it are paid."""
    for one in of_award(award_id):
        if one.condition_case_id == report_case_id and one.stage == "preparation":
            case = session().execute(select(Case.__table__).where(Case.id == one.case_id)).one()
            if award_case(award_id).state == "active" and may_fire(case, "fall_due"):
                ctx.fire(case.id, "fall_due")


def fall_back(ctx: Context, report_case_id: int, ref: str) -> list[str]:
    """Tranches approved on the strength of a report that is opened again, and not paid, go back; their numbers."""
    back = []
    rows = session().execute(
        select(Case.__table__)
        .join(Tranche, Tranche.case_id == Case.id)
        .where(Tranche.condition_case_id == report_case_id, Case.state.in_(("checked", "first_approved", "ready")))
        .order_by(Case.id)
    ).all()
    for case in rows:
        reason = gettext("The report %(ref)s was opened again: %(reason)s", ref=ref, reason=ctx.reason)
        ctx.fire(case.id, "send_back", reason=reason)
        back.append(str(case.ref))
    return back


def may_fire(case: Any, trigger: str) -> bool:
    """Whether the system may make this move of another case now: asked before an effect fires it."""
    moves = definitions.pinned(case.workflow_hash).moves_from(case.state, trigger)
    return any(ask(case, move, SYSTEM) for move in moves)


def finish(ctx: Context, award_id: int) -> None:
    """Complete the grant and begin its follow-up, where everything is paid and every report accepted."""
    for trigger in ("complete", "follow"):
        case = award_case(award_id)
        if not may_fire(case, trigger):
            return
        ctx.fire(award_id, trigger)


def ledger_sum(award_id: int) -> int:
    """What the ledger of an award adds up to, in minor units: equal to its `paid_minor`, always."""
    found = session().scalar(select(func.sum(Payment.amount_minor)).where(Payment.award_id == award_id))
    return int(found or 0)


__all__ = ["bind_report", "fall_back", "finish", "gates_of", "instalment", "ledger_sum", "suspension", "wake_for_report"]
