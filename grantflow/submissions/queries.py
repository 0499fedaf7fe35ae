"""Owns what pages of applications read: the applications somebody writes, what was sent, its files and its
call.

Leaves lists of the officer to `eligibility`, and every change to the modules beside it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from grantflow.cases import titles
from grantflow.cases.access import visible_to
from grantflow.cases.sealed import untold
from grantflow.db import session
from grantflow.errors import NotFound
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.money import Money
from grantflow.paging import Page
from grantflow.programmes.models import Call, CallScope, Place
from grantflow.programmes.terms import Terms
from grantflow.submissions.answers import Draft
from grantflow.submissions.models import ApplicationVersion
from grantflow.submissions.rows import (
    APPLICATIONS,
    CALLS,
    CASES,
    FILES,
    answers_of,
    call_of,
    draft_of,
    files_of_many,
    row_of,
    terms_of,
    version_of,
    writable,
)
from grantflow.submissions.sharing import shared_with

PAGE = 25
_A, _C = APPLICATIONS.c, CASES.c


@dataclass(frozen=True)
class Submitted:
    """An application as it was sent last: what later stages judge."""

    row: Any
    terms: Terms
    answers: dict[str, Any]
    version: Any

    @property
    def asked(self) -> Money:
        """The sum asked."""
        return Money(self.row.asked_minor, self.row.currency)


def submitted(case_id: int) -> Submitted:
    """The version that counts; NotFound where nothing was sent."""
    row = row_of(case_id)
    if row.submitted_version is None:
        raise NotFound
    version = version_of(case_id, row.submitted_version)
    return Submitted(row, terms_of(version.pack_hash), answers_of(case_id, row.submitted_version), version)


@titles.english_of_applications
def english_titles(case_ids: Collection[int]) -> dict[int, str]:
    """The titles in English that applicants sent beside their own, in one query."""
    v = ApplicationVersion
    rows = session().execute(
        select(v.case_id, v.answers, v.pack_hash)
        .join(APPLICATIONS, APPLICATIONS.c.case_id == v.case_id)
        .where(v.case_id.in_(case_ids), v.n == APPLICATIONS.c.submitted_version)
    )
    found = {row.case_id: json.loads(row.answers).get(terms_of(row.pack_hash).keys.title_en) for row in rows}
    return {number: title for number, title in found.items() if isinstance(title, str)}


def versions_of(case_id: int) -> list[Any]:
    """The versions sent, newest first, without their answers."""
    v = ApplicationVersion
    query = select(v.n, v.sha256, v.submitted_at, v.person_id).where(v.case_id == case_id).order_by(v.n.desc())
    return list(session().execute(query))


def file_of(case_id: int, file_id: int) -> Any:
    """A file's row, taken away ones included; NotFound where it is not of this application."""
    row = session().execute(select(FILES).where(FILES.c.id == file_id, FILES.c.case_id == case_id)).one_or_none()
    if row is None:
        raise NotFound
    return row


def clean_files(case_id: int) -> set[int]:
    """The attached files that the installation's check found clean; empty where it has none."""
    return set(session().scalars(select(FILES.c.id).where(FILES.c.case_id == case_id, FILES.c.scan == "clean")))


def in_a_version(case_id: int, file_id: int) -> bool:
    """Whether a file belongs to a version that was sent: what others than the writers may open."""
    found = session().scalars(select(ApplicationVersion.answers).where(ApplicationVersion.case_id == case_id))
    marker = f'"id":{file_id},'
    return any(marker in text for text in found)


@dataclass(frozen=True)
class Sheet:
    """Everything a page of one application needs."""

    case: Any
    row: Any
    call: Any
    call_case: Any
    terms: Terms
    organisation: Any
    draft: Draft


