"""The tables of a grant that is passed on: what its agreement allows (a clause, in versions that are never changed),
and which call a grant pays for.

What the sums come to is counted in `envelope`; who may write here is for `clauses` and `funding`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.db import Base, Id, JsonText, protect
from grantflow.money import LARGEST_MINOR, Money
from grantflow.programmes.models import DecimalText


class RegrantClause(Base):
    """One version of what the agreement of a grant allows to be passed on. The newest counts; none is ever changed."""

    __tablename__ = "regrant_clauses"
    __table_args__ = (
        UniqueConstraint("award_id", "version"),
        CheckConstraint("version >= 1", name="counts_from_one"),
        CheckConstraint("minimum_minor >= 0 AND minimum_minor <= maximum_minor", name="least_below_most"),
        CheckConstraint("maximum_minor > 0 AND maximum_minor <= envelope_minor", name="most_within_envelope"),
        CheckConstraint(f"envelope_minor <= {LARGEST_MINOR}", name="envelope_can_be_counted"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    award_id: Mapped[int] = mapped_column(Id, ForeignKey("awards.case_id"))
    version: Mapped[int]
    activities: Mapped[Any] = mapped_column(JsonText)
    """What may be supported, a line each, as the agreement words it; so are the criteria."""
    criteria: Mapped[Any] = mapped_column(JsonText)
    minimum_minor: Mapped[int] = mapped_column(BigInteger)
    """The least of one grant; nothing where the agreement names none."""
    maximum_minor: Mapped[int] = mapped_column(BigInteger)
    """The most that one third party may have of this grant, all its child grants together."""
    envelope_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    at: Mapped[datetime]

    @property
    def minimum(self) -> Money:
        """The least of one grant."""
        return Money(self.minimum_minor, self.currency)

    @property
    def maximum(self) -> Money:
        """The most for one third party."""
        return Money(self.maximum_minor, self.currency)

    @property
    def envelope(self) -> Money:
        """What may be passed on in all."""
        return Money(self.envelope_minor, self.currency)


class CallFunding(Base):
    """The grant a call is paid from: one at most, chosen while the call is a draft and fixed from its approval on."""

    __tablename__ = "call_fundings"
    __table_args__ = (
        CheckConstraint(
            "(rate IS NULL) = (rate_on IS NULL) AND (rate IS NULL) = (rate_source IS NULL)", name="rate_whole"
        ),
        Index("ix_call_fundings_award_id", "award_id"),
    )

    call_id: Mapped[int] = mapped_column(Id, ForeignKey("calls.case_id"), primary_key=True, autoincrement=False)
    award_id: Mapped[int] = mapped_column(Id, ForeignKey("awards.case_id"))
    activities: Mapped[Any] = mapped_column(JsonText)
    """Which lines of the clause the call supports."""
    rate: Mapped[Decimal | None] = mapped_column(DecimalText)
    """How much of the call's currency is one of the grant's; blank where both count in one."""
    rate_on: Mapped[date | None]
    rate_source: Mapped[str | None] = mapped_column(String(200))
    set_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    set_at: Mapped[datetime]


protect(RegrantClause.__table__, ("id",), ("award_id", "version"))
