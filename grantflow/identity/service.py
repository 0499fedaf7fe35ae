"""People's use cases: accounts, their settings and passwords. All writing functions need a unit of work
around them.

Roles are in `roles`, organisations in `organisations`, both within reach here; what a link by mail does is in
`registration` and `addresses`; who may enter a view is in `access`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from flask_babel import lazy_gettext as _
from sqlalchemy import insert, select, update

from grantflow import clock
from grantflow.db import session, writing
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.identity import door, links, passwords, words
from grantflow.identity.access import NOBODY, Actor, actor_for
from grantflow.identity.models import Person
from grantflow.identity.organisations import add_organisation, change_organisation, join_organisation
from grantflow.identity.roles import grant_role, revoke_role

__all__ = [
    "CONSENT",
    "add_organisation",
    "add_person",
    "authenticate",
    "change_name",
    "change_organisation",
    "change_password",
    "change_settings",
    "end_sessions",
    "grant_role",
    "join_organisation",
    "person",
    "person_by_email",
    "register",
    "rehash",
    "revoke_role",
    "set_language",
]

CONSENT = "2026-11"
"""The version of the text one agrees to when registering: `templates/identity/consent.html`."""
_PEOPLE = Person.__table__


def person(person_id: int) -> Person:
    """Somebody's account; NotFound where there is none."""
    found = session().get(Person, person_id)
    if found is None:
        raise NotFound
    return found


def _person(person_id: int) -> Any:
    row = session().execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one_or_none()
    if row is None:
        raise NotFound
    return row


def person_by_email(email: str) -> Person | None:
    """Who has this address, whatever its case."""
    return session().scalar(select(Person).where(Person.email_key == words.address_key(email)))


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks hundreds of files


def _known_zone(zone: str) -> str:
    if zone not in _zones():
        raise Invalid(fields={"zone": _("Choose a time zone from the list.")})
    return zone


def _known_language(language: str) -> str:
    if language not in ("en", "ru"):
        raise Invalid(fields={"language": _("Choose English or Russian.")})
    return language


def _names(name: str, name_en: str, name_ru: str) -> dict[str, str]:
    try:
        return (
            {"name_en": words.name(name_en, needed=False), "name_ru": words.name(name_ru, needed=False)}
            if (name_en or name_ru)
            else words.by_script(words.name(name))
        )
    except Invalid as fault:
        raise Invalid(fault.sentence, {"name": fault.sentence}) from fault


def add_person(
    actor: Actor,
    *,
    email: str,
    name: str = "",
    name_en: str = "",
    name_ru: str = "",
    language: str = "en",
    zone: str = "Europe/Moscow",
    theme: str = "auto",
    password: str | None = None,
    facts: dict[str, Any] | None = None,
    key: str | None = None,
) -> Person:
    """Open somebody's file and account. `name` goes by its script; without a password one comes by
    invitation.

    For a manager, the system or the shell. Raises Invalid with `fields` (address taken, faulty name or
    password).
    """
    if not actor.has("manager", "system", "admin"):
        raise Refused(_("Only a programme manager may add people."))
    return _open_account(
        actor,
        "manager" if actor.person_id else "",
        email,
        _names(name, name_en, name_ru),
        password,
        facts or {},
        key,
        language=_known_language(language),
        zone=_known_zone(zone),
        theme=theme,
    )


def register(
    *,
    email: str,
    name: str,
    password: str | None = None,
    language: str,
    zone: str = "Europe/Moscow",
    consent: bool,
    key: str | None = None,
) -> Person:
    """Open one's own account. The consent to the text of that version stands in the file with its hour.

    Without a password nobody gets in before the address is confirmed: see `registration`.
    """
    if not consent:
        raise Invalid(fields={"consent": _("Tick this box: without it we may not keep your name and address.")})
    if password is not None and (fault := passwords.fault(password, email=email)):
        raise Invalid(fault, {"password": fault})
    return _open_account(
        NOBODY,
        "",
        email,
        _names(name, "", ""),
        password,
        {"consent": CONSENT},
        key,
        language=_known_language(language),
        zone=_known_zone(zone),
        theme="auto",
    )


