"""Owns the filters of a call's pipeline that a person keeps under a name; nobody else sees them.

Leaves what a filter is to `filters`. Writing needs a unit of work around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, func, select

from grantflow import clock
from grantflow.db import insert_if_new, session, writing
from grantflow.eligibility.filters import Filter
from grantflow.eligibility.models import SavedFilter
from grantflow.errors import Invalid, NotFound
from grantflow.identity import words
from grantflow.identity.access import Actor

MOST = 20
"""So many one person keeps in one call."""
LONGEST = 80
_F = SavedFilter.__table__


@dataclass(frozen=True)
class Kept:
    """A filter under its name."""

    id: int
    name: str
    wanted: Filter


def _own(call_id: int, actor: Actor) -> Any:
    return (_F.c.call_id == call_id) & (_F.c.person_id == actor.person_id)


def kept_by(actor: Actor, call_id: int) -> list[Kept]:
    """The filters this person keeps in a call, by name."""
    rows = session().execute(select(_F).where(_own(call_id, actor)).order_by(_F.c.name, _F.c.id))
    return [Kept(row.id, row.name, Filter.of(row.args)) for row in rows]


def keep(call_id: int, typed: str, wanted: Filter, *, actor: Actor) -> str:
    """Keep a filter under a name; gives back the name. Invalid where it has none, narrows nothing, or is one too many.

    The same filter under the same name is the same press; another one under it is refused, never written over.
    """
    name = words.line(typed, longest=LONGEST, what=_("Give the filter a name."))
    if not wanted.narrows:
        raise Invalid(_("This filter leaves nothing out. Choose something in the pipeline first."))
    args = {key: str(value) for key, value in wanted.args(page=1).items()}
    known = session().execute(select(_F.c.args).where(_own(call_id, actor), _F.c.name == name)).scalar_one_or_none()
    if known is not None:
        if known == args:
            return name
        raise Invalid(_("You keep another filter under this name. Choose a different name, or remove that one first."))
    if (session().scalar(select(func.count()).select_from(_F).where(_own(call_id, actor))) or 0) >= MOST:
        raise Invalid(_("You keep %(most)s filters in this call. Remove one first.", most=MOST))
    row = {
        "person_id": actor.person_id, "call_id": call_id, "name": name, "args": args, "saved_at": clock.now(),
    }  # fmt: skip
    writing().execute(insert_if_new(_F).values(row))
    return name


def remove(call_id: int, number: int, *, actor: Actor) -> str:
    """Keep a filter no longer; gives back its name. NotFound where it is not this person's."""
    gone = delete(_F).where(_own(call_id, actor), _F.c.id == number).returning(_F.c.name)
    name = writing().execute(gone).scalar_one_or_none()
    if name is None:
        raise NotFound
    return str(name)
