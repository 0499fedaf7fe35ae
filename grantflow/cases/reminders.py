"""Reminders before and after a date: the ladders of the register, whose rungs become notices when their time has come.

A rung is a row with a unique key, written together with its notices: two schedulers at once write it once. It is sent
only while what it reminds of still stands. What dates there are is said by sources, which the stages register.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, column, or_, select, table

from grantflow import clock
from grantflow.cases import outbox
from grantflow.cases.catalogue import Ladder, offset
from grantflow.cases.context import Context
from grantflow.cases.deadlines import FIRED
from grantflow.cases.models import Case, CaseDeadline, Reminder
from grantflow.cases.notices import rows
from grantflow.cases.rows import lock
from grantflow.db import insert_if_new, session, unit_of_work, writing
from grantflow.history.canonical import sha256, stamp
from grantflow.identity.access import SYSTEM
from grantflow.identity.models import Person, RoleAssignment

CATCH_UP = timedelta(days=3)
"""How late a rung may still come, after a time without a scheduler; never later than the next one."""
AHEAD = timedelta(days=400)
"""How far ahead a date is looked for that has a rung halfway to it."""
LOT = 200
_PROGRAMMES = table("programmes", column("id"), column("code"))
"""What is read here of a table of a later layer."""
_ROWS, _C, _D = Reminder.__table__, Case.__table__, CaseDeadline.__table__


@dataclass(frozen=True)
class Due:
    """A date of a case: since when it is awaited, of whom (nobody named: of whoever holds the notice's roles)."""

    case_id: int
    due_at: datetime
    since_at: datetime
    person_id: int | None = None
    words: dict[str, Any] = field(default_factory=dict)


Source = Callable[[datetime, datetime, int | None], Iterable[Due]]
_sources: dict[str, Source] = {}


def source(name: str) -> Callable[[Source], Source]:
    """Register `f(first, last, case_id)`: what is awaited and due between two instants, of all cases or of one."""

    def keep(function: Source) -> Source:
        _sources[name] = function
        return function

    return keep


def known(of: str) -> bool:
    """Whether a stage registered this source."""
    return of in _sources


def _dates(of: str, first: datetime, last: datetime, case_id: int | None = None) -> Iterable[Due]:
    return _deadlines(of, first, last, case_id) if "/" in of else _sources[of](first, last, case_id)


def _deadlines(of: str, first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """The deadlines of that name of cases still in that state: to come, or passed and only noted."""
    query = _standing if case_id is None else _standing.where(_D.c.case_id == case_id)
    kind, state, name = of.split("/")
    asked = {"of_kind": kind, "in_state": state, "named": name, "first": first, "last": last}
    for row in session().execute(query, asked):
        yield Due(row.case_id, row.due_at, row.since_at)


# Asked for every ladder of every round, and built once.
_standing = (
    select(_D.c.case_id, _D.c.due_at, _C.c.since_at)
    .join(_C, _C.c.id == _D.c.case_id)
    .where(
        _C.c.kind == bindparam("of_kind"), _C.c.state == bindparam("in_state"), _D.c.name == bindparam("named"),
        _D.c.due_at.between(bindparam("first"), bindparam("last")),
        or_(_D.c.closed_at.is_(None), _D.c.outcome == FIRED), _D.c.due_at > _C.c.since_at,
    )
    .order_by(_D.c.due_at, _D.c.id)
)  # fmt: skip
_auditors = (
    select(RoleAssignment.__table__, Person.zone, Person.name_en, Person.name_ru)
    .join(Person.__table__, Person.id == RoleAssignment.person_id)
    .where(
        RoleAssignment.role == "auditor", RoleAssignment.revoked_at.is_(None),
        RoleAssignment.ends_on.between(bindparam("first"), bindparam("last")),
    )
    .order_by(RoleAssignment.id)
)  # fmt: skip


@source("cases.audit_access")
def audit_access(first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """Auditors' roles with a last day, told to the auditor and to whoever gave the role, who may manage the programme."""
    query = _auditors if case_id is None else _auditors.where(RoleAssignment.person_id == case_id)
    asked = {"first": first.date() - timedelta(days=2), "last": last.date() + timedelta(days=2)}
    for row in session().execute(query, asked):
        due_at = clock.local(row.ends_on, 23, 59, row.zone)
        if first <= due_at <= last:
            name = {"en": row.name_en or row.name_ru, "ru": row.name_ru or row.name_en}
            for person_id in dict.fromkeys((row.person_id, row.granted_by)):
                if person_id is not None:
                    yield Due(row.person_id, due_at, row.granted_at, person_id, {"person": name})


def ladders() -> Iterator[Ladder]:
    """Every ladder of the register."""
    for row in rows().values():
        yield from row.ladder


def _windows(ladder: Ladder, now: datetime) -> Iterator[tuple[str, datetime, datetime, timedelta | None]]:
    """For each rung: between which instants a date lies for which it has come, and how far the next rung is from it."""
    lengths = [offset(rung) for rung in ladder.at]
    for rung, length, following in zip(ladder.at, lengths, [*lengths[1:], None], strict=True):
        if length is None:
            yield rung, now, now + AHEAD, following
        else:
            late = min(CATCH_UP, following - length) if following is not None else CATCH_UP
            yield rung, now - length - late, now - length, following


def _awaited(now: datetime) -> dict[str, list[Due]]:
    """What each source says of all the time that any rung looks at: asked once, however many rungs and ladders."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for ladder in ladders():
        for _rung, first, last, _following in _windows(ladder, now):
            begun, ended = spans.get(ladder.of, (first, last))
            spans[ladder.of] = min(begun, first), max(ended, last)
    return {of: list(_dates(of, *span)) for of, span in spans.items()}


def _come(ladder: Ladder, now: datetime, awaited: list[Due]) -> Iterator[tuple[str, Due]]:
    """The dates for which a rung has come: the latest of those passed, not older than it may be."""
    for rung, first, last, following in _windows(ladder, now):
        length = offset(rung)
        for due in awaited:
            if not first <= due.due_at <= last or (following is not None and due.due_at + following <= now):
                continue
            comes = due.since_at + (due.due_at - due.since_at) / 2 if length is None else due.due_at + length
            if comes <= now <= comes + CATCH_UP and comes > due.since_at:
                yield rung, due


def _key(notice: str, rung: str, due: Due) -> str:
    return f"{due.case_id}/{notice}/{rung}/{stamp(due.due_at)}/{due.person_id or 0}"


def sweep(limit: int = LOT) -> int:
    """Plan what has come and is not planned yet, each in a unit of work of its own; gives back how many it planned."""
    now, planned = clock.now(), 0
    programmes, awaited = _programmes(), _awaited(now)
    for ladder in ladders():
        come = list(_come(ladder, now, awaited[ladder.of]))
        if not come:
            continue
        dates = [due.due_at for _rung, due in come]
        there = set(
            session().scalars(
                select(_ROWS.c.key).where(
                    _ROWS.c.notice == ladder.notice, _ROWS.c.anchor_at.between(min(dates), max(dates))
                )
            )
        )
        for rung, due in come:
            if planned >= limit:
                return planned
            if _key(ladder.notice, rung, due) not in there:
                planned += _plan(ladder, rung, due, programmes)
    return planned


def _programmes() -> dict[str, int]:
    """The programmes by the code that a ladder may name, which is the number of their file."""
    if all(ladder.programme == "*" for ladder in ladders()):
        return {}
    return {row.code: row.id for row in session().execute(select(_PROGRAMMES))}


def _plan(ladder: Ladder, rung: str, due: Due, programmes: dict[str, int]) -> bool:
    """Write the rung with its notices, unless somebody did, or the case has gone on since it was looked for."""
    with unit_of_work():
        case, now = lock(due.case_id), clock.now()
        if ladder.programme != "*" and case.programme_id != programmes.get(ladder.programme):
            return False
        standing = _still(ladder.of, due.case_id, due.due_at, due.person_id)
        if standing is None:
            return False
        key = _key(ladder.notice, rung, due)
        row_id = (
            writing()
            .execute(
                insert_if_new(_ROWS).returning(_ROWS.c.id),
                {
                    "key": key, "notice": ladder.notice, "rung": rung, "source": ladder.of, "case_id": due.case_id,
                    "person_id": due.person_id, "anchor_at": due.due_at, "planned_at": now,
                },
            )
            .scalar_one_or_none()
        )  # fmt: skip
        if row_id is None:
            return False
        ctx = Context(writing(), case, None, _Told(), SYSTEM, now)  # type: ignore[arg-type]  # no move is made
        words = {"due": stamp(due.due_at), **standing.words}
        if due.person_id is not None:
            ctx.notify(ladder.notice, [due.person_id], **words)
        else:
            ctx.move.notices = (ladder.notice,)  # type: ignore[misc]
            ctx.params.update(words)
        outbox.write(ctx, case, {"seq": f"{_SIGN}{row_id}", "hash": sha256(key.encode())})
        return True


class _Told:
    """What stands in the place of a move where only notices are written."""

    name = "reminder"
    notices: tuple[str, ...] = ()


_SIGN = "r"


def _still(of: str, case_id: int, due_at: datetime, person_id: int | None) -> Due | None:
    """The date as it stands now; None where the case has gone on, or the date was moved."""
    return next((due for due in _dates(of, due_at, due_at, case_id) if due.person_id == person_id), None)


def left_behind(dedupe: str) -> bool:
    """Whether a notice in the outbox is a reminder of what no longer waits. `dedupe` says whether it is one at all."""
    number = dedupe.split("/")[1:2]
    if not number or not number[0].startswith(_SIGN):
        return False
    row = session().execute(select(_ROWS).where(_ROWS.c.id == int(number[0].removeprefix(_SIGN)))).one()
    return _still(row.source, row.case_id, row.anchor_at, row.person_id) is None
