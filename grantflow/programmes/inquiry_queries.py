"""Owns reading questions about a call with their answers: those for all, somebody's own, those that wait for staff.

Whoever reads for the public gets no word of what was told to one person alone. Asking and answering are `inquiries`'.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select

from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.errors import NotFound
from grantflow.history.models import PrivateValue
from grantflow.identity.access import Actor
from grantflow.identity.queries import names_of
from grantflow.paging import Page
from grantflow.programmes.inquiry_models import TO_ALL, Inquiry, InquiryAnswer, Said
from grantflow.programmes.models import Call

PAGE = 10
_Q, _A, _P = Inquiry.__table__.c, InquiryAnswer.__table__.c, PrivateValue.__table__.c


@dataclass(frozen=True)
class Version:
    """One version of an answer with the question as it was worded for it."""

    version: int
    at: datetime
    by_id: int
    reach: str
    wording: Said
    text: Said


@dataclass(frozen=True)
class Exchange:
    """A question with the versions of its answer, the first one first."""

    id: int
    number: int
    asked_at: datetime
    asker_id: int
    asker: str
    language: str
    asked: str | None
    """What was typed; None once it was erased."""
    versions: tuple[Version, ...]

    @property
    def latest(self) -> Version | None:
        """The answer that holds."""
        return self.versions[-1] if self.versions else None

    @property
    def earlier(self) -> tuple[Version, ...]:
        """What was said before it, the newest first."""
        return self.versions[-2::-1]

    @property
    def public(self) -> bool:
        """Whether everybody may read it."""
        return self.latest is not None and self.latest.reach in TO_ALL


_waits = ~exists().where(_A.inquiry_id == _Q.id)
_told_at = select(func.max(_A.id)).where(_A.inquiry_id == _Q.id, _A.reach.in_(TO_ALL)).scalar_subquery()


def published(call_id: int, number: int | None) -> tuple[list[Exchange], Page]:
    """What everybody may read about a call, the latest word first: a page of it, or all of it for None."""
    where = and_(_Q.call_id == call_id, _told_at.is_not(None))
    rows, page = _rows(where, (_told_at.desc(),), number)
    return _whole(call_id, rows, for_all=True), page


def own(call_id: int, person_id: int, number: int) -> tuple[list[Exchange], Page]:
    """What somebody has asked about a call, the latest question first, with every answer to them."""
    rows, page = _rows(and_(_Q.call_id == call_id, _Q.asker_id == person_id), (_Q.id.desc(),), number)
    return _whole(call_id, rows), page


def for_staff(call_id: int, number: int) -> tuple[list[Exchange], Page]:
    """Every question about a call: those that wait first, the oldest of them on top, then the latest."""
    order = (case((_waits, 0), else_=1), case((_waits, _Q.id)), _Q.id.desc())
    rows, page = _rows(_Q.call_id == call_id, order, number)
    return _whole(call_id, rows, names=True), page


def exchange(call_id: int, number: int) -> Exchange:
    """One question of a call with everything that was answered; NotFound where there is none."""
    rows = session().execute(select(Inquiry.__table__).where(_Q.call_id == call_id, _Q.number == number)).all()
    if not rows:
        raise NotFound
    return _whole(call_id, rows, names=True)[0]


def open_of(call_id: int, person_id: int) -> int:
    """How many questions of somebody about a call wait for an answer."""
    return _count(and_(_Q.call_id == call_id, _Q.asker_id == person_id, _waits))


def waiting_in(call_id: int) -> int:
    """How many questions about a call wait for an answer."""
    return _count(and_(_Q.call_id == call_id, _waits))


def asked_by(call_id: int, person_id: int) -> int:
    """How many questions somebody has asked about a call."""
    return _count(and_(_Q.call_id == call_id, _Q.asker_id == person_id))


def waiting(actor: Actor) -> list[Any]:
    """The questions without an answer in every call this actor sees, the oldest first, with the rows of the calls."""
    rows = session().execute(
        select(_Q.id, _Q.number, _Q.asked_at, _Q.call_id, Call.code, Call.name, Case)
        .join(Call, Call.case_id == _Q.call_id)
        .join(Case, Case.id == _Q.call_id)
        .where(_waits, visible_to(actor))
        .order_by(_Q.asked_at, _Q.id)
    )
    return list(rows)


def _count(where: ColumnElement[bool]) -> int:
    return int(session().scalar(select(func.count()).select_from(Inquiry.__table__).where(where)) or 0)


def _rows(where: ColumnElement[bool], order: Sequence[Any], number: int | None) -> tuple[Sequence[Any], Page]:
    total = _count(where)
    page = Page(number or 1, total, PAGE if number is not None else max(1, total))
    query = select(Inquiry.__table__).where(where).order_by(*order).limit(page.size).offset(page.offset)
    return session().execute(query).all(), page


def _whole(call_id: int, rows: Sequence[Any], *, for_all: bool = False, names: bool = False) -> list[Exchange]:
    """These questions of a call with what was said, in two queries more (three with names), however many they are.

    `for_all` reads neither what was typed nor an answer to one person alone.
    """
    answers = select(InquiryAnswer.__table__).where(_A.inquiry_id.in_([row.id for row in rows]))
    if for_all:
        answers = answers.where(_A.reach.in_(TO_ALL))
    said = session().execute(answers.order_by(_A.inquiry_id, _A.version)).all()
    parts = ("wording:after", "answer:after") if for_all else ("question:after", "wording:after", "answer:after")
    texts = select(_P.seq, _P.name, _P.value).where(
        _P.case_id == call_id, _P.seq.in_([row.seq for row in (*rows, *said)]), _P.name.in_(parts)
    )
    beside = {(row.seq, row.name): json.loads(row.value) for row in session().execute(texts) if row.value is not None}
    called = names_of(row.asker_id for row in rows) if names else {}

    def version(row: Any) -> Version:
        wording, text = (Said(**beside.get((row.seq, name), {})) for name in ("wording:after", "answer:after"))
        return Version(row.version, row.answered_at, row.answered_by_id, row.reach, wording, text)

    return [
        Exchange(
            row.id, row.number, row.asked_at, row.asker_id, called.get(row.asker_id, ""), row.language,
            beside.get((row.seq, "question:after")), tuple(version(one) for one in said if one.inquiry_id == row.id),
        )
        for row in rows
    ]  # fmt: skip
