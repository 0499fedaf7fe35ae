"""Owns which applications an act over many is for, as an address says it: those ticked, all that a filter shows, or
those of an earlier act.

Leaves what would happen to each to `bulk`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from grantflow.db import session
from grantflow.eligibility.filters import Filter
from grantflow.eligibility.models import BulkAct, BulkLine
from grantflow.eligibility.queries import narrowed
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.submissions.rows import APPLICATIONS, CASES

MOST = 10_000
"""So many are taken at once; a larger call is narrowed by its filter."""
MOST_TICKED = 50
_A, _C, _L = APPLICATIONS.c, CASES.c, BulkLine.__table__.c


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else None


@dataclass(frozen=True)
class Picked:
    """What was chosen. `of` is an earlier act, `ids` are applications; neither: all that the filter shows."""

    ids: tuple[int, ...] = ()
    every: bool = False
    of: int | None = None
    wanted: Filter = field(default_factory=Filter)

    @classmethod
    def ticked(cls, args: Any) -> Picked:
        """From the pipeline's own form: its boxes, or the one for all that the filter shows."""
        ids = {number for text in args.getlist("case") if (number := _number(text))}
        every = args.get("every") == "1"
        return cls(() if every else tuple(sorted(ids)[:MOST_TICKED]), every, None, Filter.of(args))

    @classmethod
    def of_address(cls, args: Mapping[str, str]) -> Picked:
        """From the address of the page that looks them over."""
        numbers = (_number(text) for text in args.get("ids", "").split(".")[:MOST_TICKED])
        return cls(
            tuple(number for number in numbers if number), args.get("every") == "1", _number(args.get("of", "")),
            Filter.of(args),
        )  # fmt: skip

    def args(self) -> dict[str, Any]:
        """The address of this choice. The filter stands in it too: it is the way back."""
        chosen: dict[str, Any] = {}
        if self.of is not None:
            chosen["of"] = self.of
        elif self.every:
            chosen["every"] = 1
        elif self.ids:
            chosen["ids"] = ".".join(map(str, self.ids))
        return {**self.wanted.args(), **chosen}

    @property
    def anything(self) -> bool:
        """Whether anything was chosen."""
        return bool(self.ids or self.every or self.of)


def rows_of(call_id: int, picked: Picked, actor: Actor) -> list[Any]:
    """The applications chosen that this actor may see, by number; one more than `MOST` where there are too many. One
    query, or two where the filter asks on whose desk they lie."""
    query = select(
        CASES, _A.title.label("project"), _A.submitted_version, _A.pack_hash,
        Organisation.name_en, Organisation.name_ru,
    ).select_from(CASES)  # fmt: skip
    if picked.of is not None:
        mine = select(_L.case_id).join(BulkAct, BulkAct.id == _L.bulk_id)
        mine = mine.where(BulkAct.id == picked.of, BulkAct.call_id == call_id, _L.outcome.in_(("done", "voted")))
        query = narrowed(query.where(_C.id.in_(mine)), call_id, Filter(), actor)
    elif picked.every:
        query = narrowed(query, call_id, picked.wanted, actor)
    else:
        query = narrowed(query.where(_C.id.in_(picked.ids)), call_id, Filter(), actor)
    return list(session().execute(query.order_by(_C.ref, _C.id).limit(MOST + 1)).all())
