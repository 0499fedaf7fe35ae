"""The programmes of the past in the demo: loaded, and their calls opened for an import that whoever looks may make.

The data they are made for does not ship with the project, so that no application stands in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from grantflow.cases import service
from grantflow.db import unit_of_work
from grantflow.demo.cast import SHELL, Cast
from grantflow.demo.story import Story
from grantflow.programmes.setup import found_programme

PHASE = "The programme, its people and its calls"


class Past:
    """Loads programmes of the past, gives them to the manager, and opens their calls for an import."""

    def __init__(self, cast: Cast, files: Iterable[Path]) -> None:
        self.cast, self.files = cast, tuple(files)

    def plan(self, story: Story, at: datetime) -> None:
        """It is done once the staff are there."""
        story.plan(at, PHASE, self._take_over)

    def _take_over(self) -> None:
        for file in self.files:
            with unit_of_work():
                loaded = found_programme(file, SHELL, manager_id=self.cast.persons["manager"])
            self.cast.roles_changed()
            manager = self.cast.actor("manager")
            with unit_of_work():
                for call in loaded.calls.values():
                    service.fire(call, "take_over", actor=manager)
