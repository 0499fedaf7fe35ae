"""How people come in: their own registration, invitations, and passwords chosen behind a link by mail.

Nobody is told who has an account: every answer here is the same, and what is true goes to the address alone. Accounts
and passwords themselves are `service`'s, the links are `links`'.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, Refused
from grantflow.history import store
from grantflow.identity import door, links, service, words
from grantflow.identity.access import SYSTEM, Actor, actor_for
from grantflow.identity.models import Person

_PEOPLE = Person.__table__
CHOSEN = {"invitation": "invitation_accepted", "confirmation": "address_confirmed", "password": "password_changed"}
"""The event that choosing a password is, by the kind of the link it stands behind."""


def ask_account(*, email: str, name: str, language: str, zone: str, consent: bool, onward: str = "") -> str:
    """Somebody wants an account of their own; gives back the address as the letter goes to it.

    A new address gets a link to confirm it and to choose a password; one that has an account gets a letter that says
    so; one that was never confirmed gets its link again. Raises Invalid with `fields`, the same for all of them.
    Makes its own unit of work, a second one where somebody registered the same address in the same moment.
    """
    wrong: dict[str, Any] = {}
    for field, fault in (("name", _fault(words.name, name)), ("email", _fault(words.address, email))):
        if fault is not None:
            wrong[field] = fault
    if not consent:
        wrong["consent"] = _("Tick this box: without it we may not keep your name and address.")
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    shown, key = words.address(email)
    for last in (False, True):
        try:
            with unit_of_work():
                _write_to(key, email=email, name=name, language=language, zone=zone, onward=onward)
            break
        except IntegrityError:
            if last:
                raise
    return shown


def _fault(check: Any, text: str) -> Any:
    try:
        check(text)
    except Invalid as fault:
        return fault.sentence
    return None


def _write_to(key: str, *, onward: str, **given: str) -> None:
    person = session().execute(select(_PEOPLE).where(_PEOPLE.c.email_key == key)).one_or_none()
    held = links.holder_of(key) if person is None else None
    if held is not None:  # changed a few days ago: its owner may still come back to it
        _tell(held.person_id, "registration_repeated", "account_known", {"account_link": held.id})
    elif person is None:
        opened = service.register(consent=True, **given)
        _tell(
            opened.id, "link_sent", "confirm_address", links.letter(opened.id, "confirmation", onward=onward),
            opened=opened,
        )  # fmt: skip
    elif person.active and person.password_hash is None and not shut(person.id):
        way = links.letter(person.id, "confirmation", onward=onward)
        _tell(person.id, "link_sent", "confirm_address", way)
    elif person.active and person.password_hash is not None:
        _tell(person.id, "registration_repeated", "account_known", {})


def _tell(person_id: int, what: str, notice: str, params: dict[str, int], opened: Person | None = None) -> None:
    actor = actor_for(opened) if opened is not None else SYSTEM
    door.record(person_id, what, actor=actor, notices=[(notice, [person_id], params)])


def shut(person_id: int) -> bool:
    """Whether somebody was invited and the invitation taken back: no other link opens that door."""
    last = links.invitations_of([person_id]).get(person_id)
    return last is not None and links.state_of(last) == "withdrawn"


def ask_password(email: str) -> None:
    """Send a link to choose a new password, if there is an account; to the asker it is all the same."""
    person = service.person_by_email(email)
    if person is None or not person.active or (person.password_hash is None and shut(person.id)):
        return
    person_id = person.id
    with unit_of_work():
        _tell(person_id, "link_sent", "password_link", links.letter(person_id, "password"))


def send_way_back(actor: Actor, page: str, about: dict[str, Any]) -> None:
    """Send somebody who is signed in a link that lets them in once, to a page of theirs. Needs a unit of work around it."""
    assert actor.person_id is not None
    way = links.letter(actor.person_id, "draft", onward=page)
    told = ("draft_link", [actor.person_id], {**about, **way, "page": page})
    door.record(actor.person_id, "draft_link_sent", actor=actor, notices=[told])


def choose_password(token: str, kind: str, new: str) -> Person:
    """Spend an invitation, a confirmation or a reset: from then on the new password alone lets in.

    Every session that was open ends, and every other link that would let somebody in. Raises links.Spent, and Invalid
    for a password that may not be chosen: then the link is as it was. Needs a unit of work around it.
    """
    row = links.spend(token, kind)
    person = service.person(row.person_id)
    service.change_password(actor_for(person), person.id, new=new, what=CHOSEN[kind])
    return person


def invite(actor: Actor, person_id: int, *, key: str | None = None) -> int:
    """Send somebody the link by which they choose their first password; the invitation before, if any, ends.

    Gives back the number of the link. Needs a unit of work around it, as does the next.
    """
    person = _waiting(actor, person_id)
    if key is not None and store.by_key(session(), person_id, key) is not None:
        return int(links.invitations_of([person_id])[person_id].id)
    if not person.active:
        raise Refused(_("This account is closed."))
    sent = links.letter(person_id, "invitation", by_id=actor.person_id)
    door.record(
        person_id,
        "invited",
        actor=actor,
        role="manager" if actor.person_id else "",
        key=key,
        notices=[("invited", [person_id], sent)],
    )
    return sent["account_link"]


def show_invitation(actor: Actor, person_id: int) -> str:
    """The link of an open invitation whose letter cannot leave, to be given by another way; that it was shown is recorded.

    Refused where the letter left: then only who reads that mail shall have it.
    """
    _waiting(actor, person_id)
    last = links.invitations_of([person_id]).get(person_id)
    if last is None or links.state_of(last) != "open":
        raise Refused(_("There is no open invitation to show."))
    if links.letter_fault(person_id) is None:
        raise Refused(
            _("The letter with the link has left, or leaves in a moment. If it does not come, send it again.")
        )
    door.record(person_id, "invitation_shown", actor=actor, role="manager" if actor.person_id else "")
    return links.address_of(int(last.id))


def withdraw_invitation(actor: Actor, person_id: int, *, key: str | None = None) -> None:
    """Take an invitation back: its link opens nothing any more, nor does any other of that person's."""
    _waiting(actor, person_id)
    if key is not None and store.by_key(session(), person_id, key) is not None:
        return
    last = links.invitations_of([person_id]).get(person_id)
    if last is None or links.state_of(last) != "open":
        raise Refused(_("There is no open invitation to take back."))
    links.withdraw(person_id, links.INWARD)
    door.record(person_id, "invitation_withdrawn", actor=actor, role="manager" if actor.person_id else "", key=key)


def _waiting(actor: Actor, person_id: int) -> Any:
    """The account of somebody who has not come in yet, locked. Whether the actor sees it is for the caller."""
    if not actor.has("manager", "system", "admin"):
        raise Refused(_("Only a programme manager invites people."))
    links.lock(person_id)
    person = session().execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one()
    if person.password_hash is not None:
        raise Refused(_("This person has chosen a password already and needs no invitation."))
    return person
