"""Owns setting two versions of an application side by side, question by question, and two texts word by word.

Leaves who may read them to `sending.may_read`; what was set aside is shown to its writers alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from grantflow.programmes.questions import Question, Section, asked
from grantflow.programmes.terms import Terms
from grantflow.submissions.reopening import aside_of
from grantflow.submissions.rows import terms_of, version_of

MOST_WORDS = 1500
"""Two texts of more words than this together stand side by side: to match them word by word would take too long."""
_TEXTS = {"text", "long_text"}
_NAME = re.compile(r"(?P<aside>aside-)?(?P<number>\d{1,9})\Z", re.ASCII)


@dataclass(frozen=True)
class Text:
    """One of the two: what an address calls it ("2", or "aside-7"), when it was sent or set aside, under which terms."""

    name: str
    n: int
    at: datetime
    sent: bool
    terms: Terms
    answers: Mapping[str, Any]
    typed: Mapping[str, Any]
    """What was typed and not understood, in words that were set aside; nothing like it was ever sent."""

    @property
    def places(self) -> list[str]:
        """The codes of the districts it names."""
        codes = [code for code, question in self.terms.questions.items() if question.kind == "district"]
        return [str(self.answers[code]) for code in codes if self.answers.get(code)]

    def of(self, question: Question) -> Answer:
        """What it says to a question."""
        typed = self.typed.get(question.code)
        return Answer(self.answers.get(question.code), typed if isinstance(typed, str) else "")


@dataclass(frozen=True)
class Answer:
    """An answer, or the text somebody typed in its place."""

    value: Any
    typed: str = ""


@dataclass(frozen=True)
class Row:
    """A question with both answers. `was`: the question as the earlier one was asked it. `words`: the text of both in
    pieces ("", "out" or "in"), where that tells more."""

    question: Question
    was: Question
    before: Answer
    after: Answer
    words: tuple[tuple[str, str], ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing was changed."""
        return bool(self.before == self.after)


def text_of(case_id: int, name: str, *, writer: bool) -> Text | None:
    """The version, or what was set aside, that an address names; None for a name that is none."""
    found = _NAME.match(name)
    if found is None or (found["aside"] and not writer):
        return None
    number = found["number"]
    if found["aside"]:
        row, draft = aside_of(case_id, int(number))
        return Text(name, row.version, row.set_aside_at, False, terms_of(row.pack_hash), draft.values, draft.raw)
    row = version_of(case_id, int(number))
    return Text(name, row.n, row.submitted_at, True, terms_of(row.pack_hash), json.loads(row.answers), {})


def compared(before: Text, after: Text) -> list[tuple[Section, list[Row]]]:
    """Every question that either of them answers or was asked, by section: in the order of the later form, then what only
    the earlier one had."""
    codes = {question.code for text in (before, after) for question in _heard(text)}
    found = []
    seen: set[str] = set()
    for terms in (after.terms, before.terms):
        for section in terms.form:
            rows = [
                _row(
                    question,
                    before.terms.questions.get(question.code, question),
                    before.of(question),
                    after.of(question),
                )
                for question in section.questions
                if question.code in codes and question.code not in seen
            ]
            seen |= {question.code for question in section.questions}
            if rows:
                found.append((section, rows))
    return found


def _heard(text: Text) -> list[Question]:
    return asked(text.terms.questions.values(), text.answers)


def _row(question: Question, was: Question, before: Answer, after: Answer) -> Row:
    old, new = before.typed or before.value, after.typed or after.value
    words: tuple[tuple[str, str], ...] = ()
    if question.kind in _TEXTS and isinstance(old, str) and isinstance(new, str) and old != new:
        words = word_by_word(old, new)
    return Row(question, was, before, after, words)


def word_by_word(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """Both texts in pieces: "" stays, "out" went, "in" came. Nothing where they are too long, or share too little."""
    old, new = re.findall(r"\s+|\S+\s*", before), re.findall(r"\s+|\S+\s*", after)
    if len(old) + len(new) > 2 * MOST_WORDS:
        return ()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < 0.3:
        return ()
    pieces: list[tuple[str, str]] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(("", "".join(old[i1:i2])))
            continue
        if i2 > i1:
            pieces.append(("out", "".join(old[i1:i2])))
        if j2 > j1:
            pieces.append(("in", "".join(new[j1:j2])))
    return tuple(pieces)
