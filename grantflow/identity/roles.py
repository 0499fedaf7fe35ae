"""Giving and taking roles: who may, where, until when, and which two may never meet in one person.

Each is an event in the person's file. All functions here need a unit of work around them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import column, insert, select, table, update

from grantflow import clock
from grantflow.db import session, writing
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history import store
from grantflow.identity import door, words
from grantflow.identity.access import Actor
from grantflow.identity.labels import ROLE_LABELS
from grantflow.identity.models import ROLES, Person, RoleAssignment

CASES = table(
    "cases",
    *(
        column(c)
        for c in (
            "id",
            "kind",
            "title",
            "ref",
            "programme_id",
            "alliance_id",
            "panel_id",
            "organisation_id",
            "open_key",
        )
    ),
)
"""The columns of `cases` that people's use cases read; the table itself is of a later layer."""
_ROLES = RoleAssignment.__table__
_PEOPLE = Person.__table__
APART = (frozenset(("finance", "manager")), frozenset(("finance", "chair")))
"""Roles that one person may not hold in one programme: who decides does not pay."""
OF_PANELS = ("panellist", "chair")


def _scope(role: str, scope: dict[str, int | None]) -> dict[str, int | None]:
    """The scope as it is kept: a panel brings its programme; each id must name a file of the right kind."""
    needed = "organisation_id" if role == "applicant" else "panel_id" if role in OF_PANELS else "programme_id"
    wanted = (needed, "organisation_id") if role == "partner" else (needed,)
    kept: dict[str, int | None] = {
        "programme_id": None,
        "alliance_id": None,
        "panel_id": None,
        "organisation_id": None,
    }
    for name in (*wanted, "alliance_id"):
        if scope.get(name) is None:
            continue
        kind = name.removesuffix("_id")
        file = writing().execute(select(CASES).where(CASES.c.id == scope[name], CASES.c.kind == kind)).one_or_none()
        if file is None:
            raise NotFound
        kept[name] = file.id
        if name == "panel_id":
            kept["programme_id"] = file.programme_id
    if (missing := next((name for name in wanted if kept[name] is None), None)) is not None:
        said = {
            "organisation_id": _("Choose the organisation this role is for."),
            "panel_id": _("Choose the panel this role is for."),
            "programme_id": _("Choose the programme this role is for."),
        }[missing]
        raise Invalid(said, {"scope": said})
    return kept


def _may(actor: Actor, role: str, scope: dict[str, int | None]) -> None:
    if actor.has("system", "admin"):
        return
    if role == "applicant":
        if scope["organisation_id"] not in actor.scopes("applicant", "organisation_id"):
            raise Refused(_("Only people of this organisation may let others act for it."))
    elif scope["programme_id"] not in actor.scopes("manager", "programme_id"):
        raise Refused(_("Only the manager of this programme may give and take its roles."))


def held_now(person_id: int) -> list[Any]:
    """Roles that hold today or later."""
    today = clock.today()
    found = session().execute(
        select(_ROLES).where(_ROLES.c.person_id == person_id, _ROLES.c.revoked_at.is_(None)).order_by(_ROLES.c.id)
    )
    return [row for row in found if row.ends_on is None or row.ends_on >= today]


def apart(role: str, programme_id: int | None, held: list[Any]) -> Any:
    """Why somebody who holds these roles may not have this one too, as a sentence; None where nothing is against it."""
    for row in held:
        if row.programme_id == programme_id and programme_id is not None and frozenset((role, row.role)) in APART:
            return _(
                "This person is %(held)s of the same programme. Who decides does not pay: "
                "one person may not hold both roles.",
                held=ROLE_LABELS[row.role],
            )
    return None


def grant_role(
    actor: Actor,
    person_id: int,
    role: str,
    *,
    programme_id: int | None = None,
    panel_id: int | None = None,
    organisation_id: int | None = None,
    alliance_id: int | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
    reason: str = "",
    key: str | None = None,
) -> int:
    """Give a role: staff within a programme, members and chairs within a panel, applicants within an
    organisation, a national partner within an organisation that holds grants of a programme.

    A manager gives the roles of their own programmes, and none to themselves; an applicant those of their
    organisation. Refused, Invalid and NotFound say why not. Gives back the assignment's number; a repeated
    `key`
    gives the first one.
    """
    current = writing()
    if role not in ROLES:
        said = _("Choose a role from the list.")
        raise Invalid(said, {"role": said})
    if current.execute(select(CASES.c.id).where(CASES.c.id == person_id).with_for_update()).one_or_none() is None:
        raise NotFound
    if key is not None and (earlier := store.by_key(current, person_id, key)) is not None:
        return int(earlier.facts["assignment"])
    person = current.execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one_or_none()
    if person is None:
        raise NotFound
    given = {
        "programme_id": programme_id,
        "panel_id": panel_id,
        "organisation_id": organisation_id,
        "alliance_id": alliance_id,
    }
    scope = _scope(role, given)
    _may(actor, role, scope)
    _may_be_given(actor, person, role, scope)
    _last_day_fits(starts_on, ends_on, clock.today(person.zone))
    days = {"starts_on": starts_on, "ends_on": ends_on}
    values = {"person_id": person_id, "role": role, "granted_by": actor.person_id, "granted_at": clock.now()}
    assignment = int(
        current.execute(insert(_ROLES).values(**values, **days, **scope).returning(_ROLES.c.id)).scalar_one()
    )
    known = {name: value for name, value in (scope | days).items() if value is not None}
    silent = actor.person_id == person_id or actor.everywhere
    told = [(_told_of(role), [person_id], {"role": words.in_both(ROLE_LABELS[role])})]
    door.record(
        person_id,
        "role_granted",
        actor=actor,
        role=_as(actor, role),
        facts={"assignment": assignment, "role": role, **known},
        reason=reason,
        key=key,
        notices=[] if silent else told,
    )
    return assignment


