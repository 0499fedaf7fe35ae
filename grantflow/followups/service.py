"""What follows an agreement: reports and checks planned with the grant, cancelled with its end; what lasted,
counted.

Reports live in `reports`, checks in `checks`; both are brought in here, so that definitions find what they
name.
"""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from grantflow.awards.models import Award
from grantflow.awards.queries import award, terms_of
from grantflow.awards.reach import within
from grantflow.cases import deadlines
from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import lock_parts
from grantflow.db import session
from grantflow.disbursements.schedule import add_months
from grantflow.disbursements.service import bind_report
from grantflow.engine.registry import registry
from grantflow.errors import Refused
from grantflow.followups import checks, drafts
from grantflow.followups import reports as _reports
from grantflow.followups import watching as _watching
from grantflow.followups.models import Check, Report
from grantflow.programmes.measures import Achieved, measure
from grantflow.programmes.models import Place
from grantflow.programmes.parts import add_period
from grantflow.programmes.queries import workflow_for
from grantflow.submissions.models import Application

save_report, faults_in_report = drafts.save_report, drafts.faults_in_report
save_check, faults_in_check = checks.save_check, checks.faults_in_check
add_file, remove_file = drafts.add_file, drafts.remove_file


@registry.effect("followups.plan")
def plan(ctx: Context) -> None:
    """Open the reports and checks of the call's plan: reports from the start of the grant, checks from its
    end."""
    row = award(ctx.case.id)
    if row.starts_on is None or row.ends_on is None:
        raise Refused(_("The agreement says no days on which the grant starts and ends."))
    terms = terms_of(row)
    for n, asked in enumerate(terms.reports, start=1):
        due_on = add_period(row.starts_on, asked.due)
        case = ctx.open(
            "report",
            actor=ctx.actor,
            role=ctx.role,
            title=ctx.case.title,
            workflow=workflow_for(ctx.case.programme_id, "report"),
            ref=f"{row.number}-R{n}",
            facts={"report": asked.code, "due_on": due_on},
        )
        ctx.session.add(
            Report(
                case_id=case.id,
                stage=case.stage,
                award_id=row.case_id,
                kind=asked.code,
                n=n,
                of=len(terms.reports),
                due_on=due_on,
                currency=row.currency,
                answers={},
                typed={},
                revision=0,
            )
        )
        ctx.session.flush()
        deadlines.reckon(case.id)
        bind_report(row.case_id, asked.code, case.id)
    for planned in terms.checks.plan:
        opens_on = add_months(row.ends_on, planned.months)
        case = ctx.open(
            "check",
            actor=ctx.actor,
            role=ctx.role,
            title=ctx.case.title,
            workflow=workflow_for(ctx.case.programme_id, "check"),
            ref=f"{row.number}-C{planned.months}",
            facts={"months": planned.months, "opens_on": opens_on},
        )
        ctx.session.add(
            Check(
                case_id=case.id,
                stage=case.stage,
                award_id=row.case_id,
                code=planned.code,
                months=planned.months,
                opens_on=opens_on,
                answers={},
                typed={},
                ways={},
                revision=0,
            )
        )
        ctx.session.flush()
        deadlines.reckon(case.id)
    ctx.fact("reports", len(terms.reports))
    ctx.fact("checks", [planned.months for planned in terms.checks.plan])


@registry.effect("followups.cancel_open")
def cancel_open(ctx: Context) -> None:
    """The end of a grant cancels reports and checks nobody will write any more; what was accepted stays."""
    lock_parts(Case.parent_id == ctx.case.id)
    reports_here = session().scalars(select(Report).where(Report.award_id == ctx.case.id).order_by(Report.n))
    checks_here = session().scalars(select(Check).where(Check.award_id == ctx.case.id).order_by(Check.months))
    unfinished = [row.case_id for row in [*reports_here, *checks_here] if row.stage not in ("closed", "refused")]
    for case_id in unfinished:
        ctx.fire(case_id, "cancel", reason=ctx.reason)
    ctx.fact("cancelled_reports_and_checks", len(unfinished))


# ---------------------------------------------------------------------------------------- measures
@measure("enterprises_sustainable")
def enterprises_sustainable(programme_id: int) -> Achieved:
    """Enterprises whose latest settled check found them sustainable, by district. One that did not answer
    keeps its earlier verdict: silence is no proof of either.
    """
    latest = (
        select(Check.award_id, func.max(Check.months).label("months"))
        .where(Check.verdict.is_not(None), Check.verdict != "no_answer")
        .group_by(Check.award_id)
        .subquery()
    )
    rows = (
        session()
        .execute(
            select(Place.name, func.count())
            .select_from(Check)
            .join(latest, (latest.c.award_id == Check.award_id) & (latest.c.months == Check.months))
            .join(Award, Award.case_id == Check.award_id)
            .join(Application, Application.case_id == Award.application_id)
            .outerjoin(Place, Place.id == Application.district_id)
            .where(within(programme_id), Check.verdict == "sustainable")
            .group_by(Place.id, Place.name)
            .order_by(Place.id)
        )
        .all()
    )
    parts = tuple((name, Decimal(count)) for name, count in rows)
    return Achieved(sum((count for _name, count in parts), Decimal(0)), parts)


__all__ = [
    "_reports",
    "_watching",
    "add_file",
    "faults_in_check",
    "faults_in_report",
    "remove_file",
    "save_check",
    "save_report",
]
