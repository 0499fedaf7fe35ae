"""Owns what staff may know of organisations: those with a case in their programmes, their cases, likely doubles, and the
files that were merged into another.

It changes nothing. Putting two files together is `merging`'s, what makes two alike `doubles`'.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from grantflow.db import session
from grantflow.errors import NotFound
from grantflow.identity import words
from grantflow.identity.access import Actor
from grantflow.identity.doubles import Double, known, pairs
from grantflow.identity.models import Organisation
from grantflow.identity.numbers import bare
from grantflow.identity.roles import CASES

_BODIES = Organisation.__table__
STAFF = ("officer", "manager")


def programmes_of(actor: Actor) -> set[int]:
    """The programmes in which this actor may say that two bodies are one."""
    return {number for role in STAFF for number in actor.scopes(role, "programme_id")}


def reach_of(organisation_ids: list[int]) -> dict[int, set[int | None]]:
    """The programmes in which these bodies have a case of any kind, by body. One query."""
    found: dict[int, set[int | None]] = {number: set() for number in organisation_ids}
    rows = session().execute(
        select(CASES.c.organisation_id, CASES.c.programme_id)
        .where(CASES.c.organisation_id.in_(organisation_ids), CASES.c.kind != "organisation")
        .distinct()
    )
    for row in rows:
        found[row.organisation_id].add(row.programme_id)
    return found


def body_for(actor: Actor, organisation_id: int) -> Any:
    """A body as staff may see it: one with a case in their programmes, or with none anywhere. Else NotFound."""
    row = session().execute(select(_BODIES).where(_BODIES.c.id == organisation_id)).one_or_none()
    programmes = programmes_of(actor)
    if row is None or not programmes:
        raise NotFound
    reach = reach_of([organisation_id])[organisation_id]
    if reach and not reach & programmes:
        raise NotFound
    return row


def merged_into(organisation_id: int) -> int | None:
    """The body that a merged file points to; None where it stands for itself or there is none."""
    found = session().scalar(select(_BODIES.c.merged_into_id).where(_BODIES.c.id == organisation_id))
    return None if found is None else int(found)


def absorbed(organisation_id: int) -> list[Any]:
    """The files that were merged into this one, the first first."""
    return list(
        session().execute(select(_BODIES).where(_BODIES.c.merged_into_id == organisation_id).order_by(_BODIES.c.id))
    )


def doubles_for(actor: Actor) -> list[tuple[Double, Any, Any]]:
    """Likely doubles of which this actor may judge: one body has a case in their programmes, and both are theirs to see.
    Two queries, however many bodies there are.
    """
    rows = {row.id: row for row in known()}
    found = pairs(rows.values())
    concerned = sorted({number for pair in found for number in (pair.first, pair.second)})
    reach, programmes = reach_of(concerned), programmes_of(actor)
    return [
        (pair, rows[pair.first], rows[pair.second])
        for pair in found
        if (reach[pair.first] | reach[pair.second]) & programmes
        and all(not reach[n] or reach[n] & programmes for n in (pair.first, pair.second))
    ]


def search(actor: Actor, text: str) -> list[Any]:
    """Bodies this actor may see whose number it is, or one of whose names holds this in any script; at most 25."""
    number, key = bare(text), words.search_key(text)
    if not key:
        return []
    found = [row for row in known() if row.inn == number or row.ogrn == number or key in row.search_key][:200]
    reach, programmes = reach_of([row.id for row in found]), programmes_of(actor)
    return [row for row in found if not reach[row.id] or reach[row.id] & programmes][:25]


def cases_for(actor: Actor, organisation_id: int) -> list[Any]:
    """The applications and grants of a body in this actor's programmes, the latest first, drafts left out."""
    return [
        case
        for case in reversed(cases_of(organisation_id))
        if case.programme_id in programmes_of(actor) and case.kind in ("application", "award") and case.ref
    ]


def cases_of(organisation_id: int) -> list[Any]:
    """Everything that has a file of its own and belongs to a body, in the order in which it was opened."""
    return list(
        session().execute(
            select(CASES)
            .where(CASES.c.organisation_id == organisation_id, CASES.c.kind != "organisation")
            .order_by(CASES.c.id)
        )
    )
