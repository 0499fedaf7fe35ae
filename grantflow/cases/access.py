"""Which cases a role may see, said once. A record one may not see does not exist for the asker: 404.

What may be done with a case one sees stands beside its moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.errors import NotFound
from grantflow.identity.access import SCOPES, Actor, Held

_C = Case.__table__.c
STAFF = ("officer", "manager", "finance", "auditor")
OF_PARTNERS = ("call", "award", "tranche", "report", "check")
"""What a national partner sees of the calls its grant has opened: the call, its grants and what hangs on them."""
_MONEY = ("award", "tranche", "report", "check", "call", "programme", "organisation")

Hiding = Callable[[Actor], ColumnElement[bool]]
_hidings: dict[str, Hiding] = {}


def hides(function: Hiding) -> Hiding:
    """Register `f(actor) -> condition on cases`: what vanishes for a member of a panel although the panel has it."""
    _hidings[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def _held(held: Held) -> ColumnElement[bool]:
    narrowed = [_C[scope] == getattr(held, scope) for scope in SCOPES if getattr(held, scope) is not None]
    if held.calls is not None:
        narrowed.append(_C.call_id.in_(held.calls))
    if held.but_of is not None:
        narrowed.append(or_(_C.organisation_id.is_(None), _C.organisation_id != held.but_of))
    return and_(*narrowed) if narrowed else false()


def _role(held: Held, actor: Actor) -> ColumnElement[bool]:
    """The rows one assignment opens."""
    scope = _held(held)
    # A draft is its writer's alone until it is sent; that it exists is counted, never read.
    no_draft = or_(_C.kind != "application", _C.stage != Stage.PREPARATION.value)
    sealed = and_(_C.kind == "award", _C.stage == Stage.PREPARATION.value)
    if held.role == "partner":
        return and_(scope, _C.kind.in_(OF_PARTNERS), ~sealed)
    if held.role == "applicant":
        # An award is sealed until it is offered; staff files are not the applicant's.
        return or_(and_(scope, ~sealed), _C.id == held.organisation_id)
    if held.role in ("panellist", "chair"):
        kinds = ("application", "panel", "call") if held.role == "chair" else ("application", "panel")
        shown = [~hidden(actor) for hidden in _hidings.values()]
        return or_(and_(scope, _C.kind.in_(kinds), no_draft, *shown), _C.id == held.panel_id)
    if held.role == "finance":
        return or_(and_(scope, _C.kind.in_(_MONEY)), _C.id == held.programme_id)
    if held.role in STAFF:
        return or_(and_(scope, no_draft), _C.id == held.programme_id)
    return false()


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The condition on `cases` that holds for what this actor may see. Add it to every query that lists cases."""
    if actor.everywhere:
        return true()
    own = [_C.id == actor.person_id] if actor.person_id else []
    return or_(false(), *own, *(_role(held, actor) for held in actor.held))


def see(case_id: int, actor: Actor, *kinds: str) -> Any:
    """The case's row, if this actor may see it and it is of one of these kinds; else NotFound."""
    query = select(Case.__table__).where(_C.id == case_id, visible_to(actor))
    if kinds:
        query = query.where(_C.kind.in_(kinds))
    row = session().execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row
