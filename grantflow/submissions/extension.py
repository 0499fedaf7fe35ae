"""Owns one applicant's longer time: a manager's act with its reason, an event, told to the applicant; and what becomes
of applications when the closing hour of the whole call is put off, or the call is opened again with a later one.

Leaves that act itself to `programmes`, and what the time allows to `rows`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, func, select, update

from grantflow import clock
from grantflow.cases import deadlines, definitions
from grantflow.cases.context import Context
from grantflow.cases.service import get, lock, record
from grantflow.db import session, writing
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Refused
from grantflow.history import store
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.identity.models import Person, RoleAssignment
from grantflow.programmes.closing import follows, words_of
from grantflow.programmes.models import Call
from grantflow.programmes.parts import Prose
from grantflow.submissions.rows import APPLICATIONS, CASES, When, call_of, mode, row_of, writable
from grantflow.submissions.sending import due_after, of_call

LONGEST_EXTENSION = timedelta(days=60)


def applying() -> list[ColumnElement[bool]]:
    """What holds today of the assignment and the person of somebody who acts for an organisation."""
    return [
        RoleAssignment.role == "applicant",
        RoleAssignment.revoked_at.is_(None),
        Person.active.is_(True),
        RoleAssignment.ends_on.is_(None) | (RoleAssignment.ends_on >= clock.today()),
    ]


def applicants_of(organisation_id: int) -> list[int]:
    """The people who act for an organisation today."""
    roles = RoleAssignment
    return list(
        session().scalars(
            select(roles.person_id)
            .join(Person, Person.id == roles.person_id)
            .where(roles.organisation_id == organisation_id, *applying())
            .distinct()
            .order_by(roles.person_id)
        )
    )


@follows
def closing_put_off(call: Call, closes_at: datetime) -> dict[int, list[int]]:
    """The call closes later for everybody: who is told, by the first of their drafts whose last moment it changes.

    A longer time of one's own that ends no later is worth nothing any more and would let the draft lapse while the call
    is open: it is taken away with its deadline. Checks due so many days after the closing are due that much later.
    The same few statements, however many drafts there are.
    """
    current, own = writing(), APPLICATIONS.c.extension_until
    of_call = (CASES.c.kind == "application", CASES.c.call_id == call.case_id)
    # Locked in the order in which every move locks, before anything of them is written.
    current.execute(select(CASES.c.id).where(*of_call).order_by(CASES.c.id).with_for_update()).all()
    told: dict[int, list[int]] = {}
    for row in current.execute(
        select(func.min(CASES.c.id).label("case_id"), RoleAssignment.person_id)
        .select_from(CASES)
        .join(APPLICATIONS, APPLICATIONS.c.case_id == CASES.c.id)
        .join(RoleAssignment, RoleAssignment.organisation_id == APPLICATIONS.c.organisation_id)
        .join(Person, Person.id == RoleAssignment.person_id)
        .where(*of_call, writable("submit"), own.is_(None) | (own < closes_at), *applying())
        .group_by(RoleAssignment.person_id)
        .order_by(RoleAssignment.person_id)
    ):
        told.setdefault(row.case_id, []).append(row.person_id)
    outdone = select(APPLICATIONS.c.case_id).where(APPLICATIONS.c.call_id == call.case_id, own <= closes_at)
    deadlines.set_for_many("submissions.extension_ends", None, CASES.c.id.in_(outdone))
    deadlines.set_for_many("submissions.check_due", due_after(closes_at, call), *of_call)
    gone = update(APPLICATIONS).where(APPLICATIONS.c.call_id == call.case_id, own <= closes_at)
    current.execute(gone.values(extension_until=None, extension_reason=""))
    return told


@registry.guard("submissions.drafts_can_return")
def drafts_can_return(ctx: Context) -> Verdict:
    """Every draft that lapsed can be taken up again: none stands under a version of its workflow where that is an end."""
    rows = ctx.session.execute(
        select(CASES.c.workflow_hash, CASES.c.state)
        .where(CASES.c.kind == "application", CASES.c.call_id == ctx.case.id)
        .distinct()
    ).all()
    for row in rows:
        workflow = definitions.pinned(row.workflow_hash)
        lapsed = any(move.trigger == "lapse" and move.to == row.state for move in workflow.moves)
        if lapsed and workflow.state(row.state).final:
            return no(
                _("Drafts that were not sent stand under an earlier version of the workflow, in which they cannot be opened "
                  "again. Bring the applications of this call to the newest version first, those that have ended too.")
            )  # fmt: skip
    return YES


@registry.effect("submissions.take_up_drafts", to_many=True)
def take_up_drafts(ctx: Context) -> None:
    """The call is opened again: what lapsed unsent is a draft again, word for word. Whose changes fell
    shut is told that they may open them anew. Longer times that have ended are `closing_put_off`'s to take away."""
    rows = of_call(ctx, "take_up")
    ids = [row.id for row in rows]
    for case_id in ids:
        ctx.fire(case_id, "take_up")
    ctx.fact("drafts_taken_up", len(ids))
    call = ctx.session.get_one(Call, ctx.case.id)
    words = words_of(call, ctx.payload["closes_at"], Prose(en=ctx.reason, ru=ctx.reason))
    for case_id, title, people in _changes_fallen_shut(ctx):
        ctx.notify("changes_welcome_again", people, about=case_id, **words, title=title or words["call"])


def _changes_fallen_shut(ctx: Context) -> list[tuple[int, str, list[int]]]:
    """What was sent, opened again and closed unsent with the call, and where nothing has happened since: its number, its
    title and who acts for it today; one query."""
    found: dict[tuple[int, str], list[int]] = {}
    for row in ctx.session.execute(
        select(CASES.c.id, CASES.c.title, RoleAssignment.person_id)
        .select_from(CASES)
        .join(APPLICATIONS, APPLICATIONS.c.case_id == CASES.c.id)
        .join(Event, (Event.case_id == CASES.c.id) & (Event.seq == CASES.c.since_seq))
        .join(RoleAssignment, RoleAssignment.organisation_id == APPLICATIONS.c.organisation_id)
        .join(Person, Person.id == RoleAssignment.person_id)
        .where(
            CASES.c.kind == "application", CASES.c.call_id == ctx.case.id, Event.trigger == "lapse",
            Event.at >= ctx.case.since_at, APPLICATIONS.c.submitted_version.is_not(None), *applying(),
        )
        .distinct()
        .order_by(CASES.c.id, RoleAssignment.person_id)
    ):  # fmt: skip
        found.setdefault((row.id, row.title), []).append(row.person_id)
    return [(case_id, title, people) for (case_id, title), people in found.items()]


def extend_deadline(case_id: int, until: datetime, reason: str, *, actor: Actor, key: str | None = None) -> Any:
    """Give one applicant more time, for a draft or for a correction; a manager's act, with its reason, an
    event.

    Gives back the event. Refused: another role, no reason, an earlier hour than they have, one in the
    past, one
    after the day of the results, a state in which nothing is written.
    """
    lock(get(case_id).call_id)  # before the application, so that nobody puts off the closing of the call meanwhile
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
