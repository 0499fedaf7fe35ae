"""Owns what the house knows of a body that applies: its other applications, and the grants a later stage tells of.

Leaves judging by it to `kinds`. Nothing is read where no rule of the call asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from datetime import date
from typing import Any

from sqlalchemy import or_, select

from grantflow.db import session
from grantflow.eligibility.finding import Granted, Known, Other
from grantflow.identity.models import Organisation
from grantflow.programmes.terms import Rule, Terms
from grantflow.submissions.rows import APPLICATIONS, CALLS, CASES, VERSIONS, terms_of

ASKING = {"concurrent", "double_funding", "de_minimis", "unreturned"}
"""The kinds of rules that look beyond the form."""
MOST = 50
"""Other applications looked at; the newest of them count."""
_UNDER_WAY = ("submission", "eligibility", "scoring", "decision")
_A, _C, _V = APPLICATIONS.c, CASES.c, VERSIONS.c

Provider = Callable[[Collection[int], int], Iterable[Granted]]
_providers: dict[str, Provider] = {}


def grants_provider(function: Provider) -> Provider:
    """Register `f(ids of the body, application to leave out) -> grants`: the stage that knows of grants comes later."""
    _providers[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def known_of(row: Any, terms: Terms, answers: dict[str, Any], rules: Iterable[Rule]) -> Known:
    """What is known of whoever applies with this application; nothing where no rule looks at it."""
    if not {rule.kind for rule in rules} & ASKING:
        return Known()
    bodies = _bodies(row.organisation_id, str(answers.get(terms.keys.inn or "") or ""))
    grants = [grant for function in _providers.values() for grant in function(bodies, row.case_id)]
    return Known(tuple(_others(row, terms, answers, bodies)), tuple(grants))


def _bodies(own: int, inn: str) -> set[int]:
    """The body itself, and whatever stands here under the same tax number: one undertaking."""
    numbers = {inn, session().scalar(select(Organisation.inn).where(Organisation.id == own)) or ""} - {""}
    if not numbers:
        return {own}
    return {own, *session().scalars(select(Organisation.id).where(Organisation.inn.in_(numbers)))}


def _others(row: Any, terms: Terms, answers: dict[str, Any], bodies: set[int]) -> Iterable[Other]:
    title = str(answers.get(terms.keys.title) or "")
    period = _period(terms, answers)
    alike = _A.organisation_id.in_(bodies)
    mine = session().execute(select(CALLS.c.programme_id).where(CALLS.c.case_id == row.call_id)).scalar_one()
    found = session().execute(
        select(_C.id, _C.ref, _C.stage, _C.programme_id, _A.call_id, _A.organisation_id, _A.title, _V.answers,
               _V.pack_hash, CALLS.c.code)
        .join(APPLICATIONS, _A.case_id == _C.id)
        .join(CALLS, CALLS.c.case_id == _A.call_id)
        .join(VERSIONS, (_V.case_id == _C.id) & (_V.n == _A.submitted_version))
        .where(_C.id != row.case_id, _C.stage.not_in(("refused", "preparation")))
        .where(or_(alike, _A.title == title) if title else alike)
        .order_by(_C.id.desc())
        .limit(MOST)
    )  # fmt: skip
    for other in found:
        same_call, own = other.call_id == row.call_id, other.organisation_id in bodies
        ways = {
            "title": bool(title) and other.title == title,
            "inn": own,
            "period": _overlap(period, _period(terms_of(other.pack_hash), json.loads(other.answers))),
        }
        yield Other(
            other.ref or "", other.code, other.id, own, same_call, other.programme_id == mine,
            going=other.stage in _UNDER_WAY or (same_call and own),
            alike=() if same_call else tuple(way for way, fits in ways.items() if fits),
        )  # fmt: skip


def _period(terms: Terms, answers: dict[str, Any]) -> tuple[date, date] | None:
    first, last = answers.get(terms.keys.starts_on), answers.get(terms.keys.ends_on)
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None


def _overlap(one: tuple[date, date] | None, other: tuple[date, date] | None) -> bool:
    return one is not None and other is not None and one[0] <= other[1] and other[0] <= one[1]