def sheet_of(case: Any) -> Sheet:
    """The application of a case, with its call, terms, applicant and draft."""
    row = row_of(case.id)
    body = (
        session()
        .execute(
            select(Organisation.id, Organisation.name_en, Organisation.name_ru, Organisation.place_id).where(
                Organisation.id == row.organisation_id
            )
        )
        .one()
    )
    call_case = session().execute(select(CASES).where(CASES.c.id == row.call_id)).one()
    return Sheet(case, row, call_of(row.call_id), call_case, terms_of(row.pack_hash), body, draft_of(row))


@dataclass(frozen=True)
class District:
    """A district as the list of a form offers it. `inside`: the call is for it today."""

    id: int
    code: str
    name: Any
    region: Any
    inside: bool


def districts(call_id: int) -> list[District]:
    """Every district of the call's region and of its scope, those of the call first, then by name."""
    inside = set(
        session().scalars(select(CallScope.place_id).where(CallScope.call_id == call_id, CallScope.until_on.is_(None)))
    )
    region = Place.__table__.alias("region")
    rows = (
        session()
        .execute(
            select(Place.id, Place.code, Place.name, Place.parent_id, region.c.name.label("region"))
            .outerjoin(region, region.c.id == Place.parent_id)
            .where(Place.kind == "district")
        )
        .all()
    )
    regions = {row.parent_id for row in rows if row.id in inside}
    found = [
        District(row.id, row.code, row.name, row.region, row.id in inside) for row in rows if row.parent_id in regions
    ]
    return sorted(found, key=lambda d: (not d.inside, d.name.en))


def place_names(codes: Iterable[str]) -> dict[str, Any]:
    """Names of districts by code."""
    wanted = [code for code in codes if code]
    if not wanted:
        return {}
    rows = session().execute(select(Place.code, Place.name).where(Place.code.in_(wanted)))
    return {row.code: row.name for row in rows}


@dataclass(frozen=True)
class Mine:
    """One line of "my applications"."""

    case: Any
    title: str
    call: Any
    code: str
    closes_at: datetime
    zone: str
    extension_until: datetime | None
    correction_due_at: datetime | None
    asked_minor: int | None
    currency: str
    saved_at: datetime | None
    organisation: str


def _written(actor: Actor, *columns: Any) -> Select[Any]:
    """These columns of the applications this actor writes."""
    bodies = actor.scopes("applicant", "organisation_id")
    own = and_(_C.organisation_id.in_(bodies), visible_to(actor))
    return (
        select(*columns)
        .select_from(CASES)
        .join(APPLICATIONS, _A.case_id == _C.id)
        .join(Call, Call.case_id == _A.call_id)
        .join(Organisation, Organisation.id == _A.organisation_id)
        .where(or_(own, _C.id.in_(shared_with(actor))))
    )


def _lines(actor: Actor, query: Select[Any]) -> list[Mine]:
    return [
        Mine(
            row, row.own_title, row.call_name, row.code, row.closes_at, row.zone, row.extension_until,
            row.correction_due_at, row.asked_minor, row.currency, row.saved_at,
            (row.name_ru or row.name_en) if actor.language == "ru" else (row.name_en or row.name_ru),
        )
        for row in session().execute(query)
    ]  # fmt: skip


_LINE = (
    CASES, _A.title.label("own_title"), _A.extension_until, _A.correction_due_at, _A.asked_minor, _A.currency,
    _A.saved_at, Call.code, Call.name.label("call_name"), Call.closes_at, Call.zone,
    Organisation.name_en, Organisation.name_ru,
)  # fmt: skip


def applications_of(actor: Actor, number: int = 1) -> tuple[list[Mine], Page]:
    """The applications this actor writes, newest first, a page at a time, without what is written in them."""
    page = Page(number, int(session().scalar(_written(actor, func.count())) or 0), PAGE)
    query = _written(actor, *_LINE).order_by(_C.opened_at.desc(), _C.id.desc()).limit(PAGE).offset(page.offset)
    return _lines(actor, query), page


