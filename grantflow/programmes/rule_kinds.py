"""Owns which kinds of rules of eligibility there are, which keys and units each takes, and where a rule comes from.

Leaves the rule itself to `terms`, what it refers to in a form to `check`, and judging by it to `eligibility`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from grantflow.engine.definition import Label
from grantflow.programmes.parts import Currency, Part

Comparison = Literal[">", ">=", "<", "<="]
Unit = Literal["%", "years", "months", "weeks", "days", "applications"] | Currency
RuleKind = Literal[
    "district_in_scope", "legal_form_in", "max_age_years", "women_majority", "asked_within", "own_share_min",
    "declaration_yes", "answered", "date_order",
    "women_own", "women_lead", "age", "amount", "term", "co_funding", "concurrent", "double_funding", "de_minimis",
    "unreturned", "training", "fiscal_sponsor",
]  # fmt: skip

COMMON = {
    "code", "kind", "label", "refusal", "applies_when", "when", "unanswered", "source", "valid_from", "valid_to", "waiver",
}  # fmt: skip
_LIMIT = {"operator", "value", "unit"}
RULE_KEYS: dict[str, tuple[set[str], set[str]]] = {
    "district_in_scope": ({"question"}, set()),
    "legal_form_in": ({"question", "values"}, set()),
    "max_age_years": ({"question", "years"}, set()),
    "women_majority": ({"leadership", "board", "leaders"}, {"owner_share", "owners"}),
    "asked_within": (set(), set()),
    "own_share_min": (set(), set()),
    "declaration_yes": ({"questions"}, set()),
    "answered": ({"questions"}, set()),
    "date_order": ({"before", "after"}, {"max_months"}),
    "women_own": ({"question", *_LIMIT}, set()),
    "women_lead": ({"leadership", *_LIMIT}, {"board"}),
    "age": ({"question", *_LIMIT}, set()),
    "amount": (_LIMIT, set()),
    "term": ({"before", "after", *_LIMIT}, set()),
    "co_funding": (_LIMIT, set()),
    "concurrent": (_LIMIT, {"within"}),
    "double_funding": (set(), {"question"}),
    "de_minimis": ({"years", *_LIMIT}, {"question", "rate"}),
    "unreturned": (set(), {"question"}),
    "training": ({"question"}, {"questions"}),
    "fiscal_sponsor": ({"question", "values", "questions"}, set()),
}
"""For each kind of rule: the keys it needs beside the common ones, and those it may have."""

_MONEY = {"amount", "de_minimis"}
_UNITS: dict[str, set[str]] = {
    "women_own": {"%"}, "women_lead": {"%"}, "co_funding": {"%"}, "age": {"years", "months"},
    "term": {"months", "weeks", "days"}, "concurrent": {"applications"},
}  # fmt: skip
_NAMED = {"%", "years", "months", "weeks", "days", "applications"}


class Source(Part):
    """Where a rule comes from: the document, the place in it, and the day from which that wording is."""

    document: Label
    article: Label
    on: date = Field(alias="date")


def compare(left: Any, operator: str, right: Any) -> bool:
    """Whether a value stands to a limit as the operator says: exactly half is not more than half."""
    return bool({">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator])


def fits(kind: str, given: set[str], unit: str | None, value: Decimal | None) -> str | None:
    """What is wrong with the keys, the unit or the value of a rule of this kind; None where nothing is."""
    needed, allowed = RULE_KEYS[kind]
    if foreign := sorted(given - COMMON - needed - allowed):
        return f"a rule of kind {kind} has no {', '.join(foreign)}"
    if missing := sorted(needed - given):
        return f"a rule of kind {kind} needs {', '.join(missing)}"
    if unit is None or value is None:
        return None
    if kind in _MONEY and unit in _NAMED:
        return f"a rule of kind {kind} counts in a currency"
    if kind in _UNITS and unit not in _UNITS[kind]:
        return f"a rule of kind {kind} counts in {' or '.join(sorted(_UNITS[kind]))}"
    if value < 0 or (unit == "%" and value > 100):
        return "the value lies outside of what it counts"
    if unit in _NAMED - {"%"} and value != value.to_integral_value():
        return f"the value counts whole {unit}"
    return None


class Dated(Part):
    """Something that holds from a day to a day, both included; without a day it has held, or holds on, for ever."""

    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Dated:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)
