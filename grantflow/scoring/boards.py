"""The board of a panel: how far each application is read, a page at a time, and each member's part in the whole.

What is counted over all applications is counted in the database. Lines are in `queries`. Nothing is written, in a fixed
number of queries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, or_, select

from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation, Person
from grantflow.paging import Page
from grantflow.scoring import interests, ranking, standing
from grantflow.scoring.composition import SEAT_LABELS
from grantflow.scoring.models import Decision, Interest, PanelMember, Review
from grantflow.scoring.panels import members_of
from grantflow.scoring.queries import Line, Sheet, lines_of

PAGE = 50
NAMED = 12
"""How many applications a note names; of more it says how many there are."""
_C, _R = Case.__table__.c, Review.__table__.c


@dataclass(frozen=True)
class Reading:
    """How far an application is read: who has submitted, who is missing, how far the totals lie apart."""

    line: Line
    totals: Mapping[int, int]
    missing: tuple[Person, ...]
    conflicted: tuple[Person, ...]
    quorum: int
    spread: int | None
    mean: int | None
    wide: bool
    shown: bool
    """Whether the asker may see marks: not before they have submitted their own."""


@dataclass(frozen=True)
class Reader:
    """A member's part in the work of a panel."""

    member: PanelMember
    person: Person
    organisation: Organisation | None
    seat: Any
    assigned: int
    declared: int
    interests: int
    submitted: int
    owed: int
    """Reviews still missing where scoring is open; an interest is nobody's debt."""
    zero_spread: bool

    @property
    def expected(self) -> int:
        """How many reviews there will be of this member, if all are written."""
        return self.submitted + self.owed


@dataclass(frozen=True)
class Board:
    """A panel at work: a page of its applications, and its counts over all of them."""

    sheet: Sheet
    readings: tuple[Reading, ...]
    page: Page
    open: int
    """How many applications are still scored."""
    wide: int
    """On how many the readers lie far apart, as far as the asker may see marks."""
    wide_refs: tuple[str, ...]
    """The first of those, by number."""
    readers: tuple[Reader, ...]

    @property
    def submitted(self) -> int:
        """Reviews that are in."""
        return sum(reader.submitted for reader in self.readers)

    @property
    def expected(self) -> int:
        """Reviews there should be."""
        return sum(reader.expected for reader in self.readers)


def board_of(sheet: Sheet, actor: Actor, number: int = 1) -> Board:
    """The panel's progress: per application, a page by number, and per member."""
    # Whoever withdrew or was disqualified has left the panel's work; the declined have been through it.
    here = (
        _C.panel_id == sheet.id,
        _C.kind == "application",
        visible_to(actor),
        or_(_C.stage != Stage.REFUSED, exists().where(Decision.case_id == _C.id)),
    )
    open_now = standing.open_now()
    still = case((open_now, 1), else_=0)
    total, scored = session().execute(select(func.count(), func.coalesce(func.sum(still), 0)).where(*here)).one()
    page = Page(number, total, PAGE)
    ids = session().scalars(
        select(_C.id).where(*here).order_by(_C.ref, _C.id).limit(PAGE).offset(page.offset)
    ).all()  # fmt: skip
    members = members_of(sheet.id)
    sees_all = actor.everywhere is not None or not any(member.person_id == actor.person_id for member, *_ in members)
    wide = _wide(here, sheet, None if sees_all else or_(~open_now, _own(actor)))
    return Board(
        sheet,
        tuple(_readings(sheet, actor, ids, members, sees_all)),
        page,
        int(scored),
        wide[0].whole if wide else 0,
        tuple(row.ref or "" for row in wide),
        tuple(_readers(members, here, still, total, int(scored))),
    )


def _own(actor: Actor) -> ColumnElement[bool]:
    """SQL on cases: whether the actor's own review of it counts."""
    own = Review.__table__.alias("own")
    return exists().where(own.c.case_id == _C.id, own.c.person_id == actor.person_id, standing.counts(own))


def _wide(here: Iterable[Any], sheet: Sheet, shown: Any) -> Any:
    """The first applications whose readers lie too far apart, by number, each with how many there are."""
    query = (
        select(_C.ref, func.count().over().label("whole"))
        .join(Review.__table__, _R.case_id == _C.id)
        .where(*here, standing.counts(), *(() if shown is None else (shown,)))
        .group_by(_C.id, _C.ref)
        .having(func.max(_R.total) - func.min(_R.total) > sheet.spread_limit)
        .order_by(_C.ref, _C.id)
        .limit(NAMED)
    )
    return session().execute(query).all()


def _readings(sheet: Sheet, actor: Actor, ids: Any, members: Any, sees_all: bool) -> Iterable[Reading]:
    lines, totals, said = lines_of(ids, actor), standing.counted(ids), interests.latest(ids)
    for number in ids:
        line, here = lines[number], totals.get(number, {})
        is_open = standing.open_for_reviews(line.case)
        free = [p for m, p, _o in members if said.get((number, m.person_id)) in (None, "none")]
        spread = ranking.spread(standing.exact(here.values()))
        apart = None if spread is None else ranking.hundredths(spread)
        yield Reading(
            line,
            here,
            tuple(p for p in free if p.id not in here) if is_open else (),
            tuple(p for m, p, _o in members if said.get((number, m.person_id)) not in (None, "none")),
            sheet.panel.quorum,
            apart,
            standing.mean(list(here.values())),
            apart is not None and apart > sheet.spread_limit,
            sees_all or actor.person_id in here or not is_open,
        )


def _readers(members: Any, here: Iterable[Any], still: Any, total: int, scored: int) -> Iterable[Reader]:
    """Each member over all applications, in two queries: what they declared, and their reviews that count."""
    said = _declared(here, still)
    reviews = session().execute(
        select(_R.person_id, still.label("open"), func.count(), func.min(_R.total), func.max(_R.total))
        .join(Case.__table__, _C.id == _R.case_id)
        .where(*here, standing.counts())
        .group_by(_R.person_id, "open")
    )
    written: dict[int, list[Any]] = {}
    for row in reviews:
        written.setdefault(row[0], []).append(row)
    for member, person, body in members:
        own = written.get(member.person_id, [])
        tied = said[member.person_id, True, 0] + said[member.person_id, True, 1]
        submitted = sum(row[2] for row in own)
        totals = [total for row in own for total in row[3:]]
        yield Reader(
            member,
            person,
            body,
            SEAT_LABELS[member.seat],
            total,
            tied + said[member.person_id, False, 0] + said[member.person_id, False, 1],
            tied,
            submitted,
            scored - said[member.person_id, True, 1] - sum(row[2] for row in own if row[1]),
            ranking.zero_spread(submitted, totals),
        )


def _declared(here: Iterable[Any], still: Any) -> Counter[tuple[int, bool, int]]:
    """How many declarations count, by person, whether it is an interest, and whether the application is scored now."""
    said, later = Interest.__table__.alias("said"), Interest.__table__.alias("newer")
    i = said.c
    newer = exists().where(later.c.case_id == i.case_id, later.c.person_id == i.person_id, later.c.id > i.id)
    tied = case((i.kind != "none", 1), else_=0)
    rows = session().execute(
        select(i.person_id, tied.label("tied"), still.label("open"), func.count())
        .select_from(said.join(Case.__table__, _C.id == i.case_id))
        .where(*here, ~newer)
        .group_by(i.person_id, "tied", "open")
    )
    return Counter({(person, bool(is_tied), is_open): count for person, is_tied, is_open, count in rows})
