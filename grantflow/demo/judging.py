"""The third chapter of the demo: rules are run, applications returned, passed and refused; the panel reads and decides.

Each date stands in a timetable of the content's own days; what lies after the stage one looks at does not happen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from grantflow.db import session, unit_of_work
from grantflow.demo.applying import Applying
from grantflow.demo.cast import Cast
from grantflow.demo.content import Application, Review, SignIn
from grantflow.demo.story import Story
from grantflow.eligibility import service as eligibility
from grantflow.programmes.models import Call
from grantflow.programmes.parts import Prose
from grantflow.scoring import service as scoring
from grantflow.submissions.models import Application as Row

CHECKING, READING, DECIDING = "Applications are checked", "The panel reads and scores", "The panel decides"
_FIRST_LOOK = 4
"""How many criteria somebody fills in on the first evening."""
_READERS_WHO_WAIT = ("italy", "independent")
"""Members who declare their interests one by one, shortly before they read."""


@dataclass(frozen=True)
class Timetable:
    """The days of a call from its closing to the announcement, as days of the content."""

    rules_run: date
    passed: tuple[date, ...]
    """Days on which officers pass applications, in turn."""
    refused: tuple[tuple[date, date], ...]
    """Days of the two votes by which an application is refused, in the order of their numbers."""
    composed: date
    started: date
    declared: date
    read_from: date
    read_until: date
    reviews_due: date
    scoring_closed: date = date.max
    ranked: date = date.max
    decided: date = date.max
    announced: date = date.max
    reserve: int = 2
    """How many below the money line wait in reserve."""


class Judging:
    """What officers, panel and manager do with the applications of a call."""

    def __init__(self, cast: Cast, applying: Applying, days: Timetable) -> None:
        self.cast, self.applying, self.days = cast, applying, days
        self.call, self.contest, self.calendar = applying.call, applying.contest, applying.calendar
        self.officers = [one.code for one in cast.people.people if one.role == "officer"]

    def _plan(self, story: Story, day: date, hour: int, minute: int, phase: str, act: Callable[[], Any]) -> None:
        if day < date(9000, 1, 1):
            story.plan(self.calendar.on(day, hour, minute), phase, act, cut=self.calendar.cut)

    def plan(self, story: Story) -> None:
        """Everything up to the announcement, each step on its day."""
        self._plan_checking(story)
        self._plan_reading(story)
        self._plan_deciding(story)

    def case(self, number: int) -> int:
        """The case of an application by its number in the content."""
        return self.applying.cases[number]

    # ---------------------------------------------------------------------------------------------------- checking
    def _plan_checking(self, story: Story) -> None:
        self._plan(story, self.days.rules_run, 9, 30, CHECKING, self._run_rules)
        turn = 0
        for one in self.contest.applications:
            if one.returned is not None:
                story.plan(self.calendar.at(one.returned.on), CHECKING, self._returns(one), cut=self.calendar.cut)
                day = one.returned.again.date() + timedelta(days=1)
                self._plan(story, day, 11, 5, CHECKING, self._passes(one, 0))
            elif one.refused is not None:
                self._plan_refusal(story, one)
            else:
                day = self.days.passed[turn % len(self.days.passed)]
                self._plan(story, day, 10 + turn % 7, (turn * 13) % 60, CHECKING, self._passes(one, turn))
                turn += 1

    def _plan_refusal(self, story: Story, one: Application) -> None:
        votes = self.days.refused[
            sum(a.refused is not None and a.number < one.number for a in self.contest.applications)
        ]
        for turn, day in enumerate(votes):
            self._plan(story, day, 15 + turn, 20, CHECKING, self._refuses(one, turn + one.number))
        if one.refused is not None and (appeal := one.refused.appeal) is not None:
            owner = self.applying.owners
            for at, trigger, who, why in (
                (appeal.on, "appeal", lambda: owner[one.number], appeal.ru),
                (appeal.decided, "uphold_refusal", lambda: "manager", appeal.answer.ru),
            ):
                story.plan(self.calendar.at(at), CHECKING, self._moves(one, trigger, who, why), cut=self.calendar.cut)

    def _moves(self, one: Application, trigger: str, who: Callable[[], str], reason: str) -> Callable[[], Any]:
        return lambda: self.cast.move(self.case(one.number), trigger, who(), reason=reason)

    def _run_rules(self) -> None:
        actor = self.cast.actor(self.officers[0])
        with unit_of_work():
            eligibility.run_all(self.call.case_id, actor=actor)

    def _returns(self, one: Application) -> Callable[[], Any]:
        back = one.returned
        assert back is not None
        return lambda: self.cast.move(
            self.case(one.number), "return", self.officers[0], reason=back.ru, payload={"sections": list(back.sections)}
        )

    def _passes(self, one: Application, turn: int) -> Callable[[], Any]:
        def act() -> None:
            code = self.officers[turn % len(self.officers)]
            if one.returned is not None:
                actor = self.cast.actor(code)
                with unit_of_work():
                    eligibility.run_checks(self.case(one.number), actor=actor)
            self.cast.move(self.case(one.number), "pass", code)

        return act

    def _refuses(self, one: Application, turn: int) -> Callable[[], Any]:
        said = one.refused
        assert said is not None
        return lambda: self.cast.move(
            self.case(one.number), "refuse", self.officers[turn % len(self.officers)], reason=said.ru
        )

    # ----------------------------------------------------------------------------------------------------- reading
    def _plan_reading(self, story: Story) -> None:
        days, panel = self.days, self.cast.people.panel
        self._plan(story, days.composed, 12, 0, READING, self._compose)
        self._plan(story, days.started, 10, 0, READING, lambda: self._move_call("start_evaluation", "manager"))
        scored = [one.number for one in self.contest.applications if one.fate == "scored"]
        apart = {(one.application, one.reader): one for one in self.contest.interests}
        reviews = {(one.application, one.reader): one for one in self.contest.reviews}
        for at, reader in enumerate(panel):
            if reader.code not in _READERS_WHO_WAIT:
                self._plan(
                    story, days.declared + timedelta(days=at % 2), 18, 10 * at, READING, self._declares(reader, scored)
                )
            order = scored[at * 3 :] + scored[: at * 3]
            for n, number in enumerate(order):
                moment = self._reads_at(n, len(order), at)
                if reader.code in _READERS_WHO_WAIT and (number, reader.code) not in apart:
                    declares = moment - timedelta(hours=27)
                    story.plan(declares, READING, self._declares(reader, [number]), cut=self.calendar.cut)
                if (number, reader.code) in reviews:
                    self._plan_review(story, reader, reviews[number, reader.code], moment)

    def _reads_at(self, n: int, of: int, reader: int) -> datetime:
        first, last = self.days.read_from, self.days.read_until
        day = first + timedelta(days=(2 * n + 1) * (last - first).days // (2 * of))
        return self.calendar.on(day, 11 + (3 * n + 2 * reader) % 9, (17 * n + 11 * reader) % 60)

    def _plan_review(self, story: Story, reader: SignIn, review: Review, moment: datetime) -> None:
        cut = self.calendar.cut
        story.plan(moment - timedelta(hours=25), READING, lambda: self._write(reader, review, whole=False), cut=cut)
        story.plan(moment, READING, lambda: self._write(reader, review, whole=True), cut=cut)

    def _compose(self) -> None:
        members = [
            scoring.Member(
                self.cast.persons[one.code], str(one.seat), self.cast.bodies.get(one.organisation or ""),
                one.role == "chair", Prose(en=one.brings.en, ru=one.brings.ru) if one.brings else None,
            )
            for one in self.cast.people.panel
        ]  # fmt: skip
        actor = self.cast.actor("manager")
        with unit_of_work():
            scoring.compose_panel(
                self.call.case_id, members, actor=actor, reviews_due_on=self.calendar.day(self.days.reviews_due)
            )
        self.cast.roles_changed()

    def _move_call(self, trigger: str, code: str) -> None:
        self.cast.move(self.call.case_id, trigger, code)

    def _declares(self, reader: SignIn, numbers: list[int]) -> Callable[[], Any]:
        apart = {one.application: one for one in self.contest.interests if one.reader == reader.code}

        def act() -> None:
            actor = self.cast.actor(reader.code)
            for number in numbers:
                said = apart.get(number)
                note = said.note.in_(reader.language) if said else ""
                with unit_of_work():
                    scoring.declare_interest(self.case(number), said.kind if said else "none", actor=actor, note=note)

        return act

    def _write(self, reader: SignIn, review: Review, *, whole: bool) -> None:
        codes = [criterion.code for criterion in self.call.pack.terms.rubric.criteria]
        marks = {
            code: scoring.Mark(Decimal(points), review.comments.get(code, ""))
            for code, points in list(zip(codes, review.points, strict=True))[: None if whole else _FIRST_LOOK]
        }
        given = scoring.Written(marks, review.comments.get("whole", "") if whole else "")
        actor, case_id = self.cast.actor(reader.code), self.case(review.application)
        with unit_of_work():
            (scoring.submit_review if whole else scoring.save_review)(case_id, given, actor=actor)

    # ---------------------------------------------------------------------------------------------------- deciding
    def _plan_deciding(self, story: Story) -> None:
        days = self.days
        scored = [one.number for one in self.contest.applications if one.fate == "scored"]
        for n, number in enumerate(scored):
            for day, hour, trigger in ((days.scoring_closed, 10, "close_scoring"), (days.ranked, 11, "rank")):
                self._plan(story, day, hour + n // 8, 3 + n % 8 * 6, DECIDING, self._chairs(number, trigger))
        self._plan(story, days.decided, 14, 0, DECIDING, self._decide)
        self._plan(story, days.decided + timedelta(days=1) if days.decided < date.max else date.max, 10, 30, DECIDING,
                   lambda: self._move_call("decide", "chair"))  # fmt: skip
        self._plan(story, days.announced, 12, 0, DECIDING, lambda: self._move_call("announce", "manager"))

    def _chairs(self, number: int, trigger: str) -> Callable[[], Any]:
        return lambda: self.cast.move(self.case(number), trigger, "chair")

    def _decide(self) -> None:
        """The panel's meeting: from the top while the money lasts, then the reserve, then no, each with its reason."""
        order = scoring.ranking_of(self.call.case_id)
        numbers = {case_id: number for number, case_id in self.applying.cases.items()}
        left = session().get_one(Call, self.call.case_id).budget_minor
        threshold, waiting = self.call.pack.terms.rubric.threshold * 100, self.days.reserve
        for row in order.rows:
            case_id, asked, mean = row.entry.key, row.entry.takes_minor, row.entry.mean or 0
            if asked <= left and mean >= threshold and waiting == self.days.reserve:
                left -= asked
                self.cast.move(case_id, "award", "chair", payload={"amount_minor": asked})
            elif waiting and mean >= threshold:
                waiting -= 1
                self.cast.move(case_id, "hold_in_reserve", "chair")
            else:
                said = self.contest.by_number[numbers[case_id]].declined
                reason = said.ru if said is not None else self._worst(case_id)
                self.cast.move(case_id, "decline", "chair", reason=reason)

    def _worst(self, case_id: int) -> str:
        title = session().get_one(Row, case_id).title
        return f"«{title}»: средний балл ниже, чем у заявок, на которые хватило бюджета."
