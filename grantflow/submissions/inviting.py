"""Owns how others come to write an application and leave it again: invited to an address, for named sections or the
whole, by whose application it is.

Whoever has no account gets one with the invitation, and its first password behind a link; to the inviter all answers
are the same, so that nobody learns who has one. All functions that write need a unit of work around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select, update

from grantflow import clock
from grantflow.cases.context import Context
from grantflow.cases.service import get, lock, record
from grantflow.db import session, unit_connection, writing
from grantflow.engine.registry import registry
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history import store
from grantflow.identity import links, words
from grantflow.identity import service as identity
from grantflow.identity.access import SYSTEM, Actor
from grantflow.identity.models import Person, name_of
from grantflow.identity.registration import shut
from grantflow.programmes.terms import Terms
from grantflow.submissions.extension import applicants_of
from grantflow.submissions.owners import owns, standing_owner
from grantflow.submissions.rows import call_of, may_write, row_of, terms_of
from grantflow.submissions.sharing import COLLABORATORS

MOST = 20
"""Invitations that may stand at one application at a time."""
_C = COLLABORATORS.c
_PEOPLE = Person.__table__


def opened_for(terms: Terms, whole: bool, sections: Any) -> dict[str, str]:
    """What somebody was invited to write, in both languages."""
    if whole:
        return {"en": "the whole application", "ru": "вся заявка"}
    titles = [(at, part.title) for at, part in enumerate(terms.form, 1) if part.code in sections]
    return {lang: ", ".join(f"{at}. {title.in_(lang)}" for at, title in titles) for lang in ("en", "ru")}


def _about(row: Any, terms: Terms, whole: bool, sections: Any) -> dict[str, Any]:
    call = call_of(row.call_id)
    title = row.title or {"en": call.name.in_("en"), "ru": call.name.in_("ru")}
    return {"title": title, "note": opened_for(terms, whole, sections)}


def invite(
    case_id: int, *, email: str, name: str, whole: bool, sections: list[str], actor: Actor, key: str | None = None
) -> int:
    """Invite the person at an address to write an application; gives back the number of the invitation.

    Invited again, they get another letter, and what they may write is what was chosen last. Refused for somebody whose
    application it is not, or when nothing can be written; Invalid, with its fields, for what cannot be taken.
    """
    case, row = lock(case_id), row_of(case_id)
    if key is not None and (earlier := store.by_key(unit_connection(), case_id, key)) is not None:
        return int(earlier.facts["collaborator"])
    for verdict in (owns(case, actor), may_write(case, row, actor)):
        if not verdict:
            raise Refused(verdict.because)
    terms = terms_of(row.pack_hash)
    chosen = [] if whole else [part.code for part in terms.form if part.code in sections]
    person = _person_at(email, name, chosen if not whole else None, actor)
    if person.id == actor.person_id or person.id in applicants_of(case.organisation_id):
        said = _("This person acts for your organisation and writes the whole application already.")
        raise Invalid(said, {"email": said})
    standing = select(func.count()).where(_C.case_id == case_id, _C.ended_at.is_(None), _C.person_id != person.id)
    if int(session().scalar(standing) or 0) >= MOST:
        raise Refused(_("No more than %(most)s people can be invited. Take somebody away first.", most=MOST))
    number = _write(case_id, person, email, whole, chosen, actor)
    page = {"page": f"/collaborations/{number}"}
    about = _about(row, terms, whole, chosen) | {"person": actor.name} | page
    if person.password_hash is None and not shut(person.id):
        sent = links.letter(person.id, "invitation", onward=page["page"], by_id=actor.person_id)
        told = ("collaborator_invited_first", [person.id], about | sent)
    else:
        told = ("collaborator_invited", [person.id], about)
    record(
        case_id,
        "collaborator_invited",
        actor=actor,
        role="applicant",
        facts={"collaborator": number, "opened_for": about["note"]},
        private_changes=[("collaborator", None, email.strip(), person.id)],
        key=key,
        notices=[told],
    )
    return number


def _person_at(email: str, name: str, sections: list[str] | None, actor: Actor) -> Any:
    """Whoever has this address; where nobody has, an account that waits for its first password."""
    wrong: dict[str, Any] = {}
    for field, check, text in (("email", words.address, email), ("name", words.name, name)):
        try:
            check(text)
        except Invalid as fault:
            wrong[field] = fault.sentence
    if sections == []:
        wrong["sections"] = _("Tick at least one section, or the whole application.")
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    known = identity.person_by_email(email)
    return known or identity.add_person(
        SYSTEM, email=email, name=name, language=actor.language, facts={"invited_to_write": True}
    )


def _write(case_id: int, person: Any, email: str, whole: bool, sections: list[str], actor: Actor) -> int:
    current = writing()
    here = (_C.case_id == case_id, _C.person_id == person.id)
    known = current.execute(select(_C.id, _C.accepted_at, _C.ended_at).where(*here)).one_or_none()
    given = {
        "email": email.strip()[:254], "whole": whole, "sections": sections, "invited_by_id": actor.person_id,
        "invited_at": clock.now(), "ended_at": None, "ended_by_id": None,
    }  # fmt: skip
    if known is None:
        given |= {"case_id": case_id, "person_id": person.id, "accepted_at": None}
        return int(current.execute(insert(COLLABORATORS).values(given).returning(_C.id)).scalar_one())
    if known.ended_at is not None:  # they left or were taken away: they come in again by themselves
        given["accepted_at"] = None
    current.execute(update(COLLABORATORS).where(_C.id == known.id).values(given))
    return int(known.id)


def invitation(collaborator_id: int, actor: Actor) -> Any:
    """The row of an invitation to this person; NotFound for everybody else's."""
    row = session().execute(select(COLLABORATORS).where(_C.id == collaborator_id)).one_or_none()
    if row is None or row.person_id != actor.person_id:
        raise NotFound
    return row


