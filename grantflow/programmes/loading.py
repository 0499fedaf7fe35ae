"""Owns writing a pack into the database: the same pack twice changes nothing, and whatever changes stands in
a history.

Leaves reading the file to `pack`, and amending a call's districts after its approval to `service`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases.models import Case
from grantflow.cases.service import get, open_case, record
from grantflow.db import writing
from grantflow.errors import Refused
from grantflow.identity.access import Actor
from grantflow.identity.words import search_key
from grantflow.programmes import framework, models
from grantflow.programmes.calls import load_call
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.rows import Loaded, put, two


def _own_scope(case: Any, column: str) -> None:
    """A file's own number in its own scope column: who holds a role on the programme holds it on the file
    too."""
    writing().execute(update(Case).where(Case.id == case.id).values({column: case.id}))


def load_pack(pack: ProgrammePack, actor: Actor) -> Loaded:
    """Make or bring up to date a programme and all it holds, inside a unit of work; open a case for each new
    call.

    Raises Refused for somebody who manages no programme, and for a change that an open or closed call
    forbids. A call's amendments of scope are applied by `service.apply_amendments` once it is approved.
    """
    if not actor.has("manager", "admin", "system"):
        raise Refused(_("Only a programme manager may load a programme."))
    places = _places(pack)
    case = open_case("programme", actor=actor, title=pack.short.en, key=f"programme/{pack.code}")
    if case.programme_id is None:
        _own_scope(case, "programme_id")
    elif not actor.roles_on(get(case.id)) & {"manager", "admin", "system"}:
        raise Refused(_("Only a manager of this programme may load it."))
    done = Loaded(case.id)
    done.added["places"], done.changed["places"] = places.added, places.changed
    done.added, done.changed = +done.added, +done.changed
    _programme(pack, done, places.ids)
    _objectives(pack, done, places.ids)
    for alliance in pack.alliances:
        _alliance(alliance, done, places.ids, actor)
    if done.anything:
        facts = {"added": dict(done.added), "changed": dict(done.changed)}
        record(case.id, "pack_loaded", actor=actor, facts=facts)
    for call in pack.calls:
        done.calls[call.code] = load_call(call, pack, done, places.ids, actor)
    return done


@dataclass
class _Places:
    ids: dict[str, int]
    added: int = 0
    changed: int = 0


def _places(pack: ProgrammePack) -> _Places:
    found, done = _Places({}), Loaded(0)
    for place in pack.places:
        values = {
            "kind": place.kind,
            "parent_id": found.ids[place.parent] if place.parent else None,
            "name": two(place.name),
            "zone": place.zone,
            "zone_label": two(place.zone_label) if place.zone_label else None,
            "aliases": list(place.aliases),
            "search_key": search_key(place.name.en, place.name.ru, *place.aliases),
        }
        found.ids[place.code] = put(done, models.Place, {"code": place.code}, values).id
    found.added, found.changed = done.added["places"], done.changed["places"]
    return found


def _programme(pack: ProgrammePack, done: Loaded, places: Mapping[str, int]) -> None:
    values = {
        "code": pack.code, "name": two(pack.short), "title": pack.title, "donor": two(pack.donor),
        "starts_on": pack.starts, "ends_on": pack.ends, "zone": pack.zone, "currency": pack.currency,
        "page_on": pack.page_on, "demo": pack.demo, "workflows": dict(pack.workflows),
        "districts": list(pack.districts),
    }  # fmt: skip
    put(done, models.Programme, {"id": done.programme_id}, values)
    for position, partner in enumerate(pack.partners):
        values = {
            "name": two(partner.name), "role": partner.role, "country_id": places[partner.country],
            "aliases": list(partner.aliases), "position": position,
            "search_key": search_key(partner.name.en, partner.name.ru, *partner.aliases),
        }  # fmt: skip
        put(done, models.ProgrammePartner, {"programme_id": done.programme_id, "code": partner.code}, values)
    for position, row in enumerate(pack.statistics):
        values = {
            "name": two(row.label), "place_id": places[row.place], "period": two(row.period),
            "value": row.value, "unit": two(row.unit), "source": two(row.source), "position": position,
        }  # fmt: skip
        put(done, models.Statistic, {"programme_id": done.programme_id, "code": row.code}, values)


def _objectives(pack: ProgrammePack, done: Loaded, places: Mapping[str, int]) -> None:
    ids: dict[str, int] = {}
    for position, objective in enumerate(pack.objectives):
        values: dict[str, Any] = {
            "level": objective.level,
            "parent_id": ids[objective.parent] if objective.parent else None,
            "name": objective.title,
            "position": position,
        }
        key = {"programme_id": done.programme_id, "code": objective.code}
        ids[objective.code] = put(done, models.Objective, key, values).id
        for place, indicator in enumerate(objective.indicators):
            values = {
                "objective_id": ids[objective.code], "name": two(indicator.label), "target": indicator.target,
                "unit": two(indicator.unit), "measure": indicator.measure, "people": indicator.people,
                "position": place,
            }  # fmt: skip
            key = {"programme_id": done.programme_id, "code": indicator.code}
            row = put(done, models.Indicator, key, values)
            for value in indicator.values:
                add_value(row.id, value, places, done)


def add_value(
    indicator_id: int, value: framework.Recorded, places: Mapping[str, int], done: Loaded | None = None
) -> None:
    """Record a value of an indicator. The same day and place again with another value makes a later
    revision."""
    current, slots = writing(), models.IndicatorValue
    slot = f"{value.on.isoformat()}|{value.place or ''}"
    split = value.split
    latest = current.scalars(
        select(slots).filter_by(indicator_id=indicator_id, slot=slot).order_by(slots.revision.desc()).limit(1)
    ).one_or_none()
    facts = {
        "value": value.value,
        "women": split.women if split else None,
        "men": split.men if split else None,
        "not_stated": split.not_stated if split else None,
        "source": two(value.source),
    }
    if latest is not None and all(getattr(latest, name) == fact for name, fact in facts.items()):
        return
    current.add(
        slots(
            indicator_id=indicator_id, slot=slot, revision=latest.revision + 1 if latest else 1,
            as_of_on=value.on, place_id=places[value.place] if value.place else None,
            recorded_at=clock.now(), **facts,
        )
    )  # fmt: skip
    current.flush()
    if done is not None:
        done.added["indicator_values"] += 1


def _alliance(alliance: framework.Alliance, done: Loaded, places: Mapping[str, int], actor: Actor) -> None:
    case = open_case(
        "alliance",
        actor=actor,
        title=alliance.title.en,
        key=f"alliance/{alliance.code}",
        programme_id=done.programme_id,
    )
    if case.alliance_id is None:
        _own_scope(case, "alliance_id")
    values: dict[str, Any] = {
        "programme_id": done.programme_id, "code": alliance.code, "name": two(alliance.title),
        "region_id": places[alliance.region], "act": two(alliance.act), "founded_on": alliance.founded,
        "chair": two(alliance.chair), "counted_on": alliance.counted_on,
        **{f"{kind}_count": alliance.counters.get(kind, 0) for kind in ("cso", "local_authority", "other")},
    }  # fmt: skip
    before = Counter(done.added) + Counter(done.changed)
    put(done, models.Alliance, {"id": case.id}, values)
    for position, member in enumerate(alliance.members):
        values = {
            "name": two(member.name), "kind": member.kind, "joined_on": member.joined, "left_on": member.left,
            "place_id": places[member.district] if member.district else None, "position": position,
        }  # fmt: skip
        put(done, models.AllianceMember, {"alliance_id": case.id, "code": member.code}, values)
    for strategy in alliance.strategies:
        values = {
            "name": two(strategy.title), "version": strategy.version, "method": two(strategy.method),
            "endorsed_on": strategy.endorsed,
        }  # fmt: skip
        put(done, models.Strategy, {"alliance_id": case.id, "code": strategy.code}, values)
    counts = {name: count for name, count in (done.added + done.changed - before).items() if count}
    if counts:
        record(case.id, "alliance_loaded", actor=actor, facts={"rows": counts})
