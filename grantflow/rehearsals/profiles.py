"""Owns the sample profiles on which the rules of a call are tried: one that meets them all, one that stands on every
limit, and for each rule one that just fails it. They are made from the pack by rule, nobody writes them.

Pure: which answers stand near a limit is guessed here, whether they meet the rule is asked of the rule itself, so that
a sample cannot say otherwise than the check of an application.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, Literal

from grantflow.eligibility.finding import Finding
from grantflow.eligibility.rules import judge, judge_rule
from grantflow.programmes.parts import add_period
from grantflow.programmes.terms import Rule, Terms
from grantflow.rehearsals.invented import Answers, Setting, own_percent, sums, whole
from grantflow.submissions.answers import Draft, Sums, all_faults

_LETTERS = {"years": ("M", 12), "months": ("M", 1), "weeks": ("W", 1), "days": ("D", 1)}


@dataclass(frozen=True)
class Profile:
    """Answers with what every rule says to them. `rule` is the one it was made to fail; `changed` holds the codes of
    the answers that differ from those of the first profile."""

    kind: Literal["meets", "limits", "fails"]
    rule: Rule | None
    answers: Answers
    changed: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failing(self) -> list[Finding]:
        """The rules it does not meet."""
        return [finding for finding in self.findings if finding.verdict == "fail"]

    @property
    def met(self) -> int:
        """How many rules it meets."""
        return sum(finding.verdict == "ok" for finding in self.findings)


def profiles(terms: Terms, setting: Setting) -> tuple[list[Profile], list[Rule]]:
    """The profiles, and the rules that no answers fail: they look at papers, other applications or other grants."""
    base = meeting(terms, setting)
    edge, untried = dict(base), []
    made: list[Profile] = []
    for rule in terms.rules_on(setting.closes_on):
        on_it = (change for change in _near(rule, terms, setting, edge) if _stands(rule, terms, setting, edge, change))
        edge |= next(on_it, {})
        failing = _first(rule, terms, setting, base, _near(rule, terms, setting, base), "fail")
        if failing is None:
            untried.append(rule)
        else:
            made.append(_profile("fails", rule, terms, setting, base, {**base, **failing}))
    first = [_profile("meets", None, terms, setting, base, base)]
    if edge != base:
        first.append(_profile("limits", None, terms, setting, base, edge))
    return first + made, untried


def meeting(terms: Terms, setting: Setting) -> Answers:
    """Answers that can be sent and meet every rule that answers can meet."""
    found = whole(terms, setting)
    bends: list[Answers] = []
    for rule in terms.rules_on(setting.closes_on):
        if judge_rule(rule, terms, found, setting.facts).verdict != "fail":
            continue
        if (change := _first(rule, terms, setting, found, _near(rule, terms, setting, found), "ok")) is not None:
            bends.append(change)
            found |= change
    return whole(terms, setting, bends) if bends else found


def failing(terms: Terms, setting: Setting) -> Answers | None:
    """Answers that can be sent and fail one rule: what an officer meets. None where no such answers are found."""
    base = meeting(terms, setting)
    for rule in terms.rules_on(setting.closes_on):
        for change in _near(rule, terms, setting, base):
            found = {**base, **change}
            if _word(rule, terms, setting, found) == "fail" and not all_faults(terms, Draft(found), setting.today):
                return found
    return None


def _profile(kind: Any, rule: Rule | None, terms: Terms, setting: Setting, base: Answers, found: Answers) -> Profile:
    changed = tuple(code for code in terms.questions if base.get(code) != found.get(code))
    given = {code: value for code, value in found.items() if value is not None}
    return Profile(kind, rule, given, changed, tuple(judge(terms, given, setting.facts)))


def _word(rule: Rule, terms: Terms, setting: Setting, answers: Answers) -> str:
    given = {code: value for code, value in answers.items() if value is not None}
    return judge_rule(rule, terms, given, setting.facts).verdict


def _stands(rule: Rule, terms: Terms, setting: Setting, edge: Answers, change: Answers) -> bool:
    """Whether a profile that stands on limits still does with one more of them: it meets this rule, and no rule less."""
    tried = {**edge, **change}
    if _word(rule, terms, setting, tried) != "ok":
        return False
    before, after = (_profile("limits", None, terms, setting, edge, found) for found in (edge, tried))
    return {finding.code for finding in after.failing} <= {finding.code for finding in before.failing}


def _first(
    rule: Rule, terms: Terms, setting: Setting, base: Answers, near: Iterable[Answers], word: str
) -> Answers | None:
    return next((change for change in near if _word(rule, terms, setting, {**base, **change}) == word), None)


def _near(rule: Rule, terms: Terms, setting: Setting, base: Answers) -> Iterator[Answers]:
    """Changes of the answers that stand near the limit of a rule, the nearest first, each where the rule concerns it."""
    given = rule.applies_when
    concerned: list[Answers] = [{}]
    if given is not None:
        values = {"yes": True, "no": False}
        concerned = [{given.question: values.get(value, value)} for value in given.values]
        concerned.sort(key=lambda change: change.items() <= base.items(), reverse=True)
    for first, change in product(concerned, list(_changes(rule, terms, setting, base))):
        yield first | change


def _changes(rule: Rule, terms: Terms, setting: Setting, base: Answers) -> Iterator[Answers]:
    kind, question = rule.kind, rule.question or ""
    if kind == "district_in_scope":
        yield from ({question: code} for code in (*setting.districts[:1], *setting.elsewhere[:1]))
    elif kind in ("legal_form_in", "training", "unreturned", "fiscal_sponsor"):
        asked = terms.questions.get(question)
        values = asked.values if asked is not None else ()
        yield from ({question: {"yes": True, "no": False}.get(value, value)} for value in values)
    elif kind in ("max_age_years", "age"):
        yield from ({question: day.isoformat()} for day in _ages(rule, setting))
    elif kind in ("women_majority", "women_own", "women_lead"):
        yield from _women(rule)
    elif kind in ("asked_within", "amount"):
        limits = [terms.min_ask_minor, terms.max_ask_minor] if kind == "asked_within" else [int(rule.value or 0) * 100]
        percent = own_percent(terms, setting)
        yield from (sums(terms, asked, percent) for limit in limits for asked in _around(limit, 100) if asked > 0)
    elif kind in ("own_share_min", "co_funding"):
        yield from _shares(terms, base, rule.value if kind == "co_funding" else terms.own_share_min)
    elif kind in ("date_order", "term"):
        yield from _terms(rule, base)
    elif kind == "de_minimis" and question:
        limit = int((rule.value or 0) * (rule.rate or 1) * 100) - (Sums.of(terms, Draft(base)).asked or 0)
        yield from ({question: declared} for declared in _around(limit, 1) if declared >= 0)
    if kind in ("declaration_yes", "answered", "training", "fiscal_sponsor"):
        yield from ({code: None} for code in rule.questions)
    if question and kind not in ("district_in_scope", "double_funding"):
        yield {question: None}


def _around(limit: int, step: int) -> tuple[int, int, int]:
    return limit, limit - step, limit + step


def _ages(rule: Rule, setting: Setting) -> Iterator[date]:
    """Days of registration on which the age is as much as the limit on the closing day, and those beside them."""
    letter, times = _LETTERS[rule.unit or "years"]
    count = int(rule.value or 0) if rule.kind == "age" else rule.years or 0
    length = f"P{count * times}{letter}"
    day = setting.closes_on - (add_period(setting.closes_on, length) - setting.closes_on)
    while add_period(day, length) < setting.closes_on:
        day += timedelta(days=1)
    yield from (day, day - timedelta(days=1), day + timedelta(days=1))


def _women(rule: Rule) -> Iterator[Answers]:
    """Shares of women at the limits: of the owners, of those who lead, of the board."""
    shares: list[Answers] = [{}]
    if (owned := rule.owner_share or (rule.question if rule.kind == "women_own" else None)) is not None:
        limit = rule.owners.percent if rule.owners else rule.value or Decimal(0)
        shares = [{owned: str(n)} for n in (limit, limit + 1, limit - 1) if 0 <= n <= 100]
    heads: list[Answers] = [{}]
    if rule.leadership is not None:
        counts = [(1, 1), (2, 1), (1, 2), (3, 0), (0, 3), (51, 49), (50, 50)]
        codes = [code for code in (rule.leadership, rule.board) if code]
        heads = [{code: {"women": w, "men": m, "not_stated": 0} for code in codes} for w, m in counts]
    yield from (share | head for share, head in product(shares, heads))


def _shares(terms: Terms, base: Answers, percent: Decimal | None) -> Iterator[Answers]:
    """The same sum asked, of a whole in which the own share is just as much as it must be, and those beside it."""
    asked = Sums.of(terms, Draft(base)).asked or terms.max_ask_minor
    exact = sums(terms, asked, percent or Decimal(0))
    for own in _around(exact[terms.keys.own_share], 1):
        if own >= 0:
            line = {**exact[terms.keys.budget][0], "price_minor": asked + own}
            yield {terms.keys.budget: [line], terms.keys.own_share: own}


def _terms(rule: Rule, base: Answers) -> Iterator[Answers]:
    if not base.get(rule.before or ""):
        return
    start, letter, times = date.fromisoformat(base[rule.before or ""]), "M", 1
    count = rule.max_months or 0
    if rule.kind == "term":
        (letter, times), count = _LETTERS[rule.unit or "months"], int(rule.value or 0)
    end = add_period(start, f"P{count * times}{letter}") if count else start + timedelta(days=30)
    days = (end, end + timedelta(days=1), end - timedelta(days=1), start - timedelta(days=1))
    yield from ({rule.after or "": day.isoformat()} for day in days)
