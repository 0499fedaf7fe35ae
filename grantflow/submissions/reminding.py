"""What a reminder of an unfinished draft, or of changes not sent, stands on: drafts of open calls, with the hour that ends
each one's time.

When a reminder goes out stands in the register of notices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, case, func, select

from grantflow.cases.models import Case
from grantflow.cases.reminders import Due, source
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.history.models import Event
from grantflow.programmes.models import Call
from grantflow.submissions.models import Application
from grantflow.submissions.rows import writable

_C, _A, _CALL, _E = Case.__table__.c, Application.__table__.c, Call.__table__.c, Event.__table__.c
_ENDS = case((_A.extension_until > _CALL.closes_at, _A.extension_until), else_=_CALL.closes_at)


def _moved(case_id: Any, *moves: str) -> Any:
    """When somebody moved the hour last: rungs that had passed by then, counted back from the new one, never come."""
    return select(func.max(_E.at)).where(_E.case_id == case_id, _E.move.in_(moves)).scalar_subquery()


# Asked in every round, and built once.
_drafts = (
    select(
        _C.id, _C.opened_at, _C.since_at, _C.title, _ENDS.label("ends_at"), _CALL.title.label("call"),
        _moved(_C.id, "extension").label("extended_at"),
        _moved(_A.call_id, "closing_put_off", "open_again").label("put_off_at"),
    )
    .join(Application.__table__, _A.case_id == _C.id)
    .join(Call.__table__, _CALL.case_id == _A.call_id)
    .where(_C.kind == "application", _ENDS.between(bindparam("first"), bindparam("last")))
    .order_by(_ENDS, _C.id)
)  # fmt: skip
_unfinished = _drafts.where(_C.stage == str(Stage.PREPARATION), _A.submitted_version.is_(None))
_reopened = _drafts.where(_C.stage == str(Stage.SUBMISSION), _A.submitted_version.is_not(None))


@source("submissions.drafts")
def drafts(first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """Drafts never submitted: their time ends with the call's, or later where one of them was given more."""
    for row in _rows(_unfinished, first, last, case_id):
        yield _due(row, row.opened_at)


@source("submissions.changes")
def changes(first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """What was sent and opened again, and not sent anew: awaited since it was opened, with the same end as a draft."""
    for row in _rows(_reopened.where(writable("submit")), first, last, case_id):
        yield _due(row, row.since_at)


def _rows(query: Select[Any], first: datetime, last: datetime, case_id: int | None) -> Iterable[Any]:
    query = query if case_id is None else query.where(_C.id == case_id)
    return session().execute(query, {"first": first, "last": last})


def _due(row: Any, begun: datetime) -> Due:
    call = {"en": row.call.en, "ru": row.call.ru}
    since = max(filter(None, (begun, row.extended_at, row.put_off_at)))
    return Due(row.id, row.ends_at, since, words={"call": call, "title": row.title or call})
