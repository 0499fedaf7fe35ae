"""The tables of questions about a call and of the answers to them. What was asked and answered stands once, beside the
event that remembers it: the database lets nobody change it, and it can be erased on request.

(The questions of a call's form are `questions`'.) Who may ask and answer is `inquiries`', reading is `inquiry_queries`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grantflow.db import Base, Id, protect
from grantflow.identity.models import in_list

REACHES = ("public", "asker", "withdrawn")
"""Whom an answer is for: everybody, only whoever asked, or everybody as the word that it holds no longer."""
TO_ALL = ("public", "withdrawn")
"""What stands on the call's page: a withdrawn answer stays there with its reason."""


@dataclass(frozen=True)
class Said:
    """A text in English, in Russian or in both; a reader gets the other language where their own is missing."""

    en: str = ""
    ru: str = ""

    def tongue(self, language: str) -> str:
        """The language in which a reader of that language gets it."""
        own, other = ("ru", "en") if language.startswith("ru") else ("en", "ru")
        return own if getattr(self, own) or not getattr(self, other) else other

    def in_(self, language: str) -> str:
        """The text as a reader of that language gets it."""
        return str(getattr(self, self.tongue(language)))

    def __bool__(self) -> bool:
        return bool(self.en or self.ru)


class Inquiry(Base):
    """A question somebody asked about a call; its words stand beside event `seq` of the call, as they were typed."""

    __tablename__ = "inquiries"
    __table_args__ = (
        UniqueConstraint("call_id", "number"),
        UniqueConstraint("key"),
        ForeignKeyConstraint(["call_id", "seq"], ["events.case_id", "events.seq"]),
        CheckConstraint("number > 0", name="numbers_count_from_one"),
        CheckConstraint(in_list("language", ("en", "ru")), name="known_language"),
        Index("ix_inquiries_asker_id_call_id", "asker_id", "call_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("calls.case_id"))
    number: Mapped[int]
    seq: Mapped[int]
    asker_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    asked_at: Mapped[datetime]
    language: Mapped[str] = mapped_column(String(2))
    key: Mapped[str] = mapped_column(String(120))
    """Whose press of a button it was: the same one again asks nothing new."""


class InquiryAnswer(Base):
    """One version of an answer. A later one stands beside it, never in its place; the latest holds."""

    __tablename__ = "inquiry_answers"
    __table_args__ = (
        UniqueConstraint("inquiry_id", "version"),
        UniqueConstraint("key"),
        ForeignKeyConstraint(["call_id", "seq"], ["events.case_id", "events.seq"]),
        CheckConstraint("version > 0", name="versions_count_from_one"),
        CheckConstraint(in_list("reach", REACHES), name="known_reach"),
        CheckConstraint("reach <> 'withdrawn' OR version > 1", name="only_what_was_said_is_withdrawn"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    inquiry_id: Mapped[int] = mapped_column(Id, ForeignKey("inquiries.id"))
    version: Mapped[int]
    call_id: Mapped[int] = mapped_column(Id, ForeignKey("calls.case_id"))
    seq: Mapped[int]
    answered_by_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    answered_at: Mapped[datetime]
    reach: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(120))


protect(Inquiry.__table__, ("id",), ("call_id", "number"), ("key",))
protect(InquiryAnswer.__table__, ("id",), ("inquiry_id", "version"), ("key",))
