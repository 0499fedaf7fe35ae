"""Owns what of the house a rehearsal takes along: the programme, its places, and the one call with its terms, read back
from the database into a pack; and the words of letters that a manager has written for the programme.

No person, no body and no application goes along. Loading the pack into another database is `programmes.loading`'s.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import select

from grantflow.cases import texts
from grantflow.db import session
from grantflow.engine.definition import Label
from grantflow.programmes import framework, models
from grantflow.programmes.pack import CallPack, Contact, ProgrammePack
from grantflow.programmes.queries import places_by_code, terms_by_hash
from grantflow.rehearsals.invented import Setting

_ORDER = {"country": 0, "region": 1, "district": 2}


def _label(text: Any) -> Label:
    return Label(en=text.en, ru=text.ru)


def _wall(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def pack_of(call: models.Call) -> ProgrammePack:
    """The programme with this call alone, as the database holds them now; nothing is judged anew."""
    programme = session().get_one(models.Programme, call.programme_id)
    places = sorted(places_by_code().values(), key=lambda place: (_ORDER[place.kind], place.code))
    codes = {place.id: place.code for place in places}
    return ProgrammePack.model_construct(
        code=programme.code, title=programme.title, short=_label(programme.name), donor=_label(programme.donor),
        starts=programme.starts_on, ends=programme.ends_on, zone=programme.zone, currency=programme.currency,
        page_on=programme.page_on, districts=tuple(programme.districts), workflows=dict(programme.workflows),
        partners=(), places=tuple(_place(place, codes) for place in places),
        alliances=(_alliance(call.alliance_id, codes),), calls=(_call(call),),
    )  # fmt: skip


def _place(place: models.Place, codes: dict[int, str]) -> framework.Place:
    return framework.Place.model_construct(
        code=place.code, kind=cast(Any, place.kind), name=_label(place.name), parent=codes.get(place.parent_id or 0),
        zone=place.zone, zone_label=_label(place.zone_label) if place.zone_label else None, aliases=tuple(place.aliases),
    )  # fmt: skip


def _alliance(alliance_id: int, codes: dict[int, str]) -> framework.Alliance:
    row = session().get_one(models.Alliance, alliance_id)
    member, strategy = models.AllianceMember, models.Strategy
    members = session().scalars(select(member).filter_by(alliance_id=alliance_id).order_by(member.id))
    strategies = session().scalars(select(strategy).filter_by(alliance_id=alliance_id).order_by(strategy.id))
    return framework.Alliance.model_construct(
        code=row.code, title=_label(row.name), region=codes[row.region_id], act=_label(row.act), founded=row.founded_on,
        chair=_label(row.chair), counted_on=row.counted_on,
        counters={"cso": row.cso_count, "local_authority": row.local_authority_count, "other": row.other_count},
        members=tuple(
            framework.Member.model_construct(
                code=one.code, name=_label(one.name), kind=cast(Any, one.kind), joined=one.joined_on, left=one.left_on,
                district=codes.get(one.place_id or 0),
            )
            for one in members
        ),
        strategies=tuple(
            framework.Strategy.model_construct(
                code=one.code, title=_label(one.name), version=one.version, method=_label(one.method),
                endorsed=one.endorsed_on,
            )
            for one in strategies
        ),
    )  # fmt: skip


def _call(call: models.Call) -> CallPack:
    alliance = session().get_one(models.Alliance, call.alliance_id)
    strategy = session().get(models.Strategy, call.strategy_id) if call.strategy_id is not None else None
    closes = _wall(call.closes_at, call.zone).replace(second=0, microsecond=0)
    return CallPack.model_construct(
        code=call.code, title=_label(call.title), short=_label(call.name), summary=call.summary, guide=call.guide,
        alliance=alliance.code, districts=_districts(call.case_id), amendments=(),
        budget_minor=call.budget_minor, zone=call.zone, opens=_wall(call.opens_at, call.zone),
        questions_until=call.questions_until_on, closes=closes, grace_minutes=call.grace_minutes,
        results=call.results_on,
        contact=Contact.model_construct(
            name=_label(call.contact), email=call.contact_email, phone=call.contact_phone or None
        ),
        panel_title=_label(call.panel), strategy=strategy.code if strategy else None,
        no_strategy_reason=call.no_strategy, terms=terms_by_hash(call.pack_hash),
    )  # fmt: skip


def _districts(call_id: int) -> tuple[str, ...]:
    """The districts that no amendment has taken out, whatever the day."""
    place, scope = models.Place, models.CallScope
    query = select(place.code).join(scope, scope.place_id == place.id)
    return tuple(
        session().scalars(query.where(scope.call_id == call_id, scope.until_on.is_(None)).order_by(place.code))
    )


def setting_of(pack: ProgrammePack, turn: int = 1) -> Setting:
    """The days and places that invented answers to the call of such a pack have to fit."""
    call = pack.calls[0]
    closes = _wall(call.closes_at, call.zone).date()
    inside, parents = set(call.districts), {p.code: p.parent for p in pack.places}
    regions = {parents[code] for code in inside}
    outside = tuple(
        p.code for p in pack.places if p.parent in regions and p.kind == "district" and p.code not in inside
    )
    today = min(_wall(call.opens_at, call.zone).date() + timedelta(days=1), closes)
    return Setting(today, closes, call.results, call.districts, outside, call.budget_minor, turn)


def letters_of(programme_id: int) -> dict[str, dict[str, dict[str, str]]]:
    """The words that count now of each notice that a manager of the programme has worded anew."""
    found = texts.changed(programme_id)
    return {name: {"subject": dict(words.subject), "text": dict(words.text)} for name, words in found.items()}
