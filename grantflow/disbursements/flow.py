"""What a payment or a report sets going: the next tranche, approvals that fall back, the end of the grant.

Each is a move of another case, fired as the system in the same transaction, and only where it may be made.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from sqlalchemy import select

from grantflow import clock
from grantflow.awards.queries import award, award_case, zone_of
from grantflow.cases import definitions
from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import ask
from grantflow.db import session
from grantflow.disbursements.models import Tranche
from grantflow.disbursements.queries import awaited, of_award
from grantflow.identity.access import SYSTEM


def wake_next(ctx: Context, award_id: int) -> None:
    """Let the next planned tranche fall due: its day has come, or the report it waited for is accepted.

    A deadline that found the tranche before it unpaid is over; this makes good for it.
    """
    waiting = next((t for t in of_award(award_id) if not t.is_paid and t.stage == "preparation"), None)
    if waiting is None or waiting.case_id == ctx.case.id:
        return
    case = session().execute(select(Case.__table__).where(Case.id == waiting.case_id)).one()
    row = award(award_id)
    report = awaited([waiting], {award_id: row}).get(waiting.case_id)
    ready = waiting.due_on <= clock.today(zone_of(case.programme_id)) or (report is not None and report.accepted)
    if ready and may_fire(case, "fall_due"):
        ctx.fire(case.id, "fall_due")


def wake_for_report(ctx: Context, award_id: int, report_case_id: int) -> None:
    """The report a tranche waited for is being accepted: it falls due, if those before it are paid."""
    for one in of_award(award_id):
        if one.condition_case_id == report_case_id and one.stage == "preparation":
            case = session().execute(select(Case.__table__).where(Case.id == one.case_id)).one()
            if award_case(award_id).state == "active" and may_fire(case, "fall_due"):
                ctx.fire(case.id, "fall_due")


def fall_back(ctx: Context, report_case_id: int, ref: str) -> list[str]:
    """Tranches approved on the strength of a report that is opened again, and not paid, go back; their
    numbers."""
    back = []
    rows = (
        session()
        .execute(
            select(Case.__table__)
            .join(Tranche, Tranche.case_id == Case.id)
            .where(
                Tranche.condition_case_id == report_case_id,
                Case.state.in_(("checked", "first_approved", "ready")),
            )
            .order_by(Case.id)
        )
        .all()
    )
    for case in rows:
        reason = gettext("The report %(ref)s was opened again: %(reason)s", ref=ref, reason=ctx.reason)
        ctx.fire(case.id, "send_back", reason=reason)
        back.append(str(case.ref))
    return back


def may_fire(case: Any, trigger: str) -> bool:
    """Whether the system may make this move of another case now: asked before an effect fires it."""
    moves = definitions.pinned(case.workflow_hash).moves_from(case.state, trigger)
    return any(ask(case, move, SYSTEM) for move in moves)


def finish(ctx: Context, award_id: int) -> None:
    """Complete the grant and begin its follow-up, where everything is paid and every report accepted."""
    for trigger in ("complete", "follow"):
        case = award_case(award_id)
        if not may_fire(case, trigger):
            return
        ctx.fire(award_id, trigger)
