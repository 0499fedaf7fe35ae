"""Writing down what the agreement of a grant allows to be passed on: a new version each time, with a reason.

A version is never changed. An amendment that leaves less than the children hold is taken as it is, for so the agreement
stands then, and whoever must act on it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow import clock
from grantflow.awards import envelope
from grantflow.awards.models import Award
from grantflow.awards.regrant_models import RegrantClause
from grantflow.awards.words import money
from grantflow.cases.service import lock, record
from grantflow.db import session, unit_connection, writing
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history import store
from grantflow.identity.access import Actor
from grantflow.money import Money
from grantflow.rendering import clean_text

LINES, LONGEST_LINE = 30, 300


@dataclass(frozen=True)
class Written:
    """A clause as somebody writes it down, sums in the grant's currency."""

    activities: tuple[str, ...]
    criteria: tuple[str, ...]
    minimum: Money
    maximum: Money
    envelope: Money


def lines_of(text: str | None) -> tuple[str, ...]:
    """The lines of a text, blank and repeated ones left out."""
    return tuple(
        dict.fromkeys(line for row in (text or "").splitlines() if (line := " ".join(clean_text(row).split())))
    )


def may_write(case: Any, parent: Award, actor: Actor) -> Any:
    """Why this actor may not write down a clause of this grant now, as a sentence; None where they may."""
    if not actor.roles_on(case) & {"manager", "admin"}:
        return _("Only the programme manager may write down what a grant may pass on.")
    if parent.agreement_no is None:
        return _("The clause is taken from the signed agreement. The agreement of this grant is not signed yet.")
    return envelope.not_running(parent) if case.state != "suspended" else None


def _faults(given: Written, parent: Award) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("activities", "criteria"):
        lines = getattr(given, name)
        if not lines:
            found[name] = _("Write at least one line.")
        elif len(lines) > LINES or any(len(line) > LONGEST_LINE for line in lines):
            found[name] = _("Write at most %(lines)s lines of %(num)s characters each.", lines=LINES, num=LONGEST_LINE)
    if given.minimum.minor < 0:
        found["minimum"] = _("Write a sum that is not below zero.")
    if given.maximum.minor <= 0:
        found["maximum"] = _("Write a sum above zero.")
    elif given.minimum > given.maximum:
        found["minimum"] = _("The least of one grant would be more than the most: %(most)s.", most=money(given.maximum))
    if given.envelope > parent.amount:
        found["envelope"] = _("The whole grant is %(amount)s. No more can be passed on.", amount=money(parent.amount))
    elif given.maximum > given.envelope and "maximum" not in found:
        found["maximum"] = _(
            "One third party would have more than the whole envelope: %(all)s.", all=money(given.envelope)
        )
    return found


def write(
    award_id: int, given: Written, *, reason: str, actor: Actor, key: str | None = None, seen: int | None = None
) -> RegrantClause:
    """Keep a new version, inside a unit of work; gives it back. Of a repeated `key` the version that counts.

    `seen` is the version that stood there when the writer began (0: none): Stale where there is another by now. Raises
    Refused for another role or a grant that does not run, Invalid with a sentence for each field.
    """
    current, case = writing(), lock(award_id)
    if case.kind != "award":
        raise NotFound
    before = envelope.clause_of(award_id)
    if key is not None and before is not None and store.by_key(unit_connection(), award_id, key) is not None:
        return before
    parent = current.get_one(Award, award_id, populate_existing=True)
    if (said := may_write(case, parent, actor)) is not None:
        raise Refused(said)
    if seen is not None and seen != (before.version if before else 0):
        raise Stale(_("The clause was changed while you were writing. Look at it as it is now, then decide."))
    found = _faults(given, parent)
    if not reason.strip():
        found["reason"] = _("Write the reason: it will stand in the history.")
    if found:
        raise Invalid(_("The clause cannot be taken as it is."), found)
    row = RegrantClause(
        award_id=award_id, version=before.version + 1 if before else 1,
        activities=list(given.activities), criteria=list(given.criteria),
        minimum_minor=given.minimum.minor, maximum_minor=given.maximum.minor, envelope_minor=given.envelope.minor,
        currency=parent.currency, by_id=actor.person_id, at=clock.now(),
    )  # fmt: skip
    current.add(row)
    current.flush()
    record(
        award_id, "regrant_clause", actor=actor, reason=reason, key=key, facts={"version": row.version},
        changes=[(name, getattr(before, name, None), value) for name, value in _said(given).items()],
        notices=envelope.notice_beyond(parent),
    )  # fmt: skip
    return row


def _said(given: Written) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(given).items()}


def versions(award_id: int) -> list[RegrantClause]:
    """All versions of a grant's clause, the newest first."""
    found = session().scalars(
        select(RegrantClause).where(RegrantClause.award_id == award_id).order_by(RegrantClause.version.desc())
    )
    return list(found)
