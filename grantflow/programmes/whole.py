"""A call on one page, to be read and printed by anybody before signing in, and after it has closed: every question with
its answers and conditions, rules, criteria with what the points mean, and the rules of the money.

What is public is said by `public.page_of_call`; nothing here changes anything.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from grantflow import rendering
from grantflow.programmes.hearing import inputs
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import Terms, Tranche


def both(text: Any) -> tuple[str, str]:
    """A text in the reader's language and "", or in the other one and that one's code where theirs is missing."""
    lang = rendering.language()
    if own := str(text.in_(lang)).strip():
        return own, ""
    other = "ru" if lang == "en" else "en"
    return str(text.in_(other)).strip(), other


def only_if(terms: Terms, question: Question) -> str:
    """On which answers a question hangs, in a sentence; nothing where it is always asked."""
    if question.condition is not None and not question.is_simple:
        known = terms.questions
        labels = [both(known[code].label)[0] for code in inputs(question.condition, known) if code in known]
        return str(_("Asked or not by your answers to: %(questions)s.", questions="; ".join(labels)))
    condition = question.applies_when
    parent = terms.questions.get(condition.question) if condition is not None else None
    if condition is None or parent is None:
        return ""
    if parent.kind == "yes_no":
        names = [_("Yes") if value == "yes" else _("No") for value in condition.values]
    else:
        names = [both(option)[0] for value in condition.values if (option := parent.option(value))]
    said = _(
        "Only if you answered “%(question)s” with: %(answers)s.",
        question=both(parent.label)[0], answers=", ".join(names),
    )  # fmt: skip
    return str(said)


def paid_when(terms: Terms, tranche: Tranche) -> str:
    """What a part of the grant waits for, in words."""
    report = terms.report(tranche.report) if tranche.report else None
    if report is None:
        return str(_("when the agreement is signed"))
    return str(_("when this report is accepted: %(report)s", report=both(report.label)[0]))
