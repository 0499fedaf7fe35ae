"""Whether a notice that waits gets a letter of its own: not where its case went on, its reader stopped or left, or a
daily letter takes it up.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from grantflow.cases import outbox, reminders, stops
from grantflow.cases.notices import catalogue, row_of


def reason(row: Any) -> str | None:
    """Why this row of the outbox gets no letter of its own; None where it gets one."""
    if row.active and reminders.left_behind(row.dedupe):
        return outbox.LEFT_BEHIND
    stopped = stops.stopped_codes(row.person_id) if row.active and row_of(row.notice).stop else set()
    return of_reader(row.notice, row.active, stopped)


def of_reader(notice: str, active: bool, stopped: Set[str]) -> str | None:
    """Why a notice brings a reader no letter of its own, as long as its case stays; `stopped`: the numbers they stopped."""
    if not active:
        return outbox.GONE
    if notice in outbox.DIGESTS:
        return None
    row = row_of(notice)
    if row.stop and catalogue()[notice].code in stopped:
        return outbox.STOPPED
    return outbox.GATHERED if row.digest == "daily" else None
