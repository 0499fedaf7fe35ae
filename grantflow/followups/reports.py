"""Reports of a grantee: written, sent, accepted, opened again. A save is no event; what is sent is kept for ever.

What is asked stands in the call's terms and is read by the same engine as an application's form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import func, select

from grantflow import clock
from grantflow.awards.queries import award, award_case, zone_of
from grantflow.cases.context import Context
from grantflow.cases.service import get
from grantflow.db import session, writing
from grantflow.disbursements.service import fall_back, finish, suspension, wake_for_report
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import NotFound, Refused, Stale
from grantflow.followups.models import Report, ReportFile, ReportVersion
from grantflow.followups.queries import draft_of, plan_of, report
from grantflow.history.canonical import canonical
from grantflow.identity.access import Actor
from grantflow.identity.labels import Joined
from grantflow.money import Money
from grantflow.programmes.questions import Question, asked, is_answered
from grantflow.rendering import file_size
from grantflow.submissions import budget, files
from grantflow.submissions.answers import Draft, faults_of, save, sealed
from grantflow.submissions.reading import Fault

WRITABLE = ("assigned", "changes_asked")
END_OF_DAY = (23, 59)


@dataclass(frozen=True)
class Saved:
    """What a save did: the new revision, when, and what is to be told at once."""

    revision: int
    at: datetime
    faults: tuple[Fault, ...]


# ---------------------------------------------------------------------------------------------------------- writing
def may_write(case: Any, actor: Actor) -> Verdict:
    """Whether this actor may write the report (or the check) now."""
    if "applicant" not in actor.roles_on(case) and not actor.everywhere:
        return no(_("Only the grantee may write here."))
    if case.kind == "report" and case.state not in WRITABLE:
        return no(_("The report has been sent; it can be changed again when the programme officer asks for changes."))
    if case.kind == "check" and case.state != "open":
        return no(_("The check is not open for answers now."))
    return YES


def final_of(questions: tuple[Question, ...], draft: Draft) -> dict[str, Any]:
    """The answers as they are sent: those of questions that are asked and answered, nothing else."""
    return {
        question.code: draft.values[question.code]
        for question in asked(questions, draft.values)
        if is_answered(question, draft.values.get(question.code))
    }


def save_report(
    case_id: int, typed: Mapping[str, Any], *, revision: int, actor: Actor, lang: str | None = None
) -> Saved:
    """Keep what was typed in a report: anything goes, nothing is lost, and it is no event. Needs a unit of work.

    `revision` is the draft's as the page was opened: Stale where somebody else saved since. Refused where the report
    cannot be written now.
    """
    writing()
    case, row = get(case_id), report(case_id)
    verdict = may_write(case, actor)
    if not verdict:
        raise Refused(verdict.because)
    questions = plan_of(row).questions
    was = Draft(dict(row.answers or {}), dict(row.typed or {}))
    now, faults = save(was, questions, typed, row.currency, lang)
    if now != was:
        if revision != row.revision:
            raise Stale(_("Somebody else of your organisation saved this report while you were writing."))
        row.answers, row.typed, row.revision = now.values, now.raw, row.revision + 1
        row.saved_at = clock.now()
        session().flush()
    return Saved(row.revision, row.saved_at or clock.now(), tuple(faults))


def faults_in_report(case_id: int, values: Mapping[str, Any] | None = None) -> list[Fault]:
    """Everything that stands between a report and being sent, in the order of the form."""
    row = report(case_id)
    draft = draft_of(row) if values is None else Draft(dict(values))
    today = clock.today(zone_of(award(row.award_id).programme_id))
    return faults_of(plan_of(row).questions, draft, row.currency, today)


def spent_of(row: Report, values: Mapping[str, Any]) -> Money | None:
    """What a report's answers say was spent: the total of its table of costs."""
    lines = values.get(plan_of(row).spend)
    return Money(budget.total(lines), row.currency) if lines else None


