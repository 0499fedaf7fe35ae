"""What a reminder of an unfinished draft stands on: drafts of open calls, with the hour that ends each one's time.

When a reminder goes out stands in the register of notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import case, select

from grantflow.cases.models import Case
from grantflow.cases.reminders import Due, source
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.programmes.models import Call
from grantflow.submissions.models import Application


@source("submissions.drafts")
def drafts(first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """Drafts never submitted: their time ends with the call's, or later where one of them was given more."""
    cases, rows, calls = Case.__table__.c, Application.__table__.c, Call.__table__.c
    ends = case((rows.extension_until > calls.closes_at, rows.extension_until), else_=calls.closes_at)
    query = (
        select(cases.id, cases.opened_at, cases.title, ends.label("ends_at"), calls.title.label("call"))
        .join(Application.__table__, rows.case_id == cases.id)
        .join(Call.__table__, calls.case_id == rows.call_id)
        .where(
            cases.kind == "application", cases.stage == str(Stage.PREPARATION), rows.submitted_version.is_(None),
            ends.between(first, last),
        )
        .order_by(ends, cases.id)
    )  # fmt: skip
    if case_id is not None:
        query = query.where(cases.id == case_id)
    for row in session().execute(query):
        call = {"en": row.call.en, "ru": row.call.ru}
        yield Due(row.id, row.ends_at, row.opened_at, words={"call": call, "title": row.title or call})
