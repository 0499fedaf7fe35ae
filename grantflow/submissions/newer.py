"""Owns an applicant's own step of a draft to the newer form of its call: what would become of it, and exactly that done.

Leaves what is kept and lost, and moving the applications of a whole call at once, to `amending`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow.cases.service import lock
from grantflow.errors import Refused, Stale
from grantflow.history.canonical import canonical, sha256
from grantflow.identity.access import Actor
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import Terms
from grantflow.programmes.versions import Differences, differences, versions
from grantflow.submissions.amending import Going, compare, move
from grantflow.submissions.rows import call_of, files_of, may_write, mode, row_of, terms_of


@dataclass(frozen=True)
class Newer:
    """The form in force beside the one a draft is held to, and what would become of the draft's answers."""

    number: int
    """Which version of the call's form is in force, counted from 1."""
    old: Terms
    new: Terms
    changes: Differences
    going: Going

    @property
    def mark(self) -> str:
        """A short word for exactly this: the draft as it was looked at, and the form it would get."""
        return sha256(canonical([self.new.content_hash, self.going.case.id, self.going.row.revision]).encode())[:16]

    @property
    def questions(self) -> Iterator[tuple[Question | None, Question | None]]:
        """The questions that differ, each as it was and as it is: those taken out first, then in the order of the form."""
        was, now = self.old.questions, self.new.questions
        yield from ((question, None) for code, question in was.items() if code not in now)
        yield from ((was.get(code), question) for code, question in now.items() if was.get(code) != question)

    def lost(self) -> Iterator[tuple[Question, Any]]:
        """The answers that would be set aside, in the words of the form they were given to: one not understood as typed."""
        draft = self.going.row
        files = files_of(self.going.case.id)
        for code in self.going.lost:
            typed = _as_typed(draft.typed[code]) if code in draft.typed else None
            yield self.old.questions[code], typed or draft.answers.get(code, files.get(code))

    def changed(self) -> Iterator[tuple[Question, Any, Any]]:
        """The answers of which a part would stand: as they are and as they would be."""
        for code in self.going.lost:
            if code in self.going.answers:
                yield self.new.questions[code], self.going.row.answers.get(code), self.going.answers[code]

    def missing(self) -> Iterator[Question]:
        """The questions that would be left to answer."""
        yield from (self.new.questions[code] for code in self.going.missing)


def _as_typed(raw: Any) -> str:
    """What was typed and not understood, as one text."""
    if isinstance(raw, str):
        return raw
    return "; ".join(filter(None, (_as_typed(part) for part in (raw.values() if isinstance(raw, dict) else raw or ()))))


def is_behind(case: Any, row: Any, call: Any) -> bool:
    """Whether a draft is held to an earlier form than its call has now, and may go over to it."""
    return (
        mode(case) == "draft" and row.pack_hash != call.pack_hash and terms_of(call.pack_hash).currency == row.currency
    )


def newer(case: Any, row: Any) -> Newer | None:
    """What going over to the form in force would do to a draft; None where there is nothing to go over to."""
    call = call_of(row.call_id)
    if not is_behind(case, row, call):
        return None
    old, new = terms_of(row.pack_hash), terms_of(call.pack_hash)
    order = versions(call.case_id)
    number = max((at for at, known in enumerate(order, 1) if known == call.pack_hash), default=len(order))
    return Newer(number, old, new, differences(old, new), compare(case, row, new, files_of(case.id)))


def take(case_id: int, *, actor: Actor, seen: str) -> bool:
    """Hold a draft to the form in force, as `seen` (a `Newer.mark`) showed it; gives back whether there was anything to do.

    Needs a unit of work. Refused for anybody who may not write the draft now; Stale where the draft or the call's form
    is no longer what was looked at. What does not fit leaves the draft and is kept beside the event.
    """
    case, row = lock(case_id), row_of(case_id)
    verdict = may_write(case, row, actor)
    if not verdict:
        raise Refused(verdict.because)
    found = newer(case, row)
    if found is None:
        return False
    if found.mark != seen:
        raise Stale(_("The draft or the form changed since you looked. Look at it anew; nothing was done."))
    move(found.going, found.new, actor)
    return True
