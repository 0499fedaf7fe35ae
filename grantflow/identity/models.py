"""The tables of people, organisations and roles. A person and an organisation are files with a history of their own.

What a role may do stands beside each view and move; here is only who holds which role, where and when.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grantflow.db import Base, Id, JsonText, protect
from grantflow.money import LARGEST_MINOR

LEGAL_FORMS = (
    "ano",
    "roo",
    "foundation",
    "ooo",
    "ip",
    "self_employed",
    "initiative_group",
    "cooperative",
    "public_body",
    "other",
)
ORGANISATION_KINDS = ("cso", "local_authority", "business", "initiative_group", "other")
GROUPS, SEXES = ("board", "owners", "staff"), ("women", "men", "not_stated")
FUNDING_SOURCES = ("state", "grant", "own", "donation")
SPONSORSHIP_STATES = ("asked", "agreed", "declined", "ended")
ROLES = ("applicant", "officer", "panellist", "chair", "finance", "manager", "auditor", "partner")
"""Every role a person may be given. `system` and `admin` (the shell) are nobody's to give."""


LINK_KINDS = ("invitation", "confirmation", "password", "address", "undo", "language", "draft")
"""What a link by mail opens: the first password, a registered address, a new password, a new address, the way back from
one, the language of letters, one's own draft to go on with."""


