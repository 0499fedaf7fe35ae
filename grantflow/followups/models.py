"""The tables of what follows the money: reports with every version sent, and checks of whether the enterprise
stands.

What is asked stands in the call's terms; how a verdict follows from the answers stands in `sustainability`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.cases.models import stage_follows
from grantflow.db import Base, Id, JsonText, protect
from grantflow.followups.sustainability import VERDICTS, Way, ways_of
from grantflow.identity.models import in_list
from grantflow.money import Money


class Report(Base):
    """A report a grantee owes: when, the answers as they stand, and who sent and accepted it."""

    __tablename__ = "reports"
    __table_args__ = (
        stage_follows("reports"),
        UniqueConstraint("award_id", "kind"),
        UniqueConstraint("award_id", "n"),
        CheckConstraint("n >= 1 AND n <= of", name="one_of_so_many"),
        CheckConstraint("spent_minor IS NULL OR spent_minor >= 0", name="spent_is_not_negative"),
        CheckConstraint("(submitted_at IS NULL) = (submitted_by_id IS NULL)", name="submitted_whole"),
        CheckConstraint("(accepted_at IS NULL) = (accepted_by_id IS NULL)", name="accepted_whole"),
        CheckConstraint("accepted_at IS NULL OR submitted_at IS NOT NULL", name="accepted_after_submitted"),
        CheckConstraint("stage NOT IN ('submission', 'closed') OR submitted_at IS NOT NULL", name="sent_has_a_sender"),
        CheckConstraint("stage <> 'closed' OR accepted_at IS NOT NULL", name="closed_when_accepted"),
        Index("ix_reports_due_on", "due_on"),
    )

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20))
    award_id: Mapped[int] = mapped_column(Id, ForeignKey("awards.case_id"))
    kind: Mapped[str] = mapped_column(String(40))
    """The report's code in the call's terms: interim, final."""
    n: Mapped[int]
    of: Mapped[int]
    due_on: Mapped[date]
    spent_minor: Mapped[int | None] = mapped_column(BigInteger)
    """What the report says was spent, as last sent. Blank until it is sent."""
    currency: Mapped[str] = mapped_column(String(3))
    answers: Mapped[Any] = mapped_column(JsonText, default=dict)
    """What is being written, as far as it is understood; `typed` holds what is not."""
    typed: Mapped[Any] = mapped_column(JsonText, default=dict)
    revision: Mapped[int] = mapped_column(default=0)
    """Counts saves, so that two people do not write over each other."""
    saved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    accepted_at: Mapped[datetime | None]
    accepted_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    reopened_at: Mapped[datetime | None]
    """When an accepted report was opened again; the acceptance before it no longer counts."""

    @property
    def is_accepted(self) -> bool:
        """Accepted, and not opened again since."""
        return self.accepted_at is not None and self.reopened_at is None

    @property
    def spent(self) -> Money | None:
        """What was spent, as last sent."""
        return None if self.spent_minor is None else Money(self.spent_minor, self.currency)


class ReportVersion(Base):
    """A report as it was sent, for ever."""

    __tablename__ = "report_versions"
    __table_args__ = (UniqueConstraint("report_id", "n"), CheckConstraint("n >= 1", name="counts_from_one"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    report_id: Mapped[int] = mapped_column(Id, ForeignKey("reports.case_id"))
    n: Mapped[int]
    answers: Mapped[Any] = mapped_column(JsonText)
    spent_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the canonical answers; the event of the sending names the same."""
    at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))


protect(ReportVersion.__table__, ("id",), ("report_id", "n"))


