"""Owns carrying an act over many applications out: each on its own through the one door, in a transaction of its own, with
what came of it; a small lot at once, a large one in the background.

Whoever carries it out holds its lease and begins it anew with every application. Killed at any moment, the next one finds
which applications wait; what was done was marked in the same transaction, so nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, or_, select, update

from grantflow import clock
from grantflow.cases import bell
from grantflow.cases.outbox import never, who
from grantflow.cases.worker import long_work
from grantflow.db import after_commit, insert_if_new, session, unit_of_work
from grantflow.eligibility.bulk import CHECK, REFUSE, RETURN, Looked
from grantflow.eligibility.models import BulkAct, BulkLine
from grantflow.eligibility.restoring import LETTERS_WAIT
from grantflow.eligibility.service import run_checks
from grantflow.eligibility.telling import make
from grantflow.errors import GrantFlowError, NotFound
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Person
from grantflow.identity.words import in_both
from grantflow.paging import Page
from grantflow.submissions.rows import CASES

log = structlog.get_logger(__name__)
AT_ONCE = 100
"""So many are done while the officer waits for the page; more go on in the background."""
LEASE = timedelta(minutes=5)
PAGE = 50
_ACTS, _LINES = BulkAct.__table__, BulkLine.__table__
_B, _L = _ACTS.c, _LINES.c


class Lost(Exception):
    """The lease ran out and somebody else carries it out now."""


def begun(actor: Actor, key: str) -> int | None:
    """The act that this person began under this key, if there is one."""
    return session().execute(select(_B.id).where(_B.key == _key(actor, key))).scalar_one_or_none()


def _key(actor: Actor, key: str) -> str:
    return f"{actor.person_id}/{key[:100]}"


def begin(call_id: int, act: str, going: Sequence[Looked], words: Mapping[str, Any], *, actor: Actor, key: str) -> int:
    """Confirm an act over these applications; gives back its number. The same key is the same press.

    A small lot is carried out before it returns; a large one goes on in the background.
    """
    small = len(going) <= AT_ONCE
    now = clock.now()
    row = {
        "key": _key(actor, key), "call_id": call_id, "act": act, "by_id": actor.person_id, "at": now,
        "words": dict(words), "lease_until": now + LEASE if small else None, "leased_by": who() if small else None,
    }  # fmt: skip
    with unit_of_work() as current:
        made = current.execute(insert_if_new(_ACTS).returning(_B.id), row).scalar_one_or_none()
        if made is not None:
            lines = [
                {"bulk_id": made, "case_id": line.row.id, "version": line.row.version, "outcome": "waiting"}
                for line in going
            ]
            current.execute(insert(_LINES), lines)
            if not small:
                after_commit(bell.ring_for_long_work)
    if made is None:
        number = begun(actor, key)
        assert number is not None
        return number
    if small:
        with suppress(Lost):  # then somebody else goes on with it, and the page shows how far it is
            carry_out(made, actor)
    return int(made)


def carry_out(bulk_id: int, actor: Actor, stop: Callable[[], bool] = never) -> int:
    """Do what waits of an act whose lease this thread holds; gives back how many applications it saw to."""
    act = session().execute(select(_ACTS).where(_B.id == bulk_id)).one()
    waiting = select(_L.id, _L.case_id, _L.version).where(_L.bulk_id == bulk_id, _L.outcome == "waiting")
    lines = session().execute(waiting.order_by(_L.id)).all()
    seen_to = 0
    for line in lines:
        if stop():
            break
        _one(act, line, actor)
        seen_to += 1
    with unit_of_work() as current:
        over = {"finished_at": clock.now(), "words": {}} if seen_to == len(lines) else {}
        current.execute(
            update(_ACTS)
            .where(_B.id == bulk_id, _B.leased_by == who())
            .values(lease_until=None, leased_by=None, **over)
        )
    return seen_to


def _one(act: Any, line: Any, actor: Actor) -> None:
    said: dict[str, str] | None = None
    try:
        with unit_of_work() as current:
            _hold(current, act.id)
            outcome = _do(act, line, actor)
            current.execute(update(_LINES).where(_L.id == line.id).values(outcome=outcome))
        return
    except Lost:
        raise
    except GrantFlowError as refusal:
        said = in_both(refusal.sentence or _("It is not there any more, or no longer yours to see."))
    except Exception as error:  # one that fails must not stop the others
        log.error("one of many failed", bulk=act.id, case=line.case_id, error=f"{type(error).__name__}: {error}"[:300])
        said = in_both(_("Something went wrong on our side. Nothing was changed; try it on its own page."))
    with unit_of_work() as current:
        _hold(current, act.id)
        current.execute(update(_LINES).where(_L.id == line.id).values(outcome="not_done", said=said))


def _hold(current: Any, bulk_id: int) -> None:
    """Begin the lease anew; Lost where it is somebody else's by now."""
    held = current.execute(
        update(_ACTS).where(_B.id == bulk_id, _B.leased_by == who()).values(lease_until=clock.now() + LEASE)
    )
    if held.rowcount != 1:
        raise Lost


