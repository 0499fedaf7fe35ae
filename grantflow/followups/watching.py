"""What waits on a national partner's desk: the reports of the grants that its own grant pays for.

The moves are those of every report; who may make them stands in its definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from grantflow.cases import definitions, desk, titles
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.identity.access import Actor

_C = Case.__table__.c


@desk.provider
def reports_to_read(actor: Actor) -> Iterable[desk.DeskItem]:
    """Reports that were sent and are neither accepted nor sent back. One query."""
    calls = actor.watched_calls
    if not calls:
        return
    rows = session().execute(
        select(Case.__table__)
        .where(_C.kind == "report", _C.stage == Stage.SUBMISSION, _C.call_id.in_(calls), visible_to(actor))
        .order_by(_C.since_at, _C.id)
    )
    for row in rows:
        # One that was sent back stands in the same stage, on its writer's desk.
        if "partner" in actor.roles_on(row) and definitions.card(row).desk != "applicant":
            yield desk.DeskItem(
                case_id=row.id, ref=row.ref or "", kind="report", due_at=row.due_at, dress=_dressed, about=row
            )


def _dressed(items: Sequence[desk.DeskItem]) -> Iterable[desk.DeskItem]:
    titles.load([item.about for item in items])
    why = _("Read the report of a grant that yours pays for")
    for item in items:
        url = url_for("cases.show", case_id=item.case_id)
        yield replace(item, what=titles.title(item.about), url=url, why=why, state=definitions.card(item.about))
