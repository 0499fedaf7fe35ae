"""Reports of a grantee: sent, accepted, opened again. What is sent is kept for ever under its fingerprint.

How a draft is written and which files it has is in `drafts`; what is asked stands in the call's terms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import func, select

from grantflow import clock
from grantflow.awards.queries import award_case, zone_of
from grantflow.awards.reach import partners_of
from grantflow.cases.context import Context
from grantflow.db import session
from grantflow.disbursements.service import fall_back, finish, suspension, wake_for_report
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.followups.drafts import faults_in_report, final_of, sent_with, spent_of
from grantflow.followups.models import Report, ReportVersion
from grantflow.followups.queries import draft_of, plan_of, report
from grantflow.history.canonical import canonical
from grantflow.submissions.answers import Draft, sealed

END_OF_DAY = (23, 59)


@registry.deadline_source("followups.report_due")
def report_due(ctx: Context) -> datetime:
    """The end of the day a report is due, in the programme's zone."""
    return clock.local(report(ctx.case.id).due_on, *END_OF_DAY, zone_of(ctx.case.programme_id))


@registry.guard("followups.report_complete")
def report_complete(ctx: Context) -> Verdict:
    """Every question that is asked has an answer that can be taken."""
    if ctx.asking:
        return YES
    wrong = len(faults_in_report(ctx.case.id, sent_with(ctx)))
    if not wrong:
        return YES
    return no(
        lazy_ngettext(
            "One answer is still missing or has to be corrected.",
            "%(num)d answers are still missing or have to be corrected.",
            wrong,
        )
    )


@registry.effect("followups.submit_report")
def submit_report(ctx: Context) -> None:
    """Keep the report as it is sent, for ever, under its fingerprint; what was spent stands in the event."""
    row, given = report(ctx.case.id), sent_with(ctx)
    questions = plan_of(row).questions
    answers = final_of(questions, draft_of(row) if given is None else Draft(given))
    if given is not None:
        attached = {question.code for question in questions if question.kind == "file"}
        row.answers, row.typed = {k: v for k, v in given.items() if k not in attached}, {}
        row.revision += 1
    _text, digest = sealed(answers)
    spent = spent_of(row, answers)
    n = 1 + (ctx.session.scalar(select(func.max(ReportVersion.n)).where(ReportVersion.report_id == row.case_id)) or 0)
    ctx.session.add(
        ReportVersion(
            report_id=row.case_id,
            n=n,
            answers=answers,
            spent_minor=None if spent is None else spent.minor,
            currency=row.currency,
            digest=digest,
            at=ctx.now,
            person_id=ctx.actor.person_id,
        )
    )
    ctx.change("spent", row.spent, spent)
    ctx.fact("version", n)
    ctx.fact("fingerprint", digest)
    row.spent_minor = None if spent is None else spent.minor
    row.submitted_at, row.submitted_by_id = ctx.now, ctx.actor.person_id
    ctx.session.flush()
    ctx.notify("child_report", partners_of(ctx.case))


@registry.guard("followups.award_not_suspended")
def award_not_suspended(ctx: Context) -> Verdict:
    """While the grant is suspended nothing of it is accepted; the refusal names the suspension."""
    told = suspension(report(ctx.case.id).award_id)
    return YES if told is None else no(told)


@registry.guard("followups.grant_runs")
def grant_runs(ctx: Context) -> Verdict:
    """An accepted report is opened again only while its grant is running."""
    if award_case(report(ctx.case.id).award_id).stage == "disbursement":
        return YES
    return no(_("The grant is completed on the strength of this report; it is not opened again."))


@registry.effect("followups.accept_report")
def accept_report(ctx: Context) -> None:
    """The report is good: the tranche that waited for it falls due, and a grant paid and reported is
    completed."""
    row = report(ctx.case.id)
    row.accepted_at, row.accepted_by_id, row.reopened_at = ctx.now, ctx.actor.person_id, None
    ctx.session.flush()
    if row.spent is not None:
        ctx.fact("spent", row.spent)
    wake_for_report(ctx, row.award_id, row.case_id)
    finish(ctx, row.award_id)


@registry.effect("followups.reopen_report")
def reopen_report(ctx: Context) -> None:
    """The acceptance no longer counts; tranches approved on its strength and not paid go back, and people are
    told."""
    row = report(ctx.case.id)
    row.reopened_at = ctx.now
    ctx.session.flush()
    back = fall_back(ctx, row.case_id, ctx.case.ref or "")
    if back:
        ctx.fact("sent_back", back)


@registry.guard("followups.reports_accepted")
def reports_accepted(ctx: Context) -> Verdict:
    """Every report of the grant is accepted; one that was opened again is not."""
    waiting = [
        row
        for row in session().scalars(select(Report).where(Report.award_id == ctx.case.id).order_by(Report.n))
        if not row.is_accepted and row.stage != "refused"
    ]
    if not waiting:
        return YES
    return no(
        lazy_ngettext("%(num)d report is not accepted yet.", "%(num)d reports are not accepted yet.", len(waiting))
    )


def digest_of(answers: Mapping[str, Any]) -> str:
    """The fingerprint under which answers are kept: SHA-256 of their canonical JSON."""
    return hashlib.sha256(canonical(dict(answers)).encode()).hexdigest()
