"""What holds after every step of every life, read from the tables themselves and never through the code that is tried."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from grantflow.awards.models import Award
from grantflow.cases import definitions
from grantflow.cases.models import Case, Outbox
from grantflow.db import session
from grantflow.disbursements.models import Payment, Tranche
from grantflow.engine.definition import Move, Workflow
from grantflow.followups.models import Check, Report, ReportVersion
from grantflow.history import verify
from grantflow.history.models import Event
from grantflow.identity.access import SCOPES
from grantflow.identity.models import RoleAssignment
from grantflow.programmes.models import Call
from grantflow.scoring.models import Decision
from grantflow.submissions.models import Application, ApplicationVersion

CASES, EVENTS, ROLES = Case.__table__, Event.__table__, RoleAssignment.__table__
SENT = {"submitted", "returned", "eligible", "in_scoring", "in_moderation", "ranked", "awarded", "reserve", "declined"}


def rows(table: Any, *where: Any) -> list[Any]:
    """Rows of a table as they stand."""
    return list(session().execute(select(table).where(*where).order_by(*table.primary_key.columns)))


class Watch:
    """Looks after each step: at the whole of what is small, at the chains and events that are new."""

    def __init__(self) -> None:
        self.cases = {row.id: row for row in rows(CASES)}
        self.last = session().scalar(select(func.max(EVENTS.c.id))) or 0
        self.reached: Counter[str] = Counter()

    def mark(self) -> tuple[Any, ...]:
        """All that a refused step may not change: the cases as they are, and how much was written."""
        counts = [
            session().scalar(select(func.count()).select_from(t)) for t in (EVENTS, Outbox.__table__, Payment.__table__)
        ]
        found = (tuple(map(tuple, rows(CASES))), *counts)
        session().rollback()
        return found

    def look(self) -> None:
        """Every invariant."""
        before, self.cases = self.cases, {row.id: row for row in rows(CASES)}
        new = rows(EVENTS, EVENTS.c.id > self.last)
        self.last = new[-1].id if new else self.last
        for row in self.cases.values():
            was = before.get(row.id)
            if was is None or tuple(was) != tuple(row):
                self._case(was, row)
        for event in new:
            self._event(event, before.get(event.case_id))
        self._notices()
        self._money()
        self._facts()
        session().rollback()

    # ------------------------------------------------------------------------------------------------ one case
    def _case(self, was: Any, row: Any) -> None:
        report = verify.verify_case(row.id)
        assert report.whole, report.breaks
        last = session().scalar(select(func.max(EVENTS.c.seq)).where(EVENTS.c.case_id == row.id))
        assert row.version == last, f"{row.kind}/{row.id} counts {row.version} events, its last is {last}"
        if was is not None:
            assert (was.kind, was.workflow_hash) == (row.kind, row.workflow_hash)
        if row.workflow_hash is None:
            assert row.state is None and row.stage is None
            return
        workflow = definitions.pinned(row.workflow_hash)
        state = workflow.state(row.state)
        assert row.stage == str(state.stage)
        if was is not None and workflow.state(was.state).final:
            assert was.state == row.state, f"{row.kind}/{row.id} left its end {was.state} for {row.state}"
        if was is None or was.state != row.state:
            self.reached[f"{row.kind}: {row.state}"] += 1

    # ----------------------------------------------------------------------------------------------- one event
    def _event(self, event: Any, was: Any) -> None:
        row = self.cases[event.case_id]
        workflow = definitions.pinned(row.workflow_hash) if row.workflow_hash else None
        move = workflow.moves_by_name.get(event.move) if workflow and event.from_state else None
        if event.from_state is None or move is None:
            assert event.from_state == event.to_state or event.move == "open", f"{event.move} moved {row.kind}/{row.id}"
            self._held(event, [r for r in (was, row, self.cases.get(row.parent_id or 0)) if r is not None])
            return
        assert workflow is not None
        assert event.from_state in move.source and event.trigger == move.trigger
        assert event.to_state in (move.to or event.from_state, event.from_state)
        assert event.role in move.roles, f"{event.move} by a {event.role}"
        self._held(event, [r for r in (was, row) if r is not None])
        past = rows(EVENTS, EVENTS.c.case_id == row.id, EVENTS.c.seq < event.seq)
        self._two_persons(event, move, workflow, past)
        self._quorum(event, move, workflow, past)

    def _held(self, event: Any, records: list[Any]) -> None:
        """Whoever acted held the role written beside the event, on this record, at that moment."""
        if event.actor_id is None:
            assert event.role in ("system", "admin"), event.role
            return
        if not event.role:
            return
        day = event.at.date()
        held = [
            role
            for role in rows(ROLES, ROLES.c.person_id == event.actor_id, ROLES.c.role == event.role)
            if role.granted_at <= event.at
            and (role.revoked_at is None or role.revoked_at >= event.at)
            and (role.starts_on is None or role.starts_on <= day)
            and (role.ends_on is None or day <= role.ends_on)
        ]
        if self.cases[event.case_id].kind in ("person", "organisation"):
            assert held, f"{event.move} by somebody who was no {event.role}"  # these files lie in no programme
            return
        assert any(
            all(getattr(role, s) in (None, getattr(record, s)) for s in SCOPES) for role in held for record in records
        ), f"{event.move} by somebody who was no {event.role} there"

    def _two_persons(self, event: Any, move: Move, workflow: Workflow, past: list[Any]) -> None:
        for other in move.distinct_from:
            made = [e.actor_id for e in past if e.move == other][-workflow.move(other).quorum :]
            assert event.actor_id is None or event.actor_id not in made, f"{move.name} after {other}, one person"

    def _quorum(self, event: Any, move: Move, workflow: Workflow, past: list[Any]) -> None:
        if move.quorum == 1:
            assert move.to is None or event.to_state == move.to
            return
        since = max((e.seq for e in past if e.from_state != e.to_state), default=0)
        votes = [e.actor_id for e in past if e.seq > since and e.move == move.name] + [event.actor_id]
        assert len(set(votes)) == len(votes), f"{move.name}: one person voted twice"
        assert (event.to_state == move.to) == (len(votes) == move.quorum), f"{move.name} moved by {len(votes)} votes"

    # ---------------------------------------------------------------------------------------------- everything
    def _notices(self) -> None:
        seen: Counter[tuple[Any, ...]] = Counter()
        for row in rows(Outbox.__table__):
            # case/seq/notice/person: the event is the case's seq-th
            seen[row.case_id, row.dedupe.split("/")[1], row.notice, row.person_id] += 1
        assert all(number == 1 for number in seen.values()), [key for key, number in seen.items() if number > 1]

    def _money(self) -> None:
        ledger: Counter[int] = Counter()
        paid: Counter[int] = Counter()
        for line in rows(Payment.__table__):
            ledger[line.award_id] += line.amount_minor
            paid[line.tranche_id] += line.amount_minor
        planned: dict[int, list[Any]] = {}
        for one in rows(Tranche.__table__):
            planned.setdefault(one.award_id, []).append(one)
            state = self.cases[one.case_id].state
            assert one.amount_minor > 0
            assert paid[one.case_id] == (one.amount_minor if state == "paid" else 0), f"tranche {one.case_id}, {state}"
        committed: Counter[int] = Counter()
        for award in rows(Award.__table__):
            case = self.cases[award.case_id]
            assert ledger[award.case_id] == award.paid_minor, f"award {award.case_id}: the ledger says another sum"
            assert 0 <= award.paid_minor <= award.amount_minor
            tranches = planned.get(award.case_id, [])
            live = sum(one.amount_minor for one in tranches if self.cases[one.case_id].state != "cancelled")
            if tranches:
                assert live == (award.paid_minor if case.state == "terminated" else award.amount_minor), case.state
            if case.state not in ("refused", "expired") and not (case.state == "terminated" and not tranches):
                committed[award.call_id] += award.amount_minor
        for call in rows(Call.__table__):
            assert committed[call.case_id] <= call.budget_minor, "more was awarded than the call has"

    def _facts(self) -> None:
        decisions = {row.case_id: row for row in rows(Decision.__table__)}
        awards = {row.application_id: row for row in rows(Award.__table__)}
        versions = set(session().scalars(select(ApplicationVersion.case_id)))
        for row in rows(Application.__table__):
            case = self.cases[row.case_id]
            decision, award = decisions.get(row.case_id), awards.get(row.case_id)
            if case.state in SENT:
                assert case.ref and row.submitted_at and row.case_id in versions, f"{case.state} and never sent"
            if case.state in ("awarded", "reserve", "declined"):
                assert decision is not None and decision.kind == case.state and decision.decided_by_id, case.state
            assert (award is not None) == (case.state == "awarded")
            if award is not None:
                assert award.amount_minor == decision.amount_minor > 0 and award.amount_minor <= row.asked_minor
                assert award.decided_by_id == decision.decided_by_id
        for award in awards.values():
            self._award(award)
        for one in rows(Tranche.__table__):
            self._tranche(one)
        sent = set(session().scalars(select(ReportVersion.report_id)))
        for report in rows(Report.__table__):
            state = self.cases[report.case_id].state
            assert state not in ("submitted", "changes_asked", "accepted") or report.case_id in sent, state
            assert state != "accepted" or report.accepted_by_id
        for check in rows(Check.__table__):
            state = self.cases[check.case_id].state
            ended = state in ("sustainable", "at_risk", "ceased", "no_answer")
            assert check.verdict == (state if ended else None), f"check {check.case_id}: {state}, {check.verdict}"
            assert not ended or state == "no_answer" or (check.verified_by_id and check.filled_by_id)

    def _award(self, award: Any) -> None:
        state = self.cases[award.case_id].state
        assert state == "prepared" or award.offered_at
        accepted = state not in ("prepared", "offered", "refused", "expired")
        assert bool(award.accepted_by_id and award.bank_account) == accepted, state
        agreed = state in ("agreement_signed", "active", "suspended", "completed", "followup", "closed")
        assert not agreed or (award.agreement_no and award.signed_by_id and award.ends_on > award.starts_on)
        if state in ("completed", "followup", "closed"):
            assert state == "followup" or award.paid_minor == award.amount_minor or award.returned_minor, state

    def _tranche(self, one: Any) -> None:
        state = self.cases[one.case_id].state
        hands = (one.prepared_by_id, one.first_by_id, one.second_by_id)
        given = {"checked": 1, "first_approved": 2, "ready": 3, "paid": 3, "failed": 3}.get(state, 0)
        assert all(hands[:given]) and not any(hands[given:]), f"tranche {one.case_id}: {state}, {hands}"
        assert not one.second_by_id or one.second_by_id not in hands[:2]
        assert (state not in ("paid", "failed")) or (one.bank_ref and one.paid_on and one.paid_by_id), state
