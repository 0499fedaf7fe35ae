"""The table of eligibility results: what each rule said about an application, run by run. Insert-only.

Judging is done in `rules`, running and what follows from it in `service`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.db import Base, Id, JsonText, protect
from grantflow.identity.models import in_list

VERDICTS = ("ok", "fail", "unknown")


class EligibilityResult(Base):
    """One rule's word about one submitted version, in one run. `params` are the values its sentence is
    made of."""

    __tablename__ = "eligibility_results"
    __table_args__ = (
        UniqueConstraint("case_id", "run", "code"),
        CheckConstraint(in_list("verdict", VERDICTS), name="known_verdict"),
        CheckConstraint("run >= 1", name="runs_count_up"),
        Index("ix_eligibility_results_case_id_version", "case_id", "version"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    run: Mapped[int]
    version: Mapped[int]
    """The submitted version that was judged."""
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    verdict: Mapped[str] = mapped_column(String(10))
    params: Mapped[Any] = mapped_column(JsonText, default=dict)
    at: Mapped[datetime]
    by: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))


class EligibilityWaiver(Base):
    """A rule that an officer let pass although it was not met, with the reason. Insert-only."""

    __tablename__ = "eligibility_waivers"
    __table_args__ = (
        UniqueConstraint("case_id", "run", "code"),
        CheckConstraint("reason <> ''", name="with_a_reason"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    run: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))


protect(EligibilityResult.__table__, ("id",), ("case_id", "run", "code"))
protect(EligibilityWaiver.__table__, ("id",), ("case_id", "run", "code"))