# ------------------------------------------------------------------------------------------------------------ files
def add_file(case_id: int, question: str, filename: str, stream: BinaryIO, *, actor: Actor) -> int:
    """Attach a file to a question of a report; gives back its number. Needs a unit of work around it.

    Refused with what to do instead: too large, empty, of another kind by its content, one too many, or a report that
    cannot be written now. The same file again stands once.
    """
    current = writing()
    case, row = get(case_id), report(case_id)
    wanted = next((q for q in plan_of(row).questions if q.code == question and q.kind == "file"), None)
    if wanted is None:
        raise NotFound
    verdict = may_write(case, actor)
    if not verdict:
        raise Refused(verdict.because)
    most = min(wanted.max_mb, files.settings().upload_mb) * 1_000_000
    data = stream.read(most + 1)
    if not data:
        raise Refused(_("This file is empty. Look whether it opens on your own device, then attach it again."))
    if len(data) > most:
        raise Refused(
            _("This file is larger than %(size)s. Make it smaller, or attach it in parts.", size=file_size(most))
        )
    kind = files.kind_of(data)
    if kind not in wanted.accept:
        kinds = Joined(files.KINDS[k] for k in wanted.accept)
        raise Refused(
            _("By its content this is %(kind)s. Attach one of: %(kinds)s.", kind=files.KINDS[kind], kinds=kinds)
        )
    digest = files.hashlib.sha256(data).hexdigest()
    here = current.scalars(
        select(ReportFile).where(
            ReportFile.report_id == case_id, ReportFile.question == question, ReportFile.removed_at.is_(None)
        )
    ).all()
    for known in here:
        if known.sha256 == digest:
            return known.id
    if len(here) >= wanted.max_files:
        raise Refused(_("There is no room for another file here. Take one away first."))
    added = ReportFile(
        report_id=case_id, question=question, stored_name=files._store(data),
        filename=files.clean_name(filename, kind), size=len(data), sha256=digest, content_type=files.TYPES[kind],
        uploaded_by=actor.person_id, uploaded_at=clock.now(),
    )  # fmt: skip
    current.add(added)
    row.saved_at = clock.now()
    current.flush()
    return added.id


def remove_file(case_id: int, file_id: int, *, actor: Actor) -> None:
    """Take a file out of a report that is being written; versions already sent keep it. Needs a unit of work."""
    current = writing()
    case, found = get(case_id), current.get(ReportFile, file_id)
    if found is None or found.report_id != case_id:
        raise NotFound
    verdict = may_write(case, actor)
    if not verdict:
        raise Refused(verdict.because)
    if found.removed_at is None:
        found.removed_at, found.removed_by = clock.now(), actor.person_id
        current.flush()


def file_of(case_id: int, file_id: int) -> ReportFile:
    """A file of a report, also one taken away since: a sent version may still name it."""
    found = session().get(ReportFile, file_id)
    if found is None or found.report_id != case_id:
        raise NotFound
    return found


def in_a_version(case_id: int, file_id: int) -> bool:
    """Whether a file belongs to a report as it was sent at least once: then those who read the report read it."""
    for answers in session().scalars(select(ReportVersion.answers).where(ReportVersion.report_id == case_id)):
        for answer in answers.values():
            if isinstance(answer, list) and any(isinstance(f, dict) and f.get("id") == file_id for f in answer):
                return True
    return False


# ----------------------------------------------------------------------------------------------------------- moves
@registry.deadline_source("followups.report_due")
def report_due(ctx: Context) -> datetime:
    """The end of the day a report is due, in the programme's zone."""
    return clock.local(report(ctx.case.id).due_on, *END_OF_DAY, zone_of(ctx.case.programme_id))


def _sent(ctx: Context) -> dict[str, Any] | None:
    """Answers given with the move itself, in the forms they are kept in: how a program sends a report."""
    given = ctx.payload.get("answers")
    return dict(given) if isinstance(given, Mapping) else None


@registry.guard("followups.report_complete")
def report_complete(ctx: Context) -> Verdict:
    """Every question that is asked has an answer that can be taken."""
    if ctx.asking:
        return YES
    wrong = len(faults_in_report(ctx.case.id, _sent(ctx)))
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
    row, given = report(ctx.case.id), _sent(ctx)
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
            report_id=row.case_id, n=n, answers=answers, spent_minor=None if spent is None else spent.minor,
            currency=row.currency, digest=digest, at=ctx.now, person_id=ctx.actor.person_id,
        )
    )  # fmt: skip
    ctx.change("spent", row.spent, spent)
    ctx.fact("version", n)
    ctx.fact("fingerprint", digest)
    row.spent_minor = None if spent is None else spent.minor
    row.submitted_at, row.submitted_by_id = ctx.now, ctx.actor.person_id
    ctx.session.flush()


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
    """The report is good: the tranche that waited for it falls due, and a grant paid and reported is completed."""
    row = report(ctx.case.id)
    row.accepted_at, row.accepted_by_id, row.reopened_at = ctx.now, ctx.actor.person_id, None
    ctx.session.flush()
    if row.spent is not None:
        ctx.fact("spent", row.spent)
    wake_for_report(ctx, row.award_id, row.case_id)
    finish(ctx, row.award_id)


@registry.effect("followups.reopen_report")
def reopen_report(ctx: Context) -> None:
    """The acceptance no longer counts; tranches approved on its strength and not paid go back, and people are told."""
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
        lazy_ngettext(
            "%(num)d report is not accepted yet.", "%(num)d reports are not accepted yet.", len(waiting)
        )
    )


def digest_of(answers: Mapping[str, Any]) -> str:
    """The fingerprint under which answers are kept: SHA-256 of their canonical JSON."""
    return files.hashlib.sha256(canonical(dict(answers)).encode()).hexdigest()
