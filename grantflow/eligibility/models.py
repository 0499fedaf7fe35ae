"""The tables of eligibility: what each rule said about an application, run by run; exceptions that one officer proposed
and a second decided; the evidence an officer looked at, all insert-only. And what was done to many at once, and filters.

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
BULK_ACTS = ("check", "return", "refuse", "restore")
OUTCOMES = ("waiting", "done", "voted", "not_done")


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


class SavedFilter(Base):
    """A filter of a call's pipeline that a person keeps under a name of their own."""

    __tablename__ = "saved_filters"
    __table_args__ = (
        UniqueConstraint("person_id", "call_id", "name"),
        CheckConstraint("name <> ''", name="has_a_name"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("calls.case_id"))
    name: Mapped[str] = mapped_column(String(80))
    args: Mapped[Any] = mapped_column(JsonText)
    """The filter as an address says it."""
    saved_at: Mapped[datetime]


class BulkAct(Base):
    """One confirmation over many applications. Whoever carries it out holds its lease; its words go when it is finished:
    then they stand in the history of each application."""

    __tablename__ = "bulk_acts"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(in_list("act", BULK_ACTS), name="known_act"),
        Index("ix_bulk_acts_call_id_id", "call_id", "id"),
        Index("ix_bulk_acts_finished_at_lease_until", "finished_at", "lease_until"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(140))
    """person/key of the form: the same press counts once."""
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("calls.case_id"))
    act: Mapped[str] = mapped_column(String(20))
    by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    at: Mapped[datetime]
    words: Mapped[Any] = mapped_column(JsonText)
    finished_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(80))


class BulkLine(Base):
    """One application of it: the version that was looked over, and what came of it."""

    __tablename__ = "bulk_lines"
    __table_args__ = (
        UniqueConstraint("bulk_id", "case_id"),
        CheckConstraint(in_list("outcome", OUTCOMES), name="known_outcome"),
        CheckConstraint("(outcome = 'not_done') = (said IS NOT NULL)", name="a_refusal_says_why"),
        Index("ix_bulk_lines_bulk_id_outcome", "bulk_id", "outcome"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    bulk_id: Mapped[int] = mapped_column(Id, ForeignKey("bulk_acts.id"))
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    version: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(20))
    said: Mapped[Any] = mapped_column(JsonText, nullable=True)
    """Why it was not done, in both languages."""


protect(EligibilityResult.__table__, ("id",), ("case_id", "run", "code"))
protect(EligibilityWaiver.__table__, ("id",), ("case_id", "run", "code"))
protect(WaiverVote.__table__, ("id",), ("waiver_id",))
protect(EligibilityEvidence.__table__, ("id",), ("case_id", "code", "n"))
