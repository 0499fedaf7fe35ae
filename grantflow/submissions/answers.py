"""Owns the form as a whole, without a database: a draft, what is missing in it, what it adds up to, what
changed.

Leaves reading one answer to `reading`, and keeping anything to `service`.

A draft is two maps by question: `values`, what was understood, in the forms `programmes.questions` names,
and `raw`,
what was typed and not understood, kept so that it can be shown again with its sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext

from grantflow.history.canonical import canonical
from grantflow.programmes.expression import names
from grantflow.programmes.hearing import Heard
from grantflow.programmes.questions import Question, Section, is_answered
from grantflow.programmes.terms import Terms
from grantflow.submissions import budget
from grantflow.submissions.reading import Fault, Told, limits, read, settled, to_type

_MISSING = {
    "text": _("Write an answer."),
    "long_text": _("Write an answer; a few sentences are enough."),
    "choice": _("Choose one of the answers."),
    "choices": _("Tick at least one."),
    "yes_no": _("Choose yes or no."),
    "number": _("Write a number."),
    "money": _("Write a sum; 0 is an answer too."),
    "date": _("Write a date, for example 1.11.2021."),
    "district": _("Choose the district."),
    "file": _("Attach the file."),
    "budget": _("Write at least one line."),
    "declaration": _("Read it and tick it."),
    "counter": _("Write the numbers, 0 where there is nobody."),
    "table": _("Write at least one line."),
    "organisation": _("Write the name of the organisation."),
    "consent": _("Read it and tick it."),
}


@dataclass(frozen=True)
class Draft:
    """What a person has written so far."""

    values: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)

    def written(self, code: str) -> bool:
        """Whether anything at all stands there, understood or not."""
        return code in self.raw or self.values.get(code) not in (None, "", [], {})

    def shown(self, question: Question, currency: str) -> Any:
        """What the page fills the question with: the raw text where there is some, else the value as one
        types it."""
        if question.code in self.raw:
            return self.raw[question.code]
        return to_type(question, self.values.get(question.code), currency)


def save(
    draft: Draft,
    questions: Iterable[Question],
    typed: Mapping[str, Any],
    currency: str,
    lang: str | None = None,
) -> tuple[Draft, list[Fault]]:
    """Take typed answers into a draft: anything goes, nothing is lost. Gives back what is to be told at once.

    Only questions named in `typed` are touched. What cannot be understood is kept as `raw` beside no value.
    """
    values, raw = dict(draft.values), dict(draft.raw)
    faults: list[Fault] = []
    for question in questions:
        if question.code not in typed or question.kind == "file":
            continue
        found = read(question, typed[question.code], currency, lang)
        values.pop(question.code, None)
        raw.pop(question.code, None)
        if found.value is not None:
            values[question.code] = settled(question, found.value, draft.values.get(question.code))
        if found.raw is not None:
            raw[question.code] = found.raw
        faults += [f for f in found.faults if f.at_once]
    return Draft(values, raw), faults


def faults_of(
    questions: Iterable[Question], draft: Draft, currency: str, today: date, lang: str | None = None
) -> list[Fault]:
    """Everything that stands between this draft and being sent, in the order of the form. Files are among
    `values`."""
    found: list[Fault] = []
    questions = list(questions)
    heard = Heard(questions, draft.values)
    for question in questions:
        code = question.code
        if heard.standings[code].state != "shown":
            continue
        if code in draft.raw:
            again = read(question, draft.raw[code], currency, lang).faults
            found += again or (Fault(code, _("Write this once more."), "unreadable"),)
            continue
        value = draft.values.get(code)
        if not is_answered(question, value):
            if question.required:
                found.append(Fault(code, _MISSING[question.kind], "missing"))
            continue
        if question.kind == "file":
            found += scan_faults(code, value or ())
        if question.kind not in ("file", "budget", "computed"):
            found += read(question, to_type(question, value, currency), currency, lang).faults
        found += limits(question, value, currency, today)
        found += [Fault(code, Told(check.say), "check") for check in heard.failing(question.checks)]
    return found


def scan_faults(code: str, files: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """What the check of attached files has to say: one that is not over holds the sending, a harmful file too."""
    found = []
    for item in files:
        if item.get("scan") == "waiting":
            said = _("%(name)s is still being checked. It can be sent as soon as the check is over.", name=item["name"])
            found.append(Fault(code, said, "missing"))
        elif item.get("scan") == "infected":
            said = _(
                "The check found something harmful in %(name)s. Take it away and attach a clean copy.",
                name=item["name"],
            )
            found.append(Fault(code, said, "wrong"))
    return found


def across(terms: Terms, draft: Draft) -> list[Fault]:
    """What two answers say against each other: an end before its start, an own share above the whole."""
    keys, values = terms.keys, draft.values
    found = []
    start, end = values.get(keys.starts_on), values.get(keys.ends_on)
    if start and end and end < start:
        found.append(Fault(keys.ends_on, _("The last day is before the first. Write a later day."), "wrong"))
    sums = Sums.of(terms, draft)
    if sums.own is not None and sums.waiting == 0 and values.get(keys.budget) and sums.own > sums.total:
        found.append(
            Fault(
                keys.own_share,
                _("Your own share is more than the whole budget. Write a smaller sum."),
                "wrong",
            )
        )
    return found


def between(terms: Terms, draft: Draft) -> list[Fault]:
    """The checks of sections that the answers break, each told at the first question of the section it speaks of."""
    if not any(section.checks for section in terms.form):
        return []
    heard, found = Heard(terms.questions.values(), draft.values), []
    for section in terms.form:
        shown = [q.code for q in section.questions if heard.standings[q.code].state == "shown"]
        for check in heard.failing(section.checks) if shown else ():
            named = [code for code in shown if code in names(check.node)] or shown
            found.append(Fault(named[0], Told(check.say), "check"))
    return found


def all_faults(terms: Terms, draft: Draft, today: date) -> list[Fault]:
    """Everything to correct before the application can be sent, in the order of the form."""
    found = faults_of(terms.questions.values(), draft, terms.currency, today)
    found += across(terms, draft) + between(terms, draft)
    places = {code: at for at, code in enumerate(terms.questions)}
    return sorted(found, key=lambda fault: places[fault.question])


@dataclass(frozen=True)
class Sums:
    """What the budget adds up to, in minor units of the call's currency. `own` is None until it is
    written."""

    total: int
    own: int | None
    waiting: int
    lines: tuple[int | None, ...] = ()

    @classmethod
    def of(cls, terms: Terms, draft: Draft) -> Sums:
        """The sums of a draft. Lines that are not understood are counted in `waiting`, never in the total."""
        keys = terms.keys
        own = draft.values.get(keys.own_share)
        if keys.budget in draft.raw:
            sheet = budget.read(draft.raw[keys.budget], terms.currency, terms.questions[keys.budget].max_lines)
            return cls(sheet.total, own, sheet.waiting, tuple(sheet.sums))
        lines = draft.values.get(keys.budget) or []
        sums = tuple(budget.line_sum(Decimal(line["quantity"]), line["price_minor"]) for line in lines)
        return cls(sum(sums), own, 0, sums)

    @property
    def asked(self) -> int | None:
        """What is asked from the grant: the total less the own share; None while either is open, or below
        zero. A budget that was written and adds up to nothing asks for nothing."""
        if self.own is None or not any(line is not None for line in self.lines):
            return None
        return self.total - self.own if self.own <= self.total else None

    @property
    def own_percent(self) -> Decimal | None:
        """The own share in per cent of the whole, to a tenth."""
        return None if self.own is None else budget.share(self.own, self.total)


@dataclass(frozen=True)
class SectionState:
    """How far a section is. `state`: "ok" complete, "go" begun, "fix" something to correct, "" not
    started."""

    section: Section
    state: Literal["ok", "go", "fix", ""]
    words: Any
    faults: tuple[Fault, ...]


def sections(terms: Terms, draft: Draft, today: date, *, told: bool = False) -> list[SectionState]:
    """Every section with its state. `told`: what is missing counts as to be corrected too (after a refused
    check)."""
    faults = all_faults(terms, draft, today)
    standings = Heard(terms.questions.values(), draft.values).standings
    found = []
    for section in terms.form:
        codes = [q.code for q in section.questions if standings[q.code].state == "shown"]
        mine = tuple(f for f in faults if f.question in codes)
        begun = any(draft.written(code) for code in codes)
        fix = len([f for f in mine if f.at_once or told])
        state: Literal["ok", "go", "fix", ""]
        words: Any
        if not codes and any(standings[q.code].state == "unknown" for q in section.questions):
            state, words = "", _("Not known yet: it depends on another answer")
        elif fix:
            state, words = "fix", lazy_ngettext("%(num)d thing to correct", "%(num)d things to correct", fix)
        elif not mine:
            state, words = "ok", _("Complete") if begun else _("Nothing is needed here")
        elif begun:
            state, words = "go", _("In progress")
        else:
            state, words = "", _("Not started")
        found.append(SectionState(section, state, words, mine))
    return found


def final(terms: Terms, draft: Draft) -> dict[str, Any]:
    """The answers as they are sent: those of questions that are asked and answered and what is computed from them,
    nothing else."""
    return final_of(terms.questions.values(), draft)


def final_of(questions: Iterable[Question], draft: Draft) -> dict[str, Any]:
    """The same of any list of questions."""
    heard = Heard(questions, draft.values)
    given = {code: value for code, value in heard.answers.items() if is_answered(heard.questions[code], value)}
    return given | heard.computed()


def sealed(answers: Mapping[str, Any]) -> tuple[str, str]:
    """The canonical JSON of submitted answers and its SHA-256: what the receipt shows and a stranger can
    verify."""
    text = canonical(dict(answers))
    return text, hashlib.sha256(text.encode()).hexdigest()


def changed(questions: Iterable[Question], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The codes of questions whose answers differ, in the order of the form."""
    return [q.code for q in questions if before.get(q.code) != after.get(q.code)]


def facts(terms: Terms, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The key facts of submitted answers: what the history shows before and after. Sums in minor units."""
    sums = Sums.of(terms, Draft(dict(answers)))
    keys = terms.keys
    return {
        "title": answers.get(keys.title, ""),
        "district": answers.get(keys.district),
        "award_type": answers.get(keys.award_type),
        "grant_kind": answers.get(keys.grant_kind),
        "whole_budget": sums.total,
        "own_share": sums.own,
        "asked": sums.asked,
        "files": sum(len(answers.get(code) or ()) for code, q in terms.questions.items() if q.kind == "file"),
    }
