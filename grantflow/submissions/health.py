"""Owns how a call stands while applications are written: begun, sent, where drafts stop; and reminding their holders.

Nothing of what a draft says is read here. How far each draft is counts `progress`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, case, func, select

from grantflow import clock
from grantflow.cases import words
from grantflow.cases.service import Outcome, lock, record
from grantflow.db import session, unit_connection, writing
from grantflow.engine.definition import Stage
from grantflow.errors import NotFound, Refused
from grantflow.history import store
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.identity.models import Person, RoleAssignment
from grantflow.programmes.service import closing_instant
from grantflow.programmes.terms import Terms
from grantflow.rendering import moment
from grantflow.submissions.extension import applying
from grantflow.submissions.models import DraftProgress
from grantflow.submissions.progress import outdated, unsent
from grantflow.submissions.rows import APPLICATIONS, CASES, call_of, terms_of, writable

QUIET = timedelta(days=7)
"""A draft nobody touched for so long is told apart."""
REMINDED = "drafts_reminded"
_P, _A, _C = DraftProgress.__table__.c, APPLICATIONS.c, CASES.c

words.say(drafts_reminded=_("Holders of unfinished drafts reminded"))
words.fact(drafts_reminded=_("Drafts"), people_reminded=_("People"))


@dataclass(frozen=True)
class Stop:
    """Drafts whose first section that is not complete is this one; `quiet` of them untouched for a week."""

    code: str
    title: Any
    drafts: int
    quiet: int


@dataclass(frozen=True)
class Health:
    """The figures of a call's page. `ready`: complete and not sent; `blank`: nothing written; `uncounted`: written in the
    last moments, not counted yet."""

    started: int
    sent: int
    open_again: int
    drafts: int
    never_sent: int
    stops: tuple[Stop, ...]
    ready: Stop
    blank: Stop
    uncounted: int
    last_at: datetime | None
    today: int
    quiet: int


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def health_of(call: Any) -> Health:
    """How a call stands, in two queries however many drafts there are."""
    now = clock.now()
    here, sent = (_C.call_id == call.case_id, _C.kind == "application"), _A.submitted_version.is_not(None)
    draft, quiet = unsent(), and_(unsent(), func.coalesce(_A.saved_at, _C.opened_at) < now - QUIET)
    all_ = (
        session()
        .execute(
            select(
                func.count().label("started"), _sum(sent).label("sent"), _sum(draft).label("drafts"),
                _sum(and_(sent, writable("submit"))).label("open_again"),
                func.max(case((draft, _A.saved_at))).label("last_at"),
                _sum(and_(draft, _A.saved_at >= now - timedelta(days=1))).label("today"), _sum(quiet).label("quiet"),
            )
            .select_from(CASES)
            .join(APPLICATIONS, _A.case_id == _C.id)
            .where(*here)
        )
        .one()
    )  # fmt: skip
    place = case(
        (_A.revision == 0, "blank"), (outdated(), "uncounted"), (_P.stuck_at.is_(None), "ready"), else_="stuck"
    )
    rows = session().execute(
        select(place.label("place"), _A.pack_hash, _P.stuck_at, func.count().label("n"), _sum(quiet).label("quiet"))
        .select_from(CASES)
        .join(APPLICATIONS, _A.case_id == _C.id)
        .outerjoin(DraftProgress.__table__, _P.case_id == _A.case_id)
        .where(*here, draft)
        .group_by("place", _A.pack_hash, _P.stuck_at)
    )
    counts: dict[tuple[str, str], list[int]] = {}
    titles: dict[str, Any] = {section.code: section.title for section in terms_of(call.pack_hash).form}
    for row in rows:
        code = row.stuck_at if row.place == "stuck" else ""
        one = counts.setdefault((row.place, code), [0, 0])
        one[0], one[1] = one[0] + row.n, one[1] + int(row.quiet)
        if code and code not in titles:
            titles[code] = _title(terms_of(row.pack_hash), code)

    def stop(place: str, code: str = "", title: Any = "") -> Stop:
        return Stop(code, title, *counts.get((place, code), (0, 0)))

    return Health(
        started=all_.started, sent=int(all_.sent), open_again=int(all_.open_again), drafts=int(all_.drafts),
        never_sent=all_.started - int(all_.sent) - int(all_.drafts),
        stops=tuple(stop("stuck", code, title) for code, title in titles.items()),
        ready=stop("ready"), blank=stop("blank"), uncounted=stop("uncounted").drafts,
        last_at=all_.last_at, today=int(all_.today), quiet=int(all_.quiet),
    )  # fmt: skip


def _title(terms: Terms, code: str) -> Any:
    section = terms.section(code)
    return section.title if section is not None else code


# ------------------------------------------------------------------------------------------------------- reminding
class _At:
    """An instant inside a sentence, written when somebody reads it."""

    def __init__(self, at: datetime, zone: str) -> None:
        self.at, self.zone = at, zone

    def __str__(self) -> str:
        return moment(self.at, self.zone)


def last_reminded(call_id: int) -> datetime | None:
    """When holders of unfinished drafts were last reminded by hand."""
    query = select(func.max(Event.at)).where(Event.case_id == call_id, Event.move == REMINDED)
    found: datetime | None = session().scalar(query)
    return found


def remind_unfinished(call_id: int, *, actor: Actor, key: str | None = None) -> Outcome:
    """Write to everybody who holds a draft of an open call that was never sent: once a day by the call's clock.

    Needs a unit of work. A repeated `key` changes nothing. Refused to anybody but officers and managers, for a call that
    is not open, a second time a day, and where there is nobody to write to. The same few statements however many.
    """
    case, call, now = lock(call_id), call_of(call_id), clock.now()
    if case.kind != "call":
        raise NotFound
    if key is not None and (earlier := store.by_key(unit_connection(), call_id, key)) is not None:
        return Outcome(case, earlier, moved=False, replayed=True)
    if not actor.roles_on(case) & {"officer", "manager", "admin", "system"}:
        raise Refused(_("Only officers and managers of the programme may remind applicants."))
    if case.stage != Stage.SUBMISSION or now > closing_instant(call):
        raise Refused(_("The call is not open: nobody can send a draft now."))
    zone, last = ZoneInfo(call.zone), last_reminded(call_id)
    if last is not None and last.astimezone(zone).date() == now.astimezone(zone).date():
        raise Refused(_("They were reminded today already: %(when)s. Once a day is enough.", when=_At(last, call.zone)))
    told: dict[int, list[int]] = {}
    drafts = {}
    for row in writing().execute(
        select(_C.id, _A.title, _A.extension_until, RoleAssignment.person_id)
        .select_from(CASES)
        .join(APPLICATIONS, _A.case_id == _C.id)
        .join(RoleAssignment, RoleAssignment.organisation_id == _A.organisation_id)
        .join(Person, Person.id == RoleAssignment.person_id)
        .where(_C.call_id == call_id, unsent(), *applying())
        .order_by(_C.id, RoleAssignment.person_id)
    ):
        drafts[row.id] = row
        told.setdefault(row.id, []).append(row.person_id)
    if not told:
        raise Refused(_("Nobody holds an unfinished draft now."))
    title = {"en": call.title.en, "ru": call.title.ru}
    notices = [
        (
            "draft_unfinished",
            people,
            {
                "call": title,
                "title": drafts[case_id].title or title,
                "due": max(filter(None, (call.closes_at, drafts[case_id].extension_until))),
                "about": case_id,
            },
        )
        for case_id, people in told.items()
    ]
    readers = {person_id for people in told.values() for person_id in people}
    event = record(
        call_id,
        REMINDED,
        actor=actor,
        facts={"drafts_reminded": len(told), "people_reminded": len(readers)},
        key=key,
        notices=notices,
    )
    return Outcome(case, event, moved=False)
