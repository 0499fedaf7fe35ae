"""The table of awards: who gets how much, who decided it, what the agreement says, and what the books hold of
it.

Tranches, payments and reports hang on the award's case and belong to later stages.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.cases.models import stage_follows
from grantflow.db import Base, Id, JsonText
from grantflow.identity.models import in_list
from grantflow.money import LARGEST_MINOR, Money

PAST_OUTCOMES = ("awarded", "declined")


class PastOutcome(Base):
    """What a register says became of an application of a past call. Nothing is paid on it here, so it is no grant of
    this house: the sum may be more than was asked for, or nothing at all."""

    __tablename__ = "past_outcomes"
    __table_args__ = (
        stage_follows("past_outcomes"),
        CheckConstraint(in_list("kind", PAST_OUTCOMES), name="known_kind"),
        CheckConstraint("(kind = 'awarded') = (amount_minor IS NOT NULL)", name="an_award_has_a_sum"),
        CheckConstraint(
            f"amount_minor IS NULL OR (amount_minor >= 0 AND amount_minor <= {LARGEST_MINOR})",
            name="sum_is_not_negative",
        ),
        CheckConstraint("stage <> 'award' OR kind = 'awarded'", name="awarded_stage_has_an_award"),
        CheckConstraint("stage <> 'refused' OR kind = 'declined'", name="refused_stage_has_a_refusal"),
    )

    case_id: Mapped[int] = mapped_column(Id, primary_key=True)
    """The application's."""
    stage: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    decided_on: Mapped[date | None]
    noted_by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    noted_at: Mapped[datetime]

    @property
    def amount(self) -> Money | None:
        """The sum awarded; None where it was declined."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)


class Award(Base):
    """A grant. `case_id` is its file; every later stage is tied by a CHECK to the facts it needs."""

    __tablename__ = "awards"
    __table_args__ = (
        stage_follows("awards"),
        CheckConstraint(f"amount_minor > 0 AND amount_minor <= {LARGEST_MINOR}", name="amount_is_positive"),
        CheckConstraint("paid_minor >= 0 AND paid_minor <= amount_minor", name="paid_never_exceeds_awarded"),
        CheckConstraint("returned_minor >= 0", name="returned_is_not_negative"),
        CheckConstraint("own_minor IS NULL OR own_minor >= 0", name="own_part_is_not_negative"),
        CheckConstraint("total_minor IS NULL OR total_minor >= amount_minor", name="total_holds_the_grant"),
        CheckConstraint("stage = 'preparation' OR offered_at IS NOT NULL", name="offered_before_it_goes_on"),
        CheckConstraint(
            "(accepted_at IS NULL) = (accepted_by_id IS NULL) "
            "AND (accepted_at IS NULL) = (bank_account IS NULL) "
            "AND (accepted_at IS NULL) = (bank_name IS NULL) AND (accepted_at IS NULL) = (signatory IS NULL)",
            name="accepted_whole",
        ),
        CheckConstraint(
            "(agreement_no IS NULL) = (signed_on IS NULL) AND (agreement_no IS NULL) = (starts_on IS NULL) "
            "AND (agreement_no IS NULL) = (ends_on IS NULL) "
            "AND (agreement_no IS NULL) = (signed_by_id IS NULL)",
            name="agreement_whole",
        ),
        CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="ends_after_start"),
        CheckConstraint("agreement_no IS NULL OR accepted_at IS NOT NULL", name="accepted_before_signed"),
        CheckConstraint(
            "stage NOT IN ('disbursement', 'followup', 'closed') OR agreement_no IS NOT NULL",
            name="no_payment_without_an_agreement",
        ),
        CheckConstraint("paid_minor = 0 OR agreement_no IS NOT NULL", name="nothing_paid_without_an_agreement"),
        CheckConstraint("stage <> 'closed' OR paid_minor = amount_minor", name="closed_when_paid"),
        CheckConstraint("terminated_at IS NULL OR stage <> 'closed'", name="closed_or_terminated"),
        Index("ix_awards_call_id", "call_id"),
        Index("ix_awards_programme_id", "programme_id"),
        Index("ix_awards_organisation_id", "organisation_id"),
    )

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20))
    application_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), unique=True)
    organisation_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    programme_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    number: Mapped[str] = mapped_column(String(60), unique=True)
    """The application's number with -G: KR-2021-0007-G."""
    terms_hash: Mapped[str | None] = mapped_column(String(64))
    """The version of the call's terms the application was written under: its plan of tranches, reports and
    checks."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    own_minor: Mapped[int | None] = mapped_column(BigInteger)
    """The grantee's own part as the application has it. Blank is not zero: blank is not known."""
    total_minor: Mapped[int | None] = mapped_column(BigInteger)
    """The whole budget as the application has it, or blank."""
    decided_by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    decided_at: Mapped[datetime]
    prepared_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    """Who put the award into the books; blank where the system did."""
    offered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    accepted_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    bank_account: Mapped[str | None] = mapped_column(String(34))
    bank_name: Mapped[str | None] = mapped_column(String(200))
    bank_code: Mapped[str] = mapped_column(String(11), default="")
    """BIK of a Russian bank; an IBAN needs none."""
    payee_id: Mapped[int | None] = mapped_column(Id, ForeignKey("organisations.id"))
    """Whose account it is, where that is not the grantee's own: the fiscal sponsor of a group that is not registered."""
    payee: Mapped[Any] = mapped_column(JsonText, nullable=True)
    """The payee's name in both languages, as it was when the grant was accepted."""
    signatory: Mapped[str | None] = mapped_column(String(200))
    """Who signs for the grantee: name and office."""
    agreement_no: Mapped[str | None] = mapped_column(String(60))
    signed_on: Mapped[date | None]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    signed_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    """The officer who recorded the signed agreement."""
    paid_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """The sum of the ledger, kept in the same transaction as every line of it."""
    returned_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """How much of what was sent came back from the bank, over the whole life of the grant."""
    terminated_at: Mapped[datetime | None]
    """When it was refused, expired or terminated: from then on it holds nothing of the call's budget but what
    is paid."""

    @property
    def amount(self) -> Money:
        """The grant."""
        return Money(self.amount_minor, self.currency)

    @property
    def paid(self) -> Money:
        """What has been paid and not returned."""
        return Money(self.paid_minor, self.currency)

    @property
    def own(self) -> Money | None:
        """The grantee's own part, where it is known."""
        return None if self.own_minor is None else Money(self.own_minor, self.currency)

    @property
    def total(self) -> Money | None:
        """The whole budget, where it is known."""
        return None if self.total_minor is None else Money(self.total_minor, self.currency)

    @property
    def committed(self) -> Money:
        """What the grant holds of the call's budget: the whole sum, or after its end only what was paid."""
        return self.amount if self.terminated_at is None else self.paid

    @property
    def account_end(self) -> str:
        """The last four characters of the account: enough to compare, too little to misuse."""
        return (self.bank_account or "")[-4:]
