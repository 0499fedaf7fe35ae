"""What the pages about people and organisations read, each in a fixed number of queries. It changes nothing.

A manager sees people of their own programmes, those they added, and whoever's address they know.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import column, func, or_, select, table

from grantflow import clock
from grantflow.db import JsonText, session
from grantflow.errors import NotFound
from grantflow.history.models import Event
from grantflow.identity import links, words
from grantflow.identity.access import Actor
from grantflow.identity.models import AccountLink, Organisation, Person, RoleAssignment
from grantflow.identity.roles import CASES
from grantflow.paging import Page
from grantflow.rendering import language

_PLACES = table("places", *(column(c) for c in ("id", "kind", "parent_id", "code")), column("name", JsonText()))
"""The columns of `places` that are read here; the table itself is of a later layer."""
_PEOPLE, _ROLES, _EVENTS = Person.__table__, RoleAssignment.__table__, Event.__table__
_LINKS = AccountLink.__table__
PAGE = 25


def programmes_of(actor: Actor) -> list[Any]:
    """The programmes this actor manages: number and title."""
    query = select(CASES.c.id, CASES.c.title).where(CASES.c.kind == "programme").order_by(CASES.c.title, CASES.c.id)
    if not actor.everywhere:
        query = query.where(CASES.c.id.in_(actor.scopes("manager", "programme_id")))
    return list(session().execute(query).all())


def _named(scope: Any) -> Any:
    return select(CASES.c.id, CASES.c.title, CASES.c.kind).where(CASES.c.id.in_(scope))


def roles_of(person_ids: list[int], programmes: set[int] | None = None) -> dict[int, list[dict[str, Any]]]:
    """Every assignment of these people, the living first, with the file of where it holds; of some
    programmes only.
    """
    query = (
        select(_ROLES).where(_ROLES.c.person_id.in_(person_ids)).order_by(_ROLES.c.revoked_at.is_not(None), _ROLES.c.id)
    )
    if programmes is not None:
        query = query.where(_ROLES.c.programme_id.in_(programmes))
    rows = session().execute(query).all()
    scopes = {i for r in rows for i in (r.programme_id, r.panel_id, r.organisation_id) if i}
    files = {row.id: row for row in session().execute(_named(scopes))} if scopes else {}
    by = {r.granted_by for r in rows if r.granted_by}
    givers = {row.id: row for row in session().execute(select(_PEOPLE).where(_PEOPLE.c.id.in_(by)))} if by else {}
    today = clock.today()
    found: dict[int, list[dict[str, Any]]] = {person_id: [] for person_id in person_ids}
    for row in rows:
        over = row.revoked_at is not None or (row.ends_on is not None and row.ends_on < today)
        found[row.person_id].append(
            {
                "id": row.id,
                "role": row.role,
                "where": files.get(row.panel_id or row.organisation_id or row.programme_id),
                "starts_on": row.starts_on,
                "ends_on": row.ends_on,
                "granted_at": row.granted_at,
                "granted_by": givers.get(row.granted_by),
                "revoked_at": row.revoked_at,
                "over": over,
                "ahead": row.starts_on is not None and row.starts_on > today,
            }
        )
    return found


def people_of(actor: Actor, text: str = "", number: int = 1) -> tuple[list[dict[str, Any]], Page]:
    """People with a role in the programmes this actor manages, by name, a page at a time. Whom they invited is among them before any role is given.

    `text` narrows by a part of a name; a whole address finds anybody.
    """
    programmes = actor.scopes("manager", "programme_id")
    mine = select(_ROLES.c.person_id).where(_ROLES.c.programme_id.in_(programmes))
    invited = select(_LINKS.c.person_id).where(_LINKS.c.kind == "invitation", _LINKS.c.by_id == actor.person_id)
    where: Any = or_(_PEOPLE.c.id.in_(mine), _PEOPLE.c.id.in_(invited))
    text = text.strip()
    if "@" in text:
        where = _PEOPLE.c.email_key == words.address_key(text)
    names = session().execute(
        select(_PEOPLE.c.id, _PEOPLE.c.name_en, _PEOPLE.c.name_ru)
        .where(where)
        .order_by(func.coalesce(func.nullif(_PEOPLE.c.name_ru, ""), _PEOPLE.c.name_en), _PEOPLE.c.id)
    ).all()  # fmt: skip
    if text and "@" not in text:  # SQLite folds the case of Latin letters only: compare here
        key = words.search_key(text)
        names = [row for row in names if key in words.search_key(row.name_en, row.name_ru)]
    page = Page(number, len(names), PAGE)
    ids = [row.id for row in names[page.rows]]
    whole = {row.id: row for row in session().execute(select(_PEOPLE).where(_PEOPLE.c.id.in_(ids)))}
    shown = [whole[number] for number in ids]
    roles = roles_of([row.id for row in shown], programmes)
    sent = links.invitations_of([row.id for row in shown])
    return [
        {
            "person": row,
            "roles": [r for r in roles[row.id] if not r["over"]],
            "account": account_of(row, sent.get(row.id)),
            "invited": sent.get(row.id),
        }
        for row in shown
    ], page


def account_of(person: Any, invitation: Any) -> str:
    """How far somebody's account is: closed, in use, or what became of the last invitation (open, over, withdrawn);
    `waiting` where they registered themselves and have not confirmed the address.
    """
    if not person.active:
        return "closed"
    if person.password_hash is not None:
        return "used"
    return links.state_of(invitation) if invitation is not None else "waiting"


def successors(actor: Actor, leaver_id: int) -> list[Any]:
    """Who may take a desk over: people of the programmes this actor manages whose account is open, by name."""
    programmes = actor.scopes("manager", "programme_id")
    mine = select(_ROLES.c.person_id).where(_ROLES.c.programme_id.in_(programmes))
    invited = select(_LINKS.c.person_id).where(_LINKS.c.kind == "invitation", _LINKS.c.by_id == actor.person_id)
    return list(
        session().execute(
            select(_PEOPLE)
            .where(or_(_PEOPLE.c.id.in_(mine), _PEOPLE.c.id.in_(invited)), _PEOPLE.c.active, _PEOPLE.c.id != leaver_id)
            .order_by(func.coalesce(func.nullif(_PEOPLE.c.name_ru, ""), _PEOPLE.c.name_en), _PEOPLE.c.id)
        )
    )


def person_for(actor: Actor, person_id: int, found: list[int]) -> Any:
    """A person whose roles this actor may see to; `found`: whose address they typed. Else NotFound."""
    row = session().execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one_or_none()
    if row is None:
        raise NotFound
    programmes = actor.scopes("manager", "programme_id")
    role = select(_ROLES.c.id).where(_ROLES.c.person_id == person_id, _ROLES.c.programme_id.in_(programmes))
    added = select(_EVENTS.c.id).where(
        _EVENTS.c.case_id == person_id,
        _EVENTS.c.move == "account_opened",
        _EVENTS.c.actor_id == actor.person_id,
    )
    known = person_id in found or person_id == actor.person_id
    if not known and session().execute(role.union_all(added)).first() is None:
        raise NotFound
    return row


def assignment_for(actor: Actor, person_id: int, assignment_id: int) -> Any:
    """One assignment of a person in a programme this actor manages; else NotFound."""
    row = (
        session()
        .execute(
            select(_ROLES).where(
                _ROLES.c.id == assignment_id,
                _ROLES.c.person_id == person_id,
                _ROLES.c.programme_id.in_(actor.scopes("manager", "programme_id")),
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


def organisations_of(actor: Actor) -> list[Organisation]:
    """The organisations this actor acts for, by name."""
    mine = actor.scopes("applicant", "organisation_id")
    found = session().scalars(select(Organisation).where(Organisation.id.in_(mine)))
    return sorted(found, key=lambda o: (o.name_ru or o.name_en, o.id))


def people_acting_for(organisation_ids: list[int]) -> dict[int, list[Any]]:
    """Who acts for these organisations today: person and address, by organisation."""
    today = clock.today()
    rows = session().execute(
        select(
            _ROLES.c.organisation_id,
            _ROLES.c.id.label("assignment"),
            _PEOPLE.c.id,
            _PEOPLE.c.email,
            _PEOPLE.c.name_en,
            _PEOPLE.c.name_ru,
        )
        .join(_PEOPLE, _PEOPLE.c.id == _ROLES.c.person_id)
        .where(
            _ROLES.c.role == "applicant",
            _ROLES.c.organisation_id.in_(organisation_ids),
            _ROLES.c.revoked_at.is_(None),
            or_(_ROLES.c.ends_on.is_(None), _ROLES.c.ends_on >= today),
        )
        .order_by(_ROLES.c.id)
    )
    found: dict[int, list[Any]] = {number: [] for number in organisation_ids}
    for row in rows:
        found[row.organisation_id].append(row)
    return found


def places() -> list[Any]:
    """Countries, regions and districts, for choosing; empty before a programme is loaded."""
    return list(session().execute(select(_PLACES).order_by(_PLACES.c.id)))


def demo_people(emails: list[str]) -> list[tuple[Any, set[str]]]:
    """The demonstration's people under these addresses, in that order, with their roles."""
    keys = [words.address_key(email) for email in emails]
    rows = {row.email_key: row for row in session().execute(select(_PEOPLE).where(_PEOPLE.c.email_key.in_(keys)))}
    held: dict[int, set[str]] = {}
    for row in session().execute(select(_ROLES.c.person_id, _ROLES.c.role).where(_ROLES.c.revoked_at.is_(None))):
        held.setdefault(row.person_id, set()).add(row.role)
    return [(rows[key], held.get(rows[key].id, set())) for key in keys if key in rows]


def names_of(person_ids: Iterable[int | None]) -> dict[int, str]:
    """The names of these people in the language of the page, in one query."""
    wanted = {number for number in person_ids if number is not None}
    if not wanted:
        return {}
    rows = session().execute(select(_PEOPLE.c.id, _PEOPLE.c.name_en, _PEOPLE.c.name_ru).where(_PEOPLE.c.id.in_(wanted)))
    russian = language() == "ru"
    return {row.id: (row.name_ru or row.name_en) if russian else (row.name_en or row.name_ru) for row in rows}
