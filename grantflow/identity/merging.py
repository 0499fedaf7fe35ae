"""Two files that turn out to be one body: what would move is shown, then moved, with a reason that stands in both files.

Which bodies staff may see is in `known_bodies`. Later stages say which of their rows name a body through `follows()`. It is not undone by a press: whoever must, opens a
new file. Only staff of every programme concerned may do it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.db import session, writing
from grantflow.errors import Invalid, Refused, Stale
from grantflow.identity import door, words
from grantflow.identity.access import Actor
from grantflow.identity.known_bodies import STAFF, body_for, cases_of, programmes_of, reach_of
from grantflow.identity.models import Organisation, Person, RoleAssignment, Sponsorship, name_of
from grantflow.identity.roles import CASES
from grantflow.identity.sponsors import people_of

_BODIES, _ROLES, _PEOPLE = Organisation.__table__, RoleAssignment.__table__, Person.__table__
_SPONSORSHIPS = Sponsorship.__table__
_FILLED = ("name_en", "name_ru", "place_id", "inn", "kpp", "ogrn", "founded_on")
"""What the remaining file takes over where its own is blank."""


@dataclass(frozen=True)
class Following:
    """A column of a stage that names a body, and what its rows are called on the preview; None: they go unsaid."""

    column: Any
    label: Callable[[int], Any] | None = None


_following: list[Following] = []


def follows(column: Any, label: Callable[[int], Any] | None = None) -> None:
    """Let the rows that name a body in this column follow it; `label(n)` is how many of them, in words."""
    if all(one.column is not column for one in _following):
        _following.append(Following(column, label))


@dataclass
class Merger:
    """One file on its way into another, as staff are about to do it."""

    gone: Any
    kept: Any
    cases: list[Any]
    people: list[Any]
    doubled: list[Any]
    """Roles of people who act for the remaining body already: they end with the file."""
    counts: list[Any]
    filled: dict[str, Any] = field(default_factory=dict)

    @property
    def seen(self) -> str:
        """A fingerprint of what the page shows: if it differs when confirmed, something has changed meanwhile."""
        parts = [
            f"{self.gone.id}>{self.kept.id}",
            *(f"c{c.id}" for c in self.cases),
            *(f"r{r.id}" for r in self.people),
        ]
        parts += [f"d{r.id}" for r in self.doubled] + [str(number) for number, _label in self.counts]
        parts += [f"{name}={value}" for name, value in sorted(self.filled.items())]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]


def preview(actor: Actor, gone_id: int, kept_id: int) -> Merger:
    """What would move from one file into the other. Refused, with the reason, where it may not be done."""
    gone, kept = body_for(actor, gone_id), body_for(actor, kept_id)
    if gone.id == kept.id:
        raise Refused(_("These are one file already. Choose two."))
    if gone.merged_into_id is not None or kept.merged_into_id is not None:
        raise Refused(_("One of the two was merged already."))
    if not reach_of([gone.id])[gone.id] <= programmes_of(actor):
        raise Refused(
            _(
                "It has applications in a programme that is not yours: they would move too. Ask its officer to merge them."
            )
        )
    if gone.country == kept.country and gone.inn and kept.inn and gone.inn != kept.inn:
        raise Refused(
            _(
                "Their numbers differ, so a register holds them for two bodies. Ask their people to correct the wrong one."
            )
        )
    if _between(gone.id, kept.id):
        raise Refused(_("One of them is the fiscal sponsor of the other, so they are two. End that first."))
    acting = session().execute(
        select(_ROLES, _PEOPLE.c.name_en, _PEOPLE.c.name_ru)
        .join(_PEOPLE, _PEOPLE.c.id == _ROLES.c.person_id)
        .where(_ROLES.c.organisation_id.in_((gone.id, kept.id)), _ROLES.c.revoked_at.is_(None))
        .order_by(_ROLES.c.id)
    ).all()  # fmt: skip
    there = {(row.person_id, row.role) for row in acting if row.organisation_id == kept.id}
    own = [row for row in acting if row.organisation_id == gone.id]
    return Merger(
        gone,
        kept,
        cases=cases_of(gone.id),
        people=[row for row in own if (row.person_id, row.role) not in there],
        doubled=[row for row in own if (row.person_id, row.role) in there],
        counts=[(count, one.label) for one in _following if one.label and (count := _count(one, gone.id))],
        filled={
            name: getattr(gone, name)
            for name in _FILLED
            if not getattr(kept, name)
            and getattr(gone, name)
            and (name not in ("inn", "kpp", "ogrn") or gone.country == kept.country)
        },
    )


def _between(one: int, other: int) -> bool:
    both = (one, other)
    living = select(_SPONSORSHIPS.c.id).where(
        _SPONSORSHIPS.c.group_id.in_(both),
        _SPONSORSHIPS.c.sponsor_id.in_(both),
    )
    return session().execute(living).first() is not None


def _count(one: Following, organisation_id: int) -> int:
    return int(
        session().scalar(select(func.count()).select_from(one.column.table).where(one.column == organisation_id)) or 0
    )


def merge(actor: Actor, gone_id: int, kept_id: int, *, reason: str, seen: str, key: str | None = None) -> None:
    """Put one file into the other: cases, roles and whatever names it follow; both files and every case remember it.

    Stale where what was shown is no longer so. Refused and Invalid say why not. A repeated sending changes nothing.
    """
    current = writing()
    current.execute(select(CASES.c.id).where(CASES.c.id.in_((gone_id, kept_id))).order_by(CASES.c.id).with_for_update())
    gone = body_for(actor, gone_id)
    if gone.merged_into_id == kept_id:
        return
    found = preview(actor, gone_id, kept_id)
    if not reason.strip():
        raise Invalid(fields={"reason": _("Write the reason: it will stand in the history.")})
    if found.seen != seen:
        raise Stale(_("Something has changed since this was shown. Look at it once more, then merge."))
    gone, kept, role = found.gone, found.kept, _as(actor)
    told = {"merged": _both(gone), "into": _both(kept), "merged_id": gone.id, "into_id": kept.id}
    people = dict.fromkeys([*people_of(kept.id), *people_of(gone.id)])
    for case in found.cases:
        door.record(
            case.id,
            "applicant_merged",
            actor=actor,
            role=role,
            reason=reason,
            changes=[("organisation", _both(gone), _both(kept))],
        )
    # Its own file too: whoever acts for the remaining body reads the history of both.
    hers = (CASES.c.organisation_id == gone.id) | (CASES.c.id == gone.id)
    current.execute(update(CASES).where(hers).values(organisation_id=kept.id))
    for one in _following:
        current.execute(update(one.column.table).where(one.column == gone.id).values({one.column.name: kept.id}))
    _move_roles(actor, role, found, reason)
    for column in ("group_id", "sponsor_id"):
        at = _SPONSORSHIPS.c[column]
        current.execute(update(_SPONSORSHIPS).where(at == gone.id).values({column: kept.id}))
    words_told = {"organisation": told["into"], "before": told["merged"], "page": "/organisation", "reason": reason}
    counted = {"cases": len(found.cases), "people": len(found.people)}
    door.record(gone.id, "merged_into", actor=actor, role=role, reason=reason, key=key, facts={**told, **counted})
    door.record(
        kept.id,
        "merged_with",
        actor=actor,
        role=role,
        reason=reason,
        key=key,
        facts={**told, **counted},
        changes=[(n, getattr(kept, n), v) for n, v in found.filled.items() if n not in ("inn", "ogrn", "place_id")],
        private_changes=[(n, getattr(kept, n), v, None) for n, v in found.filled.items() if n in ("inn", "ogrn")],
        notices=[("bodies_merged", list(people), words_told)] if people else [],
    )
    names = dict.fromkeys(
        name for name in (*(kept.aliases or ()), gone.name_ru, gone.name_en, *(gone.aliases or ())) if name
    )
    after = {name: found.filled.get(name, getattr(kept, name)) for name in ("name_en", "name_ru")}
    aliases = [name for name in names if name not in after.values()]
    one_step = (_BODIES.c.id == gone.id) | (_BODIES.c.merged_into_id == gone.id)  # a pointer leads there at once
    current.execute(update(_BODIES).where(one_step).values(merged_into_id=kept.id))
    current.execute(
        update(_BODIES)
        .where(_BODIES.c.id == kept.id)
        .values(
            **found.filled,
            aliases=aliases,
            search_key=words.search_key(after["name_en"], after["name_ru"], *aliases),
        )
    )


def _move_roles(actor: Actor, role: str, found: Merger, reason: str) -> None:
    current, now = writing(), clock.now()
    for row in found.people:
        current.execute(update(_ROLES).where(_ROLES.c.id == row.id).values(organisation_id=found.kept.id))
    for row in found.doubled:
        current.execute(update(_ROLES).where(_ROLES.c.id == row.id).values(revoked_at=now))
    for row in (*found.people, *found.doubled):
        door.record(
            row.person_id,
            "role_followed",
            actor=actor,
            role=role,
            reason=reason,
            facts={"assignment": row.id, "role": row.role},
            changes=[("organisation", _both(found.gone), _both(found.kept))],
        )


def _as(actor: Actor) -> str:
    return next((role for role in STAFF if actor.scopes(role, "programme_id")), "")


def _both(row: Any) -> dict[str, str]:
    return {language: name_of(row, language) for language in ("en", "ru")}
