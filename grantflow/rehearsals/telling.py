"""Owns how a rehearsal is told: chapter by chapter, each by the moves that people make, through the door that all moves
go through. What a rule of the pack forbids ends the telling with its own sentence: that is what a rehearsal is for.

Each chapter goes on from whatever the chapter before left in the database, what somebody did by hand in it included.
Where chapters are kept and how their pages are reached is said in `house` and `inside`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow import clock
from grantflow.cases import outbox
from grantflow.db import db
from grantflow.rehearsals import contest, grant
from grantflow.rehearsals.teller import Rooms, Teller, Told


@dataclass(frozen=True)
class Chapter:
    """A stage of a call at which a rehearsal stands still, and how it is reached from the one before."""

    name: str
    title: Any
    about: Any
    tell: Callable[[Teller], Rooms]


CHAPTERS = (
    Chapter("open", _("The call is open"), _("One draft is filled in and not sent, others have been sent."), contest.opened),
    Chapter("eligibility", _("Eligibility"), _("The call is closed, and the rules have run on what was sent."), contest.checked),
    Chapter("scoring", _("Scoring"), _("The panel is composed and reads."), contest.read_by_panel),
    Chapter("decision", _("Decision"), _("All reviews are in; the panel decides."), contest.ranked),
    Chapter("award", _("Award"), _("The results are announced, a grant is offered."), contest.awarded),
    Chapter("paying", _("Agreement and money"), _("The agreement is signed, the first tranche waits for approval."), grant.paid_first),
    Chapter("report", _("Report"), _("The first tranche is paid, the first report is being written."), grant.reported),
    Chapter("followup", _("After the grant"), _("All is paid and reported; the first check is open."), grant.lasted),
)  # fmt: skip


def tell(chapter: Chapter, teller: Teller, began: datetime | None) -> Told:
    """Tell one chapter in the present app, from the hour at which the one before stands. Refused, in the words of
    whatever rule forbids it; its letters are written, none leaves."""
    if began is not None:
        teller.now = began
    rooms = chapter.tell(teller)
    with clock.at(teller.now):
        while outbox.drain(100):
            pass
        db.session.remove()
    return Told(teller.now, rooms)