def open_of(actor: Actor) -> list[Any]:
    """The applications this actor can write now, in the columns a desk is ordered by, the newest first."""
    if not actor.scopes("applicant", "organisation_id") and not shared_with(actor):
        return []
    columns = (_C.id, _C.ref, _C.workflow_hash, _C.state, _A.extension_until, _A.correction_due_at)
    query = _written(actor, *columns, Call.code, Call.closes_at).where(writable(), ~untold())
    return list(session().execute(query.order_by(_C.opened_at.desc(), _C.id.desc())))


def drafts_of(actor: Actor, case_ids: Collection[int]) -> list[tuple[Mine, Draft]]:
    """Some of the applications this actor writes, each with what is written in it."""
    rows = session().execute(select(_A.case_id, _A.answers, _A.typed, _A.pack_hash).where(_A.case_id.in_(case_ids)))
    written, files = {row.case_id: row for row in rows}, files_of_many(case_ids)
    lines = _lines(actor, _written(actor, *_LINE, _A.pack_hash).where(_C.id.in_(case_ids)))
    return [(line, draft_of(written[line.case.id], files[line.case.id])) for line in lines]


@dataclass(frozen=True)
class Started:
    """A draft as staff may know of it: whose, since when, how much time; never what it says."""

    case_id: int
    organisation: Any
    opened_at: datetime
    saved_at: datetime | None
    revision: int
    extension_until: datetime | None


def drafts_of_call(call_id: int, number: int = 1) -> tuple[list[Started], Page]:
    """The drafts begun in a call and not sent yet, by applicant, a page at a time, without their content."""
    here = (_C.call_id == call_id, _C.kind == "application", _C.stage == "preparation")
    page = Page(number, int(session().scalar(select(func.count()).select_from(CASES).where(*here)) or 0), PAGE)
    rows = session().execute(
        select(
            _C.id, _C.opened_at, _A.saved_at, _A.revision, _A.extension_until,
            Organisation.name_en, Organisation.name_ru,
        )
        .join(APPLICATIONS, _A.case_id == _C.id)
        .join(Organisation, Organisation.id == _A.organisation_id)
        .where(*here)
        .order_by(Organisation.name_en, _C.id)
        .limit(PAGE)
        .offset(page.offset)
    )  # fmt: skip
    return [
        Started(row.id, {"en": row.name_en or row.name_ru, "ru": row.name_ru or row.name_en}, row.opened_at,
                row.saved_at, row.revision, row.extension_until)
        for row in rows
    ], page  # fmt: skip


def organisations_of(actor: Actor) -> list[Organisation]:
    """The organisations an actor acts for, by name."""
    mine = actor.scopes("applicant", "organisation_id")
    if not mine:
        return []
    rows = session().scalars(select(Organisation).where(Organisation.id.in_(mine)))
    return sorted(rows, key=lambda body: (body.name_in(actor.language).casefold(), body.id))


def returned_of_call(call_id: int, number: int = 1) -> tuple[list[Any], Page]:
    """The applications of a call that wait for a correction, and those opened again for changes, the earliest end first,
    a page at a time: the case's row with its end and applicant; `correction_due_at` is of corrections alone."""
    ends = func.coalesce(_A.correction_due_at, _A.extension_until, CALLS.c.closes_at)
    query = (
        select(_C.id, _C.ref, _C.title, _A.correction_due_at, ends.label("ends_at"), Organisation.name_en,
               Organisation.name_ru)
        .join(APPLICATIONS, _A.case_id == _C.id)
        .join(CALLS, CALLS.c.case_id == _A.call_id)
        .join(Organisation, Organisation.id == _A.organisation_id)
        .where(_C.call_id == call_id, _C.kind == "application", _C.stage == "submission")
        .where(or_(_A.correction_due_at.is_not(None), writable("submit")))
    )  # fmt: skip
    page = Page(number, int(session().scalar(select(func.count()).select_from(query.subquery())) or 0), PAGE)
    order = query.order_by(ends, _C.id).limit(PAGE).offset(page.offset)
    return list(session().execute(order)), page
