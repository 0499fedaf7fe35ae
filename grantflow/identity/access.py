"""Who may do what, where: the actor with their roles, and the word every view carries. Nothing said means denied.

How far a role reaches beyond its own scope, as an auditor's into the calls that grants have opened, a later stage says.

Which rows a role sees is said once, in `cases.access`; which move it may make stands beside the move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar

from sqlalchemy import bindparam, select

from grantflow import clock
from grantflow.db import connection
from grantflow.engine.registry import registry
from grantflow.identity.models import ROLES, RoleAssignment, name_of
from grantflow.prepared import Prepared

registry.roles.update(ROLES)
registry.roles.update(("system", "admin"))

PUBLIC, SIGNED_IN = "public", "signed_in"
SCOPES = ("programme_id", "alliance_id", "panel_id", "organisation_id")


class Scoped(Protocol):
    """Anything with the scope columns of a case."""

    programme_id: Any
    alliance_id: Any
    panel_id: Any
    organisation_id: Any


@dataclass(frozen=True)
class Held:
    """One role held within a scope; a scope that is None does not narrow it."""

    role: str
    programme_id: int | None = None
    alliance_id: int | None = None
    panel_id: int | None = None
    organisation_id: int | None = None
    calls: frozenset[int] | None = None
    """Set: it holds in these calls and nowhere else."""
    but_of: int | None = None
    """The organisation whose own records it does not reach: nobody watches over themselves."""

    def covers(self, record: Scoped) -> bool:
        """Whether every scope that is set is the record's own."""
        if self.calls is not None and getattr(record, "call_id", None) not in self.calls:
            return False
        if self.but_of is not None and self.but_of == record.organisation_id:
            return False
        return all(getattr(self, s) is None or getattr(self, s) == getattr(record, s) for s in SCOPES)


@dataclass(frozen=True)
class Actor:
    """Whoever acts: a person with the roles they hold today, the system, or the shell. Always passed in, never global."""

    person_id: int | None
    name: str
    language: str = "en"
    held: tuple[Held, ...] = ()
    everywhere: str | None = None
    """A role held on every record: `system` for the system, `admin` for the shell."""

    def roles_on(self, record: Scoped) -> set[str]:
        """The roles this actor holds on a record."""
        roles = {held.role for held in self.held if held.covers(record)}
        if self.everywhere:
            roles.add(self.everywhere)
        return roles

    def has(self, *roles: str) -> bool:
        """Whether any of these roles is held anywhere."""
        return any(held.role in roles for held in self.held) or self.everywhere in roles

    def scopes(self, role: str, column: str) -> set[int]:
        """The ids in one scope column over all assignments of a role."""
        return {getattr(held, column) for held in self.held if held.role == role and getattr(held, column)}

    @property
    def watched_calls(self) -> set[int]:
        """The calls whose grants this actor watches as a national partner."""
        return {call for held in self.held if held.role == "partner" for call in held.calls or ()}


SYSTEM = Actor(None, "GrantFlow", everywhere="system")
NOBODY = Actor(None, "")


Reach = Callable[[Any], Held | None]
_reaches: dict[str, Reach] = {}


def reaches(role: str) -> Callable[[Reach], Reach]:
    """Register `f(assignment) -> Held | None`: what this role holds beyond the scope it is written down with."""

    def keep(function: Reach) -> Reach:
        _reaches[role] = function
        return function

    return keep


def held_by(row: Any) -> tuple[Held, ...]:
    """What an assignment holds: its own scope, and what it reaches beyond it. A partner's is all beyond: the calls that the
    grants of its organisation have opened, and nothing of the organisation itself."""
    own = Held(row.role, row.programme_id, row.alliance_id, row.panel_id, row.organisation_id)
    beyond = _reaches[row.role](row) if row.role in _reaches else None
    return (*((own,) if row.role != "partner" else ()), *((beyond,) if beyond is not None else ()))


_ROLES = RoleAssignment.__table__
_HELD = Prepared(
    select(_ROLES.c.role, _ROLES.c.starts_on, _ROLES.c.ends_on, *(_ROLES.c[scope] for scope in SCOPES))
    .where(_ROLES.c.person_id == bindparam("holder"), _ROLES.c.revoked_at.is_(None))
    .order_by(_ROLES.c.id)
)


def actor_for(person: Any, on: date | None = None) -> Actor:
    """The person (or their row) as an actor, with the roles that hold on that day (default: today in their zone)."""
    day = on or clock.today(person.zone)
    rows = _HELD.all(connection(), {"holder": person.id})
    held = tuple(
        one
        for r in rows
        if (r.starts_on is None or r.starts_on <= day) and (r.ends_on is None or day <= r.ends_on)
        for one in held_by(r)
    )
    return Actor(person.id, name_of(person, person.language), person.language, held if person.active else ())


_View = TypeVar("_View", bound=Callable[..., Any])


def access(*who: str) -> Callable[[_View], _View]:
    """Say on the view itself who may enter: "public", "signed_in", or roles. Checked before every request."""
    unknown = set(who) - set(ROLES) - {PUBLIC, SIGNED_IN}
    if unknown or not who:
        raise ValueError(f"access() knows no {sorted(unknown)}")

    def mark(view: _View) -> _View:
        view.access = frozenset(who)  # type: ignore[attr-defined]
        return view

    return mark


def may_enter(declared: Iterable[str] | None, actor: Actor | None) -> bool:
    """Whether somebody may enter a view that declares this; nothing declared is no for everybody."""
    words = frozenset(declared or ())
    if PUBLIC in words:
        return True
    if actor is None or not words:
        return False
    return SIGNED_IN in words or actor.has(*words)
