"""The outbox: a notice is a row written with the move, claimed by a lease, sent, marked. The row is the record.

The words of a notice are in `notices`, the way it leaves the house in `mail`, the clockwork in `worker`.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Date, Integer, bindparam, insert, or_, select, update

from grantflow import clock
from grantflow.cases import bell, titles
from grantflow.cases.models import Outbox
from grantflow.cases.notices import catalogue
from grantflow.db import Id, after_commit, session, unit_of_work, writing
from grantflow.history.canonical import sha256, stamp
from grantflow.identity.access import SCOPES
from grantflow.identity.models import Person, RoleAssignment
from grantflow.prepared import Prepared

LEASE = timedelta(minutes=5)
"""Longer than sending one mail can take, whatever its server does."""
TRIES = 12
"""After these many attempts, with growing pauses over about a day, a notice is left for a person to look at."""
LOT = 20
"""How many notices one sender claims at a time."""
LEFT_BEHIND, STOPPED, GATHERED, GONE = "left behind", "stopped", "for the digest", "no account"
"""Why a notice has no letter of its own: its case went on, its reader stopped the mail, a daily letter takes it up, or
its reader has left. All but the first stay readable as notices."""
OVERHEARD = "letters overheard"
"""Where the session keeps the notices of this unit of work, when somebody rehearses a move and listens."""
DIGESTS = ("daily_digest", "morning_digest")
"""The letters that gather others: mail alone, because what they gather stands among the notices already."""


_ROWS = Outbox.__table__
_ROLES = RoleAssignment.__table__
_PEOPLE = Person.__table__
_WRITE = Prepared(
    insert(_ROWS).inline(),
    *("dedupe", "notice", "person_id", "case_id", "params", "created_at", "due_at", "attempts", "last_error"),
    "message_id",
)
_TODAY = bindparam("today", type_=Date)


@lru_cache(maxsize=256)
def _holders(roles: tuple[str, ...]) -> Prepared:
    """Who holds one of these roles on a case today; the sets of roles that notices name are few."""
    return Prepared(
        select(_ROLES.c.person_id, _ROLES.c.role)
        .join(_PEOPLE, _PEOPLE.c.id == _ROLES.c.person_id)
        .where(
            or_(*(_ROLES.c.role == role for role in roles)),
            _ROLES.c.revoked_at.is_(None),
            _PEOPLE.c.active,
            or_(_ROLES.c.starts_on.is_(None), _ROLES.c.starts_on <= _TODAY),
            or_(_ROLES.c.ends_on.is_(None), _ROLES.c.ends_on >= _TODAY),
            *(
                or_(_ROLES.c[scope].is_(None), _ROLES.c[scope] == bindparam(f"on_{scope}", type_=Id))
                for scope in SCOPES
            ),
        )
        .order_by(_ROLES.c.person_id)
    )


def write(ctx: Any, case: Any, event: dict[str, Any]) -> None:
    """Write the notices of a move, and those its effects added, for every recipient; once for each person, and
    for each case it is about."""
    notices: list[tuple[str, Iterable[int], dict[str, Any], int | None]] = [
        (name, people, {}, None) for name, people in _recipients(ctx, case, getattr(ctx.move, "notices", ())).items()
    ]
    notices += ctx.also
    if not notices:
        return
    unique, common = {}, _words(ctx, case)
    for name, people, params, about in notices:
        words = {**common, **ctx.params, **params}
        for person_id in people:
            dedupe = f"{case.id}/{event['seq']}/{name}/{person_id}" + (f"/{about}" if about else "")
            unique[dedupe] = {
                "dedupe": dedupe,
                "notice": name,
                "person_id": person_id,
                "case_id": about or case.id,
                "params": words,
                "created_at": ctx.now,
                "due_at": ctx.now + ctx.wait,
                "attempts": 0,
                "last_error": "",
                "message_id": f"<{sha256((event['hash'] + dedupe).encode())[:40]}@grantflow>",
            }
    if unique:
        _WRITE.run(ctx.connection, *unique.values())
        if (heard := ctx.session.info.get(OVERHEARD)) is not None:
            heard.extend(unique.values())
        after_commit(bell.ring)


def _words(ctx: Any, case: Any) -> dict[str, Any]:
    words: dict[str, Any] = {"ref": case.ref or "", "title": titles.words(case), "reason": ctx.reason}
    if case.state is not None and ctx.workflow is not None:
        label = ctx.workflow.state(case.state).label
        words["state"] = {"en": label.en, "ru": label.ru}
    if case.due_at is not None:
        words["due"] = stamp(case.due_at)
    return words


def _recipients(ctx: Any, case: Any, notices: Sequence[str]) -> dict[str, list[int]]:
    """Everybody who holds one of a notice's roles on the case today. Staff are not told of what they did themselves."""
    told = {name: catalogue()[name].to for name in notices}
    roles = tuple(dict.fromkeys(role for to in told.values() for role in to))
    if not roles:
        return {}
    scope = {f"on_{column}": getattr(case, column) for column in SCOPES}
    held = [
        (row.person_id, row.role)
        for row in _holders(roles).all(ctx.connection, {"today": ctx.now.date(), **scope})
        if row.role == "applicant" or row.person_id != ctx.actor.person_id
    ]
    return {name: list(dict.fromkeys(person for person, role in held if role in to)) for name, to in told.items()}


