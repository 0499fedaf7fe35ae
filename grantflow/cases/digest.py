"""Letters that gather: what has moved since yesterday, and what still waits for an approval, once a morning.

A gathered letter is a row of the outbox whose key is the person and their day: two schedulers write one. Its lines are
read in the person's language when it is written.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select, update

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


# Asked at every round, and built once.
_FIELDS = (_O.c.id, _O.c.notice, _O.c.params, _O.c.person_id, _O.c.case_id)
_UNTIL = _O.c.created_at <= bindparam("until")
_QUERIES = {
    # Notices for a daily letter that no letter has taken up.
    "daily_digest": select(*_FIELDS).where(_O.c.withheld == outbox.GATHERED, _O.c.digest_id.is_(None), _UNTIL),
    # Notices of an earlier day whose case has not moved since: it still waits.
    "morning_digest": select(*_FIELDS)
    .join(_C, _C.c.id == _O.c.case_id)
    .where(
        _O.c.notice.in_(bindparam("names", expanding=True)), _O.c.created_at >= _C.c.since_at, _UNTIL,
        _O.c.created_at >= bindparam("since"),
    ),
}  # fmt: skip
_READERS = {
    name: select(_P).where(_P.c.id.in_(query.with_only_columns(_O.c.person_id)), _P.c.active).order_by(_P.c.id)
    for name, query in _QUERIES.items()
}
_OF_ONE = {
    name: query.where(_O.c.person_id == bindparam("person_id")).order_by(_O.c.id) for name, query in _QUERIES.items()
}
_WRITTEN = select(_O.c.dedupe).where(_O.c.dedupe.in_(bindparam("keys", expanding=True)))


def sweep() -> int:
    """Write the letters of this morning that are not written yet; gives back how many it wrote."""
    now = clock.now()
    return sum(_sweep(name, now) for name in _QUERIES)


def _sweep(name: str, now: datetime) -> int:
    """The letters of one kind, for whom the morning has come and nobody has written yet: asked once for all of them."""
    readers = session().execute(_READERS[name], _asked(name, now)).all()
    awake = {_key(name, person, now): person for person in readers if _local(person, now).hour >= MORNING}
    if not awake:
        return 0
    written = set(session().scalars(_WRITTEN, {"keys": list(awake)}))
    return sum(_write(person, name, now) for key, person in awake.items() if key not in written)


def _asked(name: str, until: datetime) -> dict[str, Any]:
    if name == "daily_digest":
        return {"until": until}
    return {"until": until, "since": until - timedelta(days=60), "names": _names("morning")}


def _local(person: Any, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(person.zone))


def _key(name: str, person: Any, now: datetime) -> str:
    return f"{name}/{_local(person, now).date().isoformat()}/{person.id}"


def _names(digest: str) -> list[str]:
    return [name for name, notice in catalogue().items() if rows()[notice.code].digest == digest]


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
    codes = stops.stopped_codes(person_id)
    found = session().execute(_OF_ONE[name], {**_asked(name, morning), "person_id": person_id}).all()
    return [row for row in found if catalogue()[row.notice].code not in codes]


def _lines(found: list[Any], person: Any) -> dict[str, str]:
    """The subjects, one a line, in both languages: the reader may choose another before the letter leaves."""
    newest: dict[tuple[Any, str], Any] = {(row.case_id, row.notice): row for row in found}
    said: dict[str, list[str]] = defaultdict(list)
    for row in list(newest.values())[-LONGEST:]:
        words = texts.current(row.notice, texts.programme_of(row.case_id))
        for language in texts.LANGUAGES:
            said[language].append("– " + render(row.notice, row.params, language, person.zone, "", words).subject)
    return {language: "\n".join(lines) for language, lines in said.items()}
