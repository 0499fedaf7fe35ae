"""Owns answers that somebody gave to a call's check before signing in: they wait in the visitor's own browser, and are
offered for the blanks of a draft.

Nothing of them is kept in the house until the person says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import session as cookie

from grantflow.identity.access import Actor
from grantflow.programmes.questions import Question
from grantflow.submissions.drafts import save_section
from grantflow.submissions.rows import draft_of, row_of, terms_of

NAME = "precheck"
CARRIED = {"choice", "choices", "yes_no", "number", "money", "date", "district", "counter"}
LONGEST = 60
"""Characters of one answer: all that is carried is short."""


def keep(code: str, questions: Iterable[Question], typed: Mapping[str, Any]) -> None:
    """Put short answers into the visitor's own session, in place of those given for another call."""
    kinds = {question.code: question.kind for question in questions}
    kept = {c: value for c, value in typed.items() if kinds.get(c) in CARRIED and _short(value) and _said(value)}
    cookie[NAME] = {"call": code, "typed": kept}


def _said(value: Any) -> bool:
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _short(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_short(part) for part in value.values())
    return all(_short(part) for part in value) if isinstance(value, list) else len(value) <= LONGEST


def offered(code: str) -> dict[str, Any]:
    """The answers that wait for a draft in this call; empty where there are none."""
    note = cookie.get(NAME)
    if not isinstance(note, dict) or note.get("call") != code or not isinstance(note.get("typed"), dict):
        return {}
    return dict(note["typed"])


def forget() -> None:
    """The answers were taken over, or not wanted."""
    cookie.pop(NAME, None)


def fill_blanks(case_id: int, typed: Mapping[str, Any], *, actor: Actor) -> int:
    """Put answers into those questions of a draft where nothing stands yet; gives back how many. Inside a unit of work."""
    filled = 0
    for section in terms_of(row_of(case_id).pack_hash).form:
        row = row_of(case_id)
        draft = draft_of(row)
        blanks = {
            q.code: typed[q.code]
            for q in section.questions
            if q.code in typed and q.kind in CARRIED and not draft.written(q.code)
        }
        if blanks:
            save_section(case_id, section.code, blanks, revision=row.revision, actor=actor)
            filled += len(blanks)
    return filled
