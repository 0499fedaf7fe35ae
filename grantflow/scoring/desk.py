"""What scoring adds to others' pages: what waits for a member on the desk, and its sections on an
application's page.

The rows come from `queries` and `opinions`; who may read which section is decided here and in the content
gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _

from grantflow.cases import definitions, words
from grantflow.cases.desk import DeskItem, provider
from grantflow.identity.access import SYSTEM, Actor
from grantflow.rendering import language
from grantflow.scoring import interests, opinions, queries, standing, tasks
from grantflow.scoring.panels import panel_of
from grantflow.submissions.parts import Part, application_part
from grantflow.submissions.rows import row_of, terms_of

WHY: dict[str, Any] = {
    "declare": _("Declare whether you have an interest; then you can read it"),
    "score": _("Read and score it"),
    "finish": _("Finish your review and submit it"),
}
words.field(mean=_("Mean mark"), total=_("Total"))
words.fact(place=_("Place"), reviews=_("Reviews"), applications=_("Applications"))
words.code(decision={"awarded": _("grant awarded"), "reserve": _("reserve list"), "declined": _("not funded")})


@provider
def reviews_waiting(actor: Actor) -> Iterable[DeskItem]:
    """What a member has to declare, score or submit, by when; and for the chair what can be closed: the applications
    that have their quorum, once nothing waits there for the chair as a member."""
    if not actor.has("panellist", "chair"):
        return []
    sheets = queries.panels_of(actor)
    due = {sheet.id: sheet.due_at for sheet in sheets}

    def item(row: Any, page: str, why: Any) -> DeskItem:
        return DeskItem(
            due_at=due[row.panel_id],
            case_id=row.id,
            ref=row.ref or "",
            kind="application",
            dress=_dressed,
            about=(page, why),
        )

    own = [
        item(row, "interest" if row.todo == "declare" else "review", WHY[row.todo])
        for row in tasks.waiting(actor, sheets)
    ]
    taken = {one.case_id for one in own}
    quorum = _("The quorum is met: close scoring, or wait for the reviews still missing")
    return own + [item(row, "", quorum) for row in tasks.closable(actor, sheets) if row.id not in taken]


def _dressed(items: Sequence[DeskItem]) -> Iterable[DeskItem]:
    """The items of a page with their titles and addresses. Who may see them was asked when they were found."""
    lines = queries.lines_of([item.case_id for item in items if item.case_id], SYSTEM)
    for item in items:
        line, (page, why) = lines[item.case_id or 0], item.about
        yield replace(
            item,
            what=line.title_in(language()),
            url=url_for(f"scoring.{page}" if page else "cases.show", case_id=item.case_id),
            why=why,
            state=definitions.card(line.case),
        )


@application_part
def scoring_part(case: Any, actor: Actor) -> Part | None:
    """The marks: whole for the chair and staff, one's own for a member, by criterion for the applicant once
    announced."""
    roles = actor.roles_on(case)
    if roles & {"panellist", "chair"}:
        return _for_members(case, actor)
    if roles & {"manager", "officer", "auditor"} or actor.everywhere:
        return _whole(case, chair=False)
    if "applicant" in roles:
        return _for_applicant(case)
    return None


def _for_members(case: Any, actor: Actor) -> Part | None:
    """A member sees the others' marks once their own are in, or once scoring is closed; never before
    declaring."""
    said = interests.declared(case.id, actor.person_id)
    own = queries.own_review(case.id, actor.person_id)
    sent = own is not None and own.status in standing.SENT
    if said == "none" and (sent or not standing.open_for_reviews(case)):
        return _whole(case, chair="chair" in actor.roles_on(case) and standing.open_for_reviews(case))
    if not standing.open_for_reviews(case) and said is not None:
        return None
    return Part("scoring/_task.html", {"said": said, "own": own, "case": case}, 40)


def _whole(case: Any, *, chair: bool) -> Part | None:
    given = opinions.opinions_on(case.id)
    decision = opinions.decision_on(case.id)
    if not given and decision is None:
        return None
    panel = panel_of(case.call_id)
    counted = [o.review.total for o in given if not o.set_aside and o.review.total is not None]
    return Part(
        "scoring/_marks.html",
        {
            "case": case,
            "opinions": given,
            "decision": decision,
            "rubric": terms_of(row_of(case.id).pack_hash).rubric,
            "mean": standing.mean(counted),
            "count": len(counted),
            "quorum": panel.quorum if panel is not None else None,
            "panel_id": panel.case_id if panel is not None else None,
            "reopen": chair,
        },
        40,
    )


def _for_applicant(case: Any) -> Part | None:
    decision = opinions.decision_on(case.id)
    if decision is None or decision.announced_at is None:
        return None
    rubric = terms_of(row_of(case.id).pack_hash).rubric
    criteria, whole = opinions.feedback_on(case.id, rubric)
    facts = {"case": case, "decision": decision, "rubric": rubric, "criteria": criteria, "whole": whole}
    return Part("scoring/_feedback.html", facts, 5)
