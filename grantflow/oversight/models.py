"""The table of exports asked for: what of whom, as it stood when, how far it is, and where the file lies.

The row is the record and the lease of the work; the file lies in the installation's `files` folder under a generated
name, and goes after a week. The row stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.db import Base, Id, JsonText
from grantflow.identity.models import in_list

STATES = ("waiting", "being_made", "ready", "failed", "expired")
PROBLEMS = ("rights", "trouble")
"""Why there is no file: the asker may no longer see what it would hold; or it failed as often as it was tried."""


class Export(Base):
    """A workbook somebody asked for, made in the background."""

    __tablename__ = "exports"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(in_list("state", STATES), name="known_state"),
        CheckConstraint(in_list("language", ("en", "ru")), name="known_language"),
        CheckConstraint(
            f"(state = 'failed') = (problem IS NOT NULL) AND (problem IS NULL OR ({in_list('problem', PROBLEMS)}))",
            name="a_failure_says_why",
        ),
        CheckConstraint(
            "state NOT IN ('ready', 'expired') OR (size IS NOT NULL AND sha256 IS NOT NULL AND expires_at IS NOT NULL)",
            name="what_is_ready_has_its_file",
        ),
        CheckConstraint("attempts >= 0 AND done >= 0 AND done <= events", name="figures_count"),
        Index("ix_exports_state_lease_until", "state", "lease_until"),
        Index("ix_exports_asked_by_id_id", "asked_by_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(120))
    """The asker and the key of the press: pressed twice, it is asked for once."""
    asked_by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    asked_at: Mapped[datetime]
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    """The case or call whose history it is, with all that hangs on it."""
    language: Mapped[str] = mapped_column(String(2))
    cut_off: Mapped[Any] = mapped_column(JsonText)
    """How far each history reached: see `cutoff`."""
    stood_at: Mapped[datetime]
    """When everything stood so; asked for again, this stays."""
    cases: Mapped[int]
    events: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    problem: Mapped[str | None] = mapped_column(String(20))
    done: Mapped[int] = mapped_column(default=0)
    """Events written so far, of `events`."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was begun. Whoever makes it knows its own count: another's work is never marked, nor its file."""
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(80))
    stored_name: Mapped[str] = mapped_column(String(60))
    filename: Mapped[str] = mapped_column(String(200))
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime | None]
    """Until when the file lies ready."""
