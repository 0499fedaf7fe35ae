"""Owns what "after the closing hour" means of something that was sent: in the minutes of grace, or in a longer time.

Leaves whether it may still be sent to `rows`, and what the history says of it to `sending`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from grantflow.db import session
from grantflow.programmes.service import closing_instant
from grantflow.submissions.rows import APPLICATIONS, CASES, VERSIONS

WORDS = {
    "grace": _("sent within the minutes of grace"),
    "longer": _("sent within the longer time given"),
}


def lateness(call: Any, extension_until: datetime | None, at: datetime) -> str:
    """ "longer" for what was sent in a time given to this applicant alone, "grace" in the minutes of grace; "" before the
    closing hour, and for a correction long after it."""
    if at <= call.closes_at:
        return ""
    if extension_until is not None and at <= extension_until:
        return "longer"
    return "grace" if at <= closing_instant(call) else ""


def late_of(call: Any, case_ids: Iterable[int] | None = None) -> list[Any]:
    """What was sent after the closing hour of a call, by number and version, each with `how`; one query. `case_ids`
    narrows it to some applications."""
    last = or_(
        VERSIONS.c.submitted_at <= closing_instant(call), VERSIONS.c.submitted_at <= APPLICATIONS.c.extension_until
    )
    query = (
        select(
            VERSIONS.c.case_id, VERSIONS.c.n, VERSIONS.c.submitted_at, APPLICATIONS.c.extension_until, CASES.c.ref,
            CASES.c.title, APPLICATIONS.c.organisation_id,
        )
        .join(APPLICATIONS, APPLICATIONS.c.case_id == VERSIONS.c.case_id)
        .join(CASES, CASES.c.id == VERSIONS.c.case_id)
        .where(APPLICATIONS.c.call_id == call.case_id, VERSIONS.c.submitted_at > call.closes_at, last)
        .order_by(CASES.c.ref, VERSIONS.c.n)
    )  # fmt: skip
    if case_ids is not None:
        query = query.where(VERSIONS.c.case_id.in_(list(case_ids)))
    return [row for row in session().execute(query) if lateness(call, row.extension_until, row.submitted_at)]


def words_by_case(call: Any, case_ids: Iterable[int]) -> dict[int, Any]:
    """What a list says beside an application that was sent after the closing hour, by case."""
    return {
        row.case_id: WORDS[lateness(call, row.extension_until, row.submitted_at)] for row in late_of(call, case_ids)
    }
