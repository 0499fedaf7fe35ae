"""The tables of programmes, places, objectives, alliances and calls. A programme and an alliance are files
with a history; a call is a case with a workflow, and pins the version of its terms.

What stands in them comes from a pack through `loading`; what a call may do stands in `service`.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from grantflow.cases.models import stage_follows
from grantflow.db import Base, Id, JsonText, protect
from grantflow.engine.definition import Label
from grantflow.identity.models import in_list
from grantflow.programmes import inquiry_models as _inquiry_models  # noqa: F401  tables of this stage too
from grantflow.programmes.parts import Prose, plain

PLACE_KINDS = ("country", "region", "district")
SEAT_KINDS = ("cso", "local_authority", "other")
PARTNER_ROLES = ("lead", "partner", "associate", "donor")


class Bilingual(TypeDecorator[Prose]):
    """A text in both languages in one column, so that it is never half there: `row.name.in_("ru")`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Prose | Label | None, dialect: Any) -> str | None:
        return None if value is None else json.dumps({"en": value.en, "ru": value.ru}, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Any) -> Prose | None:
        return None if value is None else Prose.model_construct(**json.loads(value))


class DecimalText(TypeDecorator[Decimal]):
    """An exact decimal kept as text, the same on both databases. It is counted up in Python, never in SQL."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> str | None:
        return None if value is None else plain(Decimal(value))

    def process_result_value(self, value: str | None, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class Place(Base):
    """A country, region or district, under its parent."""

    __tablename__ = "places"
    __table_args__ = (
        CheckConstraint(in_list("kind", PLACE_KINDS), name="known_kind"),
        CheckConstraint("(kind = 'country') = (parent_id IS NULL)", name="below_a_parent"),
        CheckConstraint("kind <> 'region' OR zone IS NOT NULL", name="a_region_has_a_zone"),
        Index("ix_places_parent_id", "parent_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    parent_id: Mapped[int | None] = mapped_column(Id, ForeignKey("places.id"))
    name: Mapped[Prose] = mapped_column(Bilingual)
    zone: Mapped[str | None] = mapped_column(String(60))
    zone_label: Mapped[Prose | None] = mapped_column(Bilingual)
    aliases: Mapped[Any] = mapped_column(JsonText, default=list)
    search_key: Mapped[str] = mapped_column(Text, default="")


class Programme(Base):
    """A programme: who pays, from when to when, which workflow each kind of case runs. `id` is its file in
    `cases`."""

    __tablename__ = "programmes"
    __table_args__ = (CheckConstraint("ends_on > starts_on", name="ends_after_start"),)

    id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[Prose] = mapped_column(Bilingual)
    title: Mapped[Prose] = mapped_column(Bilingual)
    donor: Mapped[Prose] = mapped_column(Bilingual)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    zone: Mapped[str] = mapped_column(String(60))
    currency: Mapped[str] = mapped_column(String(3))
    page_on: Mapped[date]
    demo: Mapped[bool] = mapped_column(default=False)
    workflows: Mapped[Any] = mapped_column(JsonText)
    districts: Mapped[Any] = mapped_column(JsonText, default=list)
    """The codes of the districts in the global objective."""


class ProgrammePartner(Base):
    """A body of the programme in its role. Other spellings of its name find this one row."""

    __tablename__ = "programme_partners"
    __table_args__ = (
        UniqueConstraint("programme_id", "code"),
        CheckConstraint(in_list("role", PARTNER_ROLES), name="known_role"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    programme_id: Mapped[int] = mapped_column(Id, ForeignKey("programmes.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[Prose] = mapped_column(Bilingual)
    role: Mapped[str] = mapped_column(String(20))
    country_id: Mapped[int] = mapped_column(Id, ForeignKey("places.id"))
    organisation_id: Mapped[int | None] = mapped_column(Id, ForeignKey("organisations.id"))
    aliases: Mapped[Any] = mapped_column(JsonText, default=list)
    search_key: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)


class Statistic(Base):
    """A number about a place and a period with its source."""

    __tablename__ = "statistics"
    __table_args__ = (UniqueConstraint("programme_id", "code"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    programme_id: Mapped[int] = mapped_column(Id, ForeignKey("programmes.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[Prose] = mapped_column(Bilingual)
    place_id: Mapped[int] = mapped_column(Id, ForeignKey("places.id"))
    period: Mapped[Prose] = mapped_column(Bilingual)
    value: Mapped[Decimal] = mapped_column(DecimalText)
    unit: Mapped[Prose] = mapped_column(Bilingual)
    source: Mapped[Prose] = mapped_column(Bilingual)
    position: Mapped[int] = mapped_column(default=0)


class Objective(Base):
    """A line of the results framework."""

    __tablename__ = "objectives"
    __table_args__ = (
        UniqueConstraint("programme_id", "code"),
        CheckConstraint("level IN (1, 2, 3) AND (level = 1) = (parent_id IS NULL)", name="level_below_parent"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    programme_id: Mapped[int] = mapped_column(Id, ForeignKey("programmes.id"))
    code: Mapped[str] = mapped_column(String(20))
    level: Mapped[int]
    parent_id: Mapped[int | None] = mapped_column(Id, ForeignKey("objectives.id"))
    name: Mapped[Prose] = mapped_column(Bilingual)
    position: Mapped[int] = mapped_column(default=0)


class Indicator(Base):
    """What is counted for an objective, against which target."""

    __tablename__ = "indicators"
    __table_args__ = (UniqueConstraint("programme_id", "code"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    programme_id: Mapped[int] = mapped_column(Id, ForeignKey("programmes.id"))
    objective_id: Mapped[int] = mapped_column(Id, ForeignKey("objectives.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[Prose] = mapped_column(Bilingual)
    target: Mapped[Decimal] = mapped_column(DecimalText)
    unit: Mapped[Prose] = mapped_column(Bilingual)
    measure: Mapped[str] = mapped_column(String(60))
    people: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)


class IndicatorValue(Base):
    """A recorded value: it adds to the indicator. Insert-only; the latest revision of a slot (day and place)
    counts."""

    __tablename__ = "indicator_values"
    __table_args__ = (
        UniqueConstraint("indicator_id", "slot", "revision"),
        CheckConstraint("(women IS NULL) = (men IS NULL) AND (men IS NULL) = (not_stated IS NULL)", name="whole_split"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    indicator_id: Mapped[int] = mapped_column(Id, ForeignKey("indicators.id"))
    slot: Mapped[str] = mapped_column(String(60))
    revision: Mapped[int] = mapped_column(default=1)
    as_of_on: Mapped[date]
    place_id: Mapped[int | None] = mapped_column(Id, ForeignKey("places.id"))
    value: Mapped[Decimal] = mapped_column(DecimalText)
    women: Mapped[int | None]
    men: Mapped[int | None]
    not_stated: Mapped[int | None]
    source: Mapped[Prose] = mapped_column(Bilingual)
    recorded_at: Mapped[datetime]


class Alliance(Base):
    """A territorial alliance. `id` is its file in `cases`. The counts are of all members, those named
    included."""

    __tablename__ = "alliances"
    __table_args__ = (
        CheckConstraint(
            "cso_count >= 0 AND local_authority_count >= 0 AND other_count >= 0", name="counts_not_negative"
        ),
    )

    id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    programme_id: Mapped[int] = mapped_column(Id, ForeignKey("programmes.id"))
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[Prose] = mapped_column(Bilingual)
    region_id: Mapped[int] = mapped_column(Id, ForeignKey("places.id"))
    act: Mapped[Prose] = mapped_column(Bilingual)
    founded_on: Mapped[date]
    chair: Mapped[Prose] = mapped_column(Bilingual)
    cso_count: Mapped[int]
    local_authority_count: Mapped[int]
    other_count: Mapped[int]
    counted_on: Mapped[date]


class AllianceMember(Base):
    """A body that belongs to an alliance, from when until when."""

    __tablename__ = "alliance_members"
    __table_args__ = (
        UniqueConstraint("alliance_id", "code"),
        CheckConstraint(in_list("kind", SEAT_KINDS), name="known_kind"),
        CheckConstraint("left_on IS NULL OR left_on >= joined_on", name="left_after_joining"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    alliance_id: Mapped[int] = mapped_column(Id, ForeignKey("alliances.id"))
    organisation_id: Mapped[int | None] = mapped_column(Id, ForeignKey("organisations.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[Prose] = mapped_column(Bilingual)
    kind: Mapped[str] = mapped_column(String(20))
    joined_on: Mapped[date]
    left_on: Mapped[date | None]
    place_id: Mapped[int | None] = mapped_column(Id, ForeignKey("places.id"))
    position: Mapped[int] = mapped_column(default=0)


class Strategy(Base):
    """A strategy an alliance endorsed on a day."""

    __tablename__ = "strategies"
    __table_args__ = (UniqueConstraint("alliance_id", "code"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    alliance_id: Mapped[int] = mapped_column(Id, ForeignKey("alliances.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[Prose] = mapped_column(Bilingual)
    version: Mapped[str] = mapped_column(String(40))
    method: Mapped[Prose] = mapped_column(Bilingual)
    endorsed_on: Mapped[date]


class CallPack(Base):
    """A version of a call's terms (form, rules, rubric, tranches, reports, checks) under its hash."""

    __tablename__ = "call_packs"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    stored_at: Mapped[datetime]