def _open_account(
    actor: Actor,
    role: str,
    email: str,
    names: dict[str, str],
    password: str | None,
    facts: dict[str, Any],
    key: str | None,
    **settings: str,
) -> Person:
    current = writing()
    try:
        shown, address = words.address(email)
    except Invalid as fault:
        raise Invalid(fault.sentence, {"email": fault.sentence}) from fault
    known = current.execute(select(_PEOPLE.c.id).where(_PEOPLE.c.email_key == address)).scalar_one_or_none()
    key = f"person/{key}" if key else None
    if known is not None:
        # Sent twice, the key brings the file it opened first; without that, the address is somebody else's.
        if key is None or door.open_case("person", actor=actor, role=role, key=key).id != known:
            taken = _("There is an account under this address already. Sign in with it.")
            raise Invalid(taken, {"email": taken})
        return current.get_one(Person, known)
    file = door.open_case("person", actor=actor, role=role, key=key)
    kept: dict[str, Any] = {"password_hash": passwords.hashed(password) if password else None, **names, **settings}
    kept |= {"created_at": clock.now(), "session_epoch": 0, "active": True}
    current.execute(insert(_PEOPLE).values(id=file.id, email=shown, email_key=address, **kept))
    person = current.get_one(Person, file.id)
    door.record(
        file.id,
        "account_opened",
        actor=actor if actor.person_id or actor.everywhere else actor_for(person),
        role=role,
        facts={"language": settings["language"], **facts},
        private_changes=[
            ("email", None, shown, file.id),
            ("name", None, person.name_in(person.language), file.id),
        ],
        notices=[("account_opened", [file.id], {})] if password and not actor.everywhere else [],
    )
    return person


def authenticate(email: str, password: str) -> Person | None:
    """The person with this address and password, if active. Takes as long where there is no such account."""
    person = person_by_email(email)
    fits = passwords.matches(person.password_hash if person else None, password)
    return person if person is not None and fits and person.active else None


def rehash(person_id: int, password: str) -> None:
    """Keep the same password under today's parameters, after it has just been typed rightly."""
    writing().execute(update(_PEOPLE).where(_PEOPLE.c.id == person_id).values(password_hash=passwords.hashed(password)))


def set_language(actor: Actor, person_id: int, language: str) -> None:
    """The language of pages and letters; from which to which stands in the file."""
    before = _person(person_id).language
    if before == _known_language(language):
        return
    door.record(person_id, "language_changed", actor=actor, changes=[("language", before, language)])
    writing().execute(update(_PEOPLE).where(_PEOPLE.c.id == person_id).values(language=language))


def change_settings(actor: Actor, person_id: int, *, language: str, zone: str, theme: str) -> None:
    """Language, time zone and light or dark pages. The last two are settings, no event."""
    if theme not in ("auto", "light", "dark"):
        raise Invalid(fields={"theme": _("Choose one of the three.")})
    _known_zone(zone)
    set_language(actor, person_id, language)
    writing().execute(update(_PEOPLE).where(_PEOPLE.c.id == person_id).values(zone=zone, theme=theme))


def change_name(actor: Actor, person_id: int, *, name_en: str, name_ru: str, key: str | None = None) -> None:
    """The name in Latin and Cyrillic letters, at least one of them. The event keeps both values erasable."""
    before = _person(person_id)
    after = {}
    for column, text in (("name_en", name_en), ("name_ru", name_ru)):
        try:
            after[column] = words.name(text, needed=False)
        except Invalid as fault:
            raise Invalid(fault.sentence, {column: fault.sentence}) from fault
    if not any(after.values()):
        said = _("Write your name in at least one of the two scripts.")
        raise Invalid(said, {"name_en": said})
    changes = [(c, getattr(before, c), text, person_id) for c, text in after.items() if getattr(before, c) != text]
    if changes:
        door.record(person_id, "name_changed", actor=actor, private_changes=changes, key=key)
        writing().execute(update(_PEOPLE).where(_PEOPLE.c.id == person_id).values(**after))


def change_password(
    actor: Actor,
    person_id: int,
    *,
    new: str,
    old: str | None = None,
    what: str = "password_changed",
    key: str | None = None,
) -> None:
    """Set a new password and end all sessions but those that learn of the new epoch.

    `old` is asked of somebody who changes their own; a link by mail stands in its place. `what` is the event. Whoever
    had a password is told by mail, because it may have been somebody else.
    """
    row = _person(person_id)
    if old is not None and not passwords.matches(row.password_hash, old):
        said = _("This is not your present password.")
        raise Invalid(said, {"old": said})
    if fault := passwords.fault(new, email=row.email):
        raise Invalid(fault, {"password": fault})
    told: list[Any] = [("password_changed", [person_id], {})] if row.password_hash else []
    door.record(person_id, what, actor=actor, key=key, notices=told)
    writing().execute(
        update(_PEOPLE)
        .where(_PEOPLE.c.id == person_id)
        .values(password_hash=passwords.hashed(new), session_epoch=_PEOPLE.c.session_epoch + 1)
    )
    links.come_in(person_id)


def end_sessions(actor: Actor, person_id: int) -> None:
    """Sign somebody out everywhere."""
    door.record(person_id, "signed_out_everywhere", actor=actor)
    writing().execute(
        update(_PEOPLE).where(_PEOPLE.c.id == person_id).values(session_epoch=_PEOPLE.c.session_epoch + 1)
    )
