"""Owns what happens when two windows or two people write one section: question by question, by what stood there before.

It knows drafts, no database. A page carries a mark of each answer as it found it. An answer that only one side changed
is taken from that side; one that both changed in different ways is a clash, and people choose, never the clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grantflow.programmes.questions import Question
from grantflow.submissions.answers import Draft


def mark(draft: Draft, code: str) -> str:
    """A short word for what stands under a question, whatever language or spelling it is shown in."""
    held = [draft.values.get(code), draft.raw.get(code)]
    text = json.dumps(held, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def marks(draft: Draft, questions: Iterable[Question]) -> dict[str, str]:
    """The marks a page carries: of every question on it but files, which are kept one by one."""
    return {question.code: mark(draft, question.code) for question in questions if question.kind != "file"}


def marks_from(sent: Iterable[str]) -> dict[str, str]:
    """The marks a browser sent back, each "code:mark"; what has not that form says nothing."""
    pairs = (text.partition(":") for text in sent)
    return {code: found for code, colon, found in pairs if colon and found}


@dataclass(frozen=True)
class Merged:
    """Two drafts of a section put together: what stands without a clash, and how each question was judged."""

    draft: Draft
    mine: tuple[str, ...]
    """Questions under which my words stand now: taken over just now, or the same as theirs."""
    clashing: tuple[str, ...]

    def showing(self, mine: Draft) -> Draft:
        """The same with my words under the questions that clash: what I go on writing in."""
        return _take(self.draft, mine, self.clashing)


def merge(questions: Iterable[Question], stored: Draft, mine: Draft, was: Mapping[str, str], *, behind: bool) -> Merged:
    """Put my answers to these questions beside what is stored.

    `was` has the mark of each answer as I found it. For a question without one, `behind` decides: whether the section
    was saved since, by whatever name.
    """
    taken: list[str] = []
    same: list[str] = []
    clashing: list[str] = []
    for code in (question.code for question in questions if question.kind != "file"):
        there, own = mark(stored, code), mark(mine, code)
        if own == there:
            same.append(code)
        elif code not in was:
            (clashing if behind else taken).append(code)
        elif own == was[code]:
            continue  # I only had it before me: theirs stays
        elif there == was[code]:
            taken.append(code)
        else:
            clashing.append(code)
    return Merged(_take(stored, mine, taken), (*same, *taken), tuple(clashing))


def _take(draft: Draft, other: Draft, codes: Iterable[str]) -> Draft:
    values, raw = dict(draft.values), dict(draft.raw)
    for code in codes:
        for mine, theirs in ((values, other.values), (raw, other.raw)):
            mine.pop(code, None)
            if code in theirs:
                mine[code] = theirs[code]
    return Draft(values, raw)
