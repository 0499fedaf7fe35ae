"""What a reminder of an unfinished draft stands on: drafts of open calls, with the hour that ends each one's time.

When a reminder goes out stands in the register of notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import bindparam, case, select

from grantflow.cases.models import Case
from grantflow.cases.reminders import Due, source
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.programmes.models import Call
from grantflow.submissions.models import Application

_C, _A, _CALL = Case.__table__.c, Application.__table__.c, Call.__table__.c
_ENDS = case((_A.extension_until > _CALL.closes_at, _A.extension_until), else_=_CALL.closes_at)
# Asked in every round, and built once.
_unfinished = (
    select(_C.id, _C.opened_at, _C.title, _ENDS.label("ends_at"), _CALL.title.label("call"))
    .join(Application.__table__, _A.case_id == _C.id)
    .join(Call.__table__, _CALL.case_id == _A.call_id)
    .where(
        _C.kind == "application", _C.stage == str(Stage.PREPARATION), _A.submitted_version.is_(None),
        _ENDS.between(bindparam("first"), bindparam("last")),
    )
    .order_by(_ENDS, _C.id)
)  # fmt: skip


@source("submissions.drafts")
def drafts(first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """Drafts never submitted: their time ends with the call's, or later where one of them was given more."""
    query = _unfinished if case_id is None else _unfinished.where(_C.id == case_id)
    for row in session().execute(query, {"first": first, "last": last}):
        call = {"en": row.call.en, "ru": row.call.ru}
        yield Due(row.id, row.ends_at, row.opened_at, words={"call": call, "title": row.title or call})
