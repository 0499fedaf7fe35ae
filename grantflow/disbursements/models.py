"""The tables of money going out: tranches with their approvals, and the ledger of payments, which only grows.

The award's own `paid_minor` is the sum of its ledger, kept by `service` in the same transaction.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.cases.models import stage_follows
from grantflow.db import Base, Id, protect
from grantflow.money import Money


class Tranche(Base):
    """A part of a grant: how much, when, on what condition, and who prepared, approved and paid it."""

    __tablename__ = "tranches"
    __table_args__ = (
        stage_follows("tranches"),
        UniqueConstraint("award_id", "n"),
        CheckConstraint("n >= 1 AND n <= of", name="one_of_so_many"),
        CheckConstraint("amount_minor > 0", name="amount_is_positive"),
        CheckConstraint("(prepared_by_id IS NULL) = (prepared_at IS NULL)", name="prepared_whole"),
        CheckConstraint("(first_by_id IS NULL) = (first_at IS NULL)", name="first_whole"),
        CheckConstraint("(second_by_id IS NULL) = (second_at IS NULL)", name="second_whole"),
        CheckConstraint("first_by_id IS NULL OR prepared_by_id IS NOT NULL", name="first_after_prepared"),
        CheckConstraint("second_by_id IS NULL OR first_by_id IS NOT NULL", name="second_after_first"),
        CheckConstraint(
            "second_by_id IS NULL OR (second_by_id <> prepared_by_id AND second_by_id <> first_by_id)",
            name="second_is_another_person",
        ),
        CheckConstraint(
            "(paid_on IS NULL) = (bank_ref IS NULL) AND (paid_on IS NULL) = (paid_by_id IS NULL)",
            name="paid_whole",
        ),
        CheckConstraint("paid_on IS NULL OR second_by_id IS NOT NULL", name="paid_after_two_persons"),
        CheckConstraint("returned_on IS NULL OR paid_on IS NOT NULL", name="returned_after_paid"),
        CheckConstraint("stage <> 'closed' OR paid_on IS NOT NULL", name="closed_when_paid"),
        Index("ix_tranches_due_on", "due_on"),
    )

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20))
    award_id: Mapped[int] = mapped_column(Id, ForeignKey("awards.case_id"))
    n: Mapped[int]
    of: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    due_on: Mapped[date]
    condition: Mapped[str] = mapped_column(String(60))
    """agreement_signed, or report_accepted:CODE of the call's plan."""
    condition_case_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    """The report that must be accepted, once it is planned."""
    prepared_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    prepared_at: Mapped[datetime | None]
    first_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    first_at: Mapped[datetime | None]
    second_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    second_at: Mapped[datetime | None]
    paid_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    """Who marked it as paid."""
    paid_on: Mapped[date | None]
    bank_ref: Mapped[str | None] = mapped_column(String(60))
    returned_on: Mapped[date | None]
    """The day the bank sent it back; the approvals and the reference stay until it is taken up again."""

    @property
    def amount(self) -> Money:
        """The sum of this tranche."""
        return Money(self.amount_minor, self.currency)

    @property
    def is_paid(self) -> bool:
        """Paid, and not sent back by the bank."""
        return self.paid_on is not None and self.returned_on is None

    @property
    def report(self) -> str | None:
        """The code of the report that must be accepted first; None where the signed agreement is enough."""
        return self.condition.partition(":")[2] or None


class Payment(Base):
    """A line of the ledger: money that went out, or came back. Never changed and never deleted: reversed."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("kind", "bank_ref"),
        UniqueConstraint("reverses_id"),
        CheckConstraint("kind IN ('payment', 'reversal')", name="known_kind"),
        CheckConstraint(
            "(kind = 'payment' AND amount_minor > 0 AND reverses_id IS NULL) "
            "OR (kind = 'reversal' AND amount_minor < 0 AND reverses_id IS NOT NULL)",
            name="sign_follows_kind",
        ),
        CheckConstraint("bank_ref <> ''", name="has_a_reference"),
        Index("ix_payments_award_id", "award_id"),
        Index("ix_payments_tranche_id", "tranche_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    award_id: Mapped[int] = mapped_column(Id, ForeignKey("awards.case_id"))
    tranche_id: Mapped[int] = mapped_column(Id, ForeignKey("tranches.case_id"))
    kind: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """Signed: a reversal is below zero, so that the ledger is its own sum."""
    currency: Mapped[str] = mapped_column(String(3))
    booked_on: Mapped[date]
    bank_ref: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    reverses_id: Mapped[int | None] = mapped_column(Id, ForeignKey("payments.id"))

    @property
    def amount(self) -> Money:
        """The sum with its sign."""
        return Money(self.amount_minor, self.currency)


protect(Payment.__table__, ("id",), ("kind", "bank_ref"))