def who() -> str:
    """The name under which this thread takes leases."""
    return f"{socket.gethostname()[:64]}/{os.getpid()}/{threading.get_native_id()}"[:80]


def never() -> bool:
    """Nobody asks to stop."""
    return False


# Asked at every round, and built once.
_WAITING = (
    select(_ROWS.c.id)
    .where(
        _ROWS.c.sent_at.is_(None), _ROWS.c.due_at <= bindparam("now"), _ROWS.c.attempts < TRIES,
        or_(_ROWS.c.lease_until.is_(None), _ROWS.c.lease_until < bindparam("now")),
    )
    .order_by(_ROWS.c.due_at, _ROWS.c.id)
    .limit(bindparam("limit", type_=Integer))
)  # fmt: skip
_TAKE = (
    update(_ROWS)
    .where(_ROWS.c.id.in_(_WAITING.with_for_update(skip_locked=True)))
    .values(lease_until=bindparam("until"), leased_by=bindparam("who"), attempts=_ROWS.c.attempts + 1)
    .returning(_ROWS.c.id)
)


def claim(limit: int = LOT) -> list[int]:
    """Take the lease on the oldest notices that wait, in one short unit of work; gives back their ids.

    A lease that ran out (its holder was killed) is taken anew: that is the sweep of what was left behind.
    """
    now = clock.now()
    asked = {"now": now, "limit": limit}
    if session().scalar(_WAITING, {**asked, "limit": 1}) is None:
        return []  # an idle round takes no write lock
    with unit_of_work() as current:
        taken = current.execute(_TAKE, {**asked, "until": now + LEASE, "who": who()}).scalars()
        return sorted(taken)


def hold(row_id: int) -> bool:
    """Begin the lease on a claimed notice anew, just before it is sent: the others of its lot may have taken long.

    False where the lease ran out meanwhile and somebody else took it: then it is theirs to send.
    """
    with unit_of_work() as current:
        held = current.execute(
            update(_ROWS)
            .where(_ROWS.c.id == row_id, _ROWS.c.sent_at.is_(None), _ROWS.c.leased_by == who())
            .values(lease_until=clock.now() + LEASE)
        )
        return bool(held.rowcount == 1)  # type: ignore[attr-defined]


_ONE = select(_ROWS).where(_ROWS.c.id == bindparam("wanted"))


def _give_back(row_ids: list[int]) -> None:
    """End the lease on notices claimed and not begun: another sender may take them at once."""
    with unit_of_work() as current:
        current.execute(
            update(_ROWS)
            .where(_ROWS.c.id.in_(row_ids), _ROWS.c.sent_at.is_(None), _ROWS.c.leased_by == who())
            .values(lease_until=None, leased_by=None, attempts=_ROWS.c.attempts - 1)
        )


def drain(limit: int = LOT, stop: Callable[[], bool] = never) -> int:
    """Claim and send what waits; gives back how many were sent. A failure is noted and tried later, never lost.

    Asked to stop, it ends after the notice under way and gives the others of its lot back.
    """
    from grantflow.cases import mail

    sent = 0
    claimed = claim(limit) if not stop() else []
    for place, row_id in enumerate(claimed):
        if stop():
            _give_back(claimed[place:])
            break
        try:
            mail.deliver(row_id)
            sent += 1
        except Exception as error:  # whatever the mail server or the network does, the row stays
            with unit_of_work() as current:
                row = current.execute(_ONE, {"wanted": row_id}).one()
                pause = timedelta(minutes=min(2**row.attempts, 240))
                current.execute(
                    update(_ROWS)
                    .where(_ROWS.c.id == row_id, _ROWS.c.sent_at.is_(None))
                    .values(
                        lease_until=None,
                        due_at=clock.now() + pause,
                        last_error=f"{type(error).__name__}: {error}"[:400],
                    )
                )
    return sent


def shown() -> Any:
    """SQL: a notice stands among its reader's notices, unless it lies yet so that it can be taken back. One that could
    not be sent waits for its next attempt, and is shown all the same."""
    return or_(_ROWS.c.due_at <= clock.now(), _ROWS.c.attempts > 0)


def mark_read(person_id: int, row_id: int | None = None) -> None:
    """Mark one notice to a person as read, or all of them; inside a unit of work. Another's notice stays untouched."""
    query = update(_ROWS).where(_ROWS.c.person_id == person_id, _ROWS.c.read_at.is_(None), shown())
    if row_id is not None:
        query = query.where(_ROWS.c.id == row_id)
    writing().execute(query.values(read_at=clock.now()))
