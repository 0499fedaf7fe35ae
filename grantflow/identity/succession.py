"""Handing a leaver's desk to another person: what moves, what stays and why, shown before it is done and recorded on both
files.

Roles of staff move here; what hangs on a desk besides is told, and where it can be moved moved, by later stages through
`part()`. What was done stays with who did it: separation of duties counts persons, not desks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow import clock
from grantflow.db import session, writing
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history import store
from grantflow.identity import door, roles
from grantflow.identity.access import SCOPES, Actor, held_by
from grantflow.identity.models import Person, RoleAssignment
from grantflow.identity.roles import CASES

_PEOPLE, _ROLES = Person.__table__, RoleAssignment.__table__
STAFF = ("officer", "finance", "manager", "auditor", "partner")


@dataclass(frozen=True)
class Thing:
    """One thing of the desk: what it is, where it can be looked at, and why it stays or what becomes of it."""

    what: Any
    why: Any = ""
    url: str = ""


@dataclass(frozen=True)
class RoleMove:
    """A role of the leaver. `refused` says why it cannot go to the successor; `held`: they hold it already."""

    row: Any
    where: str
    refused: Any = None
    held: bool = False


@dataclass
class Handing:
    """A desk on its way from one person to another, as the manager is about to hand it over."""

    actor: Actor
    leaver: Actor
    successor: Actor
    roles: list[RoleMove] = field(default_factory=list)
    moves: list[Thing] = field(default_factory=list)
    stays: list[Thing] = field(default_factory=list)

    @property
    def going(self) -> list[RoleMove]:
        """The roles that leave the leaver."""
        return [one for one in self.roles if one.refused is None]

    @property
    def heir(self) -> Actor:
        """The successor as they would be afterwards."""
        held = dict.fromkeys((*self.successor.held, *(held for one in self.going for held in held_by(one.row))))
        return Actor(self.successor.person_id, self.successor.name, self.successor.language, tuple(held))

    @property
    def seen(self) -> str:
        """A fingerprint of what the page shows: if it differs when confirmed, something has changed meanwhile."""
        parts = [f"{one.row.id} {one.refused is None} {one.held}" for one in self.roles]
        parts += [f"+{thing.url}" for thing in self.moves] + [f"-{thing.url}" for thing in self.stays]
        named = f"{self.leaver.person_id}>{self.successor.person_id}|" + "|".join(sorted(parts))
        return hashlib.sha256(named.encode()).hexdigest()[:24]


Look = Callable[[Handing], tuple[Iterable[Thing], Iterable[Thing]]]
Carry = Callable[[Handing, str], None]
_parts: dict[str, tuple[Look, Carry | None]] = {}


def part(name: str, look: Look, carry: Carry | None = None) -> None:
    """Register what a stage knows of a desk: `look(handing)` gives what moves and what stays; `carry(handing, reason)`
    moves what does not follow the roles by itself, inside the unit of work.
    """
    _parts[name] = (look, carry)


def _actor(person_id: int) -> tuple[Actor, Any, list[Any]]:
    """Somebody with all they hold today, also where their account is closed already."""
    person = session().execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one_or_none()
    if person is None:
        raise NotFound
    rows = roles.held_now(person_id)
    name = (person.name_ru or person.name_en) if person.language == "ru" else (person.name_en or person.name_ru)
    return Actor(person_id, name, person.language, tuple(held for row in rows for held in held_by(row))), person, rows


def look(actor: Actor, leaver_id: int, successor_id: int) -> Handing:
    """What would move and what would stay. Raises Refused where these two cannot hand over at all, NotFound."""
    if leaver_id == successor_id:
        raise Refused(_("Choose another person: this one is leaving."))
    leaver, _person, rows = _actor(leaver_id)
    successor, heir, held = _actor(successor_id)
    if not heir.active:
        raise Refused(_("The account of this person is closed. Choose somebody who works here."))
    handing = Handing(actor, leaver, successor)
    titles = _titles(rows)
    taken = list(held)
    for row in rows:
        if row.role not in STAFF:
            continue
        same = any(r.role == row.role and all(getattr(r, s) == getattr(row, s) for s in SCOPES) for r in held)
        refused = _against(actor, row, successor, taken, same)
        handing.roles.append(RoleMove(row, titles.get(row.programme_id, ""), refused, same))
        if refused is None:
            taken.append(row)
    for bodies in (row for row in rows if row.role == "applicant"):
        handing.stays.append(
            Thing(
                titles.get(bodies.organisation_id, ""),
                _("Who acts for an organisation is for its own people to say, on its page."),
                f"organisation/{bodies.organisation_id}",
            )
        )
    for looking, _carry in _parts.values():
        moves, stays = looking(handing)
        handing.moves += moves
        handing.stays += stays
    return handing


def _titles(rows: list[Any]) -> dict[int, str]:
    wanted = {i for row in rows for i in (row.programme_id, row.organisation_id) if i}
    found = session().execute(select(CASES.c.id, CASES.c.title).where(CASES.c.id.in_(wanted)))
    return {row.id: row.title for row in found}


def _against(actor: Actor, row: Any, successor: Actor, taken: list[Any], same: bool) -> Any:
    """Why a role cannot go, as a sentence; None where it can."""
    if not actor.everywhere and row.programme_id not in actor.scopes("manager", "programme_id"):
        return _("This role is in a programme you do not manage. Its manager hands it over.")
    if same:
        return None
    if successor.person_id == actor.person_id:
        return _("Nobody gives a role to themselves. Ask another manager.")
    return roles.apart(row.role, row.programme_id, taken)


def hand_over(
    actor: Actor, leaver_id: int, successor_id: int, *, reason: str, seen: str, key: str | None = None
) -> Handing:
    """Do what the page showed, with a reason, as one event on each of the two files; both are told.

    Raises Stale if it is not what would happen now, Refused where nothing can go, Invalid without a reason. A repeated
    `key` changes nothing. Needs a unit of work around it.
    """
    for person_id in sorted((leaver_id, successor_id)):
        writing().execute(select(CASES.c.id).where(CASES.c.id == person_id).with_for_update())
    handing = look(actor, leaver_id, successor_id)
    if key is not None and store.by_key(session(), leaver_id, key) is not None:
        return handing
    if not reason.strip():
        said = _("Write the reason: it will stand in the history.")
        raise Invalid(said, {"reason": said})
    if not handing.going and not handing.moves:
        raise Refused(_("Nothing on this desk can go to this person."))
    if handing.seen != seen:
        raise Stale(_("This was changed while you were reading it. Look at it as it is now, then decide."))
    for one in handing.going:
        if not one.held:
            _give(actor, successor_id, one.row, reason)
    for _looking, carry in _parts.values():
        if carry is not None:
            carry(handing, reason)
    for one in handing.going:
        roles.revoke_role(actor, one.row.id, reason=reason)
    _record(handing, reason, key)
    return handing


def _give(actor: Actor, person_id: int, row: Any, reason: str) -> None:
    ahead: date | None = row.starts_on if row.starts_on and row.starts_on > clock.today() else None
    roles.grant_role(
        actor,
        person_id,
        row.role,
        programme_id=row.programme_id,
        alliance_id=row.alliance_id,
        organisation_id=row.organisation_id,
        starts_on=ahead,
        ends_on=row.ends_on,
        reason=reason,
    )


def _record(handing: Handing, reason: str, key: str | None) -> None:
    def write(this: Actor, other: Actor, what: str, named: str) -> None:
        assert this.person_id is not None
        door.record(
            this.person_id,
            what,
            actor=handing.actor,
            role="manager" if not handing.actor.everywhere else "",
            facts={
                "other": other.person_id,
                "roles": [one.row.role for one in handing.going],
                "moved": len(handing.moves),
                "stayed": len(handing.stays),
            },
            private_changes=[(named, None, other.name, other.person_id)],
            reason=reason,
            key=key,
            notices=[(what, [this.person_id], {"person": other.name, "reason": reason.strip()})],
        )

    write(handing.leaver, handing.successor, "desk_handed_over", "handed_to")
    write(handing.successor, handing.leaver, "desk_taken_over", "taken_from")