class Call(Base):
    """A call: dates, money, texts, and the version of its terms. `name` is its short title."""

    __tablename__ = "calls"
    __table_args__ = (
        stage_follows("calls"),
        CheckConstraint("budget_minor > 0", name="budget_positive"),
        CheckConstraint("closes_at > opens_at", name="closes_after_opening"),
        CheckConstraint("grace_minutes >= 0", name="grace_not_negative"),
        CheckConstraint("next_number >= 1", name="numbers_count_up"),
        CheckConstraint(
            "stage IN ('preparation', 'refused') OR strategy_id IS NOT NULL OR no_strategy IS NOT NULL",
            name="follows_a_strategy_or_says_why",
        ),
        Index("ix_calls_programme_id_opens_at", "programme_id", "opens_at"),
    )

    case_id: Mapped[int] = mapped_column(Id, primary_key=True)
    stage: Mapped[str] = mapped_column(String(20))
    programme_id: Mapped[int] = mapped_column(Id, ForeignKey("programmes.id"))
    alliance_id: Mapped[int] = mapped_column(Id, ForeignKey("alliances.id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    prefix: Mapped[str] = mapped_column(String(20))
    next_number: Mapped[int] = mapped_column(default=1)
    name: Mapped[Prose] = mapped_column(Bilingual)
    title: Mapped[Prose] = mapped_column(Bilingual)
    summary: Mapped[Prose] = mapped_column(Bilingual)
    guide: Mapped[Prose] = mapped_column(Bilingual)
    panel: Mapped[Prose] = mapped_column(Bilingual)
    contact: Mapped[Prose] = mapped_column(Bilingual)
    contact_email: Mapped[str] = mapped_column(String(254))
    contact_phone: Mapped[str] = mapped_column(String(60), default="")
    budget_minor: Mapped[int] = mapped_column(Id)
    currency: Mapped[str] = mapped_column(String(3))
    zone: Mapped[str] = mapped_column(String(60))
    opens_at: Mapped[datetime]
    questions_until_on: Mapped[date]
    closes_at: Mapped[datetime]
    grace_minutes: Mapped[int] = mapped_column(default=0)
    results_on: Mapped[date]
    strategy_id: Mapped[int | None] = mapped_column(Id, ForeignKey("strategies.id"))
    no_strategy: Mapped[Prose | None] = mapped_column(Bilingual)
    pack_hash: Mapped[str] = mapped_column(ForeignKey("call_packs.hash"))


class CallScope(Base):
    """A district of a call, from a day on, until the day from which an amendment took it out."""

    __tablename__ = "call_scopes"
    __table_args__ = (
        UniqueConstraint("call_id", "place_id", "from_on"),
        CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_after_from"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("calls.case_id"))
    place_id: Mapped[int] = mapped_column(Id, ForeignKey("places.id"))
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    reason: Mapped[Prose | None] = mapped_column(Bilingual)
    ended: Mapped[Prose | None] = mapped_column(Bilingual)


protect(CallPack.__table__, ("hash",))
protect(IndicatorValue.__table__, ("id",), ("indicator_id", "slot", "revision"))
