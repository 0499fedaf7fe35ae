"""The tables of applications: the draft and its key facts, the versions submitted, and the files attached.

What may be written when is `service`'s; how an answer is read stands in `reading` and `answers`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.cases.models import stage_follows
from grantflow.db import Base, Id, JsonText, protect
from grantflow.identity.models import in_list

AWARD_TYPES = ("female", "social", "both")
GRANT_KINDS = ("new", "growing")
LEADERS = ("woman", "man", "not_stated")
SCANS = ("none", "waiting", "clean", "infected")


class Application(Base):
    """An application: what is being written, and the key facts of the version sent last.

    `answers` and `typed` are the draft (understood; not understood). `revision` counts saves, `saved` says
    for each
    section which save touched it last, when and by whom: `{"budget": {"revision": 7, "at": …, "by": 12}}`.
    """

    __tablename__ = "applications"
    __table_args__ = (
        stage_follows("applications"),
        CheckConstraint(
            "stage IN ('preparation', 'refused') OR (submitted_version IS NOT NULL "
            "AND submitted_at IS NOT NULL AND asked_minor IS NOT NULL AND total_minor IS NOT NULL "
            "AND own_minor IS NOT NULL AND district_id IS NOT NULL AND title <> '')",
            name="sent_with_its_facts",
        ),
        CheckConstraint("(submitted_version IS NULL) = (submitted_at IS NULL)", name="version_with_its_time"),
        CheckConstraint(
            "asked_minor IS NULL OR (asked_minor >= 0 AND own_minor >= 0 AND asked_minor + own_minor = total_minor)",
            name="asked_and_own_make_the_total",
        ),
        CheckConstraint(f"award_type IS NULL OR {in_list('award_type', AWARD_TYPES)}", name="known_award_type"),
        CheckConstraint(f"grant_kind IS NULL OR {in_list('grant_kind', GRANT_KINDS)}", name="known_grant_kind"),
        CheckConstraint(f"led_by IS NULL OR {in_list('led_by', LEADERS)}", name="known_leader"),
        CheckConstraint("revision >= 0", name="revision_counts_saves"),
        CheckConstraint("extension_until IS NULL OR extension_reason <> ''", name="extension_with_its_reason"),
        Index("ix_applications_call_id_district_id", "call_id", "district_id"),
        Index("ix_applications_organisation_id_call_id", "organisation_id", "call_id"),
        Index("ix_applications_call_id_likeness", "call_id", "likeness"),
    )

    case_id: Mapped[int] = mapped_column(Id, primary_key=True)
    stage: Mapped[str] = mapped_column(String(20))
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("calls.case_id"))
    organisation_id: Mapped[int] = mapped_column(Id, ForeignKey("organisations.id"))
    pack_hash: Mapped[str] = mapped_column(ForeignKey("call_packs.hash"))
    """The version of the call's terms it is held to, from its first word to its last check."""
    award_type: Mapped[str | None] = mapped_column(String(20))
    grant_kind: Mapped[str | None] = mapped_column(String(20))
    led_by: Mapped[str | None] = mapped_column(String(20))
    """Whether a woman or a man leads the work, where the form asks it."""
    district_id: Mapped[int | None] = mapped_column(Id, ForeignKey("places.id"))
    title: Mapped[str] = mapped_column(String(400), default="")
    total_minor: Mapped[int | None] = mapped_column(BigInteger)
    own_minor: Mapped[int | None] = mapped_column(BigInteger)
    asked_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    answers: Mapped[Any] = mapped_column(JsonText, default=dict)
    typed: Mapped[Any] = mapped_column(JsonText, default=dict)
    revision: Mapped[int] = mapped_column(default=0)
    saved: Mapped[Any] = mapped_column(JsonText, default=dict)
    saved_at: Mapped[datetime | None]
    submitted_version: Mapped[int | None]
    submitted_at: Mapped[datetime | None]
    correction_due_at: Mapped[datetime | None]
    reopened: Mapped[Any] = mapped_column(JsonText, default=list)
    """Codes of the sections the officer opened again; nothing else can be written while it is returned."""
    correction_note: Mapped[str] = mapped_column(Text, default="")
    extension_until: Mapped[datetime | None]
    extension_reason: Mapped[str] = mapped_column(Text, default="")
    search_key: Mapped[str] = mapped_column(Text, default="")
    """Number, title and applicant in one normal form (case, ё, Latin), for the pipeline's search."""
    likeness: Mapped[str] = mapped_column(Text, default="")
    """The mark under which titles that say nearly the same stand together."""


