"""The tables of history: events, the erasable private values beside them, and checkpoints with the heads they cover.

The database refuses to change or delete an event or a checkpoint; who may write one is decided in `cases`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.db import Base, Id, JsonText, protect, schema_statement


class Event(Base):
    """One line of history. `facts` and `private` are the canonical JSON of `canonical.py`, as it was hashed."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        Index("ix_events_case_id_key", "case_id", "key", unique=True),
        Index("ix_events_actor_id_at", "actor_id", "at"),
        CheckConstraint("seq > 0", name="seq_counts_from_one"),
        CheckConstraint("length(hash) = 64 AND length(prev_hash) = 64", name="hashes_are_sha256"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"))
    seq: Mapped[int]
    v: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    role: Mapped[str] = mapped_column(String(20))
    for_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"))
    trigger: Mapped[str] = mapped_column(String(60))
    move: Mapped[str] = mapped_column(String(60))
    from_state: Mapped[str | None] = mapped_column(String(60))
    to_state: Mapped[str | None] = mapped_column(String(60))
    facts: Mapped[Any] = mapped_column(JsonText)
    private: Mapped[Any] = mapped_column(JsonText)
    key: Mapped[str | None] = mapped_column(String(120))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class PrivateValue(Base):
    """What a digest in an event stands for. It can be erased (salt and value become NULL), never changed."""

    __tablename__ = "private_values"
    __table_args__ = (CheckConstraint("(salt IS NULL) = (value IS NULL)", name="erased_whole"),)

    case_id: Mapped[int] = mapped_column(Id, ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("cases.id"), index=True)
    """Whose personal data it is, where known: what an erasure request looks for."""
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    value: Mapped[str | None] = mapped_column(Text)


class Checkpoint(Base):
    """A Merkle root over the heads of all chains at one moment, chained to the checkpoint before it."""

    __tablename__ = "checkpoints"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    v: Mapped[int]
    at: Mapped[datetime]
    cases: Mapped[int]
    events: Mapped[int]
    root: Mapped[str] = mapped_column(String(64))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class CheckpointHead(Base):
    """The head of one chain as a checkpoint saw it; only chains that grew since the checkpoint before are listed."""

    __tablename__ = "checkpoint_heads"

    checkpoint: Mapped[int] = mapped_column(ForeignKey("checkpoints.seq"), primary_key=True)
    case_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    """No foreign key: a checkpoint must be able to name a case that somebody made vanish."""
    case: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


protect(Event.__table__, ("id",), ("case_id", "seq"))
protect(Checkpoint.__table__, ("seq",))
protect(CheckpointHead.__table__, ("checkpoint", "case_id"))

ERASE_ONLY = {
    "sqlite": [
        "CREATE TRIGGER private_values_erase_only BEFORE UPDATE ON private_values "
        "WHEN NEW.case_id <> OLD.case_id OR NEW.seq <> OLD.seq OR NEW.name <> OLD.name "
        "OR NEW.value IS NOT NULL OR NEW.salt IS NOT NULL "
        "BEGIN SELECT RAISE(ABORT, 'private_values can only be erased'); END",
        "CREATE TRIGGER private_values_no_delete BEFORE DELETE ON private_values "
        "BEGIN SELECT RAISE(ABORT, 'private_values can only be erased'); END",
        "CREATE TRIGGER private_values_no_replace BEFORE INSERT ON private_values "
        "WHEN EXISTS (SELECT 1 FROM private_values WHERE case_id = NEW.case_id AND seq = NEW.seq "
        "AND name = NEW.name) BEGIN SELECT RAISE(ABORT, 'private_values can only be erased'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION grantflow_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'UPDATE' AND NEW.case_id = OLD.case_id AND NEW.seq = OLD.seq AND NEW.name = OLD.name "
        "AND NEW.value IS NULL AND NEW.salt IS NULL THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'private_values can only be erased' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER private_values_erase_only BEFORE UPDATE OR DELETE ON private_values "
        "FOR EACH ROW EXECUTE FUNCTION grantflow_erase_only()",
        "CREATE TRIGGER private_values_no_truncate BEFORE TRUNCATE ON private_values "
        "FOR EACH STATEMENT EXECUTE FUNCTION grantflow_erase_only()",
    ],
}
"""Erasing on request is the one change allowed beside the chain."""


@event.listens_for(PrivateValue.__table__, "after_create")
def _erase_only(_target: Any, connection: Any, **_: Any) -> None:
    for statement in ERASE_ONLY[connection.dialect.name]:
        connection.execute(schema_statement(statement))