def named(person_id: int, language: str) -> str:
    """Somebody's name, to those whom they invited."""
    return name_of(session().execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one(), language)


def own_part(case_id: int, actor: Actor) -> int | None:
    """The number of the actor's own invitation to an application they write in."""
    here = (_C.case_id == case_id, _C.person_id == actor.person_id, _C.ended_at.is_(None))
    return session().scalar(select(_C.id).where(*here))


def accept(collaborator_id: int, *, actor: Actor) -> int:
    """Come and write; the owner is told. Gives back the application's number. Refused where it was taken back."""
    found = invitation(collaborator_id, actor)
    case = lock(found.case_id)
    found = invitation(collaborator_id, actor)
    if found.ended_at is not None:
        raise Refused(_("This invitation does not stand any more. Ask whoever invited you for a new one."))
    if found.accepted_at is None:
        writing().execute(update(COLLABORATORS).where(_C.id == found.id).values(accepted_at=clock.now()))
        _record(case, found, "collaborator_accepted", actor)
    return int(case.id)


def end(case_id: int, collaborator_id: int, *, actor: Actor) -> None:
    """Take somebody away from an application, or leave it oneself; what was written stays. Once more changes nothing."""
    case = lock(case_id)
    here = (_C.id == collaborator_id, _C.case_id == case_id)
    found = session().execute(select(COLLABORATORS).where(*here)).one_or_none()
    own = found is not None and found.person_id == actor.person_id
    if found is None or not (own or "applicant" in actor.roles_on(case) or actor.everywhere):
        raise NotFound
    if not own and not (verdict := owns(case, actor)):
        raise Refused(verdict.because)
    if found.ended_at is not None:
        return
    ended = {"ended_at": clock.now(), "ended_by_id": actor.person_id}
    writing().execute(update(COLLABORATORS).where(*here).values(ended))
    _record(case, found, "collaborator_left" if own else "collaborator_ended", actor)


def _record(case: Any, found: Any, what: str, actor: Actor) -> None:
    row = row_of(case.id)
    about = _about(row, terms_of(row.pack_hash), found.whole, found.sections) | {"person": actor.name}
    if what == "collaborator_ended":
        to = [found.person_id]
    else:
        owner = standing_owner(case)
        to = [owner.person_id if owner is not None else found.invited_by_id]
    page = {} if what == "collaborator_ended" else {"page": f"/applications/{case.id}"}
    record(
        case.id,
        what,
        actor=actor,
        role="applicant" if "applicant" in actor.roles_on(case) else "",
        facts={"collaborator": found.id, "opened_for": about["note"]},
        notices=[(what, to, about | page)],
    )


@registry.effect("submissions.tell_writers")
def tell_writers(ctx: Context) -> None:
    """Whoever was invited and wrote hears that it was sent, like the people of the organisation."""
    standing = (_C.case_id == ctx.case.id, _C.accepted_at.is_not(None), _C.ended_at.is_(None))
    people = list(ctx.session.scalars(select(_C.person_id).where(*standing).order_by(_C.person_id)))
    if people:
        ctx.notify("submitted", people, page=f"/applications/{ctx.case.id}")


@dataclass(frozen=True)
class Writer:
    """One line of the list of who writes: until somebody came, only the address that was typed."""

    id: int | None
    name: str
    email: str
    opened_for: Any
    state: str
    """"owner", "member", "invited" or "writes"."""
    since_at: datetime | None = None


def writers_of(case_id: int, terms: Terms, language: str) -> list[Writer]:
    """Everybody who writes an application: its owner first, others of the organisation, then who was invited."""
    case = get(case_id)
    owner = standing_owner(case)
    mine = applicants_of(case.organisation_id)
    people = {row.id: row for row in session().execute(select(_PEOPLE).where(_PEOPLE.c.id.in_(mine)))}
    all_of_it = opened_for(terms, True, ())
    found = [
        Writer(None, name_of(people[number], language), people[number].email, all_of_it, state, at)
        for number in sorted(mine, key=lambda one: (owner is None or one != owner.person_id, one))
        for state, at in [("owner", owner.since_at) if owner and number == owner.person_id else ("member", None)]
    ]
    rows = session().execute(
        select(COLLABORATORS, _PEOPLE.c.name_en, _PEOPLE.c.name_ru)
        .join(_PEOPLE, _PEOPLE.c.id == _C.person_id)
        .where(_C.case_id == case_id, _C.ended_at.is_(None))
        .order_by(_C.invited_at, _C.id)
    )
    for row in rows:
        came = row.accepted_at is not None
        name = name_of(row, language) if came else row.email
        about = opened_for(terms, row.whole, row.sections)
        found.append(
            Writer(row.id, name, row.email, about, "writes" if came else "invited", row.accepted_at or row.invited_at)
        )
    return found
