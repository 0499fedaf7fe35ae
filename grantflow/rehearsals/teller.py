"""Owns whoever tells a rehearsal: the clock of a chapter, moves in somebody's name, and waiting until a deadline falls.

What happens in a chapter is said in `contest` and `grant`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from grantflow import clock
from grantflow.cases import deadlines, definitions, service
from grantflow.cases.models import Case, CaseDeadline
from grantflow.db import db, session, unit_of_work
from grantflow.errors import Refused
from grantflow.programmes.pack import ProgrammePack
from grantflow.rehearsals import people
from grantflow.rehearsals.copied import setting_of
from grantflow.rehearsals.invented import Setting
from grantflow.scoring import service as scoring

Rooms = list[tuple[str, str, str, dict[str, Any]]]
"""Pages to begin with: whose (a role), what it is called, its endpoint and what that takes."""
WHY = "Rehearsal. / Репетиция."
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Told:
    """Where a chapter stands: the hour on its clock, and the pages to begin with."""

    at: datetime
    rooms: Rooms


class Teller:
    """Tells one chapter in the database of the present app."""

    def __init__(self, pack: ProgrammePack, letters: dict[str, Any], language: str) -> None:
        self.pack, self.letters, self.language = pack, letters, language
        self.call, self.terms = pack.calls[0], pack.calls[0].terms
        self.now = self.call.opens_at
        self.closed = self.call.closes_at + timedelta(minutes=self.call.grace_minutes)
        self.results = clock.local(self.call.results, 12, 0, self.call.zone)

    def setting(self, turn: int = 1) -> Setting:
        """What invented answers have to fit."""
        return setting_of(self.pack, turn)

    @property
    def call_id(self) -> int:
        """The case of the call in the database of the rehearsal."""
        return int(session().scalars(select(Case.id).where(Case.kind == "call")).one())

    def between(self, share: Decimal) -> datetime:
        """An hour between the closing and the results: ten in the morning, unless there are not even days between."""
        moment = self.closed + (self.results - self.closed) * float(share)
        morning = clock.local(moment.astimezone(ZoneInfo(self.call.zone)).date(), 10, 0, self.call.zone)
        return morning if self.closed < morning < self.results else moment

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Let something happen at an hour; the chapter's clock never goes back."""
        self.now = max(self.now, moment)
        with clock.at(self.now):
            yield
            db.session.remove()

    def fire(self, case_id: int, trigger: str, name: str, **more: Any) -> None:
        """Let somebody make a move; one that the case's state has not, for somebody made it by hand, is left out."""
        case = service.get(case_id)
        if trigger not in {move.trigger for move in definitions.pinned(case.workflow_hash).moves_from(case.state)}:
            return
        actor = people.actor(name)
        with unit_of_work():
            service.fire(case_id, trigger, actor=actor, **more)

    def wait(self, until: datetime) -> None:
        """Let the deadlines fall that lie before an hour, each in its own."""
        while (due := deadlines.next_due()) is not None and due <= until:
            with self.at(due + timedelta(seconds=5)):
                deadlines.sweep()
        self.now = max(self.now, until)

    def last_appeal(self) -> datetime:
        """When the last of the refused may appeal no more; now where none is left who may."""
        rows = CaseDeadline.__table__.c
        query = select(func.max(rows.due_at)).join(Case.__table__, Case.id == rows.case_id)
        due = session().scalar(query.where(Case.kind == "application", rows.closed_at.is_(None)))
        return self.now if due is None else due

    def cases(self, kind: str, *stages: str) -> list[Any]:
        """The cases of a kind, in the order in which they were opened; of certain stages where some are named."""
        query = select(Case.__table__).where(Case.kind == kind).order_by(Case.id)
        return list(session().execute(query.where(Case.stage.in_(stages)) if stages else query))

    def first(self) -> int:
        """The application that goes all the way: the first applicant's, else the first that is still in the contest."""
        left = self.cases("application", "submission", "eligibility", "scoring", "decision", "award")
        if not left:
            raise Refused(_("No application is left in the contest."))
        mine = people.actor("applicant1").scopes("applicant", "organisation_id")
        return int(next((case.id for case in left if case.organisation_id in mine), left[0].id))

    def panel(self) -> int:
        """The panel of the call."""
        found = scoring.panel_of(self.call_id)
        if found is None:
            raise Refused(_("The call has no panel yet. The programme manager composes it."))
        return int(found.case_id)

    def award(self) -> int:
        """The grant that goes all the way."""
        found = self.cases("award", "preparation", "award", "disbursement", "followup")
        if not found:
            raise Refused(_("Nobody was awarded a grant."))
        return int(found[0].id)


def owner_of(case_id: int) -> str:
    """Which applicant a case belongs to."""
    body = session().scalar(select(Case.organisation_id).where(Case.id == case_id))
    names = ("applicant1", "applicant2", "applicant3")
    return next(name for name in names if body in people.actor(name).scopes("applicant", "organisation_id"))
