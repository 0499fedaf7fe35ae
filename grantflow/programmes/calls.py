"""Owns writing a call of a pack into the database, and what may still change once people rely on it.

Leaves amendments of districts and putting off the closing hour to `service`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, insert, select, update

from grantflow import clock
from grantflow.cases import deadlines
from grantflow.cases.context import plain
from grantflow.cases.models import Case
from grantflow.cases.service import lock, open_case, record
from grantflow.db import writing
from grantflow.errors import Refused
from grantflow.identity.access import Actor
from grantflow.programmes import models
from grantflow.programmes.closing import put_off
from grantflow.programmes.pack import CallPack, ProgrammePack
from grantflow.programmes.parts import Prose
from grantflow.programmes.rows import Loaded, put, two
from grantflow.programmes.terms import Terms
from grantflow.programmes.versions import newer

AFTER_OPENING = {"budget_minor", "zone", "opens_at", "alliance_id", "strategy_id", "no_strategy", "prefix"}
"""What people have already relied on once a call is open."""
AFTER_CLOSING = AFTER_OPENING | {"closes_at", "grace_minutes", "questions_until_on", "pack_hash"}
FROM_PACK = Prose(en="The terms of the call were changed.", ru="Условия конкурса изменены.")
"""What applicants read as the reason where a pack, which holds none, puts off the closing hour of an open call."""


def keep_terms(terms: Terms) -> str:
    """Keep a version of terms in the database, once, and give back its hash."""
    current, packs = writing(), models.CallPack
    known = current.scalar(select(packs.hash).where(packs.hash == terms.content_hash))
    if known is None:
        current.execute(insert(packs), {"hash": terms.content_hash, "content": terms.content, "stored_at": clock.now()})
    return terms.content_hash


def load_call(call: CallPack, pack: ProgrammePack, done: Loaded, places: Mapping[str, int], actor: Actor) -> int:
    """Open or bring up to date one call; gives back the number of its case. Raises Refused for what may not
    change."""
    current = writing()
    alliance_id = current.execute(select(models.Alliance.id).filter_by(code=call.alliance)).scalar_one()
    strategy_id = current.scalar(
        select(models.Strategy.id).filter_by(alliance_id=alliance_id, code=call.strategy or "")
    )
    values: dict[str, Any] = {
        "name": two(call.short), "title": two(call.title), "summary": call.summary, "guide": call.guide,
        "panel": two(call.panel_title), "contact": two(call.contact.name),
        "contact_email": call.contact.email, "contact_phone": call.contact.phone or "",
        "budget_minor": call.budget_minor, "currency": call.currency, "zone": call.zone,
        "opens_at": call.opens_at, "questions_until_on": call.questions_until,
        "closes_at": call.closes_at, "grace_minutes": call.grace_minutes, "results_on": call.results,
        "alliance_id": alliance_id, "strategy_id": strategy_id, "no_strategy": call.no_strategy_reason,
        "pack_hash": keep_terms(call.terms), "prefix": call.prefix,
    }  # fmt: skip
    row = current.scalars(select(models.Call).filter_by(code=call.code)).one_or_none()
    if row is None:
        case = open_case(
            "call",
            actor=actor,
            title=call.short.en,
            workflow=pack.workflows["call"],
            key=f"call/{call.code}",
            programme_id=done.programme_id,
            alliance_id=alliance_id,
            facts={"code": call.code, "terms": call.terms.content_hash, "districts": list(call.districts)},
        )
        current.execute(update(Case).where(Case.id == case.id).values(call_id=case.id))
        put(
            done,
            models.Call,
            {"case_id": case.id},
            {"stage": case.stage, "programme_id": done.programme_id, "code": call.code, **values},
        )
        _scope(case.id, call, places)
        return int(case.id)
    _change_call(row, values, call, done, places, actor)
    return row.case_id


def _change_call(
    row: models.Call,
    values: dict[str, Any],
    call: CallPack,
    done: Loaded,
    places: Mapping[str, int],
    actor: Actor,
) -> None:
    case = lock(row.case_id)
    changes = [(name, getattr(row, name), new) for name, new in values.items() if getattr(row, name) != new]
    opened = case.stage != "preparation"
    closed = opened and case.stage != "submission"
    for name, before, after in changes:
        if name in (AFTER_CLOSING if closed else AFTER_OPENING if opened else set()):
            raise Refused(_("%(call)s is open or was: “%(field)s” can no longer change.", call=row.code, field=name))
        if opened and name == "closes_at" and after < before:
            raise Refused(_("%(call)s is open: its closing day can be put off, never brought forward.", call=row.code))
    if case.state == "draft":
        before_codes = sorted(current_districts(row.case_id))
        if before_codes != sorted(call.districts):
            _scope(row.case_id, call, places)
            changes.append(("districts", before_codes, sorted(call.districts)))
    if not changes:
        return
    later = next((after for name, _before, after in changes if opened and name == "closes_at"), None)
    notices = put_off(row, later, FROM_PACK) if later is not None else []
    for name, _before, value in changes:
        if name != "districts":
            setattr(row, name, value)
    writing().flush()
    done.changed["calls"] += 1
    said = [(name, _said(before), _said(after)) for name, before, after in changes]
    facts = next((newer(row.case_id, before, after) for name, before, after in changes if name == "pack_hash"), None)
    record(row.case_id, "call_changed", actor=actor, facts=facts, changes=said, notices=notices)
    if {"opens_at", "closes_at", "grace_minutes"} & {name for name, _b, _a in changes}:
        deadlines.reckon(row.case_id)


def _said(value: Any) -> Any:
    return {"en": value.en, "ru": value.ru} if isinstance(value, Prose) else plain(value)


def current_districts(call_id: int) -> set[str]:
    """The codes of a call's districts that no amendment has taken out, whatever the day."""
    scopes, places = models.CallScope, models.Place
    rows = writing().scalars(
        select(places.code)
        .join(scopes, scopes.place_id == places.id)
        .where(scopes.call_id == call_id, scopes.until_on.is_(None))
    )
    return set(rows)


def _scope(call_id: int, call: CallPack, places: Mapping[str, int]) -> None:
    """The districts at approval: from the first day anybody could ask."""
    current, scopes = writing(), models.CallScope
    first = [amendment.on - timedelta(days=1) for amendment in call.amendments]
    start: date = min(clock.today(call.zone), call.opens.date(), *first)
    current.execute(delete(scopes).where(scopes.call_id == call_id))
    for code in call.districts:
        current.add(scopes(call_id=call_id, place_id=places[code], from_on=start))
    current.flush()
