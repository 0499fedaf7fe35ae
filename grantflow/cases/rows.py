"""The row of a case as the one door reads, locks and writes it, and what the door reads of its past.

It decides nothing: who may move a case is `judging`'s, what moving it means is `service`'s.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, bindparam, inspect, select, update

from grantflow.cases.models import Case
from grantflow.db import connection, session, unit_connection, writing
from grantflow.errors import NotFound, Stale
from grantflow.prepared import Prepared

_CASES = Case.__table__
_BY_ID = select(_CASES).where(_CASES.c.id == bindparam("wanted"))
_ONE, _LOCKED = Prepared(_BY_ID), Prepared(_BY_ID.with_for_update())


def get(case_id: int) -> Any:
    """The case's row as it stands; NotFound where there is none."""
    row = _ONE.one(connection(), {"wanted": case_id})
    if row is None:
        raise NotFound
    return row


def lock(case_id: int) -> Any:
    """The case's row, nobody else's to change until this unit of work ends; NotFound where there is none.

    It is the one lock of everything that belongs to a case: whoever writes a stage's row takes it first, so that no
    two writers take the same two rows in different order.
    """
    row = _LOCKED.one(unit_connection(), {"wanted": case_id})
    if row is None:
        raise NotFound
    return row


def lock_parts(*which: Any) -> None:
    """The rows of what belongs to a case that is locked already, for an effect that reaches down to them.

    Whoever moves a part comes from below: the part first, then the whole. So this waits for nobody, or each would wait for
    the other: Stale where somebody else has one of the parts in hand.
    """
    parts, current = select(_CASES.c.id).where(*which), writing()
    held = current.scalars(parts.with_for_update(skip_locked=True)).all()
    if len(held) < len(current.scalars(parts).all()):
        raise Stale(_("Somebody else was a moment faster. Look at it as it is now, then decide."))


@lru_cache(maxsize=64)
def _going_on(columns: tuple[str, ...]) -> Prepared:
    """The version-checked UPDATE of these columns: the few sets of them that moves write are compiled once each."""
    # SET holds the columns whose values are given, beside the two of WHERE.
    where = _CASES.c.id == bindparam("this_case"), _CASES.c.version == bindparam("seen_version")
    return Prepared(update(_CASES).where(*where).returning(*_CASES.c), *columns)


def go_on(unit: Connection, case: Any, columns: dict[str, Any]) -> Any:
    """Write columns of a case whose version still fits; gives back its row as it now is. Stale where another was faster."""
    after = _going_on(tuple(columns)).one(unit, {"this_case": case.id, "seen_version": case.version, **columns})
    if after is None:
        raise Stale(_("Somebody else was a moment faster. Look at it as it is now, then decide."))
    return after


_CASE = inspect(Case)


@lru_cache(maxsize=1)
def _stages() -> tuple[Any, ...]:
    """What is mapped on a table whose stage follows the case's."""
    return tuple(mapper for mapper in Case.registry.mappers if {"case_id", "stage"} <= set(mapper.local_table.c.keys()))


def forget(case_id: int) -> None:
    """Make the session's objects of this case be read again: the door writes past the ORM."""
    current = session()
    if not (loaded := current.identity_map):
        return
    if (row := loaded.get(_CASE.identity_key_from_primary_key((case_id,)))) is not None:
        current.expire(row)
    for mapper in _stages():
        if (row := loaded.get(mapper.identity_key_from_primary_key((case_id,)))) is not None:
            current.expire(row, ["stage"])
