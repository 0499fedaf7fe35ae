"""Owns how far each draft is, counted in the background beside its saves: which sections are complete, where it stops.

A draft's row says itself that it was counted at another revision, so nothing that writes a draft needs to know of this.
What a call's page makes of it is `health`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from grantflow import clock
from grantflow.cases.worker import long_work
from grantflow.db import insert_if_new, session, unit_of_work, writing
from grantflow.engine.definition import Stage
from grantflow.submissions.answers import sections
from grantflow.submissions.models import DraftProgress
from grantflow.submissions.rows import APPLICATIONS, CALLS, CASES, draft_of, files_of_many, terms_of

LOT = 100
"""So many drafts are counted in one unit of work: a few short writes."""
_P, _A = DraftProgress.__table__, APPLICATIONS.c


def unsent() -> ColumnElement[bool]:
    """On cases and applications: a draft that was never sent and still may be."""
    return (CASES.c.kind == "application") & (CASES.c.stage == Stage.PREPARATION.value) & _A.submitted_version.is_(None)


def outdated() -> ColumnElement[bool]:
    """On applications joined with their progress: something is written that was not counted yet."""
    return (_A.revision > 0) & or_(_P.c.case_id.is_(None), _P.c.revision != _A.revision, _P.c.pack_hash != _A.pack_hash)


@long_work
def count_drafts(stop: Callable[[], bool] = lambda: False) -> int:
    """Count the drafts that were written since they were last counted, lot after lot; gives back how many."""
    done = 0
    while not stop() and (some := _lot()):
        done += len(some)
    return done


def _lot() -> list[int]:
    rows = (
        session()
        .execute(
            select(_A.case_id, _A.answers, _A.typed, _A.revision, _A.pack_hash, CALLS.c.zone)
            .join(CASES, CASES.c.id == _A.case_id)
            .join(CALLS, CALLS.c.case_id == _A.call_id)
            .outerjoin(_P, _P.c.case_id == _A.case_id)
            .where(unsent(), outdated())
            .order_by(_A.case_id)
            .limit(LOT)
        )
        .all()
    )
    if not rows:
        return []
    files = files_of_many(row.case_id for row in rows)
    counted = [_counted(row, files[row.case_id]) for row in rows]
    with unit_of_work():
        for values in counted:
            # Of two workers at once both find the same; a draft saved meanwhile is counted again.
            key = values["case_id"]
            written = writing().execute(update(_P).where(_P.c.case_id == key).values(values))
            if not written.rowcount:  # type: ignore[attr-defined]
                writing().execute(insert_if_new(_P), values)
    return [row.case_id for row in rows]


def _counted(row: Any, files: dict[str, Any]) -> dict[str, Any]:
    states = sections(terms_of(row.pack_hash), draft_of(row, files), clock.today(row.zone))
    return {
        "case_id": row.case_id,
        "revision": row.revision,
        "pack_hash": row.pack_hash,
        "done": sum(state.state == "ok" for state in states),
        "stuck_at": next((state.section.code for state in states if state.state != "ok"), None),
        "counted_at": clock.now(),
    }
