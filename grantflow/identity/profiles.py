"""What a body tells of itself beyond its description: women and men on its board, among its owners and staff, day by day,
and what it lived on, year by year. Each saving is a new line and an event; nothing is written over.

Writing functions need a unit of work around them; who may is whoever acts for the body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, func, insert, select

from grantflow import clock
from grantflow.db import session, writing
from grantflow.errors import Invalid, NotFound
from grantflow.identity import door
from grantflow.identity.access import Actor
from grantflow.identity.models import (
    FUNDING_SOURCES,
    GROUPS,
    SEXES,
    BodyFigures,
    BodyFunding,
    Organisation,
)
from grantflow.money import LARGEST_MINOR, MINOR_DIGITS, Money
from grantflow.typed import Unreadable, parse_decimal, parse_money

_FIGURES, _FUNDING = BodyFigures.__table__, BodyFunding.__table__
_BODIES = Organisation.__table__
COUNTS = tuple(f"{group}_{sex}" for group in GROUPS for sex in SEXES)
FIRST_YEAR = 1990
MOST_PEOPLE = 1_000_000
CURRENCIES = tuple(sorted(MINOR_DIGITS))


def own_body(actor: Actor, organisation_id: int) -> Any:
    """The row of a body one acts for, as it stands now; NotFound for any other."""
    row = session().execute(select(_BODIES).where(_BODIES.c.id == organisation_id)).one_or_none()
    mine = actor.everywhere or organisation_id in actor.scopes("applicant", "organisation_id")
    if row is None or row.merged_into_id is not None or not mine:
        raise NotFound
    return row


@dataclass(frozen=True)
class Sexes:
    """Women, men and those who did not state it; None where a number is not known."""

    women: int | None
    men: int | None
    not_stated: int | None

    @property
    def known(self) -> bool:
        """Whether any of the three is."""
        return any(count is not None for count in (self.women, self.men, self.not_stated))

    @property
    def together(self) -> int:
        """How many people that makes."""
        return sum(count or 0 for count in (self.women, self.men, self.not_stated))

    def answer(self) -> dict[str, int]:
        """As a counter of a form keeps it."""
        return {sex: getattr(self, sex) or 0 for sex in SEXES}


@dataclass(frozen=True)
class Figures:
    """The figures of one day."""

    as_of_on: date
    board: Sexes
    owners: Sexes
    staff: Sexes
    women_share: Decimal | None
    recorded_at: Any


def read_figures(typed: Mapping[str, str | None]) -> tuple[dict[str, int | None], str | None]:
    """What was typed as counts and the share as text of an exact decimal. Raises Invalid with every faulty field."""
    wrong: dict[str, Any] = {}
    counts: dict[str, int | None] = {}
    for column in COUNTS:
        counts[column] = None
        if (typed.get(column) or "").strip():
            try:
                counts[column] = int(parse_decimal(typed[column], places=0, largest=MOST_PEOPLE))
            except Unreadable as told:
                wrong[column] = told.sentence
    share: str | None = None
    if (typed.get("women_share") or "").strip():
        try:
            share = f"{parse_decimal((typed['women_share'] or '').rstrip('% '), places=4, largest=100):f}"
        except Unreadable as told:
            wrong["women_share"] = told.sentence
    if not wrong and share is None and all(count is None for count in counts.values()):
        wrong["board_women"] = _("Write at least one number; 0 is a number too.")
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    return counts, share


def record_figures(
    actor: Actor,
    organisation_id: int,
    as_of_on: date | None,
    typed: Mapping[str, str | None],
    *,
    key: str | None = None,
) -> None:
    """Keep the figures of a day. The same figures again write nothing; others for that day correct it, and both stay."""
    body = own_body(actor, organisation_id)
    if as_of_on is None or as_of_on > clock.today("Europe/Moscow"):
        said = _("Write the day these figures are of, today at the latest, for example 1.11.2021.")
        raise Invalid(said, {"as_of_on": said})
    counts, share = read_figures(typed)
    latest = (
        writing()
        .execute(
            select(_FIGURES)
            .where(_FIGURES.c.organisation_id == body.id, _FIGURES.c.as_of_on == as_of_on)
            .order_by(_FIGURES.c.id.desc())
            .limit(1)
        )
        .one_or_none()
    )
    kept = {**counts, "women_share": share}
    if latest is not None and all(getattr(latest, name) == value for name, value in kept.items()):
        return
    door.record(
        body.id,
        "figures_recorded",
        actor=actor,
        role="applicant" if actor.person_id else "",
        key=key,
        facts={"as_of": as_of_on, "women_share": share},
        changes=[
            (group, _said(latest, group), _said(kept, group))
            for group in GROUPS
            if _said(latest, group) != _said(kept, group)
        ],
    )
    writing().execute(
        insert(_FIGURES).values(
            organisation_id=body.id,
            as_of_on=as_of_on,
            recorded_at=clock.now(),
            recorded_by_id=actor.person_id,
            **kept,
        )
    )


def _said(row: Any, group: str) -> dict[str, int] | None:
    """A group's numbers as the history keeps them."""
    if row is None:
        return None
    given = {sex: row[f"{group}_{sex}"] if isinstance(row, dict) else getattr(row, f"{group}_{sex}") for sex in SEXES}
    known = {sex: count for sex, count in given.items() if count is not None}
    return known or None


