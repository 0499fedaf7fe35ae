"""The second chapter of the demo: applicants register, write section by section, attach papers, send and correct."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from grantflow.db import session, unit_of_work
from grantflow.demo import content
from grantflow.demo.cast import Cast
from grantflow.demo.content import Answers, Application, Contest, Draft, Sponsor
from grantflow.demo.opening import Opened
from grantflow.demo.story import Calendar, Story
from grantflow.identity import sponsors
from grantflow.programmes.models import Place
from grantflow.programmes.questions import Question, Section
from grantflow.rehearsals import papers
from grantflow.submissions import service as submissions

PHASE = "Applications are written and sent"


def typed(questions: tuple[Question, ...], answers: Mapping[str, Any], calendar: Calendar) -> dict[str, Any]:
    """Answers of the content as somebody types them, with the demo's days; files are attached, not typed."""
    found = {}
    for question in questions:
        if question.code not in answers or question.kind == "file":
            continue
        answer = answers[question.code]
        if question.kind == "date":
            answer = calendar.day(answer)
        found[question.code] = content.typed(question, answer)
    return found


def paper(name: str, *lines: str) -> tuple[str, io.BytesIO]:
    """A file to attach: its name and its bytes."""
    return name, io.BytesIO(papers.pdf("Demonstration paper. Everything in it is invented.", *lines))


class Applying:
    """The applications of one call, from registration to the last word of their writers."""

    def __init__(self, cast: Cast, call: Opened, contest: Contest) -> None:
        self.cast, self.call, self.contest = cast, call, contest
        self.calendar = call.calendar
        self.cases: dict[int, int] = {}
        """Applications by their number in the content."""
        self.owners: dict[int, str] = {}

    def plan(self, story: Story) -> None:
        """Every draft and application of the content, each step at its hour."""
        for one in self.contest.applications:
            self._plan(story, one, one.first_answers, self.calendar.at(one.sent), one.number)
        for draft in self.contest.drafts:
            self._plan(story, draft, draft.answers, self.calendar.at(draft.begun) + timedelta(hours=3), None)

    def _plan(
        self, story: Story, one: Application | Draft, answers: Answers, until: datetime, number: int | None
    ) -> None:
        begun, cut = self.calendar.at(one.begun), self.calendar.cut
        written = _Written(self, one)
        story.plan(begun - timedelta(minutes=22), PHASE, written.register, cut=cut)
        story.plan(begun, PHASE, written.begin, cut=cut)
        sections = [s for s in self.call.pack.terms.form if any(q.code in answers for q in s.questions)]
        pace = (until - begun) / (len(sections) + 1)
        for n, section in enumerate(sections, 1):
            story.plan(begun + pace * n, PHASE, written.writing(section, answers), cut=cut)
        if number is None or not isinstance(one, Application):
            return
        story.plan(until, PHASE, lambda: self._sent(number, written), cut=cut)
        if one.withdrawn is not None:
            story.plan(self.calendar.at(one.withdrawn.on), PHASE, lambda: self._withdraw(one), cut=cut)
        if one.returned is not None:
            again = self.calendar.at(one.returned.again)
            story.plan(again - timedelta(hours=2), PHASE, lambda: self._correct(one, written), cut=cut)
            story.plan(again, PHASE, written.send, cut=cut)

    def _sent(self, number: int, written: _Written) -> None:
        written.send()
        self.cases[number], self.owners[number] = written.case_id, written.code

    def _withdraw(self, one: Application) -> None:
        assert one.withdrawn is not None
        self.cast.move(self.cases[one.number], "withdraw", self.owners[one.number], reason=one.withdrawn.ru)

    def _correct(self, one: Application, written: _Written) -> None:
        assert one.returned is not None
        for section in self.call.pack.terms.form:
            if section.code in one.returned.sections:
                written.write(section, one.answers)


class _Written:
    """One application as its owner writes it."""

    def __init__(self, applying: Applying, one: Application | Draft) -> None:
        self.applying, self.one = applying, one
        self.code = ""
        self.body_id = self.case_id = 0

    def register(self) -> None:
        """An account, and the body the application is for."""
        here = self.applying
        self.code = here.cast.register(self.one.owner, here.calendar.zone)
        district = self.one.answers.get("district")
        place_id = session().scalar(select(Place.id).where(Place.code == district)) if district else None
        self.body_id = here.cast.found_body(self.code, self.one.organisation, place_id, here.calendar)
        if isinstance(self.one, Application) and self.one.sponsor is not None:
            self._sponsored(self.one.sponsor, place_id)

    def _sponsored(self, sponsor: Sponsor, place_id: int | None) -> None:
        """A group that is not registered asks a registered body to receive its money, which agrees."""
        here = self.applying
        code = here.cast.register(sponsor.person, here.calendar.zone)
        body_id = here.cast.found_body(code, sponsor, place_id, here.calendar)
        with unit_of_work():
            number = sponsors.ask_sponsor(here.cast.actor(self.code), self.body_id, body_id)
        with unit_of_work():
            sponsors.answer(here.cast.actor(code), number, True)

    def begin(self) -> None:
        """A draft with nothing in it."""
        actor = self.applying.cast.actor(self.code)
        with unit_of_work():
            self.case_id = submissions.start_draft(self.applying.call.pack.code, self.body_id, actor=actor).id

    def writing(self, section: Section, answers: Answers) -> Any:
        """The step that writes a section."""
        return lambda: self.write(section, answers)

    def write(self, section: Section, answers: Answers) -> None:
        """Save a section and attach its papers; what is there already stays once."""
        here = self.applying
        actor = here.cast.actor(self.code)
        with unit_of_work():
            revision = submissions.row_of(self.case_id).revision
            submissions.save_section(
                self.case_id, section.code, typed(section.questions, answers, here.calendar), revision=revision,
                actor=actor, lang="en",
            )  # fmt: skip
        for question in section.questions:
            for n, name in enumerate(answers.get(question.code, ()) if question.kind == "file" else (), 1):
                file, stream = paper(name, question.label.en, f"{self.one.organisation.name.en}, No. {n}")
                with unit_of_work():
                    submissions.add_file(self.case_id, question.code, file, stream, actor=actor)

    def send(self) -> None:
        """Press the button."""
        actor = self.applying.cast.actor(self.code)
        with unit_of_work():
            submissions.submit(self.case_id, actor=actor)
