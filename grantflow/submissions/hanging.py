"""Owns what of a page of a form hangs on answers: which questions are shown, what is computed, which checks speak.

Leaves drawing to the templates and truth to `programmes.hearing`. A simple condition on an answer of the same page is
folded by the page itself; everything else is decided here and told with each save.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from grantflow import rendering
from grantflow.money import Money
from grantflow.programmes.hearing import Heard, Standing, inputs
from grantflow.programmes.questions import Check, Question
from grantflow.submissions.answers import Draft


@dataclass(frozen=True)
class Hung:
    """How a question stands that hangs on answers.

    `trigger` and `values` where the page can fold it itself; else `state` is the server's word, and `fields` says
    whether an answer of this page may change it.
    """

    sentence: str
    trigger: str = ""
    values: tuple[str, ...] = ()
    state: str = "shown"
    fields: bool = True


@dataclass(frozen=True)
class Hint:
    """A check beside its question: it speaks while the answers break it."""

    anchor: str
    sentence: str
    speaks: bool


@dataclass(frozen=True)
class Page:
    """What of some questions of a form is on their page, and how it stands."""

    entries: tuple[Question, ...]
    """Those that have a place there, in order; of some only the sentence on what they hang."""
    fields: tuple[Question, ...]
    hung: Mapping[str, Hung]
    hints: Mapping[str, Sequence[Hint]]
    """By the code of their question; those of the whole page under ''."""
    computed: Mapping[str, str]
    waiting: str = ""
    """The one sentence for a page of which nothing is known yet."""

    @property
    def told(self) -> dict[str, dict[str, Any]]:
        """What a save may change on the page, by the id of the element: whether it is hidden, and its words."""
        found: dict[str, dict[str, Any]] = {f"value-{code}": {"text": text} for code, text in self.computed.items()}
        for code, hung in self.hung.items():
            if not hung.trigger:
                found[f"wait-{code}"] = {"hidden": hung.state != "unknown", "text": hung.sentence}
                if hung.fields:
                    found[f"ask-{code}"] = {"hidden": hung.state != "shown"}
        for hints in self.hints.values():
            found |= {hint.anchor: {"hidden": not hint.speaks} for hint in hints}
        return found


def page(
    everything: Iterable[Question],
    here: Sequence[Question],
    draft: Draft,
    currency: str,
    checks: Sequence[Check] = (),
) -> Page:
    """How the questions `here` of a form of `everything` stand by a draft; `checks` are those of the whole page."""
    heard = Heard(everything, draft.values)
    known, codes = heard.questions, {question.code for question in here}
    entries, fields, hung = [], [], {}
    for question in here:
        standing, condition = heard.standings[question.code], question.condition
        changes = condition is not None and bool(codes & set(inputs(condition, known)))
        if standing.state == "unknown":  # another page must be answered first
            changes = changes and bool(codes & set(standing.waits))
        if standing.state == "hidden" and not changes:
            continue
        entries.append(question)
        if standing.state == "shown" or changes:
            fields.append(question)
        if changes or standing.state == "unknown":
            hung[question.code] = _hung(question, standing, known, codes, changes)
    return Page(
        tuple(entries), tuple(fields), hung, _hints(heard, fields, checks), _computed(heard, here, currency),
        "" if fields else _waiting(heard, here),
    )  # fmt: skip


def _hung(question: Question, standing: Standing, known: Mapping[str, Question], here: set[str], changes: bool) -> Hung:
    simple, lang = question.applies_when, rendering.language()
    if simple is not None and simple.question in here and question.is_simple:
        parent = known[simple.question]
        if parent.kind == "yes_no":
            names = [_("Yes") if value == "yes" else _("No") for value in simple.values]
        else:
            names = [option.in_(lang) for value in simple.values if (option := parent.option(value))]
        sentence = _(
            "Only if you answered “%(question)s” with: %(answers)s.",
            question=parent.label.in_(lang),
            answers=", ".join(names),
        )
        return Hung(sentence, simple.question, simple.values, standing.state)
    sentence = _(
        "Whether “%(question)s” is asked depends on: %(answers)s.",
        question=question.label.in_(lang),
        answers=_named(standing.waits, known),
    )
    return Hung(sentence, state=standing.state, fields=changes)


def _named(codes: Iterable[str], known: Mapping[str, Question]) -> str:
    return rendering.quoted(known[code].label.in_(rendering.language()) for code in codes)


def _waiting(heard: Heard, here: Sequence[Question]) -> str:
    waits = {code: None for question in here for code in heard.standings[question.code].waits}
    return _("What is asked here depends on: %(answers)s.", answers=_named(waits, heard.questions)) if waits else ""


def _hints(heard: Heard, fields: Iterable[Question], checks: Sequence[Check]) -> dict[str, list[Hint]]:
    found = {}
    for code, own in (("", checks), *((question.code, question.checks) for question in fields)):
        broken = heard.failing(own) if not code or heard.standings[code].state == "shown" else []
        if own:
            found[code] = [
                Hint(f"hint-{code}-{n}", check.say.in_(rendering.language()), check in broken)
                for n, check in enumerate(own, 1)
            ]
    return found


def _computed(heard: Heard, here: Iterable[Question], currency: str) -> dict[str, str]:
    values = heard.computed()
    return {q.code: said(q, values.get(q.code), currency) for q in here if q.kind == "computed"}


def said(question: Question, value: Any, currency: str) -> str:
    """What was computed, in the reader's words; that it is not known yet where it is not."""
    if value is None:
        return str(_("not known yet"))
    if question.money:
        return str(rendering.money(Money(value, currency)))
    figure = rendering.number(Decimal(value), question.decimals)
    return f"{figure}\u00a0{question.unit.in_(rendering.language())}" if question.unit else figure
