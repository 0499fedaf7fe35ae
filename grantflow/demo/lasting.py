"""The last chapter of the demo: checks of later years are answered and verified, grants close, the call is archived."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.demo.applying import typed
from grantflow.demo.content import Checked, Grant
from grantflow.demo.paying import Paying
from grantflow.demo.story import Story
from grantflow.disbursements.schedule import add_months
from grantflow.followups import service as followups
from grantflow.followups.models import Check

PHASE = "Checks of later years"
FIRST_ANSWER, PACE = 6, 3
"""Days after which the quickest answers a check, and by how much each further one is slower."""


class Lasting:
    """What becomes of the enterprises of a call."""

    def __init__(self, paying: Paying, archived: date) -> None:
        self.paying, self.archived = paying, archived
        self.cast, self.calendar, self.applying = paying.cast, paying.calendar, paying.applying

    def plan(self, story: Story) -> None:
        """Each check of the content answered some days after it opens, verified some days later."""
        plan = {part.code: part.months for part in self.applying.call.pack.terms.checks.plan}
        for turn, grant in enumerate(self.paying.life.grants):
            ends_on = self.calendar.day(self.applying.contest.by_number[grant.application].answers["ends_on"])
            for checked in grant.checks:
                if checked.verdict == "no_answer":
                    continue
                self._plan(story, grant, checked, add_months(ends_on, plan[checked.check]), turn)
        story.plan(self.calendar.on(self.archived, 11), PHASE, self._archive, cut=self.calendar.cut)

    def _plan(self, story: Story, grant: Grant, checked: Checked, opens_on: date, turn: int) -> None:
        answered = opens_on + timedelta(days=FIRST_ANSWER + PACE * (turn % 6))
        verified = answered + timedelta(days=5)
        zone, cut, officer = self.calendar.zone, self.calendar.cut, self.paying.officers[turn % 2]
        story.plan(clock.local(answered, 19, 5 * turn, zone), PHASE, lambda: self._answer(grant, checked), cut=cut)
        story.plan(
            clock.local(verified, 11, 5 * turn, zone), PHASE, lambda: self._verify(grant, checked, officer), cut=cut
        )

    def _check(self, grant: Grant, checked: Checked) -> Check:
        award_id = self.paying.award(grant.application).case_id
        return session().scalars(select(Check).filter_by(award_id=award_id, code=checked.check)).one()

    def _answer(self, grant: Grant, checked: Checked) -> None:
        owner, row = self.applying.owners[grant.application], self._check(grant, checked)
        case_id, revision, actor = row.case_id, row.revision, self.cast.actor(owner)
        answers = typed(self.applying.call.pack.terms.checks.questions, checked.answers, self.calendar)
        with unit_of_work():
            followups.save_check(case_id, answers, revision=revision, actor=actor, lang="en")
        self.cast.move(case_id, "fill", owner)

    def _verify(self, grant: Grant, checked: Checked, officer: str) -> None:
        self.cast.move(self._check(grant, checked).case_id, "verify", officer)

    def _archive(self) -> None:
        self.cast.move(self.applying.call.case_id, "archive", "manager")
