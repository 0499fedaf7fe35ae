"""The tables of scoring: panels with their members, declarations of interest, reviews with scores, standings,
decisions.

A declaration is never changed: a later one counts instead. What was changed in a review or a decision stands
in the
history of the application; who may change it is for `service`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grantflow.cases.models import stage_follows
from grantflow.db import Base, Id, JsonText, protect
from grantflow.identity.models import in_list
from grantflow.programmes.models import Bilingual
from grantflow.programmes.parts import Prose

SEATS = ("cso", "local_authority", "other")
INTERESTS = ("none", "organisation", "family", "financial", "other")
REVIEW_STATUSES = ("draft", "submitted", "locked")
DECISIONS = ("awarded", "reserve", "declined")


class Panel(Base):
    """The panel of one call. `case_id` is the number of its file, which only records."""

    __tablename__ = "panels"
    __table_args__ = (
        UniqueConstraint("call_id"),
        CheckConstraint("quorum > 0", name="quorum_counts"),
    )

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    alliance_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    title: Mapped[Prose] = mapped_column(Bilingual)
    reviews_due_on: Mapped[date]
    """The last day for reviews, in the call's zone."""
    quorum: Mapped[int]
    """How many submitted reviews an application needs before scoring closes."""

    members: Mapped[list[PanelMember]] = relationship(order_by="PanelMember.id", viewonly=True)


class PanelMember(Base):
    """A seat on a panel, from one day to another. Whoever left keeps the reviews already submitted."""

    __tablename__ = "panel_members"
    __table_args__ = (
        UniqueConstraint("panel_id", "person_id"),
        CheckConstraint(in_list("seat", SEATS), name="known_seat"),
        CheckConstraint("left_on IS NULL OR left_on >= joined_on", name="left_after_joining"),
        Index("ix_panel_members_person_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    panel_id: Mapped[int] = mapped_column(Id, ForeignKey("panels.case_id"))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    seat: Mapped[str] = mapped_column(String(20))
    label: Mapped[Prose | None] = mapped_column(Bilingual)
    """What the member brings, such as "project expert, Italy"."""
    organisation_id: Mapped[int | None] = mapped_column(Id, ForeignKey("organisations.id"))
    chair: Mapped[bool] = mapped_column(default=False)
    """The chair, or a deputy who decides where the chair may not."""
    joined_on: Mapped[date]
    left_on: Mapped[date | None]


class Interest(Base):
    """A declaration of a member on an application: none, or of which kind. The latest of a member counts."""

    __tablename__ = "interests"
    __table_args__ = (
        CheckConstraint(in_list("kind", INTERESTS), name="known_kind"),
        Index("ix_interests_case_id_person_id_id", "case_id", "person_id", "id"),
        Index("ix_interests_person_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    """Private: for the chair and the manager."""
    by_system: Mapped[bool] = mapped_column(default=False)
    """Found by GrantFlow: the member belongs to the applicant."""
    at: Mapped[datetime]


class Review(Base):
    """One member's reading of one application. A draft may be half done; a locked one no longer changes."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("case_id", "person_id"),
        CheckConstraint(in_list("status", REVIEW_STATUSES), name="known_status"),
        CheckConstraint("status = 'draft' OR submitted_at IS NOT NULL", name="submitted_has_its_moment"),
        CheckConstraint("status = 'draft' OR total IS NOT NULL", name="submitted_has_its_total"),
        CheckConstraint("total IS NULL OR total BETWEEN 0 AND 10000", name="total_within_a_hundred"),
        CheckConstraint("revision > 0", name="revision_counts"),
        Index("ix_reviews_person_id_status", "person_id", "status"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    status: Mapped[str] = mapped_column(String(20), default="draft")
    comment: Mapped[str] = mapped_column(Text, default="")
    """For the applicant, without the member's name."""
    private_note: Mapped[str] = mapped_column(Text, default="")
    """For the panel alone."""
    total: Mapped[int | None]
    """Hundredths of a point, of the review as it was submitted."""
    submitted_at: Mapped[datetime | None]
    saved_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)
    sent: Mapped[Any] = mapped_column(JsonText, default=dict)
    """The points as last submitted, in hundredths by criterion: what a changed review is compared with."""

    scores: Mapped[list[ReviewScore]] = relationship(order_by="ReviewScore.id", back_populates="review")


class ReviewScore(Base):
    """The points for one criterion, with what the applicant is told about it."""

    __tablename__ = "review_scores"
    __table_args__ = (UniqueConstraint("review_id", "criterion"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    review_id: Mapped[int] = mapped_column(Id, ForeignKey("reviews.id"))
    criterion: Mapped[str] = mapped_column(String(40))
    hundredths: Mapped[int | None]
    """Points in hundredths, on the rubric's scale; nothing while the member has not decided."""
    comment: Mapped[str] = mapped_column(Text, default="")

    review: Mapped[Review] = relationship(back_populates="scores")

    @property
    def points(self) -> Decimal | None:
        """The points as given."""
        return None if self.hundredths is None else Decimal(self.hundredths).scaleb(-2)


class Standing(Base):
    """What an application reached when it was put into the ranking: mean and spread of how many reviews."""

    __tablename__ = "standings"
    __table_args__ = (
        CheckConstraint("mean BETWEEN 0 AND 10000", name="mean_within_a_hundred"),
        CheckConstraint("reviews > 0", name="somebody_read_it"),
        CheckConstraint("low <= mean AND mean <= high", name="mean_between_its_ends"),
        Index("ix_standings_call_id_mean", "call_id", "mean"),
    )

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    mean: Mapped[int]
    low: Mapped[int]
    high: Mapped[int]
    reviews: Mapped[int]
    ranked_at: Mapped[datetime]


class Decision(Base):
    """What was decided on an application, by whom, and since when it is public. Reasons stand in the
    history."""

    __tablename__ = "decisions"
    __table_args__ = (
        stage_follows("decisions"),
        CheckConstraint(in_list("kind", DECISIONS), name="known_kind"),
        CheckConstraint("kind <> 'awarded' OR (amount_minor IS NOT NULL AND amount_minor > 0)", name="award_has_a_sum"),
        CheckConstraint("kind = 'awarded' OR amount_minor IS NULL", name="only_an_award_has_a_sum"),
        CheckConstraint("kind = 'declined' OR (mean IS NOT NULL AND place IS NOT NULL)", name="who_receives_is_ranked"),
        CheckConstraint("stage <> 'award' OR kind = 'awarded'", name="awarded_stage_has_an_award"),
        CheckConstraint("announced_at IS NULL OR announced_at >= decided_at", name="announced_after_deciding"),
        Index("ix_decisions_call_id_place", "call_id", "place"),
    )

    case_id: Mapped[int] = mapped_column(Id, primary_key=True)
    stage: Mapped[str] = mapped_column(String(20))
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    place: Mapped[int | None]
    """Its place in the ranking when it was decided; settled anew when the results are announced."""
    mean: Mapped[int | None]
    """Hundredths of a point."""
    decided_by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    decided_at: Mapped[datetime]
    announced_at: Mapped[datetime | None]


protect(Interest.__table__, ("id",))
