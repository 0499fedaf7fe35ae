"""Appending to a chain: the one INSERT into events, and the private values beside it.

It decides nothing. `cases.service` alone calls it, inside the unit of work that moves the case.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.orm import Session

from grantflow.history.canonical import VERSION, canonical, digest_of_written, event_hash, stamp
from grantflow.history.models import Event, PrivateValue
from grantflow.prepared import Prepared

_EVENTS = Event.__table__
_BY_KEY = Prepared(
    select(_EVENTS).where(_EVENTS.c.case_id == bindparam("of_case"), _EVENTS.c.key == bindparam("event_key"))
)
_INSERT = Prepared(insert(_EVENTS).inline(), *(column.key for column in _EVENTS.c if column.key != "id"))
_BESIDE = Prepared(insert(PrivateValue.__table__).inline(), *PrivateValue.__table__.c.keys())


def as_object(name: str, row: Any) -> dict[str, Any]:
    """The event object of the canonical form, from a row and the case's name."""
    return {
        "v": row["v"],
        "case": name,
        "seq": row["seq"],
        "at": stamp(row["at"]),
        "actor": row["actor_id"],
        "role": row["role"],
        "for": row["for_id"],
        "trigger": row["trigger"],
        "move": row["move"],
        "from": row["from_state"],
        "to": row["to_state"],
        "facts": row["facts"],
        "private": row["private"],
        "key": row["key"],
        "prev": row["prev_hash"],
    }


def append(
    connection: Connection,
    *,
    name: str,
    case_id: int,
    seq: int,
    at: datetime,
    actor_id: int | None,
    role: str,
    for_id: int | None,
    trigger: str,
    move: str,
    from_state: str | None,
    to_state: str | None,
    facts: dict[str, Any],
    private: dict[str, tuple[Any, int | None]],
    key: str | None,
    prev_hash: str,
) -> dict[str, Any]:
    """Write one event and give it back with its hash. `private` maps names to (value, person it is about)."""
    digests: dict[str, str] = {}
    beside = []
    for label, (value, person_id) in private.items():
        salt, written = os.urandom(16), canonical(value)
        digests[label] = digest_of_written(salt, written)
        beside.append(
            {"case_id": case_id, "seq": seq, "name": label, "person_id": person_id, "salt": salt, "value": written}
        )
    row: dict[str, Any] = {
        "case_id": case_id, "seq": seq, "v": VERSION, "at": at, "actor_id": actor_id, "role": role, "for_id": for_id,
        "trigger": trigger, "move": move, "from_state": from_state, "to_state": to_state, "facts": facts,
        "private": digests, "key": key, "prev_hash": prev_hash,
    }  # fmt: skip
    row["hash"] = event_hash(as_object(name, row))
    _INSERT.run(connection, row)
    _BESIDE.run(connection, *beside)
    return row


def by_key(connection: Connection | Session, case_id: int, key: str) -> Any | None:
    """The event a case already has under an idempotency key."""
    through = connection.connection() if isinstance(connection, Session) else connection
    return _BY_KEY.one(through, {"of_case": case_id, "event_key": key})
