"""Changing the address of an account, the way back from it, and the language of letters: each behind a link by mail.

The new address is taken only once somebody reads there; the old one is told and can undo it for some days. All
functions here need a unit of work around them.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from grantflow.db import session, writing
from grantflow.errors import Invalid, Refused
from grantflow.history import store
from grantflow.identity import door, links, passwords, service, words
from grantflow.identity.access import SYSTEM, Actor, actor_for
from grantflow.identity.models import Person

_PEOPLE = Person.__table__


def ask_address(actor: Actor, person_id: int, *, email: str, password: str, key: str | None = None) -> str:
    """Somebody wants another address: asks the password, sends a link to the new address, gives it back as written.

    If the new address has an account, a letter there says so, and the asker is told the same. Raises Invalid.
    """
    links.lock(person_id)
    row = session().execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one()
    wrong: dict[str, Any] = {}
    if not passwords.matches(row.password_hash, password):
        wrong["password"] = _("This is not your present password.")
    shown = address = ""
    try:
        shown, address = words.address(email)
        if shown == row.email:
            wrong["email"] = _("This is your address already. Write the new one.")
    except Invalid as fault:
        wrong["email"] = fault.sentence
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    if key is not None and store.by_key(session(), person_id, key) is not None:
        return shown
    links.withdraw(person_id, ("address",))
    told = _tell_holder(person_id, address)
    door.record(
        person_id,
        "address_change_asked",
        actor=actor,
        key=key,
        private_changes=[("email", row.email, shown, person_id)],
        notices=[] if told else [("confirm_new_address", [person_id], links.letter(person_id, "address", email=shown))],
    )
    return shown


def _tell_holder(person_id: int, address: str) -> bool:
    """Whether the address is somebody else's; they are told that somebody wants it."""
    taken = session().scalar(select(_PEOPLE.c.id).where(_PEOPLE.c.email_key == address))
    held = links.holder_of(address) if taken is None else None
    other = held.person_id if held is not None else taken
    if other in (None, person_id):
        return False
    params = {"account_link": held.id} if held is not None else {}
    door.record(other, "registration_repeated", actor=SYSTEM, notices=[("account_known", [other], params)])
    return True


def take_address(token: str) -> Person:
    """Spend the link sent to the new address: it becomes the account's; the old one gets a letter with the way back.

    Links that went to the old address let nobody in any more. Raises links.Spent, and Refused where somebody opened an
    account under the address meanwhile.
    """
    row = links.spend(token, "address")
    person = service.person(row.person_id)
    before = person.email
    _free(row.email_key, person.id)
    links.withdraw(person.id, links.INWARD)
    back = links.letter(person.id, "undo", email=before) if row.email_key != person.email_key else {}
    door.record(
        person.id,
        "address_changed",
        actor=actor_for(person),
        private_changes=[("email", before, row.email, person.id)],
        notices=[("address_changed", [person.id], back)] if back else [],
    )
    writing().execute(update(_PEOPLE).where(_PEOPLE.c.id == person.id).values(email=row.email, email_key=row.email_key))
    return person


def undo_address(token: str) -> tuple[Person, str]:
    """Spend the link sent to the old address: it is the account's again. Gives back the person and the link by which
    they choose a new password.

    Somebody else may have had the account: the password is void, every session over, every other link ended, and a
    later change of address undone with it.
    """
    row = links.spend(token, "undo")
    person = service.person(row.person_id)
    before = person.email
    _free(row.email_key, person.id)
    links.withdraw(person.id, links.LIVES)
    door.record(
        person.id,
        "address_restored",
        actor=actor_for(person),
        private_changes=[("email", before, row.email, person.id)],
    )
    writing().execute(
        update(_PEOPLE)
        .where(_PEOPLE.c.id == person.id)
        .values(
            email=row.email,
            email_key=row.email_key,
            password_hash=None,
            session_epoch=_PEOPLE.c.session_epoch + 1,
        )
    )
    return person, links.address_of(links.issue(person.id, "password", email=row.email))


def _free(address: str, person_id: int) -> None:
    taken = session().scalar(select(_PEOPLE.c.id).where(_PEOPLE.c.email_key == address))
    if taken not in (None, person_id):
        raise Refused(
            _("Another account was opened under this address meanwhile. Nothing was changed; choose another address.")
        )


def take_language(token: str) -> tuple[Person, str]:
    """Spend the link of a letter in the wrong language: pages and letters are in the other one from now on."""
    row = links.spend(token, "language")
    person = service.person(row.person_id)
    service.set_language(actor_for(person), person.id, row.onward)
    return person, str(row.onward)
