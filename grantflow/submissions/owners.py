"""Owns whose an application is: who sends it, and how it comes into other hands when that person cannot.

Its owner counts while they act for the organisation; where the owner does so no more, whoever acts for it may send.
Writing together is `sharing`'s and `inviting`'s.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, insert, select

from grantflow import clock
from grantflow.cases.context import Context
from grantflow.cases.service import get, lock, record
from grantflow.db import session, unit_connection, writing
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history import store
from grantflow.identity.access import Actor
from grantflow.identity.models import Person, name_of
from grantflow.submissions.drafts import OWNERSHIPS
from grantflow.submissions.extension import applicants_of
from grantflow.submissions.rows import call_of, mode, row_of

MAY = {"officer", "manager", "admin", "system"}
_PEOPLE = Person.__table__


def owner_of(case_id: int) -> Any | None:
    """The owner's number and names, and since when; None for an application that is nobody's."""
    return (
        session()
        .execute(
            select(OWNERSHIPS.c.person_id, OWNERSHIPS.c.since_at, _PEOPLE.c.name_en, _PEOPLE.c.name_ru)
            .join(_PEOPLE, _PEOPLE.c.id == OWNERSHIPS.c.person_id)
            .where(OWNERSHIPS.c.case_id == case_id)
        )
        .one_or_none()
    )


def standing_owner(case: Any) -> Any | None:
    """The owner, if they still act for the organisation."""
    owner = owner_of(case.id)
    return owner if owner is not None and owner.person_id in applicants_of(case.organisation_id) else None


def owns(case: Any, actor: Actor) -> Verdict:
    """Whether the application is this actor's to send and to share; a refusal names whose it is."""
    if actor.everywhere:
        return YES
    if "applicant" not in actor.roles_on(case):
        return no(_("Only people of the organisation may do this; you were invited to write."))
    owner = standing_owner(case)
    if owner is None or owner.person_id == actor.person_id:
        return YES
    name = name_of(owner, actor.language)
    return no(
        _(
            "This application belongs to %(name)s, who alone sends it and invites others. If %(name)s cannot, ask the "
            "programme officer to give it to you.",
            name=name,
        )
    )


@registry.guard("submissions.owner")
def owner_sends(ctx: Context) -> Verdict:
    """The owner alone sends, while there is one."""
    return owns(ctx.case, ctx.actor)


def heirs_of(case: Any) -> list[Any]:
    """Who could own it instead: the others who act for the organisation, by name."""
    owner = owner_of(case.id)
    found = session().execute(
        select(_PEOPLE.c.id, _PEOPLE.c.email, _PEOPLE.c.name_en, _PEOPLE.c.name_ru).where(
            _PEOPLE.c.id.in_(applicants_of(case.organisation_id)), _PEOPLE.c.id != (owner.person_id if owner else 0)
        )
    )
    return sorted(found, key=lambda row: (name_of(row, "en").casefold(), row.id))


def transfer(case_id: int, person_id: int, reason: str, *, actor: Actor, key: str | None = None) -> Any:
    """Give an application to another person of its organisation: staff's act, with its reason, an event, told to both.

    Gives back the event; a repeated `key` gives the first one. Refused for another role or where nothing is to be
    written; Invalid, with its field, without a reason or for somebody who does not act for the organisation.
    """
    case, row = lock(case_id), row_of(case_id)
    if key is not None and (earlier := store.by_key(unit_connection(), case_id, key)) is not None:
        return earlier
    roles = actor.roles_on(case)
    if not roles & MAY:
        raise Refused(_("Only the programme’s officers and managers give an application to another person."))
    if not mode(case):
        raise Refused(_("There is nothing to be written in this state, so it needs no other owner."))
    if person_id not in applicants_of(case.organisation_id):
        said = _("Choose somebody who acts for the organisation.")
        raise Invalid(said, {"person": said})
    if not reason.strip():
        said = _("Write the reason: it will stand in the history.")
        raise Invalid(said, {"reason": said})
    before = owner_of(case_id)
    if before is not None and before.person_id == person_id:
        raise Refused(_("The application belongs to this person already."))
    current = writing()
    current.execute(delete(OWNERSHIPS).where(OWNERSHIPS.c.case_id == case_id))
    current.execute(insert(OWNERSHIPS).values(case_id=case_id, person_id=person_id, since_at=clock.now()))
    person = current.execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one()
    call = call_of(row.call_id)
    about = {"title": row.title or {"en": call.name.in_("en"), "ru": call.name.in_("ru")}, "reason": reason.strip()}
    told = [("ownership_taken", [person_id], {**about, "page": f"/applications/{case_id}"})]
    names = {"en": name_of(person, "en"), "ru": name_of(person, "ru")}
    if before is not None:
        told.append(("ownership_left", [before.person_id], {**about, "person": names}))
    return record(
        case_id,
        "ownership_changed",
        actor=actor,
        role=next((role for role in ("manager", "officer") if role in roles), ""),
        facts={"owner": person_id},
        private_changes=[
            ("owned_by", None if before is None else name_of(before, "en"), name_of(person, "en"), person_id)
        ],
        reason=reason,
        key=key,
        notices=told,
    )


def for_transfer(case_id: int, actor: Actor) -> Any:
    """The case of an application whose owner these staff may change, known to exist though its draft stays closed."""
    case = get(case_id)
    if case.kind != "application" or not actor.roles_on(case) & {"officer", "manager"}:
        raise NotFound
    return case
