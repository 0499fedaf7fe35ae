"""Reading awards: one with its case, its terms, its zone; what a call's grants hold of its budget. It changes
nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import case, func, select

from grantflow.awards.models import Award, PastOutcome
from grantflow.cases import definitions
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import State
from grantflow.errors import NotFound
from grantflow.identity.access import Actor
from grantflow.identity.models import Person
from grantflow.money import Money
from grantflow.programmes.models import Programme
from grantflow.programmes.queries import terms_by_hash
from grantflow.programmes.terms import Terms


def award(case_id: int) -> Award:
    """The award of a case; NotFound where there is none. Whoever shows it has asked `cases.access` before."""
    found = session().get(Award, case_id)
    if found is None:
        raise NotFound
    return found


def terms_of(row: Award) -> Terms:
    """The terms a grant is held to: those its application was written under."""
    if row.terms_hash is None:
        raise LookupError(f"award {row.number} names no terms")
    return terms_by_hash(row.terms_hash)


def of_application(application_id: int, actor: Actor) -> Award | None:
    """The award an application led to, if there is one and this actor may know of it."""
    return (
        session()
        .scalars(
            select(Award)
            .join(Case, Case.id == Award.case_id)
            .where(Award.application_id == application_id, visible_to(actor))
        )
        .one_or_none()
    )


def past_outcome(application_id: int) -> PastOutcome | None:
    """What a register says became of an application. Whoever shows it has asked `cases.access` before."""
    return session().get(PastOutcome, application_id)


def card(row: Any) -> State:
    """The card of a case's state, from the definition it is pinned to."""
    return definitions.pinned(str(row.workflow_hash)).state(str(row.state))


def zone_of(programme_id: int | None) -> str:
    """The zone whose calendar decides for a programme."""
    found = session().scalar(select(Programme.zone).where(Programme.id == programme_id))
    return found or "Europe/Moscow"


def award_case(award_id: int) -> Any:
    """The row of `cases` of an award."""
    return session().execute(select(Case.__table__).where(Case.id == award_id)).one()


HELD = case((Award.terminated_at.is_not(None), Award.paid_minor), else_=Award.amount_minor)
"""What a grant holds of its call's budget: all of it, or after its end only what was paid."""


def committed(call_id: int) -> Money | None:
    """What a call's grants hold of its budget: whole sums, of ended ones only what was paid. None without any
    grant."""
    rows = (
        session()
        .execute(
            select(
                Award.currency,
                func.sum(HELD),
            )
            .where(Award.call_id == call_id)
            .group_by(Award.currency)
        )
        .all()
    )
    return Money(int(rows[0][1]), rows[0][0]) if rows else None


def names(person_ids: Iterable[int | None], language: str) -> dict[int, str]:
    """People's names in a language, by id. One query, or none for nobody."""
    wanted = {person_id for person_id in person_ids if person_id is not None}
    if not wanted:
        return {}
    return {p.id: p.name_in(language) for p in session().scalars(select(Person).where(Person.id.in_(wanted)))}
