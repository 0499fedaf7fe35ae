"""The chapters of a rehearsal that follow the results: a grant is accepted and signed, paid and reported on, and looked
at once it is over. Up to the results it is told in `contest`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import func, select

from grantflow import clock
from grantflow.awards.banking import russian_account
from grantflow.cases import service
from grantflow.cases.models import Case, CaseDeadline
from grantflow.db import session
from grantflow.disbursements.models import Tranche
from grantflow.errors import Refused
from grantflow.followups import checks, queries
from grantflow.followups import service as followups
from grantflow.rehearsals import people, writing
from grantflow.rehearsals.invented import Setting
from grantflow.rehearsals.teller import DAY, HOUR, WHY, Rooms, Teller, owner_of
from grantflow.submissions.queries import submitted

_BANK = "048602001"


def paid_first(tell: Teller) -> Rooms:
    """The grant is accepted and signed, its tranches are planned; the first falls due and is prepared."""
    award, owner = _award(tell)
    account = {
        "bank_account": russian_account("40702810", "10000000001", _BANK), "bank_code": _BANK,
        "bank_name": WHY, "signatory": WHY,
    }  # fmt: skip
    with tell.at(tell.results + 2 * DAY):
        if _state(award) == "offered":
            tell.fire(award, "accept", owner, payload=account)
    with tell.at(tell.results + 4 * DAY):
        today = clock.today(tell.call.zone)
        days = {"signed_on": today, "starts_on": today, "ends_on": max(_ends_on(award), today + 30 * DAY)}
        if _state(award) == "accepted":
            tell.fire(award, "sign", "officer1", payload={"agreement_no": "1", **days})
        if _state(award) == "agreement_signed":
            tell.fire(award, "activate", "manager")
        tranche = _tranches(award)[0]
    _wait_for(tell, tranche)
    with tell.at(tell.now + HOUR):
        if _state(tranche) == "due":
            tell.fire(tranche, "prepare", "finance1")
    return [
        ("applicant", "award", "cases.show", {"case_id": award}),
        ("finance", "tranche", "cases.show", {"case_id": tranche}),
        ("finance", "approve", "cases.move", {"case_id": tranche, "trigger": "approve_first"}),
        ("finance", "money", "disbursements.index", {}),
        ("manager", "award", "cases.show", {"case_id": award}),
    ]


def reported(tell: Teller) -> Rooms:
    """The first tranche is paid, and the first report is written but not sent."""
    award, owner = _award(tell)
    tranche = _tranches(award)[0]
    _pay(tell, tranche)
    rooms: Rooms = [("finance", "paid", "cases.show", {"case_id": tranche})]
    for report, due_on in _reports(award)[:1]:
        with tell.at(clock.local(due_on, 12, 0, tell.call.zone) - 7 * DAY):
            _write_report(tell, report, owner)
        rooms.insert(0, ("applicant", "report", "followups.edit_report", {"case_id": report}))
        rooms.append(("officer", "report_case", "cases.show", {"case_id": report}))
    return [*rooms, ("applicant", "award", "cases.show", {"case_id": award})]


def lasted(tell: Teller) -> Rooms:
    """Reports are accepted and tranches paid to the last; the grant ends, and the first check of later years is open."""
    award, owner = _award(tell)
    for report, due_on in _reports(award):
        due = clock.local(due_on, 12, 0, tell.call.zone)
        if _state(report) in ("assigned", "changes_asked"):
            with tell.at(due - DAY):
                if followups.faults_in_report(report):
                    _write_report(tell, report, owner)
                tell.fire(report, "submit", owner)
        if _state(report) == "submitted":
            with tell.at(due + DAY):
                tell.fire(report, "accept", "officer1")
        _pay_what_is_free(tell, award)
    _pay_what_is_free(tell, award)
    with tell.at(tell.now + DAY):
        for state, trigger in (("active", "complete"), ("completed", "follow")):
            if _state(award) == state:
                tell.fire(award, trigger, "officer1")
        check = int(queries.checks_of_award(award)[0][0].case_id)
    _wait_for(tell, check)
    with tell.at(tell.now + DAY):
        currency = checks.currency_of(queries.check(check))
        writing.write_check(check, tell.terms.checks.questions, currency, _today(tell), people.actor(owner))
    return [
        ("applicant", "after", "followups.edit_check", {"case_id": check}),
        ("officer", "checks", "followups.index", {}),
        ("officer", "check_case", "cases.show", {"case_id": check}),
        ("applicant", "award", "cases.show", {"case_id": award}),
        ("auditor", "history", "cases.history", {"case_id": award}),
    ]


def _award(tell: Teller) -> tuple[int, str]:
    award = tell.award()
    return award, owner_of(award)


def _state(case_id: int) -> str:
    return str(service.get(case_id).state)


def _ends_on(award: int) -> date:
    """The last day of the project as it was applied for."""
    application = session().scalars(select(Case.parent_id).where(Case.id == award)).one()
    sent = submitted(int(application or 0))
    return date.fromisoformat(sent.answers[sent.terms.keys.ends_on])


def _tranches(award: int) -> list[int]:
    return list(session().scalars(select(Tranche.case_id).filter_by(award_id=award).order_by(Tranche.n)))


def _reports(award: int) -> list[tuple[int, date]]:
    return [(row.case_id, row.due_on) for row, _case in queries.reports_of(award)]


def _today(tell: Teller) -> Setting:
    return replace(tell.setting(), today=clock.today(tell.call.zone))


def _wait_for(tell: Teller, case_id: int) -> None:
    """Wait for the deadline under which a case stands now."""
    rows = CaseDeadline.__table__.c
    due = session().scalar(select(func.min(rows.due_at)).where(rows.case_id == case_id, rows.closed_at.is_(None)))
    if due is not None:
        tell.wait(due + HOUR)


def _pay(tell: Teller, tranche: int) -> None:
    """Two persons approve a tranche, and it is paid. What holds it is told by the move that it stops."""
    if _state(tranche) == "planned":
        _wait_for(tell, tranche)
    with tell.at(tell.now + DAY):
        row = session().get_one(Tranche, tranche)
        typed_again = {"amount_minor": row.amount_minor, "currency": row.currency}
        stated = {"bank_ref": f"R-{tranche}", "booked_on": clock.today(tell.call.zone)}
        steps: dict[str, tuple[str, str, dict[str, Any]]] = {
            "planned": ("fall_due", "finance1", {}),
            "due": ("prepare", "finance1", {}),
            "checked": ("approve_first", "finance1", {"payload": typed_again}),
            "first_approved": ("approve_second", "finance2", {}),
            "ready": ("pay", "finance2", {"payload": stated}),
        }
        while (step := steps.get(_state(tranche))) is not None:
            tell.fire(tranche, step[0], step[1], **step[2])


def _pay_what_is_free(tell: Teller, award: int) -> None:
    """Pay the tranches in their order, up to the first whose gate is still shut."""
    for tranche in _tranches(award):
        try:
            _pay(tell, tranche)
        except Refused:
            return


def _write_report(tell: Teller, case_id: int, owner: str) -> None:
    row = queries.report(case_id)
    plan = tell.terms.report(row.kind)
    assert plan is not None
    writing.write_report(case_id, plan.questions, row.currency, _today(tell), people.actor(owner))
