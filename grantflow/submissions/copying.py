"""Owns copying answers from an earlier application of the same organisation: into blanks only, whole answers only.

What was typed stays. Files and declarations are not copied: a paper may be out of date, and a promise is made anew.
Which answers may stand under other terms is `amending`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select, update

from grantflow import clock
from grantflow.cases.service import lock
from grantflow.db import session, writing
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity.access import Actor
from grantflow.programmes.models import Call, Place
from grantflow.programmes.questions import Question, asked, is_answered
from grantflow.programmes.terms import Terms
from grantflow.submissions.amending import carried
from grantflow.submissions.answers import Draft
from grantflow.submissions.rows import APPLICATIONS, CASES, may_write, mode, row_of, terms_of, version_of
from grantflow.submissions.sharing import share_of

SHOWN = 10
"""How many earlier applications are offered, the newest first."""
_NEVER = ("file", "declaration", "consent")
_A, _C = APPLICATIONS.c, CASES.c


@dataclass(frozen=True)
class Earlier:
    """An application to copy from, as it is offered."""

    case_id: int
    ref: str
    title: str
    call: Any
    at: Any


@dataclass(frozen=True)
class Copy:
    """What copying would do, question by question."""

    source: Earlier
    filled: dict[str, Any]
    """The answers that come into blanks, by question."""
    kept: tuple[Question, ...]
    """Answered here already: they stay as they are."""
    unfit: tuple[Question, ...]
    """Answered there, and asked otherwise or not at all here, by the question there."""
    never: tuple[Question, ...]
    """Answered there, and never copied: files and declarations."""


def earlier_of(row: Any, actor: Actor) -> list[Earlier]:
    """The other applications of the same organisation in which something was written, the newest first: for people of the
    organisation."""
    if row.organisation_id not in actor.scopes("applicant", "organisation_id"):
        return []
    rows = session().execute(
        select(_C.id, _C.ref, _C.opened_at, _A.title, _A.saved_at, _A.submitted_at, Call.name)
        .join(APPLICATIONS, _A.case_id == _C.id)
        .join(Call, Call.case_id == _A.call_id)
        .where(_A.organisation_id == row.organisation_id, _C.id != row.case_id)
        .where(or_(_A.revision > 0, _A.submitted_version.is_not(None)))
        .order_by(_C.opened_at.desc(), _C.id.desc())
        .limit(SHOWN)
    )
    return [Earlier(r.id, r.ref or "", r.title, r.name, r.submitted_at or r.saved_at or r.opened_at) for r in rows]


def preview(row: Any, source: Earlier) -> Copy:
    """What copying from there would fill; changes nothing."""
    there = row_of(source.case_id)
    sent = version_of(there.case_id, there.submitted_version) if there.submitted_version else None
    given = json.loads(sent.answers) if sent else dict(there.answers)
    old = terms_of((sent or there).pack_hash)
    return _judge(old, terms_of(row.pack_hash), given, Draft(dict(row.answers), dict(row.typed)), source)


def _judge(old: Terms, new: Terms, given: dict[str, Any], here: Draft, source: Earlier) -> Copy:
    answered = [
        q
        for q in asked(old.questions.values(), given)
        if q.code in given and q.kind != "computed" and is_answered(q, given[q.code])
    ]
    fits = carried(old, new, {q.code: given[q.code] for q in answered if q.kind not in _NEVER})
    if old.currency != new.currency:
        fits = {code: value for code, value in fits.items() if not _holds_money(new.questions[code])}
    fits = _real_places(new, fits)
    filled, kept, unfit = {}, [], []
    for question in answered:
        code = question.code
        if question.kind in _NEVER:
            continue
        if code not in fits:
            unfit.append(question)
        elif here.written(code):
            kept.append(new.questions[code])
        else:
            filled[code] = fits[code]
    never = tuple(question for question in answered if question.kind in _NEVER)
    return Copy(source, filled, tuple(kept), tuple(unfit), never)


def _holds_money(question: Question) -> bool:
    return question.kind in ("money", "budget") or any(column.kind == "money" for column in question.columns)


def _real_places(terms: Terms, answers: dict[str, Any]) -> dict[str, Any]:
    codes = {code for code in answers if terms.questions[code].kind == "district"}
    if not codes:
        return answers
    known = set(session().scalars(select(Place.code).where(Place.code.in_([str(answers[code]) for code in codes]))))
    return {code: value for code, value in answers.items() if code not in codes or value in known}


def copy(case_id: int, source_id: int, *, revision: int | None = None, actor: Actor) -> Copy:
    """Fill the blanks of a draft with the answers of an earlier application of the same organisation.

    Gives back what was filled: nothing, where it was done before. `revision` is the draft's as the preview showed it:
    Stale where it has gone on. NotFound for an application of somebody else's. It is no event, like every save.
    """
    case, row = lock(case_id), row_of(case_id)
    share = share_of(case, actor)
    source = next((one for one in earlier_of(row, actor) if one.case_id == source_id), None)
    if share is None or source is None:
        raise NotFound
    verdict = may_write(case, row, actor)
    if not verdict:
        raise Refused(verdict.because)
    if mode(case) != "draft":
        raise Refused(_("It was sent before: only the sections opened again can be written, by hand."))
    found = preview(row, source)
    if not found.filled:
        return found
    if revision is not None and revision != row.revision:
        raise Stale(_("Somebody wrote in this draft after you opened the page. Look at the preview once more."))
    terms, at, now = terms_of(row.pack_hash), clock.now(), row.revision + 1
    touched = {"revision": now, "at": at.isoformat(), "by": actor.person_id}
    saved = {part.code: touched for part in terms.form if _any(part.questions, found.filled)}
    answers = {**row.answers, **found.filled}
    title = {} if row.submitted_version else {"title": str(answers.get(terms.keys.title) or "")[:400]}
    writing().execute(
        update(APPLICATIONS)
        .where(_A.case_id == case_id)
        .values(answers=answers, revision=now, saved={**row.saved, **saved}, saved_at=at, **title)
    )
    return found


def _any(questions: Iterable[Question], codes: Iterable[str]) -> bool:
    return any(question.code in codes for question in questions)
