"""Whether a notice that waits gets a letter of its own: not where its case went on, its reader stopped or left, or a
daily letter takes it up.
"""

from __future__ import annotations

from typing import Any

from grantflow.cases import outbox, reminders, stops
from grantflow.cases.notices import row_of


def reason(row: Any) -> str | None:
    """Why this row of the outbox gets no letter of its own; None where it gets one."""
    if not row.active:
        return outbox.GONE
    if reminders.left_behind(row.dedupe):
        return outbox.LEFT_BEHIND
    if row.notice in outbox.DIGESTS:
        return None
    if stops.stopped(row.person_id, row.notice):
        return outbox.STOPPED
    return outbox.GATHERED if row_of(row.notice).digest == "daily" else None