def _do(act: Any, line: Any, actor: Actor) -> str:
    if act.act == CHECK:
        run_checks(line.case_id, actor=actor)
        return "done"
    wait = LETTERS_WAIT if act.act in (RETURN, REFUSE) else timedelta(0)
    made = make(act.act, line.case_id, line.version, act.words, actor, key=f"bulk/{act.id}", wait=wait)
    return "done" if made.moved else "voted"


@long_work
def work(stop: Callable[[], bool] = never) -> int:
    """Carry out what waits, one act after the other; gives back how many applications were seen to."""
    seen_to = 0
    while not stop() and (row := _claim()) is not None:
        by = actor_for(session().execute(select(Person.__table__).where(Person.id == row.by_id)).one())
        try:
            seen_to += carry_out(row.id, by, stop)
        except Lost:
            continue
    return seen_to


def _claim() -> Any | None:
    now = clock.now()
    free = or_(_B.lease_until.is_(None), _B.lease_until < now)
    waiting = select(_B.id).where(_B.finished_at.is_(None), free).order_by(_B.id).limit(1)
    if session().scalar(waiting) is None:
        return None  # an idle round takes no write lock
    with unit_of_work() as current:
        return current.execute(
            update(_ACTS)
            .where(_B.id.in_(waiting.with_for_update(skip_locked=True)))
            .values(lease_until=now + LEASE, leased_by=who())
            .returning(_B.id, _B.by_id)
        ).one_or_none()


def act_of(call_id: int, bulk_id: int) -> Any:
    """An act of a call; NotFound for any other."""
    row = session().execute(select(_ACTS).where(_B.id == bulk_id, _B.call_id == call_id)).one_or_none()
    if row is None:
        raise NotFound
    return row


def recent(call_id: int, most: int = 3) -> list[Any]:
    """The last acts in a call, newest first, each with how many it was over."""
    number = select(func.count()).where(_L.bulk_id == _B.id).scalar_subquery().label("number")
    query = select(_B.id, _B.act, _B.at, _B.finished_at, number).where(_B.call_id == call_id)
    return list(session().execute(query.order_by(_B.id.desc()).limit(most)))


def counts_of(bulk_id: int) -> dict[str, int]:
    """How many came to what."""
    rows = session().execute(select(_L.outcome, func.count()).where(_L.bulk_id == bulk_id).group_by(_L.outcome))
    return {row[0]: row[1] for row in rows}


def lines_of(bulk_id: int, number: int, total: int) -> tuple[list[Any], Page]:
    """A page of its applications: what was not done first, then by number."""
    page = Page(number, total, PAGE)
    query = (
        select(CASES, _L.outcome, _L.said)
        .join(_LINES, _L.case_id == CASES.c.id)
        .where(_L.bulk_id == bulk_id)
        .order_by(_L.outcome != "not_done", CASES.c.ref, CASES.c.id)
        .limit(PAGE)
        .offset(page.offset)
    )
    return list(session().execute(query)), page
