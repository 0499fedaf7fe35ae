"""Owns what was done otherwise in a call: longer times, what was sent after the closing hour, rules let pass, and what
later stages add.

Nothing is decided here; each line comes from where it was decided, with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, select

from grantflow.db import session
from grantflow.eligibility.models import WaiverVote
from grantflow.eligibility.standing import WAIVERS
from grantflow.history.models import Event, PrivateValue
from grantflow.identity.labels import ROLE_LABELS
from grantflow.identity.models import Organisation
from grantflow.paging import Page
from grantflow.submissions.lateness import WORDS, late_of, lateness
from grantflow.submissions.rows import APPLICATIONS, CASES, terms_of

PAGE = 50
_E, _P, _A, _C = Event.__table__.c, PrivateValue.__table__.c, APPLICATIONS.c, CASES.c
_PUT_OFF, _AGAIN, _EXTENDED = "closing_put_off", "open_again", "extension"
KINDS = {
    _PUT_OFF: _("Closing hour put off for everybody"),
    _AGAIN: _("Call opened again after its closing"),
    _EXTENDED: _("More time for one applicant"),
    "late": _("Sent after the closing hour"),
    "waived": _("Rule let pass"),
}


@dataclass(frozen=True)
class Exceptional:
    """One of them: what kind, when, of which application (none: of the whole call), what exactly, why, by whose role."""

    kind: str
    at: datetime
    case_id: int | None
    ref: str | None
    organisation: Any
    what: Any
    until: datetime | None = None
    reason: Any = ""
    role: Any = ""

    @property
    def name(self) -> Any:
        """What it is called."""
        return KINDS[self.kind]


Source = Callable[[Any], Iterable[Exceptional]]
_sources: dict[str, Source] = {}


def source(function: Source) -> Source:
    """Register `f(call) -> lines` of a later stage, in one query; the kind's name is put into `KINDS`."""
    _sources[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def exceptions_of(call: Any, number: int = 1) -> tuple[list[Exceptional], Page]:
    """The exceptions of a call, the latest first, a page at a time: four queries and one for each later stage that adds to
    them, however many there are."""
    names = {row.id: row for row in _bodies(call.case_id)}
    found = [*_times(call, names), *_late(call, names), *_waived(call, names)]
    found += [line for add in _sources.values() for line in add(call)]
    found.sort(key=lambda one: (one.at, one.case_id or 0), reverse=True)
    page = Page(number, len(found), PAGE)
    return found[page.rows], page


def _bodies(call_id: int) -> Iterable[Any]:
    """The applicants of a call by the number of their organisation."""
    return session().execute(
        select(Organisation.id, Organisation.name_en, Organisation.name_ru).where(
            Organisation.id.in_(select(_A.organisation_id).where(_A.call_id == call_id))
        )
    )


def _name(names: dict[int, Any], organisation_id: int | None) -> Any:
    row = names.get(organisation_id or 0)
    return {"en": row.name_en or row.name_ru, "ru": row.name_ru or row.name_en} if row is not None else ""


def _times(call: Any, names: dict[int, Any]) -> Iterator[Exceptional]:
    """Hours moved: for one, and for all."""
    rows = session().execute(
        select(_E.case_id, _E.at, _E.move, _E.role, _E.facts, _C.ref, _A.organisation_id, _P.value)
        .join(CASES, _C.id == _E.case_id)
        .outerjoin(APPLICATIONS, _A.case_id == _E.case_id)
        .outerjoin(PrivateValue.__table__, and_(_P.case_id == _E.case_id, _P.seq == _E.seq, _P.name == "reason"))
        .where(
            ((_C.call_id == call.case_id) & (_C.kind == "application") & (_E.move == _EXTENDED))
            | ((_E.case_id == call.case_id) & _E.move.in_((_PUT_OFF, _AGAIN)))
        )
    )
    for row in rows:
        changes = row.facts.get("changes") or [{}]
        until = changes[0].get("after")
        yield Exceptional(
            row.move, row.at, row.case_id if row.ref else None, row.ref, _name(names, row.organisation_id), "",
            datetime.fromisoformat(until.replace("Z", "+00:00")) if until else None, json.loads(row.value) if row.value else "",
            ROLE_LABELS.get(row.role, row.role),
        )  # fmt: skip


def _late(call: Any, names: dict[int, Any]) -> Iterator[Exceptional]:
    for row in late_of(call):
        how = WORDS[lateness(call, row.extension_until, row.submitted_at)]
        yield Exceptional("late", row.submitted_at, row.case_id, row.ref, _name(names, row.organisation_id), how)


def _waived(call: Any, names: dict[int, Any]) -> Iterator[Exceptional]:
    rows = session().execute(
        select(WAIVERS.c.code, WAIVERS.c.reason, WAIVERS.c.at, _C.id, _C.ref, _A.organisation_id, _A.pack_hash)
        .join(CASES, _C.id == WAIVERS.c.case_id)
        .join(APPLICATIONS, _A.case_id == WAIVERS.c.case_id)
        .join(WaiverVote, (WaiverVote.waiver_id == WAIVERS.c.id) & WaiverVote.agreed)
        .where(_C.call_id == call.case_id)
        .order_by(WAIVERS.c.id)
    )
    once = {(row.id, row.code, row.at): row for row in rows}  # one that holds in a later run too is one exception
    for row in once.values():
        rules = {rule.code: rule.label for rule in terms_of(row.pack_hash).eligibility}
        yield Exceptional(
            "waived", row.at, row.id, row.ref, _name(names, row.organisation_id), rules.get(row.code, row.code), None,
            row.reason, ROLE_LABELS["officer"],
        )  # fmt: skip
