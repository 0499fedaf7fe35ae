"""The finance desk, the body of a tranche's page, and the tranches on a grant's page.

They only show: gates are judged in `gates`, rows are read in `desk` and `queries`, moves are the frame's.
"""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _

from grantflow import clock
from grantflow.awards.parts import Part, award_part
from grantflow.awards.queries import award, names, zone_of
from grantflow.cases.pages import case_page
from grantflow.disbursements import account_pages as _account_pages  # noqa: F401  its pages are of this blueprint
from grantflow.disbursements import accounts, desk, funds, gates, queries
from grantflow.disbursements.blueprint import bp
from grantflow.disbursements.service import suspension
from grantflow.identity.access import Actor, access
from grantflow.identity.session import current_actor
from grantflow.money import Money
from grantflow.paging import number
from grantflow.rendering import zone

__all__ = ["bp"]


@bp.get("/money")
@access("finance", "manager")
def index() -> str:
    """The finance desk: what waits and for whom, what is late, what holds it, and the fund."""
    actor, today = current_actor(), clock.today(zone())
    view = request.args.get("view", "all")
    found = desk.finance_desk(actor, today, view, number(request.args.get("page")))
    return render_template(
        "disbursements/index.html",
        desk=found,
        tally=_tally(found, actor),
        funds=funds.funds(actor),
        names=_view_names(),
        today=today,
        horizon=today + desk.HORIZON,
        changes=accounts.waiting(actor, accounts.MOST_SHOWN),
    )


def _view_names() -> dict[str, str]:
    return {
        "all": _("Due and at work"),
        "prepare": _("To prepare"),
        "first": _("Wait for first approval"),
        "second": _("Wait for second approval"),
        "ready": _("Ready to pay"),
        "hold": _("On hold"),
        "failed": _("Returned by the bank"),
        "late": _("Overdue"),
        "late_1": _("Overdue 1–30 days"),
        "late_31": _("Overdue 31–60 days"),
        "late_61": _("Overdue 61 days or more"),
    }


def _tally(found: desk.Desk, actor: Actor) -> list[dict[str, Any]]:
    """The counts that filter when pressed; cloudberry where the reader's own hand is wanted."""
    words, mine = _view_names(), actor.has("finance")
    tones = {
        "all": "clock",
        "prepare": "move",
        "first": "move",
        "second": "yours",
        "ready": "done",
        "hold": "hold",
        "failed": "stop",
    }
    items = []
    for name, tone in tones.items():
        count, label = found.counts[name], words[name]
        kind = "wrong" if name == "failed" and count else ""
        if name == "second" and mine and found.mine_second:
            kind, count, label = "mine", found.mine_second, _("Wait for you, second")
        items.append(
            {
                "count": count,
                "label": label,
                "tone": tone,
                "kind": kind,
                "current": found.view == name,
                "url": url_for(".index", view=None if name == "all" else name),
            }
        )
    return items


@case_page("tranche")
def page(case: Any, actor: Actor) -> tuple[str, dict[str, Any]]:
    """The body of a tranche's page: the sum first, then what was checked, who did what, and the ledger."""
    one = queries.tranche(case.id)
    row = award(one.award_id)
    everything = queries.of_award(one.award_id)
    report = queries.awaited([one], {row.case_id: row}).get(one.case_id)
    inside = bool(actor.roles_on(case) & {"finance", "officer", "manager", "auditor"})
    lines, changes = queries.ledger(tranche_id=one.case_id), accounts.changes_of(row.case_id)
    waits = next((change for change in changes if change.waits), None)
    named: Any = row
    if one.is_paid and lines and one.paid_on is not None:
        named = accounts.went_to(row, changes, one.paid_on, lines[-1].at, zone_of(case.programme_id))
    judged = gates.gates(one, row, report, everything, waits, named if one.is_paid else None)
    if not one.is_paid and inside:
        judged.append(gates.balance(one, row, everything))
    people = names(
        [
            one.prepared_by_id,
            one.first_by_id,
            one.second_by_id,
            one.paid_by_id,
            *(p.person_id for p in lines),
        ],
        actor.language,
    )
    later = sum(t.amount_minor for t in everything if t.n > one.n and not t.is_paid and t.stage != "refused")
    watched = case.state in ("first_approved", "ready") and inside
    return "disbursements/case.html", {
        "tranche": one,
        "award": row,
        "account": named,
        "change": waits if inside else None,
        "may_ask": bool(one.returned_on) and "applicant" in actor.roles_on(case),
        "gates": judged,
        "gates_matter": not one.is_paid and one.stage != "refused",
        "report": report,
        "changes": queries.changed_since_first(one, actor.language) if watched else [],
        "watched": watched,
        "ledger": lines,
        "people": people,
        "inside": inside,
        "whole_account": "finance" in actor.roles_on(case),
        "suspended": suspension(one.award_id),
        "left_after": Money(later, one.currency),
    }


@award_part
def tranches_of(case: Any, actor: Actor) -> Part | None:
    """On a grant's page: its tranches with their total, and the lines of the ledger."""
    rows = queries.with_states(case.id)
    if not rows:
        return None
    row = award(case.id)
    everything = [one for one, _state in rows]
    planned = Money(gates.planned(everything), row.currency)
    ledger = queries.ledger(award_id=case.id)
    return Part(
        "disbursements/of_award.html",
        {
            "rows": rows,
            "award": row,
            "waiting": queries.awaited(everything, {row.case_id: row}),
            "planned": planned,
            "free": row.amount - row.paid - planned,
            "ledger": ledger,
            "ends": accounts.ends_of(row, accounts.changes_of(case.id), ledger, zone_of(case.programme_id)),
            "inside": bool(actor.roles_on(case) & {"finance", "officer", "manager", "auditor"}),
        },
        order=20,
    )
