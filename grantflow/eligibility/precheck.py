"""Owns the check a visitor makes before signing in: which questions the rules need, and what they say to the answers.

It reads and keeps nothing. Leaves judging to `rules`, the page to `visitor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from flask_babel import lazy_gettext as _

from grantflow.eligibility.finding import Facts, Finding
from grantflow.eligibility.rules import judge, rule_of, sentence
from grantflow.engine.definition import Label
from grantflow.programmes.hearing import inputs
from grantflow.programmes.parts import Prose
from grantflow.programmes.questions import Question, asked
from grantflow.programmes.terms import Rule, Terms
from grantflow.rendering import quoted
from grantflow.submissions.answers import Draft
from grantflow.submissions.hanging import Hung, page

ASKED = {"choice", "choices", "yes_no", "number", "money", "date", "district", "counter"}
"""Kinds of questions that take a moment: papers, stories and declarations come with the application."""
_OF_SUMS = {"asked_within", "own_share_min", "amount", "co_funding", "de_minimis"}
_WHOLE = Label(en="What will the whole project cost?", ru="Сколько будет стоить весь проект?")
_ROUGHLY = Prose(
    en="Your own share included; roughly is enough.", ru="Вместе с вашим вкладом; достаточно примерной суммы."
)

Word = Literal["ok", "fail", "open", "later"]


def looked_at(rule: Rule, terms: Terms) -> set[str]:
    """The codes of the questions a rule looks at."""
    codes = {rule.question, *rule.questions, rule.owner_share, rule.leadership, rule.board, rule.before, rule.after}
    codes |= set(inputs(rule.condition, terms.questions)) if rule.condition is not None else set()
    if rule.kind in _OF_SUMS:
        codes |= {terms.keys.budget, terms.keys.own_share}
    return {code for code in codes if code}


def questions(terms: Terms, day: date) -> list[Question]:
    """The few questions that the rules of that day need, in the order of the form: those on which others hang
    included, and one sum in place of the table of costs."""
    wanted = {code for rule in terms.rules_on(day) for code in looked_at(rule, terms)}
    known = terms.questions
    for question in reversed(known.values()):
        if question.code in wanted and question.kind in ASKED and question.applies_when is not None:
            wanted.add(question.applies_when.question)
    found = []
    for code, question in known.items():
        if code == terms.keys.budget and code in wanted:
            found.append(Question(code=code, kind="money", label=_WHOLE, help=_ROUGHLY, min=0, required=False))
        elif code in wanted and question.kind in ASKED:
            found.append(_loosely(question))
    return found


def _loosely(question: Question) -> Question:
    """The question as a visitor is asked it: never required, and hanging on no more than one answer of the same page."""
    body = question.model_dump(by_alias=True, exclude_unset=True, exclude={"required", "when", "checks"})
    return Question.model_validate(body | {"required": False})


def answers_of(terms: Terms, wanted: list[Question], draft: Draft) -> dict[str, Any]:
    """What was answered, as the rules read it: the whole sum as one line of a budget."""
    given = {q.code: draft.values[q.code] for q in asked(wanted, draft.values) if q.code in draft.values}
    whole = given.pop(terms.keys.budget, None)
    if whole:
        given[terms.keys.budget] = [{"item": "", "unit": "", "quantity": "1", "price_minor": whole}]
    return given


def hanging(wanted: list[Question], draft: Draft, currency: str) -> dict[str, Hung]:
    """For each question that hangs on another of them: the sentence that says so, and what opens it."""
    return {code: hung for code, hung in page(wanted, wanted, draft, currency).hung.items() if hung.trigger}


@dataclass(frozen=True)
class Said:
    """What one rule says to a visitor. `open`: answers are missing; `later`: it needs papers, or who applies."""

    rule: Rule
    word: Word
    text: str


def said(
    terms: Terms, wanted: list[Question], draft: Draft, facts: Facts, places: Mapping[str, Any], lang: str
) -> list[Said]:
    """Every rule that concerns these answers, those not met first."""
    found = []
    labels = {question.code: question.label.in_(lang) for question in wanted}
    for finding in judge(terms, answers_of(terms, wanted, draft), facts):
        rule = rule_of(terms, finding.code, finding.params)
        if rule is None or finding.params.get("applies") is False:
            continue
        word = _word(finding, set(labels))
        if word == "open":  # in the words of this page, which asks one sum in place of a table
            missing = quoted(labels[code] for code in finding.params["missing"] if code in labels)
            text = str(_("Not answered: %(questions)s.", questions=missing))
        else:
            text = sentence(rule, terms, finding.verdict, finding.params, places, lang)
        found.append(Said(rule, word, text))
    order = ("fail", "open", "ok", "later")
    return sorted(found, key=lambda one: order.index(one.word))


def _word(finding: Finding, asked_here: set[str]) -> Word:
    missing = set(finding.params.get("missing") or ()) if finding.verdict != "ok" else set()
    if missing:
        return "open" if missing & asked_here else "later"
    if finding.params.get("not_known"):
        return "later"
    return "fail" if finding.verdict == "fail" else "ok"
