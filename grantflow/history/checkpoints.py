"""Checkpoints over all chains: a chained Merkle root, so that a vanished case or a cut tail shows.

Whoever rewinds the database whole, checkpoints included, is found only against a checkpoint lodged elsewhere:
`grantflow history checkpoint --out FILE` writes one for that purpose.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, String, column, func, insert, select, table
from sqlalchemy.exc import IntegrityError

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.history.canonical import VERSION, canonical, merkle_root, sha256, stamp
from grantflow.history.models import Checkpoint, CheckpointHead

# `cases` belongs to a later package; the history needs four of its columns.
CASES = table(
    "cases", column("id", Integer), column("kind", String), column("version", Integer), column("head_hash", String)
)
FIRST = sha256(b"grantflow/1/checkpoints")


def leaf(case: str, version: int, head: str) -> str:
    """The leaf text of one case."""
    return f"{case}:{version}:{head}"


def heads_at(seq: int | None = None) -> dict[int, tuple[str, int, str]]:
    """What the checkpoints up to `seq` (default: all) know of every case: name, version, head."""
    rows = CheckpointHead.__table__
    query = select(rows).order_by(rows.c.checkpoint)
    if seq is not None:
        query = query.where(rows.c.checkpoint <= seq)
    return {row.case_id: (row.case, row.version, row.hash) for row in session().execute(query)}


def checkpoint_hash(row: Any) -> str:
    """The hash of a checkpoint's row in canonical form."""
    return sha256(
        canonical(
            {
                "v": row["v"], "seq": row["seq"], "at": stamp(row["at"]), "cases": row["cases"],
                "events": row["events"], "root": row["root"], "prev": row["prev_hash"],
            }
        ).encode()
    )  # fmt: skip


def lodge() -> dict[str, Any]:
    """Write a checkpoint over the chains as they stand, in its own unit of work; gives back its row."""
    row = _lodge(None)
    assert row is not None
    return row


def _young(at: datetime | None, age: timedelta | None) -> bool:
    return at is not None and age is not None and clock.now() - at < age


def _lodge(age: timedelta | None) -> dict[str, Any] | None:
    """Write a checkpoint unless the last one is younger than that: asked again here, where the next number is taken,
    because two that look at once would otherwise write one each."""
    with unit_of_work() as current:
        last = current.execute(select(Checkpoint.__table__).order_by(Checkpoint.seq.desc()).limit(1)).one_or_none()
        if last and _young(last.at, age):
            return None
        known = heads_at()
        now = {
            row.id: (f"{row.kind}/{row.id}", row.version, row.head_hash)
            for row in current.execute(select(CASES).order_by(CASES.c.id))
        }
        row: dict[str, Any] = {
            "seq": last.seq + 1 if last else 1,
            "v": VERSION,
            "at": clock.now(),
            "cases": len(now),
            "events": sum(version for _case, version, _head in now.values()),
            "root": merkle_root([leaf(*now[case_id]) for case_id in sorted(now)]),
            "prev_hash": last.hash if last else FIRST,
        }
        row["hash"] = checkpoint_hash(row)
        current.execute(insert(Checkpoint.__table__), row)
        grown = [
            {"checkpoint": row["seq"], "case_id": case_id, "case": name, "version": version, "hash": head}
            for case_id, (name, version, head) in sorted(now.items())
            if known.get(case_id) != (name, version, head)
        ]
        if grown:
            current.execute(insert(CheckpointHead.__table__), grown)
        return row


def lodge_if_older(age: timedelta) -> bool:
    """Write a checkpoint when the last one is older than that; whether it did."""
    if _young(session().scalar(select(func.max(Checkpoint.at))), age):
        return False
    try:
        return _lodge(age) is not None
    except IntegrityError:  # another worker was a moment faster, and one a day is enough
        return False
