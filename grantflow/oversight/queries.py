"""What the auditor's pages read: the cases in scope with the size and end of their chains, a page at a time.

It changes nothing; what an auditor does is recorded by `service`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from grantflow.cases import definitions, titles
from grantflow.cases.access import visible_to
from grantflow.cases.models import WORKFLOW_KINDS, Case
from grantflow.db import session
from grantflow.history.models import Checkpoint, Event
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.identity.words import search_key
from grantflow.paging import Page

PAGE = 50
KINDS = (*WORKFLOW_KINDS, "programme", "alliance", "panel", "organisation")
_C, _E = Case.__table__.c, Event.__table__.c


@dataclass(frozen=True)
class Line:
    """One case in the auditor's list."""

    case: Any
    state: Any
    organisation: str
    last_at: datetime | None


@dataclass(frozen=True)
class Found:
    """One page of the list, with what was found in all."""

    lines: list[Line]
    page: Page


def find(actor: Actor, *, text: str = "", kind: str = "", number: int = 1, language: str = "en") -> Found:
    """The cases this actor may see, filtered by number, title or applicant and by kind, newest first."""
    where: list[Any] = [visible_to(actor), _C.kind.in_(KINDS)]
    if kind in KINDS:
        where.append(_C.kind == kind)
    if text:
        wanted = f"%{text}%"
        bodies = select(Organisation.id).where(Organisation.search_key.contains(search_key(text), autoescape=True))
        where.append(or_(_C.ref.ilike(wanted), _C.title.ilike(wanted), _C.organisation_id.in_(bodies)))
    total = session().scalar(select(func.count()).select_from(Case.__table__).where(*where)) or 0
    page = Page(number, total, PAGE)
    # The order is found over two columns; what a line shows is read for the page only.
    newest = session().execute(
        select(_C.id, _E.at)
        .join(Event.__table__, and_(_E.case_id == _C.id, _E.seq == _C.version), isouter=True)
        .where(*where)
        .order_by(_E.at.desc(), _C.id.desc())
        .limit(PAGE)
        .offset(page.offset)
    ).all()  # fmt: skip
    last_at = {row.id: row.at for row in newest}
    found = session().execute(
        select(Case.__table__, Organisation.name_en, Organisation.name_ru)
        .join(Organisation.__table__, Organisation.id == _C.organisation_id, isouter=True)
        .where(_C.id.in_(last_at))
    )
    by_id = {row.id: row for row in found}
    rows = [by_id[number] for number in last_at]
    titles.load(rows)
    lines = [
        Line(
            row,
            definitions.pinned(row.workflow_hash).state(row.state) if row.workflow_hash else None,
            ((row.name_ru or row.name_en) if language == "ru" else (row.name_en or row.name_ru)) or "",
            last_at[row.id],
        )
        for row in rows
    ]
    return Found(lines, page)


def last_checkpoint() -> Any | None:
    """The newest checkpoint, if any."""
    return session().execute(select(Checkpoint.__table__).order_by(Checkpoint.seq.desc()).limit(1)).one_or_none()