def _may_be_given(actor: Actor, person: Any, role: str, scope: dict[str, int | None]) -> None:
    """Whether this person can have the role, whoever gives it. Refused says why not."""
    if actor.person_id == person.id and role != "applicant":
        raise Refused(_("Nobody gives a role to themselves. Ask another manager."))
    if not person.active:
        raise Refused(_("This account is closed."))
    held = held_now(person.id)
    if any(row.role == role and all(getattr(row, c) == v for c, v in scope.items()) for row in held):
        raise Refused(_("This person holds this role there already."))
    if (said := apart(role, scope["programme_id"], held)) is not None:
        raise Refused(said)


def _last_day_fits(starts_on: date | None, ends_on: date | None, today: date) -> None:
    """The last day, where there is one, lies neither before the first one nor in the past; Invalid says which."""
    if ends_on is None:
        return
    if starts_on is not None and ends_on < starts_on:
        said = _("The last day lies before the first one.")
        raise Invalid(said, {"ends_on": said})
    if ends_on < today:
        said = _("The last day is already past.")
        raise Invalid(said, {"ends_on": said})


def _told_of(role: str) -> str:
    return "audit_given" if role == "auditor" else "role_granted"


def _as(actor: Actor, role: str) -> str:
    return "" if actor.everywhere else "applicant" if role == "applicant" else "manager"


def revoke_role(actor: Actor, assignment_id: int, *, reason: str, key: str | None = None) -> None:
    """Take a role, from now on, with a reason. The last manager of a programme stays."""
    current = writing()
    found = current.execute(select(_ROLES).where(_ROLES.c.id == assignment_id)).one_or_none()
    if found is None:
        raise NotFound
    current.execute(select(CASES.c.id).where(CASES.c.id == found.person_id).with_for_update())
    if key is not None and store.by_key(current, found.person_id, key) is not None:
        return
    _may(actor, found.role, {"programme_id": found.programme_id, "organisation_id": found.organisation_id})
    if not reason.strip():
        said = _("Write the reason: it will stand in the history.")
        raise Invalid(said, {"reason": said})
    row = current.execute(select(_ROLES).where(_ROLES.c.id == assignment_id)).one()
    if row.revoked_at is not None:
        raise Refused(_("This role was taken back already."))
    if row.role in ("manager", "applicant") and (said := somebody_stays(row)) is not None:
        raise Refused(said)
    current.execute(update(_ROLES).where(_ROLES.c.id == assignment_id).values(revoked_at=clock.now()))
    door.record(
        row.person_id,
        "role_revoked",
        actor=actor,
        role=_as(actor, row.role),
        reason=reason,
        key=key,
        facts={
            "assignment": row.id,
            "role": row.role,
            "programme_id": row.programme_id,
            "panel_id": row.panel_id,
            "organisation_id": row.organisation_id,
        },
    )


def somebody_stays(row: Any) -> Any:
    """Why this role may not go, as a sentence: a programme keeps a manager and an organisation somebody who acts for it.

    None where another person holds it too.
    """
    today = clock.today()
    where = (
        _ROLES.c.programme_id == row.programme_id
        if row.role == "manager"
        else _ROLES.c.organisation_id == row.organisation_id
    )
    others = (
        session()
        .execute(
            select(_ROLES.c.ends_on)
            .join(_PEOPLE, _PEOPLE.c.id == _ROLES.c.person_id)
            .where(
                where,
                _ROLES.c.role == row.role,
                _ROLES.c.revoked_at.is_(None),
                _ROLES.c.id != row.id,
                _PEOPLE.c.active,
            )
        )
        .all()
    )
    if any(other.ends_on is None or other.ends_on >= today for other in others):
        return None
    if row.role == "manager":
        return _("This is the last manager of the programme. Give the role to another person first.")
    return _("Nobody else acts for this organisation. Add another person first.")
