"""The tables of running cases: the case itself, pinned definitions, deadlines, the outbox and the letters kept.

A case is everything that has a history. Six kinds run a workflow; the others are files that only record.
A stage's own table has `case_id` as its key and, where a CHECK needs it, a `stage` column that follows the case's
through `stage_follows()`, so that the database itself refuses a stage without its facts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.db import Base, Id, JsonText, protect
from grantflow.engine.definition import Stage
from grantflow.identity.models import in_list

WORKFLOW_KINDS = ("call", "application", "award", "tranche", "report", "check")
RECORD_KINDS = ("person", "organisation", "programme", "alliance", "panel")


class Definition(Base):
    """A workflow as it was when a case was pinned to it, under the hash of its content. Kept for ever."""

    __tablename__ = "definitions"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    content: Mapped[str] = mapped_column(Text)
    stored_at: Mapped[datetime]


class Case(Base):
    """A case: where it stands, since when, for whom, and the head of its chain of events."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint(in_list("kind", WORKFLOW_KINDS + RECORD_KINDS), name="known_kind"),
        CheckConstraint(in_list("stage", tuple(Stage)), name="known_stage"),
        CheckConstraint(
            f"({in_list('kind', WORKFLOW_KINDS)}) = (workflow_hash IS NOT NULL) "
            "AND (workflow_hash IS NULL) = (state IS NULL) AND (state IS NULL) = (stage IS NULL)",
            name="a_workflow_has_a_state",
        ),
        CheckConstraint("version >= 0 AND since_seq <= version", name="version_counts_events"),
        UniqueConstraint("id", "stage", name="uq_cases_id_stage"),
        Index("ix_cases_programme_id_kind_state", "programme_id", "kind", "state"),
        Index("ix_cases_call_id_kind_state", "call_id", "kind", "state"),
        Index("ix_cases_organisation_id_kind", "organisation_id", "kind"),
        Index("ix_cases_panel_id", "panel_id"),
        Index("ix_cases_parent_id", "parent_id"),
        Index("ix_cases_due_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    workflow_hash: Mapped[str | None] = mapped_column(ForeignKey("definitions.hash"))
    state: Mapped[str | None] = mapped_column(String(60))
    stage: Mapped[str | None] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(default=0)
    head_hash: Mapped[str] = mapped_column(String(64))
    ref: Mapped[str | None] = mapped_column(String(60), unique=True)
    """The number people use, once it has one: KR-2021-0007. Never used again."""
    title: Mapped[str] = mapped_column(String(400), default="")
    programme_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    alliance_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    call_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    panel_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    organisation_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    parent_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    opened_at: Mapped[datetime]
    since_at: Mapped[datetime]
    since_seq: Mapped[int] = mapped_column(default=0)
    """The event by which it came into its present state: votes before it do not count."""
    due_at: Mapped[datetime | None]
    """The nearest open deadline of its state."""
    open_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    """The idempotency key under which it was opened."""

    @property
    def name(self) -> str:
        """The case as the chain names it: "application/17"."""
        return f"{self.kind}/{self.id}"


def stage_follows(table: str) -> ForeignKeyConstraint:
    """The foreign key that makes a table's (case_id, stage) follow the case's own stage at every move.

    With it a CHECK such as `stage <> 'award' OR decided_by IS NOT NULL` holds whoever writes. Effects fill the facts
    before the stage changes, so write implications, not equalities.
    """
    return ForeignKeyConstraint(
        ["case_id", "stage"], ["cases.id", "cases.stage"], onupdate="CASCADE", name=f"fk_{table}_stage_follows"
    )


class CaseDeadline(Base):
    """A date by which the system fires a move on a case, unless the case has gone on."""

    __tablename__ = "deadlines"
    __table_args__ = (
        Index("ix_deadlines_closed_at_due_at", "closed_at", "due_at"),
        Index("ix_deadlines_case_id", "case_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    name: Mapped[str] = mapped_column(String(60))
    trigger: Mapped[str] = mapped_column(String(60))
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(400))
    """Why it is closed: fired, left behind, moved, or the sentence of a refusal."""


class Outbox(Base):
    """A notice to one person, written with the move. The row is the record; whoever sends it claims it by a lease."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedupe", name="uq_outbox_dedupe"),
        Index("ix_outbox_sent_at_due_at", "sent_at", "due_at"),
        Index("ix_outbox_person_id_id", "person_id", "id"),
        CheckConstraint("attempts >= 0", name="attempts_count"),
        Index("ix_outbox_digest_id", "digest_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    dedupe: Mapped[str] = mapped_column(String(200))
    """case/seq/notice/person: the same event never writes the same notice twice. The case is the event's; `case_id` may be
    another, to which the letter leads. A reminder has "r" and its number instead of the event's, a letter that gathers
    its kind, day and person."""
    notice: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    case_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    params: Mapped[Any] = mapped_column(JsonText)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(400), default="")
    message_id: Mapped[str] = mapped_column(String(200))
    """The same for every attempt, so that a mail repeated after a crash can be known as one."""
    sent_at: Mapped[datetime | None]
    """When it was settled: by a letter, or by the decision beside it that there is none."""
    read_at: Mapped[datetime | None]
    withheld: Mapped[str | None] = mapped_column(String(20))
    """Why no letter of its own left, where none did."""
    text_id: Mapped[int | None] = mapped_column(Id, ForeignKey("notice_texts.id"))
    """The version of its words that was sent."""
    digest_id: Mapped[int | None] = mapped_column(Id, ForeignKey("outbox.id"))
    """The daily letter it was gathered into."""


class Untold(Base):
    """A move whose letters lie for a while, so that it can be taken back untold: until they leave, and for ever where it
    was taken back before, those it concerns read nothing of it."""

    __tablename__ = "untold_moves"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        CheckConstraint("taken_back_seq > seq", name="taken_back_afterwards"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    seq: Mapped[int]
    """The event of the move."""
    from_state: Mapped[str] = mapped_column(String(60))
    tell_at: Mapped[datetime]
    taken_back_seq: Mapped[int | None]
    """The event that took it back before it was told."""


class Reminder(Base):
    """A rung of a ladder that has come for one case and date: whoever inserts the row writes its notices with it."""

    __tablename__ = "reminders"
    __table_args__ = (UniqueConstraint("key"), Index("ix_reminders_notice_anchor_at", "notice", "anchor_at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(200))
    """case/notice/rung/date/person: one rung of one date never comes twice."""
    notice: Mapped[str] = mapped_column(String(60))
    rung: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(120))
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    """The one it concerns; nobody named: whoever holds the notice's roles."""
    anchor_at: Mapped[datetime]
    """The date it reminds of."""
    planned_at: Mapped[datetime]


class NoticeText(Base):
    """The words of a notice in one version: as the files have them, or as a manager wrote them for a programme."""

    __tablename__ = "notice_texts"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(in_list("origin", ("standard", "manager")), name="known_origin"),
        CheckConstraint(
            "origin <> 'manager' OR (programme_id IS NOT NULL AND by_id IS NOT NULL)", name="has_its_writer"
        ),
        Index("ix_notice_texts_programme_id_notice", "programme_id", "notice"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(160))
    """programme/notice/version; for the files' words all/notice/fingerprint."""
    notice: Mapped[str] = mapped_column(String(60))
    programme_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    version: Mapped[int]
    origin: Mapped[str] = mapped_column(String(20))
    subject: Mapped[Any] = mapped_column(JsonText)
    """In both languages: {"en": …, "ru": …}; so is the text."""
    text: Mapped[Any] = mapped_column(JsonText)
    by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    at: Mapped[datetime]


class NoticeStop(Base):
    """A person wants no mail of one number of the register. The copy in GrantFlow stays; when and how is history."""

    __tablename__ = "notice_stops"

    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(10), primary_key=True)
    stopped_at: Mapped[datetime]


class Letter(Base):
    """A mail kept readable instead of sent, where no mail server is set: the demo's mailbox."""

    __tablename__ = "letters"

    message_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    subject: Mapped[str] = mapped_column(String(400))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Installation(Base):
    """A fact about this installation as a whole, such as being a demonstration. Insert-only."""

    __tablename__ = "installation"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


protect(Installation.__table__, ("name",))
protect(NoticeText.__table__, ("id",), ("key",))
