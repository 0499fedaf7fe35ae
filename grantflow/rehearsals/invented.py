"""Owns answers that nobody gave: for any form whatever of a pack, answers that can be sent and meet its rules.

Pure. They are made from the questions' own bounds, then bent where a rule or a check of the form says no; what cannot
be bent so is left for a person to write. What each rule says at its limit is tried in `profiles`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stdnum.ru import inn, ogrn

from grantflow.eligibility.finding import Facts, Known
from grantflow.eligibility.precheck import looked_at
from grantflow.eligibility.rules import judge
from grantflow.programmes.expression import names
from grantflow.programmes.parts import plain
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import Terms
from grantflow.submissions.answers import Draft, all_faults, faults_of

Answers = dict[str, Any]
TRIES = 60
"""How many times answers are bent in vain before a person is asked."""
_TEXT = "Written for a rehearsal. / Написано для репетиции."


@dataclass(frozen=True)
class Setting:
    """What the answers of a form have to fit: the day on which they are written, the days of the call and its places."""

    today: date
    closes_on: date
    results_on: date
    districts: tuple[str, ...]
    elsewhere: tuple[str, ...]
    budget_minor: int
    turn: int = 1
    """Which of several applications it is: their titles and numbers differ."""

    @property
    def facts(self) -> Facts:
        """What the rules know beside the answers: a body that has never applied."""
        return Facts(frozenset(self.districts), self.closes_on, self.results_on, Known())


def answer(question: Question, setting: Setting) -> Any:
    """An answer of this kind within the bounds of its question, in the form in which answers are kept; None for none."""
    kinds: dict[str, Callable[[Question, Setting], Any]] = {
        "text": _text, "long_text": _text, "choice": lambda q, s: q.options[0].value, "choices": _choices,
        "yes_no": lambda q, s: True, "number": _number, "money": _money, "date": _date,
        "district": lambda q, s: (s.districts + s.elsewhere + ("",))[0] or None,
        "file": lambda q, s: [{"name": f"rehearsal.{q.accept[0]}"}], "budget": _budget,
        "declaration": lambda q, s: True, "counter": _counter, "table": _table,
        "organisation": lambda q, s: {"name": "Rehearsal body / Организация для репетиции"},
        "consent": lambda q, s: {"at": "", "language": "en", "sha256": ""},
    }  # fmt: skip
    made = kinds.get(question.kind)
    return made(question, setting) if made else None


def _text(question: Question, setting: Setting) -> str:
    if question.format == "inn":
        body = f"10010{setting.turn:04d}"
        return body + inn.calc_company_check_digit(body)
    if question.format == "ogrn":
        body = f"11010010{setting.turn:04d}"
        return body + ogrn.calc_check_digit(body + "0")
    if question.format == "email":
        return f"applicant{setting.turn}@rehearsal.example"
    if question.format == "phone":
        return "+7 8142 000-000"
    longest = question.max_length if question.kind == "text" else question.limit or len(_TEXT)
    return _TEXT[:longest]


def _choices(question: Question, setting: Setting) -> list[str]:
    least = int(question.min or 1)
    return [option.value for option in question.options[: max(1, least)]]


def _within(question: Question, wish: Decimal) -> Decimal:
    low, high = question.min, question.max
    if low is not None and wish < low:
        return low
    return high if high is not None and wish > high else wish


def _number(question: Question, setting: Setting) -> str:
    return plain(_within(question, Decimal(100 if question.unit and question.unit.en == "%" else 10)))


def _money(question: Question, setting: Setting) -> int:
    return int(_within(question, Decimal(1000)) * 100)


def _date(question: Question, setting: Setting) -> str:
    return (setting.today - timedelta(days=400)).isoformat()


def _budget(question: Question, setting: Setting) -> list[dict[str, Any]]:
    return [{"item": _TEXT, "unit": "1", "quantity": "1", "price_minor": 100_000}]


def _counter(question: Question, setting: Setting) -> dict[str, int]:
    whole = int(_within(question, Decimal(4)))
    return {"women": whole, "men": 0, "not_stated": 0}


def _table(question: Question, setting: Setting) -> list[dict[str, Any]]:
    line: dict[str, Any] = {}
    for column in question.columns:
        if column.kind == "country":
            line[column.code] = "RU"
        elif column.kind == "year":
            line[column.code] = int(_within(column.question, Decimal(setting.today.year)))
        else:
            line[column.code] = answer(column.question, setting)
    return [line] * max(1, question.min_lines)


def sums(terms: Terms, asked: int, percent: Decimal) -> Answers:
    """The table of costs and the own share with which this sum is asked and the own share is this part of the whole."""
    whole = -(-asked * 100 // (100 - percent)) if percent < 100 else Decimal(asked)
    costs = [{"item": _TEXT, "unit": "1", "quantity": "1", "price_minor": int(whole)}]
    return {terms.keys.budget: costs, terms.keys.own_share: int(whole) - asked}


def own_percent(terms: Terms, setting: Setting) -> Decimal:
    """An own share that meets every rule about it, as a whole number of per cent where there is one."""
    least = [terms.own_share_min]
    for rule in terms.rules_on(setting.closes_on):
        if rule.kind == "co_funding" and rule.value is not None and rule.operator in (">", ">="):
            least.append(rule.value)
    return min(Decimal(95), max(least) + 5)


def whole(terms: Terms, setting: Setting, bend: Iterable[Answers] = ()) -> Answers:
    """Answers to the whole application form that can be sent. `bend`: what the rules want of them, tried in turn."""
    found = {q.code: made for q in terms.questions.values() if (made := answer(q, setting)) is not None}
    keys = terms.keys
    asked = min((terms.min_ask_minor + terms.max_ask_minor) // 2, setting.budget_minor)
    found |= sums(terms, asked, own_percent(terms, setting))
    found |= _of_keys(terms, setting)
    told = [
        rule.question for rule in terms.rules_on(setting.closes_on) if rule.kind in ("double_funding", "unreturned")
    ]
    found |= {code: False for code in told if code}
    found[keys.title] = f"Rehearsal {setting.turn} / Репетиция {setting.turn}"
    for change in bend:
        found |= change
    return bent(found, terms.questions.values(), terms.currency, setting, terms=terms)


def _of_keys(terms: Terms, setting: Setting) -> Answers:
    """What the house itself must know: the kinds of grant this call gives, and days after its results."""
    first = setting.results_on + timedelta(days=20)
    found: Answers = {
        terms.keys.starts_on: first.isoformat(),
        terms.keys.ends_on: (first + timedelta(days=200)).isoformat(),
    }
    for code, allowed in ((terms.keys.award_type, terms.award_types), (terms.keys.grant_kind, terms.grant_kinds)):
        values = [value for value in terms.questions[code].values if value in allowed]
        found |= {code: values[0]} if values else {}
    if terms.keys.title_en:
        found[terms.keys.title_en] = f"Rehearsal {setting.turn}"
    return found


def bent(
    found: Answers, questions: Iterable[Question], currency: str, setting: Setting, *, terms: Terms | None = None
) -> Answers:
    """The same answers, bent until form and rules have nothing to say against them; the best there is after `TRIES`.

    Chance chooses among few values, always the same chance: who rehearses twice sees the same answers twice.
    """
    known = {question.code: question for question in questions}
    best, wrong = found, _wrong(found, known, currency, setting, terms)
    exact = {terms.keys.budget, terms.keys.own_share} if terms is not None else set()
    # What was reckoned out is bent last.
    chance = random.Random(1)  # noqa: S311  no secret
    vain = 0
    while wrong and vain < TRIES:
        vain += 1
        codes = sorted(set().union(*wrong) & set(known) - exact or set().union(*wrong) & set(known))
        tried = dict(best)
        for code in chance.sample(codes, min(len(codes), 1 + vain % 3)):
            tried[code] = chance.choice(others(known[code], setting))
        left = _wrong(tried, known, currency, setting, terms)
        if len(left) < len(wrong):
            best, wrong, vain = tried, left, 0
    return best


def _wrong(
    found: Mapping[str, Any], known: Mapping[str, Question], currency: str, setting: Setting, terms: Terms | None
) -> list[set[str]]:
    """For each thing that is wrong with these answers, the questions that have a say in it."""
    draft = Draft(dict(found))
    if terms is None:
        return [
            _named(known, fault.question, None) for fault in faults_of(known.values(), draft, currency, setting.today)
        ]
    wrong = [_named(known, fault.question, terms) for fault in all_faults(terms, draft, setting.today)]
    rules = {rule.code: rule for rule in terms.rules_on(setting.closes_on)}
    failed = [one.code for one in judge(terms, draft.values, setting.facts) if one.verdict == "fail"]
    return wrong + [looked_at(rules[code], terms) for code in failed]


def _named(known: Mapping[str, Question], code: str, terms: Terms | None) -> set[str]:
    """A question, and whatever its checks and those of its section speak of."""
    question = known[code]
    section = next((s for s in terms.form if question in s.questions), None) if terms is not None else None
    checks = (*question.checks, *(section.checks if section is not None else ()))
    return {code}.union(*(names(check.node) for check in checks))


def others(question: Question, setting: Setting) -> list[Any]:
    """Other answers that might do, few of each kind; none at all where none is asked for."""
    return [*_others(question, setting), *([] if question.required else [None])]


def _others(question: Question, setting: Setting) -> list[Any]:
    low, high = question.min or Decimal(0), question.max or (question.min or Decimal(0)) + 1000
    between = [low, high, (low + high) // 2, low + 1]
    if question.kind == "number":
        return [plain(value) for value in between]
    if question.kind == "money":
        return [int(value * 100) for value in between]
    if question.kind in ("choice", "yes_no"):
        return [True, False] if question.kind == "yes_no" else list(question.values)
    if question.kind == "choices":
        most = int(question.max or len(question.values))
        return [list(question.values[:most]), list(question.values[-max(1, int(question.min or 1)) :])]
    if question.kind == "date":
        days = (-2000, -400, -30, 0, 60, 200, 400)
        return [(setting.today + timedelta(days=n)).isoformat() for n in days]
    if question.kind == "counter":
        return [{"women": int(n), "men": 0, "not_stated": 0} for n in between]
    if question.kind == "table":
        costs = {column.code: 100_000_000 for column in question.columns if column.kind == "money"}
        return [[{**line, **costs} for line in _table(question, setting)], _table(question, setting)]
    return [answer(question, setting)]
