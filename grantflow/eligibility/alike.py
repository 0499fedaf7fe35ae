"""Owns finding applications of one call that may be the same twice: of one body, or under one title, or nearly so.

It flags and blocks nothing. What other calls hold is `knowledge`'s, which the rules look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, literal, or_, select, union_all

from grantflow.cases.access import visible_to
from grantflow.db import session
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.submissions.likeness import title_of
from grantflow.submissions.rows import APPLICATIONS, CASES

MOST = 12
"""So many of each kind are named beside one application: where very many share a title, it is no sign any more."""
_A, _C, _O = APPLICATIONS.c, CASES.c, Organisation.__table__.c
BODY, NUMBER, TITLE, NEARLY = "body", "number", "title", "nearly"
"""In what two are alike, the surest first."""
_MARKS = {BODY: _A.organisation_id, NUMBER: _O.inn, NEARLY: _A.likeness}
_GONE = ("refused", "preparation")


@dataclass(frozen=True)
class Alike:
    """Another application that may be the same one, and in what."""

    id: int
    ref: str
    ways: tuple[str, ...]


def alike(call_id: int, case_ids: Collection[int], actor: Actor) -> dict[int, list[Alike]]:
    """For each of these applications the others of its call that may be the same, the surest first and not more
    than `MOST` of each kind. Two queries, each through an index: a call of thousands is not read for a page of it.

    What was refused, withdrawn or never sent is none of them; nor is what this actor may not see.
    """
    if not case_ids:
        return {}
    columns = (_C.id, _A.organisation_id, _O.inn, _A.likeness, _A.search_key)
    mine = session().execute(_sent(call_id, actor, *columns).where(_C.id.in_(list(case_ids)))).all()
    of = {way: {value for row in mine if (value := row._mapping[column])} for way, column in _MARKS.items()}
    found = union_all(*(_first(call_id, actor, way, column, of[way]) for way, column in _MARKS.items()))
    marked: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for other in session().execute(found):
        marked[other.way, other.mark].append(other)
    doubles: dict[int, list[Alike]] = {}
    for row in mine:
        ways: dict[int, list[str]] = defaultdict(list)
        refs: dict[int, str] = {}
        for way, column in _MARKS.items():
            others = [one for one in marked.get((way, str(row._mapping[column])), ()) if one.id != row.id]
            for other in others[:MOST]:
                same = way == NEARLY and title_of(other.search_key) == title_of(row.search_key)
                ways[other.id].append(TITLE if same else way)
                refs[other.id] = other.ref or ""
        if ways:
            doubles[row.id] = sorted((_one(n, refs[n], said) for n, said in ways.items()), key=_surest)
    return doubles


def has_double(call_id: int, actor: Actor) -> ColumnElement[bool]:
    """Whether `alike` would name another for an application of a query over `cases`, `applications` and
    `organisations`: the marks of the call are counted once, not once for each application."""
    ways = []
    for column in _MARKS.values():
        live = _sent(call_id, actor, column).where(_C.stage.not_in(_GONE), cast(column, Text) != "").group_by(column)
        two = live.having(func.count() > 1)
        ways += [
            column.in_(two.correlate(None)),
            and_(_C.stage.in_(_GONE), column.in_(live.correlate(None))),  # it is not among those that were counted
        ]
    return or_(*ways)


def _sent(call_id: int, actor: Actor, *columns: Any) -> Select[Any]:
    """What was sent in the call and this actor may see."""
    return (
        select(*columns)
        .select_from(CASES)
        .join(APPLICATIONS, _A.case_id == _C.id)
        .join(Organisation.__table__, _O.id == _A.organisation_id)
        .where(_A.call_id == call_id, _C.kind == "application", _A.submitted_version.is_not(None), visible_to(actor))
    )


def _first(call_id: int, actor: Actor, way: str, column: Any, values: Collection[Any]) -> Select[Any]:
    """By number the first that stand under each of these marks; one more than `MOST`: who asks is among them."""
    place = func.row_number().over(partition_by=column, order_by=(_C.ref, _C.id))
    ranked = _sent(
        call_id, actor, literal(way).label("way"), cast(column, Text).label("mark"), _C.id, _C.ref, _A.search_key,
        place.label("place"),
    ).where(column.in_(list(values)), _C.stage.not_in(_GONE))  # fmt: skip
    some = ranked.subquery()
    return select(some).where(some.c.place <= MOST + 1)


def _one(number: int, ref: str, ways: list[str]) -> Alike:
    """A way that says no more than a surer one is left out."""
    return Alike(number, ref, tuple(way for way in ways if way != NUMBER or BODY not in ways))


def _surest(one: Alike) -> tuple[Any, ...]:
    return (-len(one.ways), (BODY, NUMBER, TITLE, NEARLY).index(one.ways[0]), one.ref)
