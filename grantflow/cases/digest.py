"""Letters that gather: what has moved since yesterday, and what still waits for an approval, once a morning.

A gathered letter is a row of the outbox whose key is the person and their day: two schedulers write one. Its lines are
read in the person's language when it is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases import bell, outbox, stops, texts
from grantflow.cases.models import Case, Outbox
from grantflow.cases.notices import catalogue, render, rows
from grantflow.db import after_commit, insert_if_new, session, unit_of_work, writing
from grantflow.history.canonical import sha256
from grantflow.identity.models import Person

MORNING = 8
"""The hour, on each person's own clock, from which the day's letters are written."""
LONGEST = 20
"""So many lines a letter has at most; the others stand among the notices."""
_O, _P, _C = Outbox.__table__, Person.__table__, Case.__table__


def sweep() -> int:
    """Write the letters of this morning that are not written yet; gives back how many it wrote."""
    now = clock.now()
    return _sweep("daily_digest", _waiting(now), now) + _sweep("morning_digest", _still(now), now)


def _sweep(name: str, waiting: Any, now: datetime) -> int:
    """The letters of one kind, for whom the morning has come and nobody has written yet: asked once for all of them."""
    awake = {_key(name, person, now): person for person in _readers(waiting) if _local(person, now).hour >= MORNING}
    if not awake:
        return 0
    written = set(session().scalars(select(_O.c.dedupe).where(_O.c.dedupe.in_(awake))))
    return sum(_write(person, name, now) for key, person in awake.items() if key not in written)


def _local(person: Any, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(person.zone))


def _key(name: str, person: Any, now: datetime) -> str:
    return f"{name}/{_local(person, now).date().isoformat()}/{person.id}"


def _names(digest: str) -> list[str]:
    return [name for name, notice in catalogue().items() if rows()[notice.code].digest == digest]


def _waiting(now: datetime) -> Any:
    """Notices for a daily letter that no letter has taken up."""
    return select(_O.c.id, _O.c.notice, _O.c.params, _O.c.person_id, _O.c.case_id).where(
        _O.c.withheld == outbox.GATHERED, _O.c.digest_id.is_(None), _O.c.created_at <= now
    )


def _still(now: datetime) -> Any:
    """Notices of an earlier day whose case has not moved since: it still waits."""
    return (
        select(_O.c.id, _O.c.notice, _O.c.params, _O.c.person_id, _O.c.case_id)
        .join(_C, _C.c.id == _O.c.case_id)
        .where(
            _O.c.notice.in_(_names("morning")), _O.c.created_at >= _C.c.since_at, _O.c.created_at <= now,
            _O.c.created_at >= now - timedelta(days=60),
        )
    )  # fmt: skip


def _readers(query: Any) -> Iterable[Any]:
    inner = query.with_only_columns(_O.c.person_id)
    people = select(_P).where(_P.c.id.in_(inner), _P.c.active).order_by(_P.c.id)
    return session().execute(people).all()


def _write(person: Any, name: str, now: datetime) -> bool:
    """One letter a person and day, inside a unit of work of its own."""
    dedupe = _key(name, person, now)
    morning = clock.local(_local(person, now).date(), MORNING, 0, person.zone)
    if not _found(name, morning, person.id):
        return False  # without anything to say the round takes no write lock
    with unit_of_work():
        found = _found(name, morning, person.id)
        if not found:
            return False
        values = {
            "dedupe": dedupe, "notice": name, "person_id": person.id, "case_id": None,
            "params": {"number": len(found), "note": _lines(found, person)}, "created_at": now, "due_at": now,
            "attempts": 0, "last_error": "", "message_id": f"<{sha256(dedupe.encode())[:40]}@grantflow>",
        }  # fmt: skip
        number = writing().execute(insert_if_new(_O).returning(_O.c.id), values).scalar_one_or_none()
        if number is None:
            return False
        if name == "daily_digest":
            mine = update(_O).where(_O.c.id.in_([row.id for row in found]), _O.c.digest_id.is_(None))
            writing().execute(mine.values(digest_id=number))
        after_commit(bell.ring)
    return True


def _found(name: str, morning: datetime, person_id: int) -> list[Any]:
    """What this morning's letter to a person would say: what was there when the morning came."""
    waiting = (_waiting if name == "daily_digest" else _still)(morning).where(_O.c.person_id == person_id)
    codes = stops.stopped_codes(person_id)
    rows_ = session().execute(waiting.order_by(_O.c.id)).all()
    return [row for row in rows_ if catalogue()[row.notice].code not in codes]


def _lines(found: list[Any], person: Any) -> dict[str, str]:
    """The subjects, one a line, in both languages: the reader may choose another before the letter leaves."""
    newest: dict[tuple[Any, str], Any] = {(row.case_id, row.notice): row for row in found}
    said: dict[str, list[str]] = defaultdict(list)
    for row in list(newest.values())[-LONGEST:]:
        words = texts.current(row.notice, texts.programme_of(row.case_id))
        for language in texts.LANGUAGES:
            said[language].append("– " + render(row.notice, row.params, language, person.zone, "", words).subject)
    return {language: "\n".join(lines) for language, lines in said.items()}
