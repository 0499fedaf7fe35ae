"""What the pages of scoring read: panels, lines of applications, who may be seated.

Each is a fixed number of queries, whatever the number of rows, and sees only what the asker may see. Nothing
is written. My reviews are in `tasks`, the board of a panel in `boards`, its ranking in `rankings`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import defer

from grantflow.cases.access import see, visible_to
from grantflow.cases.models import Case
from grantflow.cases.service import get
from grantflow.db import session
from grantflow.errors import NotFound
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation, Person, RoleAssignment
from grantflow.money import Money
from grantflow.programmes.models import Call, Place
from grantflow.programmes.terms import Rubric
from grantflow.rendering import language
from grantflow.scoring import ranking
from grantflow.scoring.models import Decision, Panel, PanelMember, Review, Standing
from grantflow.scoring.panels import reviews_due_at
from grantflow.submissions.models import Application
from grantflow.submissions.queries import english_titles
from grantflow.submissions.rows import terms_of

_CASES = Case.__table__
STAFF = ("chair", "manager", "officer", "auditor")
"""Who sees a panel's work as a whole."""


@dataclass(frozen=True)
class Sheet:
    """A panel with its call: the head of every page of scoring."""

    panel: Panel
    call: Call
    rubric: Rubric
    due_at: datetime

    @property
    def id(self) -> int:
        """The number of its file."""
        return self.panel.case_id

    @property
    def spread_limit(self) -> int:
        """Hundredths of a point beyond which readers should talk."""
        return ranking.hundredths(self.rubric.spread_limit)


def sheet_of(panel_id: int) -> Sheet:
    """The panel, its call, rubric and last moment for reviews; NotFound where there is none."""
    row = (
        session()
        .execute(select(Panel, Call).join(Call, Call.case_id == Panel.call_id).where(Panel.case_id == panel_id))
        .one_or_none()
    )
    if row is None:
        raise NotFound
    panel, call = row
    return Sheet(panel, call, terms_of(call.pack_hash).rubric, reviews_due_at(panel, call.zone))


def panel_seen(panel_id: int, actor: Actor, *roles: str) -> Sheet:
    """The panel, for somebody who may see it and holds one of these roles on it; else NotFound."""
    case = see(panel_id, actor, "panel")
    if not actor.everywhere and not actor.roles_on(case) & set(roles or STAFF):
        raise NotFound
    return sheet_of(panel_id)


@dataclass
class Scope:
    """Where a role must hold to hold on a panel."""

    programme_id: int
    alliance_id: int | None
    panel_id: int
    organisation_id: int | None = None


def scope_of(sheet: Sheet) -> Scope:
    """The scope of a panel, without another query."""
    return Scope(sheet.call.programme_id, sheet.panel.alliance_id, sheet.id)


def call_of(sheet: Sheet) -> Any:
    """The case of the panel's call."""
    return get(sheet.call.case_id)


def panels_of(actor: Actor) -> list[Sheet]:
    """The panels this actor sees, the newest first."""
    rows = session().execute(
        select(Panel, Call)
        .join(Call, Call.case_id == Panel.call_id)
        .join(_CASES, _CASES.c.id == Panel.case_id)
        .where(visible_to(actor))
        .order_by(Panel.case_id.desc())
    )
    return [
        Sheet(panel, call, terms_of(call.pack_hash).rubric, reviews_due_at(panel, call.zone)) for panel, call in rows
    ]


# lines of applications
@dataclass(frozen=True)
class Line:
    """An application as lists of scoring show it. Scores are in hundredths of a point."""

    case: Any
    application: Application
    organisation: Organisation
    standing: Standing | None
    decision: Decision | None
    district: Place | None
    title_en: str = ""

    def title_in(self, language: str) -> str:
        """The project's title in that language, where the applicant wrote one."""
        return self.application.title if language == "ru" else (self.title_en or self.application.title)

    @property
    def asked(self) -> Money:
        """The sum asked."""
        return Money(self.application.asked_minor or 0, self.application.currency)

    @property
    def awarded(self) -> Money | None:
        """The sum awarded, if any."""
        if self.decision is None or self.decision.amount_minor is None:
            return None
        return Money(self.decision.amount_minor, self.decision.currency)


def _lines(*conditions: Any) -> list[Line]:
    rows = session().execute(
        select(Case, Application, Organisation, Standing, Decision, Place)
        .join(Application, Application.case_id == Case.id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .outerjoin(Standing, Standing.case_id == Case.id)
        .outerjoin(Decision, Decision.case_id == Case.id)
        .outerjoin(Place, Place.id == Application.district_id)
        .where(Case.kind == "application", *conditions)
        .order_by(Case.ref, Case.id)
        # A list shows none of what is written in the draft, and reading it takes longer than all the rest.
        .options(defer(Application.answers), defer(Application.typed), defer(Application.saved))
    )
    found: list[Any] = list(rows)
    titles = english_titles([row[0].id for row in found]) if language() == "en" else {}
    return [replace(Line(*row), title_en=titles.get(row[1].case_id, "")) for row in found]


def lines_of(case_ids: Collection[int], actor: Actor) -> dict[int, Line]:
    """The lines of these applications, of a page of a list, as far as this actor sees them."""
    return {line.case.id: line for line in _lines(Case.id.in_(case_ids), visible_to(actor))}


def line_of(case_id: int, actor: Actor) -> Line:
    """One application; NotFound for whoever may not see it."""
    found = _lines(Case.id == case_id, visible_to(actor))
    if not found:
        raise NotFound
    return found[0]


def own_review(case_id: int, person_id: int | None) -> Review | None:
    """Somebody's own review of an application, without its scores."""
    return (
        session().scalars(select(Review).where(Review.case_id == case_id, Review.person_id == person_id)).one_or_none()
    )


def candidates(call_id: int) -> tuple[list[Person], list[Organisation]]:
    """Who may be seated on a call's panel: people who apply for nobody, and its members; bodies that may
    send them."""
    applies = select(RoleAssignment.person_id).where(
        RoleAssignment.role == "applicant", RoleAssignment.revoked_at.is_(None)
    )
    seated = (
        select(PanelMember.person_id).join(Panel, Panel.case_id == PanelMember.panel_id).where(Panel.call_id == call_id)
    )
    people = session().scalars(
        select(Person)
        .where(Person.active, or_(Person.id.not_in(applies), Person.id.in_(seated)))
        .order_by(Person.name_en, Person.name_ru, Person.id)
    )
    bodies = session().scalars(
        select(Organisation)
        .where(
            or_(
                Organisation.kind.in_(("cso", "local_authority", "other")),
                Organisation.id.in_(_sent(call_id)),
            )
        )
        .order_by(Organisation.name_en, Organisation.name_ru, Organisation.id)
    )
    return list(people), list(bodies)


def _sent(call_id: int) -> Any:
    """The bodies that send members of this call's panel now."""
    return (
        select(PanelMember.organisation_id)
        .join(Panel, Panel.case_id == PanelMember.panel_id)
        .where(Panel.call_id == call_id, PanelMember.organisation_id.is_not(None))
    )
