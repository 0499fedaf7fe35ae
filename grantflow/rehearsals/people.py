"""Owns the invented people of a rehearsal: one for each role, two where the rules ask for two, and a panel as the terms
want it. They get their accounts and roles by the same use cases as everybody.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from grantflow.db import session, unit_of_work
from grantflow.identity import service as identity
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Person
from grantflow.programmes.terms import Terms
from grantflow.scoring.service import Member

SHELL = Actor(None, "rehearsal", everywhere="admin")
"""Whoever sets up the stage before there are people on it."""
_STAFF = {
    "manager": ("Manager", "Руководитель программы"),
    "officer1": ("First officer", "Первый сотрудник"),
    "officer2": ("Second officer", "Второй сотрудник"),
    "finance1": ("First finance officer", "Первый финансист"),
    "finance2": ("Second finance officer", "Второй финансист"),
    "auditor": ("Auditor", "Аудитор"),
}
_APPLICANTS = {
    "applicant1": ("First applicant", "Первый заявитель"),
    "applicant2": ("Second applicant", "Второй заявитель"),
    "applicant3": ("Third applicant", "Третий заявитель"),
}
_CHAIR, _MEMBER = ("Panel chair", "Председатель комиссии"), ("Panel member", "Член комиссии")


def _address(name: str) -> str:
    return f"{name}@rehearsal.example"


def person_id(name: str) -> int | None:
    """The number of one of them; None for nobody."""
    return session().scalar(select(Person.id).where(Person.email == _address(name)))


def actor(name: str) -> Actor:
    """One of them as they may act now."""
    return actor_for(session().scalars(select(Person).where(Person.email == _address(name))).one())


def _add(name: str, names: tuple[str, str], language: str, zone: str) -> int:
    with unit_of_work():
        return identity.add_person(
            SHELL, email=_address(name), name_en=names[0], name_ru=names[1], language=language, zone=zone
        ).id


def hire(programme_id: int, language: str, zone: str) -> None:
    """The staff of the programme with their roles."""
    for name, names in _STAFF.items():
        number = _add(name, names, language, zone)
        with unit_of_work():
            identity.grant_role(SHELL, number, name.rstrip("12"), programme_id=programme_id)


def enter_applicants(language: str, zone: str, place_id: int | None) -> dict[str, int]:
    """Who applies, each with a body of their own; gives back the bodies."""
    bodies = {}
    for name, names in _APPLICANTS.items():
        _add(name, names, language, zone)
        owner = actor(name)
        with unit_of_work():
            bodies[name] = identity.add_organisation(
                owner, name_en=f"{names[0]}’s body", name_ru=f"{names[1]}: организация", kind="business",
                legal_form="other", place_id=place_id,
            )  # fmt: skip
    return bodies


def panel(terms: Terms, language: str, zone: str) -> list[Member]:
    """As many members as the terms ask for, of each kind as many, the first of them the chair."""
    kinds: list[str] = [kind for kind, least in terms.panel.at_least.items() for _n in range(least)]
    # One more than the quorum: so one member's review can still be open, and an interest stops nothing.
    kinds += ["other"] * (max(terms.panel.seats, terms.rubric.quorum + 1, 2) - len(kinds))
    members = []
    for n, kind in enumerate(kinds, 1):
        names = _CHAIR if n == 1 else (f"{_MEMBER[0]} {n}", f"{_MEMBER[1]} {n}")
        members.append(Member(_add(f"panel{n}", names, language, zone), kind, None, n == 1, None))
    return members


def panellists() -> list[str]:
    """The names of the panel's members, the chair first."""
    found = session().scalars(
        select(Person.email).where(Person.email.like("panel%@rehearsal.example")).order_by(Person.id)
    )
    return [address.partition("@")[0] for address in found]


def roles() -> dict[str, Any]:
    """Whom a rehearsal lets one be, by role."""
    names = {
        "applicant": "applicant1", "officer": "officer1", "second_officer": "officer2", "panellist": "panel2",
        "chair": "panel1", "finance": "finance1", "second_finance": "finance2", "manager": "manager", "auditor": "auditor",
    }  # fmt: skip
    return {"visitor": None} | {role: number for role, name in names.items() if (number := person_id(name)) is not None}
