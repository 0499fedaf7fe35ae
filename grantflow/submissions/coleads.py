"""Bodies that lead a project together with the applicant: named by the applicant, from any country, each an event.

They may be changed while the application is a draft, and are sealed with what is sent; what is said of the applicant
itself is its profile's.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, insert, select, update

from grantflow import clock
from grantflow.cases.service import lock, record
from grantflow.db import session, writing
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.identity import words
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.identity.numbers import bare, inn_fault
from grantflow.submissions.models import CoLead
from grantflow.submissions.rows import APPLICATIONS, may_write, mode, row_of

CO_LEADS = CoLead.__table__
_BODIES = Organisation.__table__
MOST = 10


def co_leads_of(case_id: int) -> list[Any]:
    """The bodies that lead an application beside its applicant, in the order in which they were named."""
    query = select(CO_LEADS).where(CO_LEADS.c.case_id == case_id, CO_LEADS.c.removed_at.is_(None))
    return list(session().execute(query.order_by(CO_LEADS.c.id)))


def co_leads_at(case_id: int, at: datetime) -> list[Any]:
    """Those of what was sent at an instant."""
    query = select(CO_LEADS).where(CO_LEADS.c.case_id == case_id, *_standing_at(at))
    return list(session().execute(query.order_by(CO_LEADS.c.id)))


def _standing_at(at: datetime) -> tuple[ColumnElement[bool], ...]:
    gone = CO_LEADS.c.removed_at
    return CO_LEADS.c.added_at <= at, gone.is_(None) | (gone > at)


def shown_of(case: Any, row: Any, *, writer: bool) -> list[Any]:
    """Those whom a reader of an application sees: the writers of a draft its own, everybody else those of what counts."""
    if row.submitted_version is None or (writer and mode(case) == "draft"):
        return co_leads_of(case.id)
    return co_leads_at(case.id, row.submitted_at)


def names_of_many(case_ids: Collection[int]) -> dict[int, list[str]]:
    """The names of the co-leads of what counts, by application; one query for all."""
    found: dict[int, list[str]] = {}
    gone, sent = CO_LEADS.c.removed_at, APPLICATIONS.c.submitted_at
    rows = session().execute(
        select(CO_LEADS.c.case_id, CO_LEADS.c.name)
        .join(APPLICATIONS, APPLICATIONS.c.case_id == CO_LEADS.c.case_id)
        .where(CO_LEADS.c.case_id.in_(case_ids), CO_LEADS.c.added_at <= sent, gone.is_(None) | (gone > sent))
        .order_by(CO_LEADS.c.id)
    )
    for row in rows:
        found.setdefault(row.case_id, []).append(row.name)
    return found


def sealed_of(case_id: int) -> dict[str, list[dict[str, str]]]:
    """What goes under the fingerprint beside the answers; nothing where the applicant leads alone. No question has this
    code: a question's has no hyphen."""
    rows = co_leads_of(case_id)
    said = [{name: getattr(row, name) for name in ("name", "country", "number", "part")} for row in rows]
    return {"co-leads": [{name: text for name, text in one.items() if text} for one in said]} if said else {}


def put_back(case_id: int, sent_at: datetime, now: datetime) -> bool:
    """Let the co-leads be again those of what was sent at that instant; whether there was anything to put back."""
    here, gone = CO_LEADS.c.case_id == case_id, CO_LEADS.c.removed_at
    back = writing().execute(
        update(CO_LEADS).where(here, CO_LEADS.c.added_at <= sent_at, gone > sent_at)
        .values(removed_at=None, removed_by_id=None)
    )  # fmt: skip
    new = writing().execute(
        update(CO_LEADS).where(here, CO_LEADS.c.added_at > sent_at, gone.is_(None))
        .values(removed_at=now, removed_by_id=CO_LEADS.c.added_by_id)
    )  # fmt: skip
    return bool(_touched(back) + _touched(new))


def _touched(done: Any) -> int:
    return int(done.rowcount)


def add_co_lead(
    case_id: int, *, name: str, country: str, number: str = "", part: str = "", actor: Actor, key: str | None = None
) -> None:
    """Name a further lead of a draft. Raises Invalid with every faulty field; the same body twice stands once."""
    _writable(case_id, actor)
    wrong: dict[str, Any] = {}
    kept, country, number = {}, country.upper(), bare(number)
    for field, text, needed, read in (("name", name, True, words.name), ("part", part, False, words.line)):
        try:
            kept[field] = read(text, longest=300, needed=needed)
        except Invalid as fault:
            wrong[field] = fault.sentence
    if len(country) != 2 or not (country.isascii() and country.isalpha()):
        wrong["country"] = _("Choose a country from the list.")
    elif number and (said := inn_fault(number, country)):
        wrong["number"] = said
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    here = co_leads_of(case_id)
    sound = words.search_key(kept["name"])
    if any(
        (number and (row.number, row.country) == (number, country)) or words.search_key(row.name) == sound
        for row in here
    ):
        return
    if len(here) >= MOST:
        raise Refused(_("There are %(count)s co-leads, and no more fit. Take one away first.", count=MOST))
    found = select(_BODIES.c.id).where(
        _BODIES.c.inn == number, _BODIES.c.country == country, _BODIES.c.merged_into_id.is_(None)
    )
    body = session().scalar(found.order_by(_BODIES.c.id).limit(1)) if number else None
    if body is not None and body == row_of(case_id).organisation_id:
        said = _("This is the applicant itself. Name another organisation.")
        raise Invalid(said, {"number": said})
    record(case_id, "co_lead_named", actor=actor, role="applicant", key=key, changes=[("co_lead", None, kept["name"])])
    writing().execute(
        insert(CO_LEADS).values(
            case_id=case_id, organisation_id=body, country=country, number=number, added_by_id=actor.person_id,
            added_at=clock.now(), **kept,
        )
    )  # fmt: skip


def remove_co_lead(case_id: int, co_lead_id: int, *, actor: Actor) -> None:
    """Take a further lead out of a draft; taken away twice, it is taken away once."""
    _writable(case_id, actor)
    wanted = select(CO_LEADS).where(CO_LEADS.c.id == co_lead_id, CO_LEADS.c.case_id == case_id)
    row = session().execute(wanted).one_or_none()
    if row is None:
        raise NotFound
    if row.removed_at is not None:
        return
    record(case_id, "co_lead_removed", actor=actor, role="applicant", changes=[("co_lead", row.name, None)])
    gone = {"removed_at": clock.now(), "removed_by_id": actor.person_id}
    writing().execute(update(CO_LEADS).where(CO_LEADS.c.id == co_lead_id).values(**gone))


def _writable(case_id: int, actor: Actor) -> None:
    case = lock(case_id)
    verdict = may_write(case, row_of(case_id), actor)
    if not verdict:
        raise Refused(verdict.because)
    if mode(case) != "draft":
        raise Refused(_("Co-leads were not asked to be corrected; they stay as they were sent."))
