"""The auditor's part of the demo: the histories were verified a while ago and are soon to be verified again."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from grantflow.demo.cast import Cast
from grantflow.demo.story import Story
from grantflow.oversight import service as oversight

PHASE = "The auditor verifies the histories"
BEFORE = timedelta(days=26)


class Auditing:
    """What auditors leave behind: a verification of all chains, nearly a month ago."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    def plan(self, story: Story) -> None:
        """Each auditor verifies all chains once."""
        for one in self.cast.people.people:
            if one.role == "auditor":
                story.plan(story.now - BEFORE, PHASE, partial(self._verify, one.code))

    def _verify(self, code: str) -> None:
        oversight.verify_and_record(self.cast.actor(code))
