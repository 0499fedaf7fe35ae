"""Owns one applicant's longer time: a manager's act with its reason, an event, told to the applicant.

Leaves the closing hour of a whole call to `programmes`, and what the time allows to `rows`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases import deadlines
from grantflow.cases.service import lock, record
from grantflow.db import session, writing
from grantflow.errors import Refused
from grantflow.history import store
from grantflow.identity.access import Actor
from grantflow.identity.models import Person, RoleAssignment
from grantflow.submissions.rows import APPLICATIONS, When, call_of, mode, row_of

LONGEST_EXTENSION = timedelta(days=60)


def applicants_of(organisation_id: int) -> list[int]:
    """The people who act for an organisation today."""
    roles, people, today = RoleAssignment, Person, clock.today()
    return list(
        session().scalars(
            select(roles.person_id)
            .join(people, people.id == roles.person_id)
            .where(
                roles.role == "applicant",
                roles.organisation_id == organisation_id,
                roles.revoked_at.is_(None),
                people.active,
                (roles.ends_on.is_(None)) | (roles.ends_on >= today),
            )
            .distinct()
            .order_by(roles.person_id)
        )
    )


def extend_deadline(case_id: int, until: datetime, reason: str, *, actor: Actor, key: str | None = None) -> Any:
    """Give one applicant more time, for a draft or for a correction; a manager's act, with its reason, an
    event.

    Gives back the event. Refused: another role, no reason, an earlier hour than they have, one in the
    past, one
    after the day of the results, a state in which nothing is written.
    """
    case, row = lock(case_id), row_of(case_id)
    if key is not None and (earlier := store.by_key(writing(), case_id, key)) is not None:
        return earlier
    if not actor.roles_on(case) & {"manager", "admin", "system"}:
        raise Refused(_("Only the programme manager may give an applicant more time."))
    reason = reason.strip()
    if not reason:
        raise Refused(_("Write the reason: it will stand in the history."))
    call, how = call_of(row.call_id), mode(case)
    if how == "draft":
        before = max(filter(None, (call.closes_at, row.extension_until)))
        column = {"extension_until": until, "extension_reason": reason}
    elif how == "returned":
        before, column = row.correction_due_at, {"correction_due_at": until}
    else:
        raise Refused(_("There is nothing to be written in this state, so there is no time to extend."))
    if until <= before:
        raise Refused(
            _(
                "Their time ends on %(when)s. It can be made longer, never shorter.",
                when=When(before, call.zone),
            )
        )
    if until <= clock.now():
        raise Refused(_("This hour has passed. Write a later one."))
    if until > before + LONGEST_EXTENSION:
        raise Refused(_("This is more than sixty days. Write an earlier day."))
    writing().execute(update(APPLICATIONS).where(APPLICATIONS.c.case_id == case_id).values(column))
    title = row.title or {"en": call.name.in_("en"), "ru": call.name.in_("ru")}
    event = record(
        case_id,
        "extension",
        actor=actor,
        role="manager" if "manager" in actor.roles_on(case) else "",
        facts={"until": until},
        changes=[("deadline", before, until)],
        reason=reason,
        key=key,
        notices=[
            (
                "extension",
                applicants_of(row.organisation_id),
                {"due": until, "title": title, "reason": reason},
            )
        ],
    )
    deadlines.reckon(case_id)
    return event
