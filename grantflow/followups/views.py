"""The officers' page of checks, the bodies of a report's and a check's page, and both on a grant's page.

They only show; the pages on which a grantee writes are in `writing`.
"""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _

from grantflow import clock, plots
from grantflow.awards.parts import Part, award_part
from grantflow.awards.queries import award, card, names
from grantflow.cases.pages import case_page
from grantflow.followups import checks, queries, sustainability
from grantflow.followups import writing as _writing  # noqa: F401  its pages belong to the same blueprint
from grantflow.followups.blueprint import bp
from grantflow.identity.access import Actor, access
from grantflow.identity.session import current_actor
from grantflow.paging import number
from grantflow.programmes.questions import asked
from grantflow.rendering import percent
from grantflow.submissions.answers import changed

__all__ = ["bp"]


@bp.get("/checks")
@access("officer", "manager", "auditor")
def index() -> str:
    """Checks due, open, late and settled; how the enterprises stand by month and district."""
    actor = current_actor()
    found = queries.board(actor, clock.now(), request.args.get("view", "work"), number(request.args.get("page")))
    return render_template(
        "followups/index.html",
        board=found,
        names=_view_names(),
        tally=_tally(found),
        verdicts=checks.VERDICT_LABELS,
        plot=_plot(found.cohort.survival),
    )


def _view_names() -> dict[str, str]:
    return {
        "work": _("Open and to verify"),
        "filled": _("Wait to be verified"),
        "open": _("With the grantee"),
        "late": _("Late"),
        "planned": _("Planned"),
        "settled": _("Settled"),
    }


def _tally(board: queries.Board) -> list[dict[str, Any]]:
    words = _view_names()
    tones = {"filled": "yours", "open": "move", "late": "clock", "planned": "idle", "settled": "done"}
    kinds = {"filled": "mine", "late": "wrong"}
    return [
        {
            "count": board.counts[name],
            "label": words[name],
            "tone": tone,
            "current": board.view == name,
            "kind": kinds.get(name, "") if board.counts[name] else "",
            "url": url_for(".index", view=name),
        }
        for name, tone in tones.items()
    ]


def _plot(left: tuple[sustainability.Survival, ...]) -> Any:
    """How much of the cohort works as time goes on, with its band; dashed, how much stands on a way of its
    own."""
    if not left:
        return ""
    last = left[-1]
    label = _(
        "After %(months)s months %(working)s of the enterprises still work, "
        "and %(lasting)s stand on a way of their own.",
        months=last.months,
        working=percent(round(last.working)),
        lasting=percent(round(last.lasting)),
    )
    return plots.plot(
        [
            plots.Series(
                [(0, 100), *((row.months, round(row.working)) for row in left)],
                _("work"),
                [(0, 100, 100), *((row.months, float(row.low), float(row.high)) for row in left)],
            ),
            plots.Series([(row.months, round(row.lasting)) for row in left], _("last")),
        ],
        label,
        top=100,
        steps=True,
        x_name=_("months"),
        under_name=_("watched"),
        x_ticks=[(0, "0"), *((row.months, str(row.months)) for row in left)],
        y_ticks=[(0, "0"), (25, "25"), (50, "50"), (75, "75"), (100, "100 %")],
        under=["", *(str(row.watched) for row in left)],
    )


@case_page("report")
def report_page(case: Any, actor: Actor) -> tuple[str, dict[str, Any]]:
    """The body of a report's page: as it was last sent, what changed since the version before, what waits for
    it."""
    row = queries.report(case.id)
    plan = queries.plan_of(row)
    versions = queries.versions_of(case.id)
    last = versions[-1] if versions else None
    before = versions[-2] if len(versions) > 1 else None
    writer = "applicant" in actor.roles_on(case)
    return "followups/report_case.html", {
        "report": row,
        "plan": plan,
        "award": award(row.award_id),
        "writer": writer and case.state in ("assigned", "changes_asked"),
        "written": row.saved_at if writer else None,
        "version": last,
        "versions": versions,
        "answers": [(q, last.answers.get(q.code)) for q in asked(plan.questions, last.answers)] if last else [],
        "changed": set(changed(plan.questions, before.answers, last.answers)) if before and last else set(),
        "waiting": queries.tranche_waiting_for(case.id),
        "people": names([row.submitted_by_id, row.accepted_by_id], actor.language),
    }


@case_page("check")
def check_page(case: Any, actor: Actor) -> tuple[str, dict[str, Any]]:
    """The body of a check's page: the verdict with its reasoning, the three ways, jobs, and the answers."""
    row = queries.check(case.id)
    asks = queries.checks_of(row)
    filled = row.filled_at is not None
    answers = row.answers or {}
    ways = row.ways_held
    return "followups/check_case.html", {
        "check": row,
        "award": award(row.award_id),
        "writer": "applicant" in actor.roles_on(case) and case.state == "open",
        "reasoning": checks.reasoning(row),
        "verdict": checks.VERDICT_LABELS.get(row.verdict or ""),
        "ways": [(way, ways[way.code]) for way in asks.ways if way.code in ways] if filled else [],
        "rest": [(q, answers.get(q.code)) for q in asked(asks.questions, answers) if q.code not in _told(asks)]
        if filled
        else [],
        "people": names([row.filled_by_id, row.verified_by_id], actor.language),
    }


def _told(asks: Any) -> set[str]:
    """Questions whose answers stand in the table of ways or the facts already."""
    of_ways = {code for way in asks.ways for code in (way.question, way.evidence, way.share)}
    return of_ways | {asks.operating, asks.jobs, asks.grants_share}


@award_part
def after_the_money(case: Any, actor: Actor) -> Part | None:
    """On a grant's page: its reports and its checks."""
    reports, checked = queries.reports_of(case.id), queries.checks_of_award(case.id)
    if not reports and not checked:
        return None
    row = award(case.id)
    plan = {report.kind: queries.plan_of(report).label for report, _case in reports}

    return Part(
        "followups/of_award.html",
        {
            "award": row,
            "reports": [(report, of, card(of), plan[report.kind]) for report, of in reports],
            "checks": [(check, of, card(of)) for check, of in checked],
            "writer": "applicant" in actor.roles_on(case),
        },
        order=40,
    )