class Ownership(Base):
    """Whose application it is: the one person who sends it. Brought from a file it is nobody's."""

    __tablename__ = "ownerships"

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    since_at: Mapped[datetime]


class Collaborator(Base):
    """Somebody invited to write an application, or some sections of it. Invited anew, the same row begins again."""

    __tablename__ = "collaborators"
    __table_args__ = (
        UniqueConstraint("case_id", "person_id"),
        CheckConstraint("whole OR sections <> '[]'", name="has_something_to_write"),
        CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name="ended_by_somebody"),
        Index("ix_collaborators_person_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    email: Mapped[str] = mapped_column(String(254))
    """The address as it was typed: all that the list says of somebody who has not come yet."""
    whole: Mapped[bool]
    sections: Mapped[Any] = mapped_column(JsonText, default=list)
    invited_by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    invited_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))


class ApplicationVersion(Base):
    """What was sent, word for word, under its fingerprint. Never changed; the latest one counts."""

    __tablename__ = "application_versions"
    __table_args__ = (
        UniqueConstraint("case_id", "n"),
        CheckConstraint("n >= 1", name="versions_count_up"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    n: Mapped[int]
    answers: Mapped[str] = mapped_column(Text)
    """The canonical JSON whose SHA-256 is `sha256`."""
    sha256: Mapped[str] = mapped_column(String(64))
    pack_hash: Mapped[str] = mapped_column(ForeignKey("call_packs.hash"))
    submitted_at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))


class Attachment(Base):
    """A file of an answer, kept under a generated name. Taken away, it leaves the draft; sent versions
    keep it."""

    __tablename__ = "attachments"
    __table_args__ = (
        UniqueConstraint("stored_name"),
        CheckConstraint("size > 0", name="not_empty"),
        CheckConstraint("(removed_at IS NULL) = (removed_by IS NULL)", name="removed_by_somebody"),
        CheckConstraint(in_list("scan", SCANS), name="known_scan"),
        Index("ix_attachments_case_id_question", "case_id", "question"),
        Index("ix_attachments_scan", "scan"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
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
    scan: Mapped[str] = mapped_column(String(10), default="none")
    """How far the installation's own check of the file is; `none` where it has none."""
    scan_attempts: Mapped[int] = mapped_column(default=0)
    """How often it was begun. Whoever checks knows its own count: a check that was given up marks nothing."""
    scan_lease_until: Mapped[datetime | None]
    scanned_at: Mapped[datetime | None]


class CoLead(Base):
    """A body that leads the project together with the applicant, from any country, known here or not. Taken away, it
    leaves the list; the history keeps both."""

    __tablename__ = "co_leads"
    __table_args__ = (
        CheckConstraint("name <> ''", name="has_a_name"),
        CheckConstraint("(removed_at IS NULL) = (removed_by_id IS NULL)", name="removed_by_somebody"),
        Index("ix_co_leads_case_id", "case_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    organisation_id: Mapped[int | None] = mapped_column(Id, ForeignKey("organisations.id"))
    """Its file here, where its number names one."""
    name: Mapped[str] = mapped_column(String(300))
    country: Mapped[str] = mapped_column(String(2))
    number: Mapped[str] = mapped_column(String(20), default="")
    part: Mapped[str] = mapped_column(String(300), default="")
    """What it does in the project."""
    added_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    added_at: Mapped[datetime]
    removed_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    removed_at: Mapped[datetime | None]


class WordsSetAside(Base):
    """What was changed after sending and not sent again: kept for its writers, when what was sent came to stand again."""

    __tablename__ = "words_set_aside"
    __table_args__ = (Index("ix_words_set_aside_case_id", "case_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"))
    version: Mapped[int]
    """The version that counts instead."""
    pack_hash: Mapped[str] = mapped_column(ForeignKey("call_packs.hash"))
    answers: Mapped[Any] = mapped_column(JsonText)
    typed: Mapped[Any] = mapped_column(JsonText)
    set_aside_at: Mapped[datetime]


class DraftProgress(Base):
    """How far a draft was at a revision: counted beside its saves, so that a call of thousands is told in one query."""

    __tablename__ = "draft_progress"

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("applications.case_id"), primary_key=True)
    revision: Mapped[int]
    pack_hash: Mapped[str] = mapped_column(ForeignKey("call_packs.hash"))
    done: Mapped[int]
    """How many sections are complete."""
    stuck_at: Mapped[str | None] = mapped_column(String(40))
    """The first section that is not complete; none where all are."""
    counted_at: Mapped[datetime]


protect(ApplicationVersion.__table__, ("id",), ("case_id", "n"))
