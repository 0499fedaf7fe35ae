"""What the pages of notices and letters read: notices to a person, and the letters a demonstration keeps.

Writing and sending them is the outbox's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from grantflow import rendering
from grantflow.cases import outbox, texts
from grantflow.cases.models import Case, Letter, Outbox
from grantflow.cases.notices import Rendered, page_of, render
from grantflow.db import session
from grantflow.identity.access import Actor
from grantflow.identity.models import Person
from grantflow.paging import Page

_C, _O = Case.__table__.c, Outbox.__table__.c


@dataclass(frozen=True)
class Notice:
    """A notice as its reader sees it."""

    id: int
    at: datetime
    words: Rendered
    page: str | None
    ref: str
    read: bool


PAGE = 25


def inbox(actor: Actor, zone: str, number: int = 1) -> tuple[list[Notice], Page, int]:
    """The notices to this person, newest first, a page at a time; which page it is, and how many are unread."""
    mine = _own(actor)
    total, unread = (
        session()
        .execute(
            select(func.count(), func.count().filter(_O.read_at.is_(None))).select_from(Outbox.__table__).where(mine)
        )
        .one()
    )
    page = Page(number, total, PAGE)
    rows = (
        session()
        .execute(
            select(Outbox.__table__, _C.ref)
            .outerjoin(Case.__table__, _C.id == _O.case_id)
            .where(mine)
            .order_by(_O.id.desc())
            .limit(PAGE)
            .offset(page.offset)
        )
        .all()
    )
    said = texts.of_ids({row.text_id for row in rows if row.text_id is not None})
    language = rendering.language()
    found = [
        Notice(
            row.id,
            row.created_at,
            render(row.notice, row.params, language, zone, "", said.get(row.text_id)),
            page_of(row),
            row.ref or "",
            row.read_at is not None,
        )
        for row in rows
    ]
    return found, page, unread


def unread(actor: Actor) -> int:
    """How many notices to this person are unread."""
    return int(session().scalar(select(func.count()).where(_own(actor), _O.read_at.is_(None))) or 0)


def _own(actor: Actor) -> Any:
    """The notices to this person; one whose case went on before it left is none, nor is one that lies yet so that it can
    be taken back; and a daily letter repeats others."""
    there = or_(_O.withheld.is_(None), _O.withheld != outbox.LEFT_BEHIND)
    return and_(_O.person_id == actor.person_id, there, outbox.shown(), _O.notice.not_in(outbox.DIGESTS))


def letters(person_id: int | None, number: int = 1) -> tuple[list[Any], Page, list[Any]]:
    """The letters kept instead of sent, newest first, for all or for one person; and everybody who has
    letters.
    """
    table, people = Letter.__table__, Person.__table__
    query = select(table, people.c.name_en, people.c.name_ru).join(people, people.c.id == table.c.person_id)
    count = select(func.count()).select_from(table)
    if person_id is not None:
        query, count = (
            query.where(table.c.person_id == person_id),
            count.where(table.c.person_id == person_id),
        )
    page = Page(number, int(session().scalar(count) or 0), PAGE)
    rows = (
        session()
        .execute(query.order_by(table.c.created_at.desc(), table.c.message_id).limit(PAGE).offset(page.offset))
        .all()
    )
    receivers = (
        session()
        .execute(
            select(people.c.id, people.c.email, people.c.name_en, people.c.name_ru, func.count())
            .join(table, table.c.person_id == people.c.id)
            .group_by(people.c.id, people.c.email, people.c.name_en, people.c.name_ru)
            .order_by(people.c.email)
        )
        .all()
    )
    return list(rows), page, list(receivers)
