"""What the public may read of a contest's results, once they are announced: list, sums and counts.

Names of persons, marks of single members and the numbers of those who were declined never leave the house.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.errors import NotFound
from grantflow.identity.models import Organisation
from grantflow.money import Money
from grantflow.programmes.models import Call, Place
from grantflow.programmes.queries import call_by_code
from grantflow.programmes.terms import Terms
from grantflow.scoring.budget import given_back
from grantflow.scoring.models import Decision, PanelMember
from grantflow.scoring.panels import members_of, panel_of
from grantflow.submissions.models import Application, ApplicationVersion
from grantflow.submissions.rows import terms_of

PUBLIC = ("awarded", "reserve")
"""Which outcomes stand in the list by name; the others are a count."""


@dataclass(frozen=True)
class Row:
    """A line of the public list. `mean` is in hundredths of a point."""

    place: int | None
    number: str
    title: str
    title_en: str
    organisation: Organisation
    district: Place | None
    mean: int | None
    kind: str
    awarded: Money | None
    given_back: bool
    """The grant was not taken up: its money goes to the reserve list."""

    def title_in(self, language: str) -> str:
        """The project's title in that language where the applicant wrote one."""
        return self.title if language == "ru" else (self.title_en or self.title)


@dataclass(frozen=True)
class Results:
    """A contest's results as they are published."""

    call: Call
    terms: Terms
    rows: tuple[Row, ...]
    received: int
    assessed: int
    declined: int
    announced_at: datetime
    members: tuple[PanelMember, ...]

    @property
    def awarded(self) -> list[Row]:
        """Those the panel decided to fund."""
        return [row for row in self.rows if row.kind == "awarded"]

    @property
    def taken(self) -> list[Row]:
        """Those of them whose grant was not given back."""
        return [row for row in self.awarded if not row.given_back]

    @property
    def reserve(self) -> list[Row]:
        """Those next in line."""
        return [row for row in self.rows if row.kind == "reserve"]

    @property
    def total(self) -> Money:
        """What was awarded in all."""
        sums = (row.awarded.minor for row in self.taken if row.awarded is not None)
        return Money(sum(sums), self.call.currency)


def results_of(code: str) -> Results:
    """The results of a call; NotFound before they are announced, as if there were no such page."""
    call = call_by_code(code)
    stage = session().scalar(select(Case.stage).where(Case.id == call.case_id))
    if stage not in (Stage.AWARD, Stage.CLOSED):
        raise NotFound
    terms = terms_of(call.pack_hash)
    found = (
        session()
        .execute(
            select(
                Decision,
                Case.ref,
                Case.stage,
                Application,
                Organisation,
                Place,
                ApplicationVersion.answers,
                given_back(),
            )
            .join(Case, Case.id == Decision.case_id)
            .join(Application, Application.case_id == Decision.case_id)
            .join(Organisation, Organisation.id == Application.organisation_id)
            .join(
                ApplicationVersion,
                (ApplicationVersion.case_id == Application.case_id)
                & (ApplicationVersion.n == Application.submitted_version),
            )
            .outerjoin(Place, Place.id == Application.district_id)
            .where(Decision.call_id == call.case_id, Decision.announced_at.is_not(None))
            .order_by(Decision.place, Case.ref)
        )
        .all()
    )
    if not found and stage == Stage.CLOSED:
        raise NotFound  # a call of the past, taken over from a register: no panel decided here
    rows = [
        Row(
            decision.place,
            ref or "",
            application.title,
            _title_en(answers, terms),
            body,
            place,
            decision.mean,
            decision.kind,
            Money(decision.amount_minor, decision.currency) if decision.amount_minor else None,
            bool(back),
        )
        for decision, ref, now, application, body, place, answers, back in found
        # A reserve that was withdrawn since is nobody's reserve any more.
        if decision.kind == "awarded" or (decision.kind == "reserve" and now == Stage.DECISION)
    ]
    counts = Counter(decision.kind for decision, *_rest in found)
    panel = panel_of(call.case_id)
    members = members_of(panel.case_id) if panel is not None else []
    return Results(
        call,
        terms,
        tuple(rows),
        _received(call.case_id),
        sum(counts.values()),
        counts["declined"],
        min((d.announced_at for d, *_rest in found if d.announced_at), default=call.closes_at),
        tuple(member for member, _person, _body in members),
    )


def _title_en(answers: str, terms: Terms) -> str:
    if terms.keys.title_en is None:
        return ""
    found: Any = json.loads(answers).get(terms.keys.title_en)
    return found if isinstance(found, str) else ""


def _received(call_id: int) -> int:
    """How many applications were submitted, whatever became of them."""
    query = select(func.count()).where(Application.call_id == call_id, Application.submitted_version.is_not(None))
    return int(session().scalar(query) or 0)
