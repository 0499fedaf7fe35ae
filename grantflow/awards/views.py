"""The body of a grant's page: its facts, the agreement, the account, and the sections later stages add.

The frame with badge, moves and time line is in `cases.views`; the forms of its moves are in `forms`.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from grantflow.awards import cascade_rooms as _cascade_rooms  # noqa: F401  its pages belong to the same blueprint
from grantflow.awards import parts, queries
from grantflow.awards.blueprint import bp
from grantflow.awards.totals import totals
from grantflow.cases import words
from grantflow.cases.pages import case_page
from grantflow.identity.access import Actor
from grantflow.programmes import additions
from grantflow.programmes.models import Programme
from grantflow.submissions.parts import Part, application_part

__all__ = ["bp"]
WHOLE_ACCOUNT = {"applicant", "officer", "finance"}
"""Who reads the whole account: whoever named it, checks it or pays to it. Others read its end."""
SUMS_FOR = ("officer", "finance", "manager", "auditor")
LEADER_LABELS: dict[str | None, Any] = {
    "woman": _("a woman leads"),
    "man": _("a man leads"),
    "not_stated": _("not stated"),
    None: _("not asked"),
}

words.field(
    signed_on=_("Signed on"),
    signatory=_("Who signs"),
    paid_from=_("Paid from the grant"),
    activities=_("What may be supported"),
    criteria=_("Criteria"),
    minimum=_("The least of one grant"),
    maximum=_("The most for one third party"),
    envelope=_("May be passed on in all"),
    rate=_("Rate"),
    rate_on=_("Rate of"),
    rate_source=_("Whose rate"),
    paid=_("Paid of the grant"),
    spent=_("Spent"),
    operating=_("Operating"),
    way_state=_("With public bodies"),
    way_business=_("As part of a business"),
    way_sales=_("From own sales"),
)
words.say(
    regrant_clause=_("Clause on passing the grant on written down"),
    call_funding=_("Chosen what pays for the call"),
    child_refused=_("An award to a third party was refused"),
)
words.fact(
    award=_("Grant"),
    number=_("Number"),
    offered=_("Grants offered"),
    freed=_("Given back to the call"),
    due_on=_("Due on"),
    cancelled=_("Cancelled"),
    account_ends=_("Account ends in"),
    sent_back=_("Tranches sent back"),
    months=_("Months after the grant"),
    jobs_women=_("Jobs, women"),
    jobs_men=_("Jobs, men"),
    jobs_not_stated=_("Jobs, not stated"),
    opens_on=_("Opens on"),
)


@case_page("award")
def page(case: Any, actor: Actor) -> tuple[str, dict[str, Any]]:
    """The body of a grant's page for this reader."""
    row = queries.award(case.id)
    roles = actor.roles_on(case)
    people = queries.names((row.decided_by_id, row.signed_by_id, row.accepted_by_id), actor.language)
    return "awards/case.html", {
        "award": row,
        "whole_account": bool(roles & WHOLE_ACCOUNT),
        "inside": bool(roles & {"officer", "finance", "manager", "auditor"}),
        "people": people,
        "parts": parts.parts_of(case, actor),
        "offer_ends": case.due_at if case.state == "offered" else None,
    }


@application_part
def grant_of(case: Any, actor: Actor) -> Part | None:
    """On an awarded application's page: the grant, once the reader may know of it."""
    found = queries.of_application(case.id, actor)
    if found is None:
        return None
    return Part("awards/of_application.html", {"award": found}, order=80)


@application_part
def past_outcome_of(case: Any, actor: Actor) -> Part | None:
    """On the page of an application of a past call: what the register says became of it."""
    found = queries.past_outcome(case.id)
    if found is None or not actor.roles_on(case) & {*SUMS_FOR, "admin"}:
        return None
    return Part("awards/past_outcome.html", {"outcome": found}, order=20)


@additions.programme_part
def sums_of(programme: Programme, actor: Actor) -> additions.Part | None:
    """On a programme's page: what was applied for and awarded, by district and by who leads the work."""
    if not any(programme.id in actor.scopes(role, "programme_id") for role in SUMS_FOR):
        return None
    found = totals(programme.id, programme.currency)
    if not found.whole.applied:
        return None
    return additions.Part("awards/totals.html", {"totals": found, "leaders": LEADER_LABELS})
