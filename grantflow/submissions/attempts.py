"""Owns refused attempts to send: each is an event of its application, so that nobody need be believed, and a list.

Leaves the refusal itself to the guards in `sending`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, func, select

from grantflow.cases import definitions, words
from grantflow.cases.judging import LabelText
from grantflow.cases.service import lock, record
from grantflow.db import session
from grantflow.history import store
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.paging import Page
from grantflow.submissions.answers import all_faults
from grantflow.submissions.pages import today, too_late
from grantflow.submissions.queries import sheet_of
from grantflow.submissions.rows import APPLICATIONS, CASES

PAGE = 50
LATE, REFUSED = "late_attempt", "refused_attempt"
NOT_TICKED = _("The declaration above the button was not ticked.")
NAMED = 8
"""So many of the missing answers are named in the event; the rest are counted."""
_E = Event.__table__.c

words.open_to_applicants(REFUSED)


def note_attempt(case_id: int, told: Any, *, actor: Actor, key: str | None = None) -> None:
    """Remember that somebody pressed Submit and was refused: what they were told and which answers were missing. Needs a
    unit of work. A repeated `key` (the same press) is remembered once."""
    sheet = sheet_of(lock(case_id))
    faults = all_faults(sheet.terms, sheet.draft, today(sheet))
    codes = list(dict.fromkeys(fault.question for fault in faults))
    facts: dict[str, Any] = {"told": {}}
    if codes:
        facts |= {"missing": codes, "missing_answers": {}}
    for lang in ("en", "ru"):
        with force_locale(lang):
            facts["told"][lang] = str(told)
        if codes:
            names = [sheet.terms.questions[code].label.in_(lang) for code in codes[:NAMED]]
            facts["missing_answers"][lang] = "; ".join(names) + (
                f" (+{len(codes) - NAMED})" if len(codes) > NAMED else ""
            )
    what = LATE if too_late(sheet) else REFUSED
    record(case_id, what, actor=actor, role="applicant", facts=facts, key=f"attempt/{key}" if key else None)


def closed_before(case: Any, key: str) -> Any | None:
    """What to say to a press that came when the changes, or the correction, had been closed without being sent; None
    where what was written last was sent, by this press or by another."""
    moves = {move.name: move for move in definitions.pinned(case.workflow_hash).moves}
    ends = {name for name, move in moves.items() if {"submissions.submit", "submissions.set_aside"} & set(move.effects)}
    if store.by_key(session(), case.id, key) is not None:
        return None
    last = session().scalar(
        select(_E.move).where(_E.case_id == case.id, _E.move.in_(sorted(ends))).order_by(_E.seq.desc()).limit(1)
    )
    if last is None or "submissions.set_aside" not in moves[last].effects:
        return None
    return _("Nothing was sent now. %(what)s.", what=LabelText(moves[last].say))


@dataclass(frozen=True)
class Attempt:
    """One refused attempt: when, of whom, what they were told, which answers were missing, whether it was sent later."""

    case_id: int
    at: datetime
    late: bool
    organisation: Any
    ref: str | None
    told: Any
    missing: Any


def _of_call(call_id: int, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(CASES)
        .join(APPLICATIONS, APPLICATIONS.c.case_id == CASES.c.id)
        .join(Event.__table__, _E.case_id == CASES.c.id)
        .where(CASES.c.call_id == call_id, CASES.c.kind == "application", _E.move.in_((LATE, REFUSED)))
    )


def count(call_id: int) -> int:
    """How many attempts to send were refused in a call."""
    return int(session().scalar(_of_call(call_id, func.count())) or 0)


def attempts_of_call(call_id: int, number: int = 1) -> tuple[list[Attempt], Page]:
    """The refused attempts of a call, the latest first, a page at a time; without what the drafts say."""
    page = Page(number, count(call_id), PAGE)
    query = (
        _of_call(
            call_id, CASES.c.id, CASES.c.ref, _E.at, _E.move, _E.facts, Organisation.name_en, Organisation.name_ru,
        )
        .join(Organisation, Organisation.id == APPLICATIONS.c.organisation_id)
        .order_by(_E.at.desc(), _E.id.desc())
        .limit(PAGE)
        .offset(page.offset)
    )  # fmt: skip
    return [
        Attempt(
            row.id, row.at, row.move == LATE,
            {"en": row.name_en or row.name_ru, "ru": row.name_ru or row.name_en},
            row.ref, row.facts.get("told"), row.facts.get("missing_answers"),
        )
        for row in session().execute(query)
    ], page  # fmt: skip
