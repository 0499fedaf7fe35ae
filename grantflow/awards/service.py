"""What happens to an award: offered, accepted with an account, signed, given back. Its guards and effects.

Planning tranches and reports when it starts is registered by the stages after this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import select

from grantflow import clock
from grantflow.awards import envelope, payees
from grantflow.awards import funding as _funding
from grantflow.awards import known as _known
from grantflow.awards import measures as _measures
from grantflow.awards import past as _past
from grantflow.awards import reach as _reach
from grantflow.awards.banking import read_account, russian_account_fits
from grantflow.awards.models import Award
from grantflow.awards.queries import award, zone_of
from grantflow.awards.words import day
from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Refused
from grantflow.money import Money
from grantflow.programmes.queries import workflow_for
from grantflow.rendering import Unreadable, clean_text
from grantflow.scoring.models import Decision
from grantflow.submissions.models import Application

ENDED = ("closed", "refused")
LONGEST_NUMBER, LONGEST_NAME = 60, 200


# ---------------------------------------------------------------------------------------- offering
@registry.effect("awards.offer")
def offer(ctx: Context) -> None:
    """A decision for an application makes its award: sealed until the call is announced, at once if it is
    already."""
    application = ctx.session.scalars(select(Application).where(Application.case_id == ctx.case.id)).one()
    decision = ctx.session.scalars(select(Decision).where(Decision.case_id == ctx.case.id)).one()
    if decision.amount_minor is None:
        raise Refused(_("The decision names no sum: a grant needs one."))
    amount = Money(decision.amount_minor, decision.currency)
    envelope.require(ctx, amount)
    own = None if application.own_minor is None else Money(application.own_minor, application.currency)
    number = f"{ctx.case.ref}-G"
    row = ctx.open(
        "award",
        actor=ctx.actor,
        role=ctx.role,
        title=ctx.case.title,
        workflow=workflow_for(ctx.case.programme_id, "award"),
        ref=number,
        panel_id=None,  # the panel's work ends with the decision
        facts={"application": ctx.case.ref, "amount": amount, "number": number},
    )
    ctx.session.add(
        Award(
            case_id=row.id,
            stage=row.stage,
            application_id=ctx.case.id,
            organisation_id=ctx.case.organisation_id,
            call_id=ctx.case.call_id,
            programme_id=ctx.case.programme_id,
            number=number,
            terms_hash=application.pack_hash,
            amount_minor=amount.minor,
            currency=amount.currency,
            own_minor=None if own is None else own.minor,
            # a grant smaller than asked makes the whole smaller by as much: own part and grant are the whole
            total_minor=None if own is None else own.minor + amount.minor,
            decided_by_id=decision.decided_by_id,
            decided_at=decision.decided_at,
            prepared_by_id=ctx.actor.person_id,
        )
    )
    ctx.session.flush()
    ctx.fact("award", number)
    announced = ctx.session.scalar(select(Case.stage).where(Case.id == ctx.case.call_id)) == "award"
    if announced:
        ctx.fire(row.id, "offer")


@registry.effect("awards.offer_all", to_many=True)
def offer_all(ctx: Context) -> None:
    """With the announcement of a call every award decided so far is offered; until then none was to be
    seen."""
    prepared = ctx.session.scalars(
        select(Case.id)
        .join(Award, Award.case_id == Case.id)
        .where(Award.call_id == ctx.case.id, Case.stage == "preparation")
        .order_by(Award.number)
    ).all()
    for award_id in prepared:
        ctx.fire(award_id, "offer")
    ctx.fact("offered", len(prepared))


@registry.effect("awards.mark_offered")
def mark_offered(ctx: Context) -> None:
    """The day of the offer stands in the award, and its sum in the notice."""
    row = award(ctx.case.id)
    row.offered_at = ctx.now
    ctx.session.flush()
    ctx.fact("amount", row.amount)
    ctx.param("amount", row.amount)


# --------------------------------------------------------------------------------------- accepting
@dataclass(frozen=True)
class Account:
    """Where a grant is to be paid, and who signs for it, as read from what the grantee typed."""

    account: str
    bank_name: str
    bank_code: str
    signatory: str


def read_acceptance(payload: dict[str, Any]) -> Account:
    """The account and the signatory of an acceptance. Raises Refused with a sentence that says what to
    write."""
    try:
        account = read_account(payload.get("bank_account"))
    except Unreadable as told:
        raise Refused(told.sentence) from None
    code = "".join(clean_text(payload.get("bank_code")).split())
    if code and account.isdigit() and not (code.isdigit() and len(code) == 9 and russian_account_fits(account, code)):
        raise Refused(
            _("Account and BIK do not fit each other: one digit is wrong. Compare both with the bank’s paper.")
        )
    bank, signatory = clean_text(payload.get("bank_name")), clean_text(payload.get("signatory"))
    if not bank or len(bank) > LONGEST_NAME:
        raise Refused(_("Write the name of the bank, in at most %(num)s characters.", num=LONGEST_NAME))
    if not signatory or len(signatory) > LONGEST_NAME:
        raise Refused(_("Write who signs the agreement, in at most %(num)s characters.", num=LONGEST_NAME))
    return Account(account, bank, code if account.isdigit() else "", signatory)


@registry.effect("awards.accept")
def accept(ctx: Context) -> None:
    """The grantee takes the grant: when, who, to which account, and who will sign."""
    row, given = award(ctx.case.id), read_acceptance(ctx.payload)
    if ctx.actor.person_id is None:
        raise Refused(_("A grant is accepted by a person."))
    person = ctx.actor.person_id
    payee = payees.required(ctx.case.organisation_id)
    if payee.sponsors:
        ctx.change("payee", row.payee, payee.name)
        row.payee_id, row.payee = payee.id, payee.name
    ctx.change("bank_account", row.bank_account, given.account, private=True, of=person)
    ctx.change("signatory", row.signatory, given.signatory, private=True, of=person)
    ctx.change("bank_name", row.bank_name, given.bank_name)
    row.bank_account, row.bank_name, row.bank_code = given.account, given.bank_name, given.bank_code
    row.signatory = given.signatory
    row.accepted_at, row.accepted_by_id = ctx.now, person
    ctx.session.flush()


# ----------------------------------------------------------------------------------------- signing
@dataclass(frozen=True)
class Agreement:
    """What a signed agreement says."""

    number: str
    signed_on: date
    starts_on: date
    ends_on: date


def read_agreement(award_id: int, payload: dict[str, Any]) -> Agreement:
    """The facts of an agreement. Raises Refused for a number in use, a day to come, an end before the
    start."""
    number = " ".join(clean_text(payload.get("agreement_no")).split())
    if not number or len(number) > LONGEST_NUMBER:
        raise Refused(_("Write the number of the agreement, in at most %(num)s characters.", num=LONGEST_NUMBER))
    days = [payload.get(name) for name in ("signed_on", "starts_on", "ends_on")]
    if not all(type(given) is date for given in days):
        raise Refused(_("Write three days: when it was signed, when the grant starts, and when it ends."))
    given = Agreement(number, *days)  # type: ignore[arg-type]
    fault = agreement_fault(award_id, given)
    if fault is not None:
        raise Refused(fault[1])
    return given


def agreement_fault(award_id: int, given: Agreement) -> tuple[str, Any] | None:
    """What is wrong with an agreement as a whole: the field it is about and a sentence; None where nothing
    is."""
    row = award(award_id)
    if given.signed_on > clock.today(zone_of(row.programme_id)):
        sentence = _(
            "%(day)s has not come yet: write the day on which both sides had signed.",
            day=day(given.signed_on),
        )
        return "signed_on", sentence
    if given.ends_on <= given.starts_on:
        sentence = _(
            "The grant would end on %(end)s, before it starts on %(start)s. Write a later end.",
            end=day(given.ends_on),
            start=day(given.starts_on),
        )
        return "ends_on", sentence
    other = session().scalar(
        select(Award.number).where(
            Award.agreement_no == given.number,
            Award.programme_id == row.programme_id,
            Award.case_id != award_id,
        )
    )
    if other is not None:
        sentence = _(
            "The agreement %(number)s belongs to the grant %(other)s. Write another number.",
            number=given.number,
            other=other,
        )
        return "agreement_no", sentence
    late = envelope.within_term(award_id, given.ends_on)
    return None if late is None else ("ends_on", late)


@registry.effect("awards.sign")
def sign(ctx: Context) -> None:
    """Both sides have signed: number, day, and from when to when the grant runs."""
    row, given = award(ctx.case.id), read_agreement(ctx.case.id, ctx.payload)
    ctx.change("agreement_no", row.agreement_no, given.number)
    ctx.change("signed_on", row.signed_on, given.signed_on)
    ctx.change("starts_on", row.starts_on, given.starts_on)
    ctx.change("ends_on", row.ends_on, given.ends_on)
    row.agreement_no, row.signed_on = given.number, given.signed_on
    row.starts_on, row.ends_on = given.starts_on, given.ends_on
    row.signed_by_id = ctx.actor.person_id
    ctx.session.flush()


# ------------------------------------------------------------------------------------------ ending
@registry.effect("awards.release")
def release(ctx: Context) -> None:
    """A grant that is refused, expired or terminated gives back to the call's budget what was not paid."""
    row = award(ctx.case.id)
    row.terminated_at = ctx.now
    ctx.session.flush()
    ctx.fact("freed", row.amount - row.paid)
    envelope.look_again(ctx)


@registry.guard("awards.all_closed")
def all_closed(ctx: Context) -> Verdict:
    """Every grant of the call has come to its end."""
    going = (
        session()
        .scalars(
            select(Award.number)
            .join(Case, Case.id == Award.case_id)
            .where(Award.call_id == ctx.case.id, Case.stage.not_in(ENDED))
            .order_by(Award.number)
        )
        .all()
    )
    if not going:
        return YES
    return no(
        lazy_ngettext(
            "%(num)d grant of this call has not ended yet: %(numbers)s.",
            "%(num)d grants of this call have not ended yet: %(numbers)s.",
            len(going),
            numbers=", ".join(going[:3]) + (" …" if len(going) > 3 else ""),
        )
    )


__all__ = [
    "Account",
    "Agreement",
    "_funding",
    "_known",
    "_measures",
    "_past",
    "_reach",
    "agreement_fault",
    "read_acceptance",
    "read_agreement",
]
