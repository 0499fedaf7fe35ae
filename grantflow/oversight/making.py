"""Making the exports asked for, in the background: claimed by a lease, told how far it is, finished once, gone in a week.

The embedded thread and an RQ job run the same `work()`. A maker who was killed leaves a lease that ends: the next one
begins anew under the next count, and only the count that stands in the row may mark it, so that there is one file and
one notice whoever comes back.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from flask_babel import force_locale
from sqlalchemy import or_, select, update

from grantflow import clock
from grantflow.cases.access import see
from grantflow.cases.outbox import never, who
from grantflow.cases.service import record
from grantflow.cases.worker import long_work
from grantflow.db import session, unit_of_work
from grantflow.errors import NotFound
from grantflow.history.canonical import stamp
from grantflow.identity.access import SYSTEM, Actor, actor_for
from grantflow.identity.models import Person
from grantflow.oversight import asked, cutoff
from grantflow.oversight.models import Export

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=5)
"""Begun anew with every sign of progress."""
PAUSE = timedelta(minutes=1)
"""Between a failure and the next attempt."""
TRIES = 5
LIVES = timedelta(days=7)
TELL_SECONDS = 1.0
"""How often the row is told how far it is."""
_ROWS = Export.__table__
_X = _ROWS.c


class Lost(Exception):
    """The lease ran out and somebody else makes it now."""


class Stopped(Exception):
    """The process was asked to stop."""


@long_work
def work(stop: Callable[[], bool] = never) -> int:
    """Make what waits, one after the other, and take away what is over; gives back how many were finished."""
    expire()
    finished = 0
    while not stop() and (row := claim()) is not None:
        finished += _make(row, stop)
    return finished


def claim() -> Any | None:
    """Take the oldest export that waits, or whose maker's lease is over, and the next count of attempts with it."""
    now = clock.now()
    waiting = (
        select(_X.id)
        .where(_X.state.in_(("waiting", "being_made")), or_(_X.lease_until.is_(None), _X.lease_until < now))
        .order_by(_X.id)
        .limit(1)
    )
    if session().scalar(waiting) is None:
        return None  # an idle round takes no write lock
    with unit_of_work() as current:
        return current.execute(
            update(_ROWS)
            .where(_X.id.in_(waiting.with_for_update(skip_locked=True)))
            .values(
                state="being_made", lease_until=now + LEASE, leased_by=who(), attempts=_X.attempts + 1, done=0
            )
            .returning(*_X)
        ).one_or_none()  # fmt: skip


def _held(row: Any) -> Any:
    """An update of the row that finds it only while this attempt's lease is its own."""
    return update(_ROWS).where(_X.id == row.id, _X.state == "being_made", _X.attempts == row.attempts)


def _make(row: Any, stop: Callable[[], bool]) -> int:
    """One attempt. Whatever goes wrong, the row stands as it should: another attempt, or an end with its reason."""
    path = asked.file_of(row)
    for left in path.parent.glob(f"{row.stored_name}-*"):
        left.unlink(missing_ok=True)  # by an attempt that was killed
    try:
        if row.attempts > TRIES:
            _end(row, "trouble")
            return 0
        told_at = time.monotonic()

        def tell(done: int, _of: int) -> None:
            nonlocal told_at
            if stop():
                raise Stopped
            if time.monotonic() - told_at >= TELL_SECONDS:
                told_at = time.monotonic()
                with unit_of_work() as current:
                    if not _one(current.execute(_held(row).values(done=done, lease_until=clock.now() + LEASE))):
                        raise Lost

        asker = _asker(row)
        case = see(row.case_id, asker)
        cut_off = cutoff.read(row.cut_off)
        if not asker.has("auditor", "manager") or not cutoff.still_seen(asker, case, cut_off.chains):
            raise NotFound
        size, digest = _write(path, cut_off, row.language, tell)
        _finish(row, size, digest)
        return 1
    except Stopped:
        path.unlink(missing_ok=True)
        with unit_of_work() as current:  # somebody else may take it at once
            current.execute(_held(row).values(state="waiting", lease_until=None, attempts=row.attempts - 1, done=0))
    except Lost:
        path.unlink(missing_ok=True)
    except NotFound:
        path.unlink(missing_ok=True)
        _end(row, "rights")
    except Exception as error:  # the row stays, and is tried again
        path.unlink(missing_ok=True)
        log.error("an export failed", export=row.id, error=f"{type(error).__name__}: {error}"[:300])
        with unit_of_work() as current:
            current.execute(_held(row).values(state="waiting", lease_until=clock.now() + PAUSE, done=0))
    return 0


def _one(result: Any) -> bool:
    return bool(result.rowcount == 1)


def _asker(row: Any) -> Actor:
    """Whoever asked, with the roles they hold today."""
    return actor_for(session().execute(select(Person.__table__).where(Person.id == row.asked_by_id)).one())


def _write(path: Path, cut_off: cutoff.CutOff, language: str, tell: Callable[[int, int], None]) -> tuple[int, str]:
    """Write the file for good, readable by this installation alone; gives back size and fingerprint."""
    from grantflow.oversight import exports  # its library is slow to import, and few processes need it

    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        with force_locale(language):
            exports.write(file, cut_off, tell)
        file.flush()
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    holder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(holder)
    finally:
        os.close(holder)
    return size, digest


def _finish(row: Any, size: int, digest: str) -> None:
    """Mark it ready and tell the asker, in one unit; nothing of both where somebody else makes it now."""
    with unit_of_work() as current:
        expires_at = clock.now() + LIVES
        ready = {
            "state": "ready", "size": size, "sha256": digest, "expires_at": expires_at, "done": row.events,
            "lease_until": None,
        }  # fmt: skip
        if not _one(current.execute(_held(row).values(**ready))):
            raise Lost
        _tell(row, "export_ready", {"size": size, "sha256": digest}, due=stamp(expires_at))


def _end(row: Any, problem: str) -> None:
    """Give it up, and tell the asker."""
    with unit_of_work() as current:
        if _one(current.execute(_held(row).values(state="failed", problem=problem, lease_until=None))):
            _tell(row, "export_failed", {"problem": problem})


def _tell(row: Any, what: str, facts: dict[str, Any], **words: Any) -> None:
    params = {"title": row.filename, "page": f"/exports/{row.id}", **words}
    record(
        row.asked_by_id,
        what,
        actor=SYSTEM,
        facts={"export": row.id, **facts},
        notices=[(what, [row.asked_by_id], params)],
    )


def expire() -> int:
    """Take away the files whose time is over; the rows stay and say so. Gives back how many."""
    over = select(_X.id, _X.stored_name).where(_X.state == "ready", _X.expires_at <= clock.now()).order_by(_X.id)
    rows = session().execute(over).all()
    for row in rows:
        # The file first: killed between the two, the next look finds the row again.
        for left in asked.folder_of(row).glob(f"{row.stored_name}-*"):
            left.unlink(missing_ok=True)
        with unit_of_work() as current:
            current.execute(update(_ROWS).where(_X.id == row.id, _X.state == "ready").values(state="expired"))
    return len(rows)
