"""The tables of eligibility: what each rule said about an application, run by run; exceptions that one officer proposed
and a second decided; the evidence an officer looked at. All insert-only.

Judging is done in `rules`, running and what follows from it in `service`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
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
    """A rule that an officer proposes to let pass although it is not met, with the reason. It counts once a second
    officer agrees."""

    __tablename__ = "eligibility_waivers"
    __table_args__ = (
        UniqueConstraint("case_id", "run", "code"),
        CheckConstraint("reason <> ''", name="with_a_reason"),
        Index("ix_eligibility_waivers_id_by", "id", "by", unique=True),  # what a vote refers to, its proposer included
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    run: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))


class WaiverVote(Base):
    """The word of a second officer on an exception. Who proposed it stands in the row, so that the database itself
    refuses one person for both."""

    __tablename__ = "eligibility_waiver_votes"
    __table_args__ = (
        ForeignKeyConstraint(["waiver_id", "proposed_by"], ["eligibility_waivers.id", "eligibility_waivers.by"]),
        UniqueConstraint("waiver_id"),
        CheckConstraint('"by" <> proposed_by', name="a_second_person"),
        CheckConstraint("agreed OR reason <> ''", name="a_no_with_its_reason"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    waiver_id: Mapped[int] = mapped_column(Id)
    proposed_by: Mapped[int] = mapped_column(Id)
    agreed: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
    by: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))


class EligibilityEvidence(Base):
    """What an officer looked at for a rule: words, a file of the application, or both. A later note is a new version."""

    __tablename__ = "eligibility_evidence"
    __table_args__ = (
        UniqueConstraint("case_id", "code", "n"),
        CheckConstraint("n >= 1", name="notes_count_up"),
        CheckConstraint("note <> '' OR attachment_id IS NOT NULL", name="says_something"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    code: Mapped[str] = mapped_column(String(40))
    n: Mapped[int]
    note: Mapped[str] = mapped_column(Text, default="")
    attachment_id: Mapped[int | None] = mapped_column(Id, ForeignKey("attachments.id"))
    at: Mapped[datetime]
    by: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))


protect(EligibilityResult.__table__, ("id",), ("case_id", "run", "code"))
protect(EligibilityWaiver.__table__, ("id",), ("case_id", "run", "code"))
protect(WaiverVote.__table__, ("id",), ("waiver_id",))
protect(EligibilityEvidence.__table__, ("id",), ("case_id", "code", "n"))