def in_list(column: str, values: tuple[str, ...]) -> str:
    """The text of a CHECK that holds a column to a closed list."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def name_of(row: Any, language: str) -> str:
    """The name of a person or body as that language writes it, or the only one there is."""
    return str((row.name_ru or row.name_en) if language == "ru" else (row.name_en or row.name_ru))


class Person(Base):
    """Somebody with an account. `id` is the number of their file in `cases`."""

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint(in_list("language", ("en", "ru")), name="known_language"),
        CheckConstraint(in_list("theme", ("auto", "light", "dark")), name="known_theme"),
        CheckConstraint("name_en <> '' OR name_ru <> ''", name="has_a_name"),
    )

    id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), unique=True)
    """The address as it is compared: without case."""
    name_en: Mapped[str] = mapped_column(String(200), default="")
    name_ru: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(2), default="en")
    zone: Mapped[str] = mapped_column(String(60), default="Europe/Moscow")
    theme: Mapped[str] = mapped_column(String(5), default="auto")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    session_epoch: Mapped[int] = mapped_column(default=0)
    """Raised when the password changes or somebody signs out everywhere: older sessions end."""
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    roles: Mapped[list[RoleAssignment]] = relationship(foreign_keys="RoleAssignment.person_id", viewonly=True)

    def name_in(self, language: str) -> str:
        """The name as that language writes it, or the only one there is."""
        return name_of(self, language)


class Organisation(Base):
    """A body that applies, receives, or sends members. `id` is the number of its file in `cases`."""

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint(in_list("kind", ORGANISATION_KINDS), name="known_kind"),
        CheckConstraint(in_list("legal_form", LEGAL_FORMS), name="known_legal_form"),
        CheckConstraint("name_en <> '' OR name_ru <> ''", name="has_a_name"),
        Index("ix_organisations_search_key", "search_key"),
        Index("ix_organisations_inn", "inn"),
    )

    id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    name_en: Mapped[str] = mapped_column(String(300), default="")
    name_ru: Mapped[str] = mapped_column(String(300), default="")
    kind: Mapped[str] = mapped_column(String(20), default="business")
    legal_form: Mapped[str] = mapped_column(String(20), default="other")
    country: Mapped[str] = mapped_column(String(2), default="RU")
    place_id: Mapped[int | None] = mapped_column(Id, ForeignKey("places.id"))
    inn: Mapped[str] = mapped_column(String(20), default="")
    """The tax number, or what its country has in its place: BIN, Y-tunnus, organisasjonsnummer."""
    kpp: Mapped[str] = mapped_column(String(9), default="")
    ogrn: Mapped[str] = mapped_column(String(15), default="")
    founded_on: Mapped[date | None]
    aliases: Mapped[Any] = mapped_column(JsonText, default=list)
    search_key: Mapped[str] = mapped_column(Text, default="")
    """All its names in one normal form (case, ё, Latin), so that spelling variants find one body."""
    bank_account: Mapped[str] = mapped_column(String(34), default="")
    merged_into_id: Mapped[int | None] = mapped_column(Id, ForeignKey("organisations.id"))
    """The body it turned out to be: all that hung on it hangs there. Never taken back without a word."""

    def name_in(self, language: str) -> str:
        """The name as that language writes it, or the only one there is."""
        return name_of(self, language)


class BodyFigures(Base):
    """How many women and men sit on the board, own and work in a body on a day. Never changed: a later line for the same
    day corrects an earlier one, and both stay. What is not known is blank, not zero."""

    __tablename__ = "organisation_figures"
    __table_args__ = (
        CheckConstraint(
            " AND ".join(f"({group}_{sex} IS NULL OR {group}_{sex} >= 0)" for group in GROUPS for sex in SEXES),
            name="nobody_is_counted_below_zero",
        ),
        Index("ix_organisation_figures_organisation_id_as_of_on", "organisation_id", "as_of_on"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Id, ForeignKey("organisations.id"))
    as_of_on: Mapped[date]
    board_women: Mapped[int | None]
    board_men: Mapped[int | None]
    board_not_stated: Mapped[int | None]
    owners_women: Mapped[int | None]
    owners_men: Mapped[int | None]
    owners_not_stated: Mapped[int | None]
    staff_women: Mapped[int | None]
    staff_men: Mapped[int | None]
    staff_not_stated: Mapped[int | None]
    women_share: Mapped[str | None] = mapped_column(String(12))
    """Per cent of the body that women own, an exact decimal: "50.5"."""
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))


class BodyFunding(Base):
    """What a body lived on in a year, by source. Never changed: the latest line of a year and source counts; one without
    a sum takes it back."""

    __tablename__ = "organisation_funding"
    __table_args__ = (
        CheckConstraint(in_list("source", FUNDING_SOURCES), name="known_source"),
        CheckConstraint(
            f"amount_minor IS NULL OR (amount_minor >= 0 AND amount_minor <= {LARGEST_MINOR})", name="sum_in_bounds"
        ),
        Index("ix_organisation_funding_organisation_id_year", "organisation_id", "year"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Id, ForeignKey("organisations.id"))
    year: Mapped[int]
    source: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))


class Sponsorship(Base):
    """A registered body that receives the money for a group that is not registered, once a person of it has agreed."""

    __tablename__ = "sponsorships"
    __table_args__ = (
        CheckConstraint(in_list("state", SPONSORSHIP_STATES), name="known_state"),
        CheckConstraint("group_id <> sponsor_id", name="nobody_sponsors_itself"),
        CheckConstraint("(state = 'asked') = (answered_at IS NULL)", name="answered_or_still_asked"),
        CheckConstraint("(answered_at IS NULL) = (answered_by_id IS NULL)", name="answered_by_somebody"),
        Index("ix_sponsorships_group_id_state", "group_id", "state"),
        Index("ix_sponsorships_sponsor_id_state", "sponsor_id", "state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    group_id: Mapped[int] = mapped_column(Id, ForeignKey("organisations.id"))
    sponsor_id: Mapped[int] = mapped_column(Id, ForeignKey("organisations.id"))
    state: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text, default="")
    """What the group wrote to the sponsor."""
    asked_by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    asked_at: Mapped[datetime]
    answered_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    """Who agreed, declined or ended it, whichever came last."""
    answered_at: Mapped[datetime | None]


class RoleAssignment(Base):
    """A role somebody holds, where (each scope column that is set must match) and between which days."""

    __tablename__ = "roles"
    __table_args__ = (
        CheckConstraint(in_list("role", ROLES), name="known_role"),
        CheckConstraint("role <> 'applicant' OR organisation_id IS NOT NULL", name="applicant_of_an_organisation"),
        CheckConstraint("role NOT IN ('panellist', 'chair') OR panel_id IS NOT NULL", name="member_of_a_panel"),
        CheckConstraint(
            "role NOT IN ('officer', 'finance', 'manager', 'auditor') OR programme_id IS NOT NULL",
            name="staff_of_a_programme",
        ),
        CheckConstraint(
            "role <> 'partner' OR (programme_id IS NOT NULL AND organisation_id IS NOT NULL)",
            name="partner_of_an_organisation_in_a_programme",
        ),
        CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name="ends_after_start"),
        Index("ix_roles_person_id", "person_id"),
        Index("ix_roles_role_programme_id", "role", "programme_id"),
        # Every move asks who acts for one organisation: without it that reads every applicant there is.
        Index("ix_roles_role_organisation_id", "role", "organisation_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    role: Mapped[str] = mapped_column(String(20))
    programme_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    alliance_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    panel_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    organisation_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    granted_by: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    granted_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class KeptInput(Base):
    """What somebody typed into a form whose session had ended, until they are back: nothing typed is lost."""

    __tablename__ = "kept_inputs"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    path: Mapped[str] = mapped_column(String(500))
    data: Mapped[Any] = mapped_column(JsonText)
    created_at: Mapped[datetime]


class AccountLink(Base):
    """A link sent by mail that opens one door of one person's, once, for a while. The link itself is kept nowhere: the
    row has the digest it is known by, and half of what it is made from; the other half is the secret key.
    """

    __tablename__ = "account_links"
    __table_args__ = (
        CheckConstraint(in_list("kind", LINK_KINDS), name="known_kind"),
        CheckConstraint("used_at IS NULL OR withdrawn_at IS NULL", name="ends_in_one_way"),
        CheckConstraint("expires_at > created_at", name="ends_after_it_began"),
        CheckConstraint("length(digest) = 64", name="digest_is_sha256"),
        Index("ix_account_links_person_id_kind", "person_id", "kind"),
        Index("ix_account_links_email_key", "email_key"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    nonce: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(254))
    """The address it is sent to: whoever opens it reads what comes there."""
    email_key: Mapped[str] = mapped_column(String(254))
    onward: Mapped[str] = mapped_column(String(500), default="")
    """Where the person was going, or for a language which."""
    by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    """Who had it sent, if that was another person."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


protect(BodyFigures.__table__, ("id",))
protect(BodyFunding.__table__, ("id",))
