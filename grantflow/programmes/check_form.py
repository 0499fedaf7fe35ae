"""Owns judging the conditions, checks and computed questions of a form: each fits the questions it speaks of.

Leaves the rest of a pack to `check`, and the judging of one expression to `expression_check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from grantflow.programmes import expression
from grantflow.programmes.expression_check import Shape, judge
from grantflow.programmes.hearing import inputs
from grantflow.programmes.questions import Check, Question, Section

Found = Iterator[tuple[str, str, str]]
"""Table, sentence, kind."""

_KINDS = {
    "text": "text", "long_text": "text", "choice": "text", "choices": "ticks", "yes_no": "truth", "number": "number",
    "money": "number", "date": "date", "district": "text", "file": "files", "budget": "budget", "declaration": "truth",
    "consent": "truth", "counter": "fields", "table": "lines", "organisation": "fields", "computed": "number",
    "year": "number", "country": "text",
}  # fmt: skip
_FIELDS = {
    "counter": dict.fromkeys(("women", "men", "not_stated", "total"), "number"),
    "organisation": {"name": "text", "number": "text"},
}


def shape(question: Question) -> Shape:
    """What a question is to an expression."""
    fields = _FIELDS.get(question.kind) or {column.code: _KINDS[column.kind] for column in question.columns}
    return Shape(_KINDS[question.kind], fields, question.values if question.options else ())


def shapes(questions: Iterable[Question]) -> dict[str, Shape]:
    """The shapes of questions by their codes."""
    return {question.code: shape(question) for question in questions}


def form(sections: Sequence[Section], where: str) -> Found:
    """Every fault in the expressions of a form of sections."""
    everything = [question for section in sections for question in section.questions]
    yield from questions(everything, where)
    known, before = {question.code: question for question in everything}, dict[str, Question]()
    for section in sections:
        at = f"{where}.{section.code}"
        yield from _when(section.when, before, known, at)
        yield from _checks(section.checks, known, at)
        before |= {question.code: question for question in section.questions}


def questions(asked: Sequence[Question], where: str) -> Found:
    """Every fault in the conditions, checks and computed values of questions, in their order."""
    known = {question.code: question for question in asked}
    earlier: dict[str, Question] = {}
    for question in asked:
        at = f"{where}.{question.code}"
        condition = question.applies_when
        if condition is not None:
            hung = earlier.get(condition.question)
            if hung is None:
                yield at, f'applies_when names "{condition.question}", which is no earlier question.', "question"
            elif wrong := sorted(set(condition.values) - set(hung.values)):
                yield at, f'"{condition.question}" cannot be answered with: {", ".join(wrong)}.', "question"
        yield from _when(question.when, earlier, known, at)
        yield from _checks(question.checks, known, at)
        if question.value is not None and question.formula is not None:
            if told := judge(question.value, shapes(asked), "number"):
                yield at, f"value {told}", "expression"
            elif question.code in inputs(question.formula, known):
                yield at, "value hangs on itself: computed questions go round in a circle.", "circle"
        earlier[question.code] = question


def rule(text: str | None, known: Mapping[str, Question], where: str) -> Found:
    """Every fault of a rule's condition."""
    if text is not None and (told := judge(text, shapes(known.values()), "truth")):
        yield where, f"when {told}", "expression"


def _when(text: str | None, earlier: Mapping[str, Question], known: Mapping[str, Question], at: str) -> Found:
    if text is None:
        return
    if told := judge(text, shapes(known.values()), "truth"):
        yield at, f"when {told}", "expression"
        return
    late = [code for code in inputs(expression.parse(text), known) if code not in earlier]
    if late:
        yield at, f'when hangs on "{late[0]}", which is no earlier question.', "question"


def _checks(checks: Sequence[Check], known: Mapping[str, Question], at: str) -> Found:
    for n, check in enumerate(checks, 1):
        if told := judge(check.rule, shapes(known.values()), "truth"):
            yield f"{at}.checks.{n}", f"rule {told}", "expression"
