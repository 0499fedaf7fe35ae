"""Owns putting invented answers into the forms of a rehearsal, as somebody who types: section by section, paper by paper.

What the answers are is `invented`'s; when they are written is said by the chapters in `telling`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_babel import force_locale

from grantflow.db import unit_of_work
from grantflow.followups import queries
from grantflow.followups import service as followups
from grantflow.identity.access import Actor
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import Terms
from grantflow.rehearsals.invented import Answers, Setting, answer, bent
from grantflow.rehearsals.papers import paper
from grantflow.submissions import service as submissions
from grantflow.submissions.reading import to_type


def typed(questions: Iterable[Question], answers: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Answers as somebody types them in English; what is attached or computed is not typed."""
    with force_locale("en"):
        return {
            question.code: to_type(question, answers[question.code], currency)
            for question in questions
            if question.kind not in ("file", "computed") and answers.get(question.code) is not None
        }


def _attach(questions: Iterable[Question], answers: Mapping[str, Any], add: Callable[..., Any]) -> None:
    for question in questions:
        if question.kind == "file" and answers.get(question.code):
            kind = question.accept[0]
            with unit_of_work():
                add(question.code, f"rehearsal.{kind}", io.BytesIO(paper(kind, "Rehearsal", question.label.en)))


def write_application(case_id: int, terms: Terms, answers: Answers, actor: Actor) -> None:
    """Write every section of a draft and attach its papers."""
    for section in terms.form:
        given = typed(section.questions, answers, terms.currency)
        with unit_of_work():
            revision = submissions.row_of(case_id).revision
            submissions.save_section(case_id, section.code, given, revision=revision, actor=actor, lang="en")
        _attach(section.questions, answers, lambda *what: submissions.add_file(case_id, *what, actor=actor))


def _invented(questions: Iterable[Question], currency: str, setting: Setting) -> Answers:
    asked = list(questions)
    made = {question.code: given for question in asked if (given := answer(question, setting)) is not None}
    return bent(made, asked, currency, setting)


def write_report(case_id: int, questions: Iterable[Question], currency: str, setting: Setting, actor: Actor) -> None:
    """Write a report whole, without sending it."""
    asked = list(questions)
    answers = _invented(asked, currency, setting)
    with unit_of_work():
        followups.save_report(
            case_id, typed(asked, answers, currency), revision=queries.report(case_id).revision, actor=actor, lang="en"
        )
    _attach(asked, answers, lambda *what: followups.add_file(case_id, *what, actor=actor))


def write_check(case_id: int, questions: Iterable[Question], currency: str, setting: Setting, actor: Actor) -> None:
    """Answer a check of later years, without sending it."""
    asked = list(questions)
    answers = _invented(asked, currency, setting)
    with unit_of_work():
        followups.save_check(
            case_id, typed(asked, answers, currency), revision=queries.check(case_id).revision, actor=actor, lang="en"
        )
