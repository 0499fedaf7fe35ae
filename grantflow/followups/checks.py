"""Checks of whether an enterprise still stands: answered by the grantee, verified by an officer, settled by
the answers.

Nobody chooses a verdict: it follows from the answers through `sustainability`, and each of three guards reads
the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import select

from grantflow import clock
from grantflow.awards.queries import award, award_case, zone_of
from grantflow.awards.words import label
from grantflow.cases import words
from grantflow.cases.context import Context
from grantflow.cases.service import get
from grantflow.db import session, writing
from grantflow.disbursements.service import OFFICE_OPENS, may_fire
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Refused, Stale
from grantflow.followups import sustainability
from grantflow.followups.drafts import Saved, final_of, may_write, sent_with
from grantflow.followups.models import Check
from grantflow.followups.queries import check, checks_of, draft_of
from grantflow.identity.access import Actor
from grantflow.identity.labels import Joined
from grantflow.submissions.answers import Draft, faults_of, save
from grantflow.submissions.reading import Fault

VERDICT_LABELS: dict[str, Any] = {
    "sustainable": _("Sustainable"),
    "at_risk": _("At risk"),
    "ceased": _("Ceased"),
    "no_answer": _("No answer"),
}
words.code(verdict=VERDICT_LABELS)


# ----------------------------------------------------------------------------------------- writing
def save_check(
    case_id: int, typed: Mapping[str, Any], *, revision: int, actor: Actor, lang: str | None = None
) -> Saved:
    """Keep what was typed in a check: anything goes, nothing is lost, and it is no event. Needs a unit of
    work.

    Stale where somebody else saved since the page was opened, Refused where the check cannot be answered now.
    """
    writing()
    case, row = get(case_id), check(case_id)
    verdict = may_write(case, actor)
    if not verdict:
        raise Refused(verdict.because)
    was = Draft(dict(row.answers or {}), dict(row.typed or {}))
    now, faults = save(was, checks_of(row).questions, typed, currency_of(row), lang)
    if now != was:
        if revision != row.revision:
            raise Stale(_("Somebody else of your organisation saved these answers while you were writing."))
        row.answers, row.typed, row.revision = now.values, now.raw, row.revision + 1
        row.saved_at = clock.now()
        session().flush()
    return Saved(row.revision, row.saved_at or clock.now(), tuple(faults))


def currency_of(row: Check) -> str:
    """The currency sums of a check would be in: the grant's."""
    return award(row.award_id).currency


def faults_in_check(case_id: int, values: Mapping[str, Any] | None = None) -> list[Fault]:
    """Everything that stands between a check and being sent, in the order of its questions."""
    row = check(case_id)
    draft = draft_of(row) if values is None else Draft(dict(values))
    today = clock.today(zone_of(award(row.award_id).programme_id))
    return faults_of(checks_of(row).questions, draft, currency_of(row), today)