class ReportFile(Base):
    """A file of a report's answer, kept under a generated name. Taken away, it leaves the draft; sent
    versions keep it."""

    __tablename__ = "report_files"
    __table_args__ = (
        UniqueConstraint("stored_name"),
        CheckConstraint("size > 0", name="not_empty"),
        CheckConstraint("(removed_at IS NULL) = (removed_by IS NULL)", name="removed_by_somebody"),
        Index("ix_report_files_report_id_question", "report_id", "question"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    report_id: Mapped[int] = mapped_column(Id, ForeignKey("reports.case_id"))
    question: Mapped[str] = mapped_column(String(40))
    stored_name: Mapped[str] = mapped_column(String(80))
    filename: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str] = mapped_column(String(100))
    uploaded_by: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    uploaded_at: Mapped[datetime]
    removed_by: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    removed_at: Mapped[datetime | None]


class Check(Base):
    """A check of whether an enterprise still stands, so many months after the grant's end."""

    __tablename__ = "checks"
    __table_args__ = (
        stage_follows("checks"),
        UniqueConstraint("award_id", "months"),
        CheckConstraint("months > 0", name="months_are_positive"),
        CheckConstraint(f"verdict IS NULL OR {in_list('verdict', (*VERDICTS, 'no_answer'))}", name="known_verdict"),
        CheckConstraint(
            "verdict IS NULL OR verdict = 'no_answer' OR operating IS NOT NULL", name="verdict_has_an_answer"
        ),
        CheckConstraint("verdict IS NULL OR verdict <> 'ceased' OR operating = false", name="ceased_does_not_operate"),
        CheckConstraint(
            "verdict IS NULL OR verdict NOT IN ('sustainable', 'at_risk') OR operating = true",
            name="standing_operates",
        ),
        CheckConstraint("(filled_at IS NULL) = (filled_by_id IS NULL)", name="filled_whole"),
        CheckConstraint(
            "verdict IS NULL OR verdict = 'no_answer' OR verified_by_id IS NOT NULL",
            name="verdict_has_a_verifier",
        ),
        CheckConstraint("stage <> 'closed' OR verdict IS NOT NULL", name="closed_with_a_verdict"),
        CheckConstraint(
            "grant_income_share_bp IS NULL OR grant_income_share_bp BETWEEN 0 AND 10000",
            name="share_is_a_share",
        ),
        CheckConstraint(
            "(jobs_women IS NULL OR jobs_women >= 0) AND (jobs_men IS NULL OR jobs_men >= 0) "
            "AND (jobs_not_stated IS NULL OR jobs_not_stated >= 0)",
            name="jobs_are_not_negative",
        ),
        Index("ix_checks_opens_on", "opens_on"),
    )

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20))
    award_id: Mapped[int] = mapped_column(Id, ForeignKey("awards.case_id"))
    code: Mapped[str] = mapped_column(String(40))
    months: Mapped[int]
    """6, 12 or 24 months after the end of the grant, as the call's terms say."""
    opens_on: Mapped[date]
    answers: Mapped[Any] = mapped_column(JsonText, default=dict)
    typed: Mapped[Any] = mapped_column(JsonText, default=dict)
    revision: Mapped[int] = mapped_column(default=0)
    saved_at: Mapped[datetime | None]
    operating: Mapped[bool | None]
    jobs_women: Mapped[int | None]
    jobs_men: Mapped[int | None]
    jobs_not_stated: Mapped[int | None]
    grant_income_share_bp: Mapped[int | None]
    """The part of income that came from grants, in hundredths of a per cent."""
    ways: Mapped[Any] = mapped_column(JsonText, default=dict)
    """By way: {held, evidence, share}; share a decimal of per cent as text."""
    filled_at: Mapped[datetime | None]
    filled_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    verdict: Mapped[str | None] = mapped_column(String(20))
    settled_at: Mapped[datetime | None]
    verified_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))

    @property
    def grant_income_share(self) -> Decimal | None:
        """The part of income that came from grants, per cent."""
        return (
            None if self.grant_income_share_bp is None else Decimal(self.grant_income_share_bp).scaleb(-2).normalize()
        )

    @property
    def ways_held(self) -> dict[str, Way]:
        """The ways as answered, in the order of their names."""
        return ways_of(self.ways)
