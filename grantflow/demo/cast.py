"""Owns the people of the demo: who has an account, who acts for which body, and acting in somebody's name.

Everybody has the same password, which the sign-in page shows. All names are invented.
"""

from __future__ import annotations

from typing import Any

from grantflow.cases import service
from grantflow.db import session, unit_of_work
from grantflow.demo.content import Applicant, Owner, People, SignIn
from grantflow.demo.story import Calendar
from grantflow.identity import service as identity
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Person

PASSWORD = "demo-demo-demo"  # noqa: S105  shown to everybody: it is no secret
SHELL = Actor(None, "shell", everywhere="admin")
"""Whoever sets an installation up before there are people in it."""
_KEPT_FOR_THE_CALL = ("applicant",)


class Cast:
    """Accounts and bodies by the codes of the content."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.persons: dict[str, int] = {}
        self.bodies: dict[str, int] = {}
        self._applicants: dict[tuple[str, str], int] = {}
        """Bodies that apply, by who acts for them and by their tax number: whoever applies again is not described anew."""
        self.programme_id = 0
        self._actors: dict[str, Actor] = {}

    def actor(self, code: str) -> Actor:
        """Somebody as they may act now; remembered until a role is given."""
        if code not in self._actors:
            self._actors[code] = actor_for(session().get_one(Person, self.persons[code]))
        return self._actors[code]

    def roles_changed(self) -> None:
        """Somebody was given a role: look at everybody anew."""
        self._actors.clear()

    def move(self, case_id: int, trigger: str, code: str, **more: Any) -> Any:
        """Let somebody make a move of a case, through the same door as everybody."""
        actor = self.actor(code)
        with unit_of_work():
            return service.fire(case_id, trigger, actor=actor, **more)

    def hire(self) -> None:
        """Open the accounts of the staff and of the panel's members, and give the staff their roles."""
        for one in self.people.people:
            if one.role not in _KEPT_FOR_THE_CALL:
                with unit_of_work():
                    self.persons[one.code] = identity.add_person(
                        SHELL, email=one.email, name_en=one.name.en, name_ru=one.name.ru, language=one.language,
                        zone=one.zone, password=PASSWORD,
                    ).id  # fmt: skip
        managers = [one for one in self.people.people if one.role == "manager"]
        for one in managers:
            self._appoint(SHELL, one)
        head = self.actor(managers[0].code)
        for one in self.people.people:
            if one.role in ("officer", "finance", "auditor"):
                self._appoint(head, one)

    def _appoint(self, actor: Actor, one: SignIn) -> None:
        with unit_of_work():
            identity.grant_role(actor, self.persons[one.code], one.role, programme_id=self.programme_id)
        self.roles_changed()

    def found_bodies(self) -> None:
        """The bodies the members of the panel come from."""
        for body in self.people.bodies:
            with unit_of_work():
                self.bodies[body.code] = identity.add_organisation(
                    SHELL, name_en=body.name.en, name_ru=body.name.ru, kind=body.kind, legal_form=body.form,
                    country=body.country, join=False,
                )  # fmt: skip

    def register(self, owner: Owner, zone: str) -> str:
        """Let an applicant open their own account, unless they have one; gives back their code."""
        known = self.people.by_code(owner.person) if owner.person else None
        email = known.email if known else address_of(owner)
        code = known.code if known else email
        if code not in self.persons:
            language = known.language if known else "ru"
            with unit_of_work():
                person = identity.register(
                    email=email, name=owner.name.ru, password=PASSWORD, language=language, zone=zone, consent=True
                )
                self.persons[code] = person.id
            actor = self.actor(code)
            with unit_of_work():
                identity.change_name(actor, self.persons[code], name_en=owner.name.en, name_ru=owner.name.ru)
        return code

    def found_body(self, code: str, body: Applicant, place_id: int | None, calendar: Calendar) -> int:
        """The applicant describes the body they apply for, once, and acts for it from then on."""
        if body.inn and (known := self._applicants.get((code, body.inn))):
            return known
        actor = self.actor(code)
        with unit_of_work():
            body_id = identity.add_organisation(
                actor, name_en=body.name.en, name_ru=body.name.ru, kind=body.kind, legal_form=body.form,
                inn=body.inn, founded_on=calendar.day(body.founded) if body.founded else None, place_id=place_id,
            )  # fmt: skip
        self._applicants[code, body.inn] = body_id
        self.roles_changed()
        return body_id


def address_of(owner: Owner) -> str:
    """The invented address of an applicant: from the Latin name, at a name no mail can reach."""
    bare = "".join(c if c.isascii() and c.isalpha() else "." for c in owner.name.en.lower())
    return f"{bare}@demo.example"