def ways_in(row: Check, answers: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The ways as a check's answers tell them: held, what shows it, and the share of income."""
    found: dict[str, dict[str, Any]] = {}
    for way in checks_of(row).ways:
        held = answers.get(way.question)
        found[way.code] = {
            "held": held if isinstance(held, bool) else None,
            "evidence": str(answers.get(way.evidence) or ""),
            "share": None if answers.get(way.share) is None else str(answers[way.share]),
        }
    return found


def _said(way: Mapping[str, Any] | None) -> Any:
    """A way as one line of the time line: its evidence, or yes or no."""
    if way is None:
        return None
    return way["evidence"] if way["held"] and way["evidence"] else way["held"]


# ------------------------------------------------------------------------------------------- moves
@registry.deadline_source("followups.check_opens")
def check_opens(ctx: Context) -> datetime:
    """The morning of the day a check opens, in the programme's zone."""
    return clock.local(check(ctx.case.id).opens_on, OFFICE_OPENS, 0, zone_of(ctx.case.programme_id))


@registry.guard("followups.check_complete")
def check_complete(ctx: Context) -> Verdict:
    """Every question that is asked has an answer that can be taken."""
    if ctx.asking:
        return YES
    wrong = len(faults_in_check(ctx.case.id, sent_with(ctx)))
    if not wrong:
        return YES
    return no(
        lazy_ngettext(
            "One answer is still missing or has to be corrected.",
            "%(num)d answers are still missing or have to be corrected.",
            wrong,
        )
    )


@registry.effect("followups.fill_check")
def fill_check(ctx: Context) -> None:
    """The answers as sent become the facts of the check; each that is not personal stands in the event."""
    row, given = check(ctx.case.id), sent_with(ctx)
    if given is not None:
        row.answers, row.typed = given, {}
        row.revision += 1
    asks = checks_of(row)
    answers = final_of(asks.questions, draft_of(row))
    jobs = answers.get(asks.jobs) or {}
    share = answers.get(asks.grants_share)
    operated, stood_on = row.operating, dict(row.ways or {})
    row.operating = bool(answers[asks.operating])
    row.jobs_women, row.jobs_men = jobs.get("women"), jobs.get("men")
    row.jobs_not_stated = jobs.get("not_stated")
    row.grant_income_share_bp = None if share is None else int((Decimal(share) * 100).to_integral_value())
    row.ways = ways_in(row, answers)
    row.filled_at, row.filled_by_id = ctx.now, ctx.actor.person_id
    ctx.session.flush()
    ctx.change("operating", operated, row.operating)
    for code in row.ways:
        ctx.change(f"way_{code}", _said(stood_on.get(code)), _said(row.ways[code]))
    for name in ("jobs_women", "jobs_men", "jobs_not_stated"):
        if getattr(row, name) is not None:
            ctx.fact(name, getattr(row, name))
    ctx.fact("months", row.months)


def classified(row: Check) -> sustainability.Verdict:
    """The verdict that follows from a check's answers. ValueError before they are sent."""
    return sustainability.classify(row.operating, row.ways_held)


def reasoning(row: Check) -> Any:
    """Why the answers say what they say, in one line; None before they are sent."""
    if row.operating is None:
        return None
    if not row.operating:
        return _("Operating: no. So: ceased.")
    labels = {way.code: way.label for way in checks_of(row).ways}
    held = sustainability.evidenced({code: row.ways_held[code] for code in labels if code in row.ways_held})
    if held:
        named = Joined(label(labels[code]) for code in held)
        return _("Operating: yes. Ways with evidence: %(ways)s. So: sustainable.", ways=named)
    claimed = [label(labels[code]) for code, way in row.ways_held.items() if way.held and code in labels]
    if claimed:
        return _("Operating: yes. Named without evidence: %(ways)s. So: at risk.", ways=Joined(claimed))
    return _("Operating: yes. Ways with evidence: none. So: at risk.")


def _follows(ctx: Context, wanted: sustainability.Verdict) -> Verdict:
    row = check(ctx.case.id)
    if row.operating is None:
        return no(_("The answers do not say yet whether the enterprise operates."))
    if classified(row) == wanted:
        return YES
    return no(reasoning(row))


@registry.guard("followups.is_sustainable")
def is_sustainable(ctx: Context) -> Verdict:
    """Operating, with at least one way that has evidence."""
    return _follows(ctx, "sustainable")


@registry.guard("followups.is_at_risk")
def is_at_risk(ctx: Context) -> Verdict:
    """Operating, with no way that has evidence."""
    return _follows(ctx, "at_risk")


@registry.guard("followups.is_ceased")
def is_ceased(ctx: Context) -> Verdict:
    """Not operating."""
    return _follows(ctx, "ceased")


@registry.effect("followups.settle_check")
def settle_check(ctx: Context) -> None:
    """The verdict stands; the last check of a grant that is paid and reported closes it."""
    row = check(ctx.case.id)
    unanswered = ctx.move.trigger == "give_up"
    row.verdict = "no_answer" if unanswered else classified(row)
    row.settled_at, row.verified_by_id = ctx.now, ctx.actor.person_id
    ctx.session.flush()
    ctx.fact("verdict", row.verdict)
    ctx.fact("months", row.months)
    ctx.param("months", row.months)
    if not unanswered:
        ctx.fact("ways", list(sustainability.evidenced(row.ways_held)))
    case = award_case(row.award_id)
    if may_fire(case, "close"):
        ctx.fire(row.award_id, "close")


@registry.guard("followups.checks_done")
def checks_done(ctx: Context) -> Verdict:
    """Every check of the grant is settled."""
    waiting = [
        row
        for row in session().scalars(select(Check).where(Check.award_id == ctx.case.id).order_by(Check.months))
        if row.verdict is None and row.stage != "refused"
    ]
    if not waiting:
        return YES
    return no(
        lazy_ngettext(
            "%(num)d check is still ahead: after %(months)s months.",
            "%(num)d checks are still ahead: after %(months)s months.",
            len(waiting),
            months=", ".join(str(row.months) for row in waiting),
        )
    )
