"""What a grant passes on: the sum of its child grants in its own currency, what is left of the envelope, and the rule that
no decision goes beyond it.

A grant's file is locked before its children are counted, so that of two decisions in two of its calls the second sees the
first. Each child is converted by itself and rounded up, so that lines add up to their total and never hide a kopeck.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow.awards.models import Award
from grantflow.awards.queries import HELD, award, award_case
from grantflow.awards.regrant_models import CallFunding, RegrantClause
from grantflow.awards.words import day, label, money
from grantflow.cases.context import Context
from grantflow.cases.service import lock, record
from grantflow.db import after_refusal, session, unit_of_work
from grantflow.engine.definition import Stage
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Refused
from grantflow.identity.access import SYSTEM
from grantflow.identity.words import in_both
from grantflow.money import MINOR_DIGITS, Money
from grantflow.programmes.models import Call
from grantflow.scoring.budget import amount_of
from grantflow.scoring.panels import holders
from grantflow.submissions.models import Application

TOLD = ("applicant", "manager")
"""Who hears that children go beyond a grant: whoever acts for its grantee, and the manager of its programme."""


@dataclass(frozen=True)
class Child:
    """A child grant as its parent counts it: what it holds, in the parent's currency."""

    award_id: int
    call_id: int
    organisation_id: int
    held: Money


def converted(value: Money, currency: str, rate: Decimal | None) -> Money:
    """A sum in another currency, of which one is `rate` of the sum's own; rounded up. ValueError where the rate is missing."""
    if value.currency == currency:
        return value
    if rate is None:
        raise ValueError(f"{value.currency} needs a rate to be counted in {currency}")
    minor = (value.amount / rate).scaleb(MINOR_DIGITS[currency]).to_integral_value(ROUND_CEILING)
    return Money(int(minor), currency)


def funding_of(call_id: int) -> CallFunding | None:
    """The grant a call is paid from, if it is one."""
    return session().get(CallFunding, call_id)


def clause_of(award_id: int) -> RegrantClause | None:
    """What the agreement of a grant allows to be passed on, in the version that counts now."""
    return session().scalars(
        select(RegrantClause).where(RegrantClause.award_id == award_id).order_by(RegrantClause.version.desc()).limit(1)
    ).one_or_none()  # fmt: skip


def children_of(parent: Award) -> list[Child]:
    """The child grants of a grant: whole sums, of ended ones what was paid and not returned. One query."""
    rows = session().execute(
        select(Award.case_id, Award.call_id, Award.organisation_id, Award.currency, HELD, CallFunding.rate)
        .join(CallFunding, CallFunding.call_id == Award.call_id)
        .where(CallFunding.award_id == parent.case_id)
        .order_by(Award.case_id)
    )
    return [
        Child(number, call_id, body, converted(Money(int(held), currency), parent.currency, rate))
        for number, call_id, body, currency, held, rate in rows
    ]


def total(children: Iterable[Child], currency: str) -> Money:
    """What these children hold together."""
    return Money.total((child.held for child in children), currency)


def envelope_of(parent: Award, clause: RegrantClause) -> Money:
    """What may be passed on now: the clause's envelope, and never more than the grant holds, whatever became of it."""
    return Money(min(clause.envelope_minor, parent.committed.minor), parent.currency)


def not_running(parent: Award) -> Any:
    """Why nothing can be passed on from a grant now, as a sentence; None while it runs."""
    if parent.agreement_no is None:
        return _("The agreement of the grant %(number)s is not signed yet.", number=parent.number)
    case = award_case(parent.case_id)
    if case.stage not in (Stage.AWARD, Stage.DISBURSEMENT):
        return _("The grant %(number)s has ended: nothing more is passed on from it.", number=parent.number)
    if case.state == "suspended":
        return _("The grant %(number)s is suspended: nothing is passed on from it meanwhile.", number=parent.number)
    return None