def _of_bodies(lines: Any, wanted: list[int]) -> Select[Any]:
    """The lines of these bodies, those of files merged into them included: a merger moves no line that was written."""
    body = func.coalesce(_BODIES.c.merged_into_id, _BODIES.c.id)
    joined = select(lines, body.label("body")).join(_BODIES, _BODIES.c.id == lines.c.organisation_id)
    return joined.where(body.in_(wanted))


def figures_of(organisation_ids: Iterable[int]) -> dict[int, list[Figures]]:
    """The figures of these bodies, by body, the latest day first; of each day what was written last. One query."""
    wanted = list(organisation_ids)
    found: dict[int, dict[date, Figures]] = {number: {} for number in wanted}
    rows = session().execute(_of_bodies(_FIGURES, wanted).order_by(_FIGURES.c.as_of_on.desc(), _FIGURES.c.id.desc()))
    for row in rows:
        groups = {group: Sexes(*(getattr(row, f"{group}_{sex}") for sex in SEXES)) for group in GROUPS}
        share = None if row.women_share is None else Decimal(row.women_share)
        day = Figures(row.as_of_on, **groups, women_share=share, recorded_at=row.recorded_at)
        found[row.body].setdefault(row.as_of_on, day)
    return {number: list(days.values()) for number, days in found.items()}


# ------------------------------ what it lived on
@dataclass(frozen=True)
class Year:
    """What a body lived on in a year: minor units by source, in one currency."""

    year: int
    currency: str
    by_source: dict[str, int]

    @property
    def total(self) -> Money:
        """All of it."""
        return Money(sum(self.by_source.values()), self.currency)

    def of(self, source: str) -> Money | None:
        """What came from one source; None where nothing was written."""
        minor = self.by_source.get(source)
        return None if minor is None else Money(minor, self.currency)


def record_funding(
    actor: Actor,
    organisation_id: int,
    year: int | None,
    currency: str,
    typed: Mapping[str, str | None],
    *,
    key: str | None = None,
) -> None:
    """Keep what a body lived on in a year. Blank is not known, 0 is nothing; only what differs is written."""
    body = own_body(actor, organisation_id)
    wrong: dict[str, Any] = {}
    this_year = clock.today("Europe/Moscow").year
    if year is None or not FIRST_YEAR <= year <= this_year:
        wrong["year"] = _("Write a year between %(first)s and %(last)s.", first=str(FIRST_YEAR), last=str(this_year))
    if currency not in CURRENCIES:
        wrong["currency"] = _("Choose one from the list.")
    sums: dict[str, int | None] = {}
    for source in FUNDING_SOURCES:
        sums[source] = None
        if (typed.get(source) or "").strip() and "currency" not in wrong:
            try:
                sums[source] = _sum(typed[source], currency)
            except Unreadable as told:
                wrong[source] = told.sentence
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    before = {y.year: y for y in funding_of([body.id])[body.id]}.get(year or 0)
    same = before is not None and before.currency == currency
    known = before.by_source if before is not None else {}
    changed = {s: m for s, m in sums.items() if known.get(s) != m or (m is not None and not same)}
    if before is None and all(minor is None for minor in sums.values()):
        said = _("Write at least one sum; 0 is a sum too.")
        raise Invalid(said, {FUNDING_SOURCES[0]: said})
    if not changed:
        return
    door.record(
        body.id,
        "funding_recorded",
        actor=actor,
        role="applicant" if actor.person_id else "",
        key=key,
        facts={"year": str(year)},
        changes=[
            (f"from_{source}", before.of(source) if before else None, None if m is None else Money(m, currency))
            for source, m in changed.items()
        ],
    )
    writing().execute(
        insert(_FUNDING),
        [
            {
                "organisation_id": body.id,
                "year": year,
                "source": source,
                "amount_minor": minor,
                "currency": currency,
                "recorded_at": clock.now(),
                "recorded_by_id": actor.person_id,
            }
            for source, minor in changed.items()
        ],
    )


def _sum(text: str | None, currency: str) -> int:
    minor = parse_money(text, currency).minor
    if not 0 <= minor <= LARGEST_MINOR:
        raise Unreadable(_("Write a sum that is not below zero, for example 120 000."))
    return minor


def funding_of(organisation_ids: Iterable[int]) -> dict[int, list[Year]]:
    """What these bodies lived on, by body, the earliest year first; the latest line of each source counts. One query."""
    wanted = list(organisation_ids)
    latest: dict[tuple[int, int], dict[str, Any]] = {}
    for row in session().execute(_of_bodies(_FUNDING, wanted).order_by(_FUNDING.c.id)):
        year = latest.setdefault((row.body, row.year), {})
        year["currency"] = row.currency
        year[row.source] = row.amount_minor
    found: dict[int, list[Year]] = {number: [] for number in wanted}
    for (body, number), kept in sorted(latest.items()):
        sums = {s: kept[s] for s in FUNDING_SOURCES if kept.get(s) is not None}
        if sums:
            found[body].append(Year(number, kept["currency"], sums))
    return found
