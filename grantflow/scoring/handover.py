"""Handing applications over to a panel: the guard of its composition, the assignment, and until when reviews
are due.

What a member then does is in `interests` and `reviews`.
"""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import record
from grantflow.engine.definition import Stage
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.history.canonical import stamp
from grantflow.identity.access import SYSTEM
from grantflow.programmes.models import Call
from grantflow.scoring import interests, panels

_CASES = Case.__table__


def _call_id(ctx: Context) -> int:
    return int(ctx.case.id if ctx.case.kind == "call" else ctx.case.call_id)


@registry.guard("scoring.panel_composed")
def panel_composed(ctx: Context) -> Verdict:
    """The panel has its three kinds of members, a chair, enough for its quorum, and no body has more than its
    part."""
    return panels.composed(_call_id(ctx))


@registry.guard("scoring.no_panel_yet")
def no_panel_yet(ctx: Context) -> Verdict:
    """The evaluation is not prepared yet: no panel has been composed for the call."""
    if panels.panel_of(_call_id(ctx)) is None:
        return YES
    return no(_("The panel of this call has been composed: its evaluation is under way."))


@registry.effect("scoring.hand_over", to_many=True)
def hand_over(ctx: Context) -> None:
    """With the evaluation every eligible application goes to the panel; each member gets one notice of them
    all."""
    panel = panels.panel_of(ctx.case.id)
    assert panel is not None  # the guard has seen it
    ctx.set_scope(panel_id=panel.case_id)
    eligible = ctx.session.scalars(
        select(_CASES.c.id)
        .where(
            _CASES.c.kind == "application",
            _CASES.c.call_id == ctx.case.id,
            _CASES.c.stage == Stage.ELIGIBILITY,
        )
        .order_by(_CASES.c.ref, _CASES.c.id)
    ).all()
    for application_id in eligible:
        ctx.fire(application_id, "hand_over")
    ctx.fact("applications", len(eligible))
    if not eligible:
        return
    call = ctx.session.get_one(Call, ctx.case.id)
    members = [member.person_id for member, _person, _body in panels.members_of(panel.case_id)]
    words = {"number": len(eligible), "title": {"en": panel.title.en, "ru": panel.title.ru}}
    words["due"] = stamp(panels.reviews_due_at(panel, call.zone))
    record(
        panel.case_id,
        "reviews_assigned",
        actor=SYSTEM,
        facts={"applications": len(eligible), "due": panel.reviews_due_on},
        notices=[("reviews_assigned", members, words)],
    )


@registry.effect("scoring.assign")
def assign(ctx: Context) -> None:
    """The application comes into the panel's scope. Interests that GrantFlow itself knows are declared at
    once."""
    panel = panels.panel_of(ctx.case.call_id)
    assert panel is not None  # the guard has seen it
    ctx.set_scope(panel_id=panel.case_id)
    ctx.fact("panel", panel.case_id)
    for member, _person, _body in panels.members_of(panel.case_id):
        if interests.found_interest(ctx.case, member.person_id, member.organisation_id) is None:
            continue
        interests.declare(ctx.case.id, member.person_id, "organisation", by_system=True)
        ctx.fact("interest", member.person_id)
        told = [
            person
            for person in panels.holders(ctx.case, "chair", "manager", panel_id=panel.case_id)
            if person != member.person_id
        ]
        ctx.notify("interest_declared", told, person=interests.name_words(member.person_id))


@registry.deadline_source("scoring.reviews_due")
def reviews_due(ctx: Context) -> datetime | None:
    """The end of the last day for reviews, in the call's zone."""
    panel = panels.panel_of(_call_id(ctx))
    if panel is None:
        return None
    return panels.reviews_due_at(panel, ctx.session.get_one(Call, panel.call_id).zone)