def fault(ctx: Context, amount: Money | None) -> Any:
    """Why a grant of this sum in a call that another grant pays for may not be made, as a sentence; None where it may.

    Without a sum (the page only asks) it tells whether anything can be awarded at all.
    """
    funding = funding_of(ctx.case.call_id)
    if funding is None:
        return None
    if not ctx.asking:
        lock(funding.award_id)
    parent = ctx.session.get_one(Award, funding.award_id, populate_existing=True)
    clause = clause_of(parent.case_id)
    if clause is None or (stopped := not_running(parent)) is not None:
        return stopped if clause is not None else _("The grant %(number)s has no clause.", number=parent.number)
    children = children_of(parent)
    left = envelope_of(parent, clause) - total(children, parent.currency)
    if amount is None:
        return (
            None
            if left.minor > 0
            else _("Nothing is left of the envelope of the grant %(number)s.", number=parent.number)
        )
    wanted = converted(amount, parent.currency, funding.rate)
    has = total((c for c in children if c.organisation_id == ctx.case.organisation_id), parent.currency)
    if wanted > left:
        return _(
            "The grant %(number)s passes on %(envelope)s at most, and %(left)s of it is left. This award comes to %(sum)s.",
            number=parent.number, envelope=money(envelope_of(parent, clause)), left=money(left), sum=money(wanted),
        )  # fmt: skip
    if wanted < clause.minimum:
        return _("The agreement sets %(least)s as the least of one grant. This award comes to %(sum)s.",
                 least=money(clause.minimum), sum=money(wanted))  # fmt: skip
    if has + wanted > clause.maximum:
        return _(
            "One third party may have %(most)s of the grant %(number)s at most. With this award it would have %(sum)s.",
            most=money(clause.maximum), number=parent.number, sum=money(has + wanted),
        )  # fmt: skip
    return None


@registry.guard("awards.envelope_holds")
def envelope_holds(ctx: Context) -> Verdict:
    """Where another grant pays for the call: it runs, and its clause and what is left of its envelope allow this award."""
    amount = None
    if not ctx.asking:
        application = ctx.session.get_one(Application, ctx.case.id)
        minor = amount_of(ctx.payload, application)
        amount = None if minor is None else Money(minor, application.currency)
    said = fault(ctx, amount)
    if said is None:
        return YES
    if amount is not None:
        _tell_of_refusal(ctx, amount, said)
    return no(said)


def require(ctx: Context, amount: Money) -> None:
    """The same, asked once more where the grant is made: a definition of a programme's own may lack the guard."""
    if (said := fault(ctx, amount)) is not None:
        _tell_of_refusal(ctx, amount, said)
        raise Refused(said)


# ------------------------------------------------------------------------------------------ telling
def _tell_of_refusal(ctx: Context, amount: Money, said: Any) -> None:
    """Whoever is responsible for the parent hears of a refused award at once; pressing again tells nobody twice."""
    funding = funding_of(ctx.case.call_id)
    if funding is None:
        return
    call = ctx.session.get_one(Call, ctx.case.call_id)
    note = in_both(said)
    facts = {"application": ctx.case.ref, "amount": amount}
    words = {
        "call": {"en": call.name.en, "ru": call.name.ru},
        "number": ctx.case.ref or "",
        "amount": amount,
        "note": note,
    }
    key = f"refused/{ctx.case.id}/{amount.minor}/{ctx.case.version}"
    after_refusal(partial(_record, funding.award_id, "child_refused", "child_refused", facts, words, key))


def _record(award_id: int, what: str, notice: str, facts: dict[str, Any], words: dict[str, Any], key: str) -> None:
    with unit_of_work():
        people = holders(award_case(award_id), *TOLD)
        record(award_id, what, actor=SYSTEM, facts=facts, key=key, notices=[(notice, people, words)])


def beyond(parent: Award) -> tuple[Money, Money] | None:
    """The sum of the children and the envelope, where the children stand beyond it; None where they do not."""
    clause = clause_of(parent.case_id)
    if clause is None:
        return None
    passed_on, envelope = total(children_of(parent), parent.currency), envelope_of(parent, clause)
    return (passed_on, envelope) if passed_on > envelope else None


def notice_beyond(parent: Award) -> list[tuple[str, list[int], dict[str, Any]]]:
    """The notice that children stand beyond the envelope, for whoever changed the grant to send with the change."""
    if (found := beyond(parent)) is None:
        return []
    passed_on, envelope = found
    note = in_both(
        _(
            "The child grants come to %(sum)s, the envelope is %(envelope)s.",
            sum=money(passed_on),
            envelope=money(envelope),
        )
    )
    return [("children_beyond", holders(award_case(parent.case_id), *TOLD), {"note": note})]


def look_again(ctx: Context) -> None:
    """After a move that makes a grant smaller or ends it: its children are counted anew, and who must know is told."""
    for notice, people, words in notice_beyond(award(ctx.case.id)):
        ctx.notify(notice, people, **words)


def within_term(award_id: int, ends_on: Any) -> Any:
    """Why a child grant may not run until this day, as a sentence; None where it may, or the grant is nobody's child."""
    funding = funding_of(award(award_id).call_id)
    if funding is None:
        return None
    parent = award(funding.award_id)
    if parent.ends_on is None or ends_on <= parent.ends_on:
        return None
    return _("The grant %(number)s, which pays for this one, ends on %(end)s. Write no later day.",
             number=label(parent.number), end=day(parent.ends_on))  # fmt: skip
