"""People, organisations and programmes for tests, made through the real door."""

from __future__ import annotations

import itertools
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from grantflow import clock
from grantflow.cases.service import open_case
from grantflow.db import session, unit_of_work
from grantflow.identity.access import SYSTEM, Actor, actor_for
from grantflow.identity.models import Organisation, Person, RoleAssignment

_numbers = itertools.count(1)


def record_file(kind: str, title: str = "", **scope: Any) -> int:
    """A file that only records, such as a bare programme; gives back its number."""
    with unit_of_work():
        return int(open_case(kind, actor=SYSTEM, title=title or kind, **scope).id)


def person(role: str = "", *, name: str = "", language: str = "en", email: str = "", **scope: int | None) -> Actor:
    """Somebody, with one role in a scope where a role is given; gives back the actor."""
    number = next(_numbers)
    name = name or f"{(role or 'person').capitalize()} {number}"
    with unit_of_work() as current:
        file = open_case("person", actor=SYSTEM, title=name)
        row = Person(
            id=file.id, email=email or f"person{number}@example.org", email_key=(email or f"person{number}@example.org").casefold(),
            name_en=name, language=language, created_at=clock.now(),
        )  # fmt: skip
        current.add(row)
        current.flush()
        if role:
            current.execute(
                insert(RoleAssignment).values(person_id=file.id, role=role, granted_at=clock.now(), **scope)
            )
    return actor_for(session().get_one(Person, file.id))


def also(actor: Actor, role: str, **scope: int | None) -> Actor:
    """The same person with a further role."""
    with unit_of_work() as current:
        current.execute(
            insert(RoleAssignment).values(person_id=actor.person_id, role=role, granted_at=clock.now(), **scope)
        )
    return actor_for(session().get_one(Person, actor.person_id))


def organisation(name: str = "", kind: str = "business", **columns: Any) -> int:
    """A body; gives back its number."""
    name = name or f"Organisation {next(_numbers)}"
    with unit_of_work() as current:
        file = open_case("organisation", actor=SYSTEM, title=name)
        current.add(Organisation(id=file.id, name_en=name, kind=kind, search_key=name.casefold(), **columns))
    return int(file.id)


def signed_in(app: Flask, actor: Actor) -> FlaskClient:
    """A browser in which this person has signed in."""
    row = session().get_one(Person, actor.person_id)
    token = f"{row.id}:{row.session_epoch}"
    session().rollback()
    client = app.test_client()
    with client.session_transaction() as kept:
        kept.update(_user_id=token, _fresh=True, seen=int(clock.now().timestamp()))
    return client
