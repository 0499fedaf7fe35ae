"""Owns finding applications of one call that may be the same twice: of one body, or under one title, or nearly so.

It flags and blocks nothing. What other calls hold is `knowledge`'s, which the rules look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from grantflow.cases.access import visible_to
from grantflow.db import session
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.submissions.rows import APPLICATIONS, CASES

MOST = 12
"""So many of each kind are named beside one application: where very many share a title, it is no sign any more."""
STEM = 5
"""So many letters of a word count: the rest is mostly its ending."""
_A, _C, _O = APPLICATIONS.c, CASES.c, Organisation.__table__.c
BODY, NUMBER, TITLE, NEARLY = "body", "number", "title", "nearly"
"""In what two are alike, the surest first."""


@dataclass(frozen=True)
class Alike:
    """Another application that may be the same one, and in what."""

    id: int
    ref: str
    ways: tuple[str, ...]


def title_of(search_key: str) -> str:
    """The title in the normal form in which it is searched: what stands after the number."""
    parts = search_key.split(" | ")
    return parts[1] if len(parts) > 1 else ""


def nearly(title: str) -> str:
    """What two titles share that say nearly the same: the beginnings of their words, in any order; small words do not
    count. Nothing where fewer than two words are left."""
    stems = sorted({word[:STEM] for word in title.split() if len(word) > 3 or word.isdigit()})
    return " ".join(stems) if len(stems) > 1 else ""


def _marks(row: Any) -> Iterable[tuple[str, Any]]:
    title = title_of(row.search_key)
    yield BODY, row.organisation_id
    yield NUMBER, row.inn
    yield TITLE, title
    yield NEARLY, nearly(title)


def alike(call_id: int, case_ids: Collection[int], actor: Actor) -> dict[int, list[Alike]]:
    """For each of these applications the others of its call that may be the same, the surest first and not more
    than `MOST` of each kind. One query.

    What was refused, withdrawn or never sent is none of them; nor is what this actor may not see.
    """
    if not case_ids:
        return {}
    wanted = set(case_ids)
    rows = session().execute(
        select(_C.id, _C.ref, _C.stage, _A.organisation_id, _A.search_key, _O.inn)
        .join(APPLICATIONS, _A.case_id == _C.id)
        .join(Organisation.__table__, _O.id == _A.organisation_id)
        .where(_C.call_id == call_id, _C.kind == "application", _A.submitted_version.is_not(None), visible_to(actor))
        .order_by(_C.ref, _C.id)
    ).all()  # fmt: skip
    marked: dict[tuple[str, Any], list[Any]] = defaultdict(list)
    for row in rows:
        if row.stage not in ("refused", "preparation"):
            for mark in _marks(row):
                if mark[1]:
                    marked[mark].append(row)
    found: dict[int, list[Alike]] = {}
    for row in rows:
        if row.id not in wanted:
            continue
        ways: dict[int, list[str]] = defaultdict(list)
        refs: dict[int, str] = {}
        for mark in _marks(row):
            for other in marked.get(mark, ())[: MOST + 1]:  # it is among them itself
                if other.id != row.id:
                    ways[other.id].append(mark[0])
                    refs[other.id] = other.ref or ""
        if ways:
            found[row.id] = sorted((_one(n, refs[n], said) for n, said in ways.items()), key=_surest)
    return found


def _one(number: int, ref: str, ways: list[str]) -> Alike:
    """A way that says no more than a surer one is left out."""
    less = ({NUMBER} if BODY in ways else set()) | ({NEARLY} if TITLE in ways else set())
    return Alike(number, ref, tuple(way for way in ways if way not in less))


def _surest(one: Alike) -> tuple[Any, ...]:
    return (-len(one.ways), (BODY, NUMBER, TITLE, NEARLY).index(one.ways[0]), one.ref)
