"""The fourth chapter of the demo: grants are accepted or refused, signed, paid in tranches and reported on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from grantflow import clock
from grantflow.awards.banking import russian_account
from grantflow.awards.models import Award
from grantflow.db import session, unit_of_work
from grantflow.demo.applying import paper, typed
from grantflow.demo.content import Filed, Grant, Life, OtherAccount, Payment
from grantflow.demo.judging import Judging
from grantflow.demo.story import Story
from grantflow.disbursements import accounts, asking, confirming
from grantflow.disbursements.models import AccountChange, Tranche
from grantflow.followups import service as followups
from grantflow.followups.models import Report
from grantflow.submissions.rows import answers_of

ACCEPTING, PAYING, REPORTING = (
    "Grants are accepted and signed",
    "Tranches are approved and paid",
    "Reports are filed and read",
)
BANKS = (("048602001", "Onego Bank (demo)"), ("048602673", "Karelia Savings Bank (demo)"))
PREPARED, FIRST, SECOND = 5, 4, 2
"""Days before the payment on which a tranche is prepared, approved first, approved second."""


class Paying:
    """The grants of a call from the announcement to the last tranche."""

    def __init__(self, judging: Judging, life: Life) -> None:
        self.judging, self.life = judging, life
        self.cast, self.applying, self.calendar = judging.cast, judging.applying, judging.calendar
        self.officers = judging.officers

    def plan(self, story: Story) -> None:
        """Every grant of the content, and the offers that were refused."""
        for refusal in self.life.refusals:
            self._at(
                story, self.calendar.on(refusal.on, 15, 40), ACCEPTING, self._refuses(refusal.application, refusal.ru)
            )
        for turn, grant in enumerate(self.life.grants, self.life.first_agreement - 1):
            _Paid(self, grant, turn).plan(story)

    def _at(self, story: Story, at: datetime, phase: str, act: Callable[[], Any]) -> None:
        story.plan(at, phase, act, cut=self.calendar.cut)

    def award(self, number: int) -> Award:
        """The award of an application of the content."""
        case_id = self.applying.cases[number]
        return session().scalars(select(Award).where(Award.application_id == case_id)).one()

    def _refuses(self, number: int, reason: str) -> Callable[[], Any]:
        return lambda: self.cast.move(self.award(number).case_id, "refuse", self.applying.owners[number], reason=reason)


class _Paid:
    """One grant: its owner, its officer, its money."""

    def __init__(self, paying: Paying, grant: Grant, turn: int) -> None:
        self.paying, self.grant, self.turn = paying, grant, turn
        self.cast, self.calendar = paying.cast, paying.calendar
        self.officer = paying.officers[turn % len(paying.officers)]
        self.tranches = [part.code for part in paying.applying.call.pack.terms.tranches]

    @property
    def owner(self) -> str:
        return self.paying.applying.owners[self.grant.application]

    @property
    def award_id(self) -> int:
        return self.paying.award(self.grant.application).case_id

    def _on(self, story: Story, day: date, hour: int, phase: str, act: Callable[[], Any]) -> None:
        minute = (7 + 11 * self.turn) % 60
        story.plan(self.calendar.on(day, hour, minute), phase, act, cut=self.calendar.cut)

    def plan(self, story: Story) -> None:
        """From the reserve or the announcement to the last tranche."""
        grant = self.grant
        if grant.from_reserve is not None:
            self._on(story, grant.from_reserve, 13, ACCEPTING, self._award_from_reserve)
        self._on(story, grant.accepted, 10, ACCEPTING, self._accept)
        self._on(story, grant.agreed, 11, ACCEPTING, self._sign)
        started = grant.agreed + timedelta(days=1)
        self._on(story, started, 10, ACCEPTING, lambda: self._move(self.award_id, "activate", "manager"))
        self._on(story, started, 14, PAYING, lambda: self._move(self._tranche("first").case_id, "fall_due", "finance1"))
        ready = {"first": started, "second": grant.interim.accepted}
        self._plan_report(story, "interim", grant.interim)
        if grant.final is not None:
            ready["final"] = grant.final.accepted
            self._plan_report(story, "final", grant.final)
        for payment in grant.payments:
            self._plan_payment(story, payment, ready[payment.tranche])
        for pause in grant.suspended:
            self._on(story, pause.on, 12, PAYING, self._moves("suspend", pause.ru))
            self._on(story, pause.until, 12, PAYING, self._moves("resume", pause.resumed.ru))
        if grant.account is not None:
            self._plan_account(story, grant.account)

    def _plan_account(self, story: Story, other: OtherAccount) -> None:
        """The grantee asks for another account; two persons of finance look at it, and the second confirms it."""

        def named() -> None:
            body = self.paying.applying.contest.by_number[self.grant.application].organisation
            code = BANKS[(self.turn + 1) % len(BANKS)][0]
            account = russian_account("40703810", f"{20_000_000_001 + self.turn * 7_919}", code)
            today, actor = clock.today(self.calendar.zone), self.cast.actor(self.owner)
            given = asking.Asked(account, code, other.bank, body.name.ru, today, other.ru)
            with unit_of_work():
                asking.ask(self.award_id, given, actor=actor)

        def looked() -> None:
            actor = self.cast.actor("finance1")
            with unit_of_work():
                confirming.look_at(self._change().id, actor=actor)

        def confirmed() -> None:
            change, actor = self._change(), self.cast.actor("finance2")
            case_id = self.paying.applying.cases[self.grant.application]
            phone = answers_of(case_id, 1)["contact_phone"]
            reached = confirming.Reached("phone", phone, self._director, change.account_end)
            with unit_of_work():
                confirming.confirm(change.id, reached, actor=actor)

        self._on(story, other.on, 11, PAYING, named)
        self._on(story, other.looked, 10, PAYING, looked)
        self._on(story, other.confirmed, 10, PAYING, confirmed)

    def _change(self) -> AccountChange:
        return accounts.waiting_of([self.award_id])[self.award_id]

    @property
    def _director(self) -> str:
        return str(self.paying.applying.contest.by_number[self.grant.application].owner.name.ru)

    # -------------------------------------------------------------------------------------------------- agreement
    def _move(self, case_id: int, trigger: str, code: str, **more: Any) -> Any:
        return self.cast.move(case_id, trigger, code, **more)

    def _moves(self, trigger: str, reason: str) -> Callable[[], Any]:
        return lambda: self._move(self.award_id, trigger, "manager", reason=reason)

    def _award_from_reserve(self) -> None:
        application = self.paying.applying.contest.by_number[self.grant.application]
        case_id = self.paying.applying.cases[self.grant.application]
        self._move(case_id, "award", "chair", payload={"amount_minor": application.asked_minor})

    def _accept(self) -> None:
        bank_code, bank = BANKS[self.turn % len(BANKS)]
        payload = {
            "bank_account": russian_account("40702810", f"{10_000_000_001 + self.turn * 7_919}", bank_code),
            "bank_code": bank_code,
            "bank_name": bank,
            "signatory": self._director,
        }
        self._move(self.award_id, "accept", self.owner, payload=payload)

    def _sign(self) -> None:
        """The grant starts on the day the agreement is signed, and ends on the last day of the project."""
        ends_on = self.paying.applying.contest.by_number[self.grant.application].answers["ends_on"]
        today = clock.today(self.calendar.zone)
        payload = {
            "agreement_no": f"{self.turn + 1:02d}/{today.year}", "signed_on": today, "starts_on": today,
            "ends_on": self.calendar.day(ends_on),
        }  # fmt: skip
        self._move(self.award_id, "sign", self.officer, payload=payload)

    # ------------------------------------------------------------------------------------------------------ money
    def _tranche(self, code: str) -> Tranche:
        n = self.tranches.index(code) + 1
        return session().scalars(select(Tranche).filter_by(award_id=self.award_id, n=n)).one()

    def _plan_payment(self, story: Story, payment: Payment, ready: date) -> None:
        failed = payment.failed
        if failed is None:
            self._plan_approval(story, payment, payment.paid, ready, payment.reference)
            return
        self._plan_approval(story, payment, failed.on - timedelta(days=2), ready, f"{payment.reference}-0")
        self._on(story, failed.on, 10, PAYING, self._tranche_moves(payment, "fail", "finance1", reason=failed.ru))
        self._on(story, failed.on, 14, PAYING, self._tranche_moves(payment, "retry", "finance2", reason=failed.ru))
        self._plan_approval(story, payment, payment.paid, failed.on, payment.reference)

    def _plan_approval(self, story: Story, payment: Payment, paid: date, ready: date, reference: str) -> None:
        """One pair of eyes prepares and approves first, another approves second and pays; never before it is ready."""
        first = ready + timedelta(days=1)
        days = [max(first, paid - timedelta(days=before)) for before in (PREPARED, FIRST, SECOND)]
        self._on(story, days[0], 11, PAYING, self._tranche_moves(payment, "prepare", "finance1"))
        self._on(story, days[1], 13, PAYING, self._approves_first(payment))
        self._on(story, days[2], 15, PAYING, self._tranche_moves(payment, "approve_second", "finance2"))
        self._on(story, paid, 17, PAYING, self._pays(payment, reference))

    def _tranche_moves(self, payment: Payment, trigger: str, code: str, **more: Any) -> Callable[[], Any]:
        return lambda: self._move(self._tranche(payment.tranche).case_id, trigger, code, **more)

    def _approves_first(self, payment: Payment) -> Callable[[], Any]:
        def act() -> None:
            one = self._tranche(payment.tranche)
            typed_again = {"amount_minor": one.amount_minor, "currency": one.currency}
            self._move(one.case_id, "approve_first", "finance1", payload=typed_again)

        return act

    def _pays(self, payment: Payment, reference: str) -> Callable[[], Any]:
        def act() -> None:
            stated = {"bank_ref": reference, "booked_on": clock.today(self.calendar.zone)}
            self._move(self._tranche(payment.tranche).case_id, "pay", "finance2", payload=stated)

        return act

    # ---------------------------------------------------------------------------------------------------- reports
    def _report(self, kind: str) -> Report:
        return session().scalars(select(Report).filter_by(award_id=self.award_id, kind=kind)).one()

    def _plan_report(self, story: Story, kind: str, filed: Filed) -> None:
        back = filed.returned
        self._on(story, filed.sent - timedelta(days=2), 19, REPORTING, lambda: self._write(kind, filed, whole=False))
        self._on(story, filed.sent, 18, REPORTING, lambda: self._file(kind, filed))
        if back is not None:
            self._on(story, back.on, 12, REPORTING, lambda: self._reads(kind, "ask_changes", back.ru))
            again = filed.accepted - timedelta(days=1)
            self._on(story, again, 18, REPORTING, lambda: self._file(kind, filed))
        self._on(story, filed.accepted, 10, REPORTING, lambda: self._reads(kind, "accept"))

    def _reads(self, kind: str, trigger: str, reason: str = "") -> None:
        self._move(self._report(kind).case_id, trigger, self.officer, reason=reason)

    def _write(self, kind: str, filed: Filed, *, whole: bool) -> None:
        plan = self.paying.applying.call.pack.terms.report(kind)
        assert plan is not None
        answers = filed.all_answers if whole else {"done": filed.answers["done"]}
        actor, row = self.cast.actor(self.owner), self._report(kind)
        case_id, revision = row.case_id, row.revision
        with unit_of_work():
            followups.save_report(
                case_id, typed(plan.questions, answers, self.calendar), revision=revision, actor=actor, lang="en"
            )
        for question in plan.questions:
            for n, name in enumerate(answers.get(question.code, ()) if question.kind == "file" else (), 1):
                file, stream = paper(name, question.label.en, f"Grant {self.grant.application}, {kind}, No. {n}")
                with unit_of_work():
                    followups.add_file(case_id, question.code, file, stream, actor=actor)

    def _file(self, kind: str, filed: Filed) -> None:
        self._write(kind, filed, whole=True)
        self._move(self._report(kind).case_id, "submit", self.owner)
