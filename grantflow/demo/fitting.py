"""Owns how the demo's content fits its pack: answers as they are kept, sums, and every fault of a contest.

Leaves the shape of the content to `content`, and driving it through the engine to the chapters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from grantflow.demo.content import Contest, Review, typed
from grantflow.engine.faults import Fault
from grantflow.programmes.pack import CallPack
from grantflow.programmes.questions import Question, gaps
from grantflow.submissions import reading


def kept(question: Question, answer: Any, currency: str) -> Any:
    """An answer of the content as the house keeps it. Raises ValueError with what is wrong with it."""
    if question.kind == "file":
        return [{"name": str(name)} for name in answer]
    if question.kind == "declaration":
        return answer is True or None
    if question.kind == "consent" and answer is not True:
        return None
    found = reading.read(question, typed(question, answer), currency, "en")
    if found.faults:
        raise ValueError(f"{question.code}: {found.faults[0].sentence}")
    return found.value


def unfit(answers: Mapping[str, Any], questions: tuple[Question, ...], currency: str, whole: bool) -> Iterator[str]:
    """What of these answers does not fit the questions: unknown, unreadable, out of bounds, or (if `whole`)
    missing."""
    known = {question.code: question for question in questions}
    values: dict[str, Any] = {}
    for code, answer in answers.items():
        if code not in known:
            yield f"{code}: there is no such question"
            continue
        try:
            values[code] = kept(known[code], answer, currency)
        except ValueError as error:
            yield str(error)
            continue
        for fault in reading.limits(known[code], values[code], currency, date(2100, 1, 1)):
            yield f"{code}: {fault.sentence}"
    if whole:
        yield from (f"{question.code}: not answered" for question in gaps(questions, values))


def sum_of(lines: Any) -> int:
    """The sum of a table of costs in minor units, rounded line by line."""
    total = Decimal(0)
    for line in lines:
        total += (Decimal(str(line["quantity"])) * Decimal(str(line["price"])) * 100).quantize(Decimal(1))
    return int(total)


def asked_of(answers: Mapping[str, Any]) -> int:
    """What these answers ask for: costs less the own share, in minor units."""
    return sum_of(answers["costs"]) - int(Decimal(str(answers["own_share"])) * 100)


def faults_in(contest: Contest, call: CallPack, file: str) -> list[Fault]:
    """Where a contest's applications and reviews do not fit their call."""
    questions, rubric = tuple(call.terms.questions.values()), call.terms.rubric
    found = []
    for one in contest.applications:
        where = f"applications.{one.number}"
        found += [Fault(file, where, text, "answer") for text in unfit(one.answers, questions, call.currency, True)]
        if asked_of(one.answers) != one.asked_minor:
            found.append(Fault(file, where, "Costs less own share are not what is asked.", "sum"))
    for draft in contest.drafts:
        where = f"drafts.{draft.title.en}"
        found += [Fault(file, where, t, "answer") for t in unfit(draft.answers, questions, call.currency, False)]
    for review in contest.reviews:
        where = f"reviews.{review.application}.{review.reader}"
        codes = [criterion.code for criterion in rubric.criteria]
        if len(review.points) != len(codes) or not all(rubric.allows(Decimal(p)) for p in review.points):
            found.append(Fault(file, where, "The points do not fit the rubric.", "points"))
        low = [c for c, p in zip(codes, review.points, strict=False) if p < rubric.comment_required_below]
        found += [
            Fault(file, where, f"{c}: points this low need a comment.", "comment")
            for c in low
            if c not in review.comments
        ]
    return found


def total_of(review: Review, call: CallPack) -> Decimal:
    """The weighted total of a review, 0 to 100."""
    rubric = call.terms.rubric
    parts = (c.weight * Decimal(p) / rubric.max for c, p in zip(rubric.criteria, review.points, strict=True))
    return sum(parts, Decimal(0))
