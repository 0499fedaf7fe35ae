"""What waits for an auditor: the history, to be verified anew each month. Nothing else waits, for nothing is theirs to move.

That a verification was made is known from the line `service` wrote on the auditor's own file.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from flask import url_for
from flask_babel import lazy_gettext as _
from sqlalchemy import Text, func, select, type_coerce

from grantflow import clock
from grantflow.cases.desk import DeskItem, provider
from grantflow.db import session
from grantflow.history.models import Event
from grantflow.identity.access import Actor

EVERY = timedelta(days=30)
"""A break is looked for at least once a month."""
AHEAD = timedelta(days=7)
"""So long before it is due it lies on the desk."""


@provider
def verification_due(actor: Actor) -> Iterator[DeskItem]:
    """The next verification of all chains, for an auditor who has never made one or whose last is nearly a month old."""
    if actor.person_id is None or not actor.has("auditor"):
        return
    whole = type_coerce(Event.facts, Text).contains('"scope":"all"')
    last = session().scalar(
        select(func.max(Event.at)).where(
            Event.case_id == actor.person_id, Event.move == "history_verified", whole
        )
    )  # fmt: skip
    due = last + EVERY if last is not None else None
    if due is not None and clock.now() < due - AHEAD:
        return
    yield DeskItem(
        what=_("The histories of all cases"),
        url=url_for("oversight.index"),
        why=_("Verify all chains: once a month, so that a change nobody owns up to is found.")
        if last is not None
        else _("Verify all chains for the first time."),
        due_at=due,
        kind="history",
    )
