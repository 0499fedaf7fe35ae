"""Owns taking a refusal or a return back: until when that is possible, and who has to be told of it.

What was done to many at once is announced a while later: its letters lie until then, and the applicants' pages show
nothing of it (`cases.sealed`). Taken back within that time, nobody is ever told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Text, and_, cast, or_, select, update

from grantflow import clock
from grantflow.cases import outbox, sealed
from grantflow.cases.context import Context
from grantflow.cases.models import Outbox
from grantflow.cases.service import get
from grantflow.db import session
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.submissions.rows import CASES

LETTERS_WAIT = timedelta(minutes=10)
"""How long the letters of a bulk act lie before they leave."""
NOTICE = "check_taken_back"
_O, _C = Outbox.__table__.c, CASES.c


def judged_meanwhile(call_case: Any) -> Verdict:
    """Whether a check of this call may still be taken back: until its panel begins, before any result is announced."""
    if call_case.stage in ("submission", "eligibility"):
        return YES
    return no(
        _("The check of this call is over: the panel has begun, or the call has ended. It is no longer taken back.")
    )


@registry.guard("eligibility.not_judged_yet")
def not_judged_yet(ctx: Context) -> Verdict:
    """The panel of the call has not begun."""
    return judged_meanwhile(get(ctx.case.call_id))


def _of_the_decision() -> Any:
    """Rows of the outbox that the event wrote by which their case came into its present state."""
    return _O.dedupe.like(cast(_C.id, Text) + "/" + cast(_C.since_seq, Text) + "/%")


def _told() -> Any:
    """Rows that reached their reader, or are on their way at this moment."""
    left = and_(_O.sent_at.is_not(None), or_(_O.withheld.is_(None), _O.withheld != outbox.LEFT_BEHIND))
    return or_(left, _O.read_at.is_not(None), _O.lease_until >= clock.now())


def told(case_ids: Iterable[int]) -> list[tuple[int, int]]:
    """Who was told of the decisions in which these applications stand: pairs of application and person. One query."""
    rows = session().execute(
        select(_O.case_id, _O.person_id)
        .join(CASES, _C.id == _O.case_id)
        .where(_O.case_id.in_(list(case_ids)), _of_the_decision(), _told())
        .order_by(_O.case_id, _O.person_id)
        .distinct()
    )
    return [(row.case_id, row.person_id) for row in rows]


@registry.effect("eligibility.withdraw_letters")
def withdraw_letters(ctx: Context) -> None:
    """Letters of the decision that have not left are withdrawn; whoever was told of it is told that it holds no more."""
    sealed.take_back(ctx)
    people = [person_id for _case_id, person_id in told([ctx.case.id])]
    mine = (_O.dedupe.like(f"{ctx.case.id}/{ctx.case.since_seq}/%"), _O.sent_at.is_(None))
    free = or_(_O.lease_until.is_(None), _O.lease_until < clock.now())
    gone = ctx.session.execute(
        update(Outbox.__table__)
        .where(*mine, free, _O.read_at.is_(None))
        .values(sent_at=ctx.now, withheld=outbox.LEFT_BEHIND, lease_until=None)
    )
    if gone.rowcount:  # type: ignore[attr-defined]
        ctx.fact("letters_withdrawn", gone.rowcount)  # type: ignore[attr-defined]
    if people:
        ctx.notify(NOTICE, people)
