"""What a grantee may write and how it is kept: drafts of reports, and the files attached to them.

A save is no event. What is sent, accepted and opened again is in `reports` and `checks`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow import clock
from grantflow.awards.queries import award, zone_of
from grantflow.cases.context import Context
from grantflow.cases.service import get
from grantflow.db import session, writing
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import NotFound, Refused, Stale
from grantflow.followups.models import Report, ReportFile, ReportVersion
from grantflow.followups.queries import draft_of, plan_of, report
from grantflow.identity.access import Actor
from grantflow.identity.labels import Joined
from grantflow.money import Money
from grantflow.rendering import file_size
from grantflow.submissions import budget, files
from grantflow.submissions.answers import Draft, faults_of, save
from grantflow.submissions.answers import final_of as final_of
from grantflow.submissions.reading import Fault

WRITABLE = ("assigned", "changes_asked")


@dataclass(frozen=True)
class Saved:
    """What a save did: the new revision, when, and what is to be told at once."""

    revision: int
    at: datetime
    faults: tuple[Fault, ...]


# ----------------------------------------------------------------------------------------- writing
def may_write(case: Any, actor: Actor) -> Verdict:
    """Whether this actor may write the report (or the check) now."""
    if "applicant" not in actor.roles_on(case) and not actor.everywhere:
        return no(_("Only the grantee may write here."))
    if case.kind == "report" and case.state not in WRITABLE:
        return no(_("The report has been sent; it can be changed again when the programme officer asks for changes."))
    if case.kind == "check" and case.state != "open":
        return no(_("The check is not open for answers now."))
    return YES


def save_report(
    case_id: int, typed: Mapping[str, Any], *, revision: int, actor: Actor, lang: str | None = None
) -> Saved:
    """Keep what was typed in a report: anything goes, nothing is lost, and it is no event. Needs a unit of
    work.

    `revision` is the draft's as the page was opened: Stale where somebody else saved since. Refused where the
    report cannot be written now.
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


def add_file(case_id: int, question: str, filename: str, stream: IO[bytes], *, actor: Actor) -> int:
    """Attach a file to a question of a report; gives back its number. Needs a unit of work around it.

    Refused with what to do instead: too large, empty, of another kind by its content, one too many, or a
    report that cannot be written now. The same file again stands once.
    """
    current = writing()
    case, row = get(case_id), report(case_id)
    wanted = next((q for q in plan_of(row).questions if q.code == question and q.kind == "file"), None)
    if wanted is None:
        raise NotFound
    verdict = may_write(case, actor)
    if not verdict:
        raise Refused(verdict.because)
    most = files.most_octets(wanted)
    data = stream.read(most + 1)
    if not data:
        raise Refused(_("This file is empty. Look whether it opens on your own device, then attach it again."))
    if len(data) > most:
        raise Refused(
            _(
                "This file is larger than %(size)s. Make it smaller, or attach it in parts.",
                size=file_size(most),
            )
        )
    kind = files.kind_of(data)
    if kind not in wanted.accept:
        kinds = Joined(files.KINDS[k] for k in wanted.accept)
        raise Refused(
            _(
                "By its content this is %(kind)s. Attach one of: %(kinds)s.",
                kind=files.KINDS[kind],
                kinds=kinds,
            )
        )
    digest = hashlib.sha256(data).hexdigest()
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
        report_id=case_id,
        question=question,
        stored_name=files._store(data),
        filename=files.clean_name(filename, kind),
        size=len(data),
        sha256=digest,
        content_type=files.TYPES[kind],
        uploaded_by=actor.person_id,
        uploaded_at=clock.now(),
    )
    current.add(added)
    row.saved_at = clock.now()
    current.flush()
    return added.id


def remove_file(case_id: int, file_id: int, *, actor: Actor) -> None:
    """Take a file out of a report that is being written; versions already sent keep it. Needs a unit of
    work."""
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
    """Whether a file belongs to a report as it was sent at least once: then those who read the report read
    it."""
    for answers in session().scalars(select(ReportVersion.answers).where(ReportVersion.report_id == case_id)):
        for answer in answers.values():
            if isinstance(answer, list) and any(isinstance(f, dict) and f.get("id") == file_id for f in answer):
                return True
    return False


def sent_with(ctx: Context) -> dict[str, Any] | None:
    """Answers given with the move itself, in the forms they are kept in: how a program sends a report."""
    given = ctx.payload.get("answers")
    return dict(given) if isinstance(given, Mapping) else None
