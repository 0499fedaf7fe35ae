"""Reading tranches and the ledger: a tranche with all its gates, the lines of its payments, who did what to
it.

It changes nothing, and whoever shows a row has asked `cases.access` before. The finance desk's page is in
`desk`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from grantflow.awards.models import Award
from grantflow.awards.queries import card, names
from grantflow.cases import definitions, words
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.disbursements import gates
from grantflow.disbursements.models import Payment, Tranche
from grantflow.errors import NotFound
from grantflow.history.models import Event
from grantflow.programmes.queries import terms_by_hash


def tranche(case_id: int) -> Tranche:
    """The tranche of a case; NotFound where there is none."""
    found = session().get(Tranche, case_id)
    if found is None:
        raise NotFound
    return found


def of_award(award_id: int) -> list[Tranche]:
    """Every tranche of an award in order, the cancelled ones too."""
    return list(session().scalars(select(Tranche).where(Tranche.award_id == award_id).order_by(Tranche.n)))


def with_states(award_id: int) -> list[tuple[Tranche, Any]]:
    """Every tranche of an award in order, each with the card of its state."""
    rows = session().execute(
        select(Tranche, Case)
        .join(Case, Case.id == Tranche.case_id)
        .where(Tranche.award_id == award_id)
        .order_by(Tranche.n)
    )
    return [(one, card(case)) for one, case in rows]


def awaited(tranches: Iterable[Tranche], awards: dict[int, Award]) -> dict[int, gates.Awaited]:
    """By tranche, the report it waits for. One query for all."""
    wanted = {t.condition_case_id: t for t in tranches if t.condition_case_id is not None}
    if not wanted:
        return {}
    rows = session().execute(select(Case.__table__).where(Case.id.in_(wanted))).all()
    found = {}
    for row in rows:
        waiting = wanted[row.id]
        award = awards[waiting.award_id]
        plan = terms_by_hash(award.terms_hash).report(waiting.report or "") if award.terms_hash else None
        found[waiting.case_id] = gates.Awaited(
            plan.label if plan is not None else waiting.report,
            row.ref or "",
            row.stage == "closed",
            card(row).label,
            row.id,
        )
    return found


def ledger(*, award_id: int | None = None, tranche_id: int | None = None) -> list[Payment]:
    """The lines of the ledger of an award or a tranche, in the order they were written."""
    query = select(Payment).order_by(Payment.id)
    if award_id is not None:
        query = query.where(Payment.award_id == award_id)
    if tranche_id is not None:
        query = query.where(Payment.tranche_id == tranche_id)
    return list(session().scalars(query))


@dataclass(frozen=True)
class Change:
    """Something that happened to the grant or its report after the first approval."""

    at: datetime
    ref: str
    case_id: int
    say: Any
    by: str
    fields: tuple[str, ...]


def changed_since_first(one: Tranche, language: str) -> list[Change]:
    """What the second person must know: everything written on the grant and on the report since the first
    approval."""
    if one.first_at is None:
        return []
    about = [one.award_id, *([one.condition_case_id] if one.condition_case_id else [])]
    rows = (
        session()
        .execute(
            select(Event, Case)
            .join(Case, Case.id == Event.case_id)
            .where(Event.case_id.in_(about), Event.at > one.first_at)
            .order_by(Event.at, Event.id)
        )
        .all()
    )
    people = names([event.actor_id for event, _case in rows], language)
    found = []
    for event, case in rows:
        moves = definitions.pinned(str(case.workflow_hash)).moves_by_name
        say = moves[event.move].say if event.move in moves else words.record_label(event.move)
        fields = tuple(change["field"] for change in (event.facts or {}).get("changes", ()))
        found.append(Change(event.at, case.ref or "", case.id, say, people.get(event.actor_id or 0, ""), fields))
    return found
