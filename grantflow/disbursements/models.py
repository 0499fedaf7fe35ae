"""The tables of money going out: tranches with their approvals, the ledger of payments, which only grows, and other
bank details that were asked for.

The award's own `paid_minor` is the sum of its ledger, kept by `service` in the same transaction.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.cases.models import stage_follows
from grantflow.db import Base, Id, JsonText, protect
from grantflow.identity.models import in_list
from grantflow.money import Money

CHANGE_STATES = ("asked", "looked_at", "confirmed", "refused", "taken_back", "lapsed")
CHANGE_WAITS = ("asked", "looked_at")
"""Where a change of bank details is in quarantine: nothing unpaid of its grant moves."""
CHANNELS = ("phone", "video", "visit")
"""How somebody is reached to confirm an account: never by the way on which the change came."""


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


class AccountChange(Base):
    """Other bank details asked for: the old ones and the new ones, and the two persons of finance whose hands it went
    through. Until the second has confirmed it the old account stays the valid one. What was asked for never changes."""

    __tablename__ = "account_changes"
    __table_args__ = (
        CheckConstraint(in_list("state", CHANGE_STATES), name="known_state"),
        CheckConstraint(f"channel IS NULL OR {in_list('channel', CHANNELS)}", name="known_channel"),
        CheckConstraint("(looked_by_id IS NULL) = (looked_at IS NULL)", name="looked_at_whole"),
        CheckConstraint("state <> 'asked' OR looked_at IS NULL", name="asked_before_looked_at"),
        CheckConstraint("state <> 'looked_at' OR looked_at IS NOT NULL", name="looked_at_by_somebody"),
        CheckConstraint("looked_by_id IS NULL OR looked_by_id <> asked_by_id", name="looked_at_by_another"),
        CheckConstraint(f"({in_list('state', CHANGE_WAITS)}) = (settled_at IS NULL)", name="settled_or_waits"),
        CheckConstraint(
            "state NOT IN ('confirmed', 'refused', 'taken_back') OR settled_by_id IS NOT NULL",
            name="settled_by_somebody",
        ),
        CheckConstraint(
            "state NOT IN ('confirmed', 'refused') OR (looked_by_id IS NOT NULL AND settled_by_id <> looked_by_id "
            "AND settled_by_id <> asked_by_id)",
            name="a_second_person",
        ),
        CheckConstraint(
            "state <> 'confirmed' OR (channel IS NOT NULL AND contact <> '' AND reached <> '')",
            name="confirmed_with_how_and_whom",
        ),
        CheckConstraint("state <> 'refused' OR answer <> ''", name="a_no_with_its_reason"),
        CheckConstraint(
            "(letter_stored IS NULL) = (letter_name IS NULL) AND (letter_stored IS NULL) = (letter_type IS NULL)",
            name="letter_whole",
        ),
        Index("ix_account_changes_award_id", "award_id"),
        Index(
            "uq_account_changes_waits",
            "award_id",
            unique=True,
            sqlite_where=text(in_list("state", CHANGE_WAITS)),
            postgresql_where=text(in_list("state", CHANGE_WAITS)),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    award_id: Mapped[int] = mapped_column(Id, ForeignKey("awards.case_id"))
    state: Mapped[str] = mapped_column(String(12))
    old_account: Mapped[str] = mapped_column(String(34))
    old_bank: Mapped[str] = mapped_column(String(200))
    old_code: Mapped[str] = mapped_column(String(11), default="")
    old_payee: Mapped[Any] = mapped_column(JsonText, nullable=True)
    account: Mapped[str] = mapped_column(String(34))
    bank: Mapped[str] = mapped_column(String(200))
    code: Mapped[str] = mapped_column(String(11), default="")
    payee_id: Mapped[int | None] = mapped_column(Id, ForeignKey("organisations.id"))
    """Whose account it is, where it is a fiscal sponsor's."""
    payee: Mapped[Any] = mapped_column(JsonText, nullable=True)
    holder: Mapped[str] = mapped_column(String(200))
    """The account's holder as typed, to be compared with the payee's name."""
    from_on: Mapped[date]
    """The day from which it can be paid to; not confirmed before."""
    reason: Mapped[str] = mapped_column(Text)
    letter_stored: Mapped[str | None] = mapped_column(String(80))
    letter_name: Mapped[str | None] = mapped_column(String(255))
    letter_type: Mapped[str | None] = mapped_column(String(100))
    asked_by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    asked_at: Mapped[datetime]
    looked_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    looked_at: Mapped[datetime | None]
    channel: Mapped[str | None] = mapped_column(String(10))
    contact: Mapped[str] = mapped_column(String(200), default="")
    """The number or place by which they were reached, known before it was asked for."""
    reached: Mapped[str] = mapped_column(String(200), default="")
    """Who confirmed it, name and office."""
    answer: Mapped[str] = mapped_column(Text, default="")
    settled_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    """Who confirmed, refused or took it back; nobody where it ended with its grant."""
    settled_at: Mapped[datetime | None]

    @property
    def waits(self) -> bool:
        """Whether it is in quarantine."""
        return self.state in CHANGE_WAITS

    @property
    def account_end(self) -> str:
        """The last four characters of the new account."""
        return self.account[-4:]

    @property
    def old_end(self) -> str:
        """The last four characters of the old one."""
        return self.old_account[-4:]


protect(Payment.__table__, ("id",), ("kind", "bank_ref"))
