"""Closing an account and opening it again: nobody is deleted, what was done stays theirs.

A manager closes only whose whole work here lies in programmes of theirs; the shell anybody. All functions here need a
unit of work around them.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from grantflow.db import session, writing
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Invalid, Refused
from grantflow.history import store
from grantflow.identity import door, links, roles
from grantflow.identity.access import Actor
from grantflow.identity.labels import Joined
from grantflow.identity.models import Person
from grantflow.identity.roles import CASES

_PEOPLE = Person.__table__


def may_close(actor: Actor, person_id: int) -> Verdict:
    """Whether this actor may close the account, or open it again; a refusal says whose it is to do."""
    if person_id == actor.person_id:
        return no(_("Nobody closes their own account. Ask another manager."))
    held = roles.held_now(person_id)
    if not actor.everywhere:
        mine = actor.scopes("manager", "programme_id")
        work = {row.programme_id for row in held if row.programme_id}
        bodies = [row.organisation_id for row in held if row.organisation_id and row.role == "applicant"]
        if bodies:
            work |= set(
                session().scalars(
                    select(CASES.c.programme_id).where(
                        CASES.c.organisation_id.in_(bodies), CASES.c.programme_id.is_not(None)
                    )
                )
            )
        others = sorted(work - mine)
        if others:
            names = session().scalars(select(CASES.c.title).where(CASES.c.id.in_(others)).order_by(CASES.c.title))
            return no(
                _(
                    "This person also works in programmes you do not manage: %(names)s. "
                    "Take back the roles in yours; the account stays.",
                    names=Joined(names),
                )
            )
        if not actor.has("manager"):
            return no(_("Only a programme manager closes an account."))
    for row in held:
        if row.role in ("manager", "applicant") and (verdict := roles.somebody_stays(row)) is not None:
            return no(verdict)
    return YES


def set_open(actor: Actor, person_id: int, is_open: bool, *, reason: str, key: str | None = None) -> None:
    """Close an account (every session ends at once, no letter goes out, no link opens) or open it again, with a reason.

    Roles stay written, and count again only once the account is open. Raises Refused with whose it is to do, Invalid
    without a reason.
    """
    links.lock(person_id)
    if key is not None and store.by_key(session(), person_id, key) is not None:
        return
    row: Any = session().execute(select(_PEOPLE).where(_PEOPLE.c.id == person_id)).one()
    if not reason.strip():
        said = _("Write the reason: it will stand in the history.")
        raise Invalid(said, {"reason": said})
    if row.active is is_open:
        raise Refused(_("This account is open already.") if is_open else _("This account is closed already."))
    verdict = may_close(actor, person_id)
    if not verdict:
        raise Refused(verdict.because)
    door.record(
        person_id,
        "account_reopened" if is_open else "account_closed",
        actor=actor,
        role="manager" if actor.person_id and not actor.everywhere else "",
        reason=reason,
        key=key,
    )
    writing().execute(
        update(_PEOPLE)
        .where(_PEOPLE.c.id == person_id)
        .values(active=is_open, session_epoch=_PEOPLE.c.session_epoch + 1)
    )
    if not is_open:
        links.withdraw(person_id, links.LIVES)
