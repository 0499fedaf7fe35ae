"""Owns reading programmes, places, alliances and calls for pages and for later stages. It changes nothing.

Leaves what may change to `service` and `loading`, and targets against what is achieved to `results`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, func, or_, select

from grantflow import clock
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.errors import NotFound
from grantflow.identity.access import Actor
from grantflow.identity.words import search_key
from grantflow.programmes import models
from grantflow.programmes.terms import Terms

HIDDEN_FROM_PUBLIC = ("draft", "approved", "cancelled", "taken_over", "kept", "dropped")
"""States of calls the public does not read: not announced yet, cancelled, or a call of the past that was taken over."""


# -----------------------------------------------------------------------------------------------------------
# calls
def open_calls() -> list[models.Call]:
    """The calls that take applications now, the one that closes first on top."""
    calls = models.Call
    return list(
        session().scalars(
            select(calls)
            .join(Case, Case.id == calls.case_id)
            .where(Case.stage == "submission", calls.opens_at <= clock.now())
            .order_by(calls.closes_at, calls.case_id)
        )
    )


def public_calls() -> list[tuple[models.Call, Any]]:
    """Every call the public may read, with the row of its case: open ones first, then the latest."""
    calls = models.Call
    rows = session().execute(
        select(calls, Case)
        .join(Case, Case.id == calls.case_id)
        .where(Case.state.not_in(HIDDEN_FROM_PUBLIC))
        .order_by((Case.stage != "submission"), calls.closes_at.desc(), calls.case_id)
    )
    return [(call, case) for call, case in rows]


def call_by_code(code: str) -> models.Call:
    """A call by its code, such as "KR-2021"; NotFound where there is none."""
    call = session().scalars(select(models.Call).filter_by(code=code)).one_or_none()
    if call is None:
        raise NotFound
    return call


def call_by_id(call_id: int) -> models.Call:
    """A call by the number of its case; NotFound where there is none."""
    call = session().get(models.Call, call_id)
    if call is None:
        raise NotFound
    return call


@lru_cache(maxsize=64)
def _parsed(content: str) -> Terms:
    return Terms.from_content(content)


_kept: dict[str, Terms] = {}


def terms_by_hash(pack_hash: str) -> Terms:
    """A version of terms. Content never changes under its hash, so it is read once a process; NotFound for
    none."""
    found = _kept.get(pack_hash)
    if found is None:
        content = session().scalar(select(models.CallPack.content).filter_by(hash=pack_hash))
        if content is None:
            raise NotFound
        found = _kept[pack_hash] = _parsed(content)
    return found


def call_pack(call: models.Call) -> Terms:
    """The terms a call holds now. An application keeps the hash it began under: `terms_by_hash`."""
    return terms_by_hash(call.pack_hash)


@dataclass(frozen=True)
class ScopeLine:
    """A district of a call and the days it counts; with the reasons of the amendments that brought or ended
    it."""

    place: models.Place
    scope: models.CallScope

    def holds(self, on: date) -> bool:
        """Whether the district is in scope on that day."""
        return self.scope.from_on <= on and (self.scope.until_on is None or on < self.scope.until_on)


def scope_history(call_id: int) -> list[ScopeLine]:
    """Every district a call has or had, in the order of days and then of entry."""
    places, scopes = models.Place, models.CallScope
    rows = session().execute(
        select(places, scopes)
        .join(scopes, scopes.place_id == places.id)
        .where(scopes.call_id == call_id)
        .order_by(scopes.from_on, scopes.id)
    )
    return [ScopeLine(place, scope) for place, scope in rows]


def districts_in_scope(call_id: int, on: date | None = None) -> list[models.Place]:
    """The districts of a call on a day (default: today in the call's zone)."""
    day = on or clock.today(call_by_id(call_id).zone)
    return [line.place for line in scope_history(call_id) if line.holds(day)]


def districts_of_region(call: models.Call) -> list[models.Place]:
    """Every district of the region of the call's alliance: what an applicant may answer, in scope or not."""
    places = models.Place
    region = select(models.Alliance.region_id).filter_by(id=call.alliance_id).scalar_subquery()
    return list(
        session().scalars(
            select(places).where(places.kind == "district", places.parent_id == region).order_by(places.id)
        )
    )


# ----------------------------------------------------------------------------------------------------------
# places
def place_by_code(code: str) -> models.Place | None:
    """A place by its code."""
    return session().scalars(select(models.Place).filter_by(code=code)).one_or_none()


def places_by_code() -> dict[str, models.Place]:
    """All places by code, parents first."""
    return {place.code: place for place in session().scalars(select(models.Place).order_by(models.Place.id))}


def find_partner(programme_id: int, text: str) -> list[models.ProgrammePartner]:
    """Partners whose name in any spelling holds these words: "Karelian" and "Karealian" find one body."""
    partners = models.ProgrammePartner
    words = [part for part in search_key(text).split(" ") if part]
    if not words:
        return []
    return list(
        session().scalars(
            select(partners)
            .where(
                partners.programme_id == programme_id,
                and_(*(partners.search_key.contains(word, autoescape=True) for word in words)),
            )
            .order_by(partners.position, partners.id)
        )
    )


# ------------------------------------------------------------------------------------------------------
# programmes
def programmes() -> list[models.Programme]:
    """All programmes, by code."""
    return list(session().scalars(select(models.Programme).order_by(models.Programme.code)))


def programme_by_code(code: str) -> models.Programme:
    """A programme by its code; NotFound where there is none."""
    found = session().scalars(select(models.Programme).filter_by(code=code)).one_or_none()
    if found is None:
        raise NotFound
    return found


def workflow_for(programme_id: int, kind: str) -> str:
    """The name of the workflow that cases of a kind run in a programme."""
    found = session().get(models.Programme, programme_id)
    if found is None:
        raise NotFound
    return str(found.workflows.get(kind, kind))


def partners(programme_id: int) -> list[models.ProgrammePartner]:
    """The partners of a programme, the lead as the file has it."""
    rows = models.ProgrammePartner
    return list(session().scalars(select(rows).filter_by(programme_id=programme_id).order_by(rows.position, rows.id)))


def statistics(programme_id: int, region_id: int | None = None) -> list[tuple[models.Statistic, models.Place]]:
    """The numbers about places; with a region only its own and its country's, for a panel to read beside."""
    rows, places = models.Statistic, models.Place
    wanted = select(rows, places).join(places, places.id == rows.place_id).where(rows.programme_id == programme_id)
    if region_id is not None:
        country = select(places.parent_id).where(places.id == region_id).scalar_subquery()
        wanted = wanted.where(or_(places.id == region_id, places.id == country))
    return [(row, place) for row, place in session().execute(wanted.order_by(rows.position, rows.id))]


@dataclass(frozen=True)
class Standing:
    """An alliance as its page shows it: the record, its region, members by name, counts of all,
    strategies."""

    alliance: models.Alliance
    region: models.Place
    members: tuple[models.AllianceMember, ...]
    strategies: tuple[models.Strategy, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Members of each kind, those not named here included."""
        row = self.alliance
        return {"cso": row.cso_count, "local_authority": row.local_authority_count, "other": row.other_count}

    @property
    def total(self) -> int:
        """All members."""
        return sum(self.counts.values())


def alliances(programme_id: int, on: date | None = None) -> list[Standing]:
    """The alliances of a programme with who belongs to them on a day (default: today), in four queries."""
    rows, places, day = models.Alliance, models.Place, on or clock.today()
    found = (
        session()
        .execute(
            select(rows, places)
            .join(places, places.id == rows.region_id)
            .where(rows.programme_id == programme_id)
            .order_by(rows.id)
        )
        .all()
    )
    ids = [row.id for row, _region in found]
    members: dict[int, list[models.AllianceMember]] = defaultdict(list)
    member = models.AllianceMember
    here = (member.joined_on <= day, or_(member.left_on.is_(None), member.left_on > day))
    for one in session().scalars(
        select(member).where(member.alliance_id.in_(ids), *here).order_by(member.position, member.id)
    ):
        members[one.alliance_id].append(one)
    strategies: dict[int, list[models.Strategy]] = defaultdict(list)
    strategy = models.Strategy
    for endorsed in session().scalars(
        select(strategy).where(strategy.alliance_id.in_(ids)).order_by(strategy.endorsed_on, strategy.id)
    ):
        strategies[endorsed.alliance_id].append(endorsed)
    return [Standing(row, region, tuple(members[row.id]), tuple(strategies[row.id])) for row, region in found]


# ----------------------------------------------------------------------------------------------------------
# pages
def call_for_page(code: str) -> tuple[models.Call, Case, models.Programme]:
    """A call with its case and programme, in one query; NotFound where there is none."""
    calls, programmes_ = models.Call, models.Programme
    row = (
        session()
        .execute(
            select(calls, Case, programmes_)
            .join(Case, Case.id == calls.case_id)
            .join(programmes_, programmes_.id == calls.programme_id)
            .where(calls.code == code)
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row[0], row[1], row[2]


def zones_of(programme_id: int) -> list[str]:
    """The zones of the regions of a programme's alliances, each once."""
    places, alliances_ = models.Place, models.Alliance
    rows = session().scalars(
        select(places.zone)
        .join(alliances_, alliances_.region_id == places.id)
        .where(alliances_.programme_id == programme_id, places.zone.is_not(None))
        .order_by(alliances_.id)
    )
    return list(dict.fromkeys(zone for zone in rows if zone))


def programme_by_id(programme_id: int) -> models.Programme:
    """A programme by the number of its file; NotFound where there is none."""
    found = session().get(models.Programme, programme_id)
    if found is None:
        raise NotFound
    return found


def programmes_of(actor: Actor) -> list[models.Programme]:
    """The programmes whose file somebody may see, or in one of whose panels they sit."""
    seats = actor.scopes("panellist", "panel_id") | actor.scopes("chair", "panel_id")
    through = select(Case.programme_id).where(Case.id.in_(seats))
    rows = models.Programme
    return list(
        session().scalars(
            select(rows)
            .join(Case, Case.id == rows.id)
            .where(or_(visible_to(actor), rows.id.in_(through)))
            .order_by(rows.starts_on.desc(), rows.id)
        )
    )


def calls_of(programme_id: int) -> list[tuple[models.Call, Case]]:
    """Every call of a programme with its case, the latest first."""
    calls = models.Call
    rows = session().execute(
        select(calls, Case)
        .join(Case, Case.id == calls.case_id)
        .where(calls.programme_id == programme_id)
        .order_by(calls.opens_at.desc(), calls.case_id)
    )
    return [(call, case) for call, case in rows]


def counts_by_state(call_id: int) -> dict[str, int]:
    """How many applications of a call stand in each state."""
    rows = session().execute(
        select(Case.state, func.count()).where(Case.call_id == call_id, Case.kind == "application").group_by(Case.state)
    )
    return {str(state): count for state, count in rows}


def reach_database() -> None:
    """Ask the database the smallest question; raises where it does not answer."""
    session().execute(select(1))
