"""The open call's questions in the demo: applicants ask, an officer answers for all or for one, one question waits."""

from __future__ import annotations

from functools import partial
from typing import Literal

from grantflow.db import unit_of_work
from grantflow.demo.cast import Cast
from grantflow.demo.opening import Opened
from grantflow.demo.story import Story
from grantflow.engine.definition import Label
from grantflow.programmes import inquiries
from grantflow.programmes.inquiries import Reply
from grantflow.programmes.inquiry_models import REACHES, Said
from grantflow.programmes.parts import Code, Part, Prose, Text, WallClock

PHASE = "Questions about the open call"


class Answered(Part):
    """One version of an answer."""

    on: WallClock
    reach: Literal[REACHES]  # type: ignore[valid-type]
    wording: Label | None = None
    text: Prose


class Question(Part):
    """What somebody asked, and what they were told. `by` is a sign-in, or the address of an applicant of the call."""

    by: str
    asked: WallClock
    text: Text
    answers: tuple[Answered, ...] = ()


class Questions(Part):
    """The questions about one call, and who answers them."""

    call: str
    officer: Code
    inquiries: tuple[Question, ...]


class Asking:
    """Lets the questions of one call be asked and answered, each at its hour."""

    def __init__(self, cast: Cast, call: Opened, told: Questions) -> None:
        self.cast, self.call, self.told = cast, call, told
        self.numbers: dict[int, int] = {}
        """What number the call gave each question of the content."""

    def plan(self, story: Story) -> None:
        """Every question and every version of its answer."""
        calendar = self.call.calendar
        for place, one in enumerate(self.told.inquiries):
            story.plan(calendar.at(one.asked), PHASE, partial(self._ask, place, one), cut=calendar.cut)
            for seen, answered in enumerate(one.answers):
                act = partial(self._answer, place, answered, seen)
                story.plan(calendar.at(answered.on), PHASE, act, cut=calendar.cut)

    def _ask(self, place: int, one: Question) -> None:
        actor = self.cast.actor(one.by)
        with unit_of_work():
            self.numbers[place] = inquiries.ask(
                self.call.case_id, one.text, actor=actor, language="ru", key=f"demo/{place}"
            )

    def _answer(self, place: int, answered: Answered, seen: int) -> None:
        officer = self.cast.actor(self.told.officer)
        wording = Said(answered.wording.en, answered.wording.ru) if answered.wording else Said()
        reply = Reply(answered.reach, wording, Said(answered.text.en, answered.text.ru))
        with unit_of_work():
            inquiries.answer(
                self.call.case_id, self.numbers[place], reply, actor=officer, seen=seen, key=f"demo/{place}/{seen}"
            )
