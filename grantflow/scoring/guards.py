"""The guards of closing scoring, ranking, awarding and recording that all is decided: each refusal names what
is missing.

What these moves then do is in `decisions`; the guard of a panel's composition is in `handover`.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import exists, func, select

from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.programmes.models import Call
from grantflow.scoring import interests, standing
from grantflow.scoring.budget import amount_of, committed
from grantflow.scoring.models import Decision
from grantflow.scoring.panels import members_of, panel_of
from grantflow.scoring.words import Filled, Name, Sum, named
from grantflow.submissions.models import Application
from grantflow.submissions.rows import terms_of

_CASES = Case.__table__
_DECISIONS = Decision.__table__
_NOT_DECIDED = (Stage.SUBMISSION, Stage.ELIGIBILITY, Stage.SCORING)


@registry.guard("scoring.quorum_met")
def quorum_met(ctx: Context) -> Verdict:
    """Enough reviews are submitted by members without an interest; a refusal names who is missing."""
    panel = panel_of(ctx.case.call_id)
    if panel is None:
        return no(_("The call has no panel yet. The programme manager composes it."))
    sent = standing.counted([ctx.case.id]).get(ctx.case.id, {})
    if len(sent) >= panel.quorum:
        return YES
    said = interests.latest([ctx.case.id])
    free = [
        (member, person)
        for member, person, _body in members_of(panel.case_id)
        if said.get((ctx.case.id, member.person_id)) in (None, "none")
    ]
    missing = [Name(person) for member, person in free if member.person_id not in sent]
    if len(sent) + len(missing) < panel.quorum:
        return no(
            _(
                "%(quorum)s reviews are needed, and only %(free)s members of the panel have no interest. The "
                "programme manager adds a member.",
                quorum=panel.quorum,
                free=len(sent) + len(missing),
            )
        )
    return no(
        _(
            "%(count)s of %(quorum)s reviews are submitted. Missing: %(names)s.",
            count=len(sent),
            quorum=panel.quorum,
            names=named(missing),
        )
    )


@registry.guard("scoring.chair_without_interest")
def chair_without_interest(ctx: Context) -> Verdict:
    """Whoever decides has declared that nothing ties them to the applicant; else a deputy decides this
    one."""
    said = interests.declared(ctx.case.id, ctx.actor.person_id)
    if said == "none":
        return YES
    if said is None:
        return no(_("Declare first whether you have an interest in this application."))
    deputies = [
        Name(person)
        for member, person, _body in members_of(ctx.case.panel_id)
        if member.chair
        and member.person_id != ctx.actor.person_id
        and interests.declared(ctx.case.id, member.person_id) in (None, "none")
    ]
    if deputies:
        return no(
            _(
                "You declared an interest in this application. A deputy decides it: %(names)s.",
                names=named(deputies),
            )
        )
    return no(
        _(
            "You declared an interest in this application. "
            "The programme manager names another member of the panel as deputy chair, who decides it."
        )
    )


@registry.guard("scoring.all_ranked")
def all_ranked(ctx: Context) -> Verdict:
    """Nothing is decided before the ranking is whole: every application the panel has is in it."""
    waiting = _refs(ctx.case.call_id, (Stage.SCORING,))
    if not waiting:
        return YES
    return no(
        lazy_ngettext(
            "The ranking is not complete: %(names)s is still being scored.",
            "The ranking is not complete: %(num)d applications are still being scored: %(names)s.",
            len(waiting),
            names=named(waiting),
        )
    )


def _refs(call_id: int, stages: Sequence[Stage]) -> list[str]:
    return list(
        session().scalars(
            select(func.coalesce(_CASES.c.ref, _CASES.c.title))
            .where(_CASES.c.kind == "application", _CASES.c.call_id == call_id, _CASES.c.stage.in_(stages))
            .order_by(_CASES.c.ref, _CASES.c.id)
        )
    )


@registry.guard("scoring.budget_holds")
def budget_holds(ctx: Context) -> Verdict:
    """The award is a sum above zero, no more than was asked and than one grant may be, and the call's budget
    holds it."""
    call = ctx.session.get_one(Call, ctx.case.call_id)
    application = ctx.session.get_one(Application, ctx.case.id)
    if not ctx.asking:
        # Two awards of one call at the same time must see each other's sum.
        ctx.session.execute(select(_CASES.c.id).where(_CASES.c.id == call.case_id).with_for_update())
    left = call.budget_minor - committed(call.case_id)
    amount = amount_of(ctx.payload, application)
    if ctx.asking:
        return YES if left > 0 else no(_("The call’s budget is spent to the last."))
    largest = terms_of(application.pack_hash).max_ask_minor
    if amount is None or amount <= 0:
        return no(_("Write the sum to award: more than zero."))
    for limit, sentence in (
        (
            application.asked_minor or 0,
            _("The applicant asked for %(limit)s; an award may be less, not more."),
        ),
        (largest, _("One grant of this call is %(limit)s at most.")),
        (
            max(left, 0),
            _("Of the call’s budget %(limit)s is left. Award less, or put the application in reserve."),
        ),
    ):
        if amount > limit:
            return no(Filled(sentence, limit=Sum(limit, call.currency)))
    return YES


@registry.guard("scoring.all_decided")
def all_decided(ctx: Context) -> Verdict:
    """Every application that was submitted is awarded, in reserve, declined or out of the contest."""
    waiting = _refs(ctx.case.id, _NOT_DECIDED) + undecided(ctx.case.id)
    if not waiting:
        return YES
    return no(
        lazy_ngettext(
            "%(num)d application is not decided yet: %(names)s.",
            "%(num)d applications are not decided yet: %(names)s.",
            len(waiting),
            names=named(waiting),
        )
    )


def undecided(call_id: int) -> list[str]:
    """The numbers of applications that stand in the ranking without a decision."""
    return list(
        session().scalars(
            select(func.coalesce(_CASES.c.ref, _CASES.c.title))
            .where(
                _CASES.c.kind == "application",
                _CASES.c.call_id == call_id,
                _CASES.c.stage == Stage.DECISION,
                ~exists().where(_DECISIONS.c.case_id == _CASES.c.id),
            )
            .order_by(_CASES.c.ref, _CASES.c.id)
        )
    )
