"""Owns what answers are worth to the expressions of a form: their values, what is computed from them, what is asked.

Leaves the language to `expression` and the schema of questions to `questions`.

A question is shown, hidden, or not yet known: its condition hangs on an answer that is still to come. Answers of
questions that are not shown count for nothing, so that what somebody wrote before changing their mind decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Literal

from grantflow.programmes import expression
from grantflow.programmes.expression import Node
from grantflow.programmes.parts import plain

if TYPE_CHECKING:
    from grantflow.programmes.questions import Check, Question

SEXES = ("women", "men", "not_stated")
State = Literal["shown", "hidden", "unknown"]


def line_sum(quantity: Decimal, price_minor: int) -> int:
    """Price times quantity in minor units; half a unit is rounded up, as on a till."""
    return int((quantity * price_minor).quantize(Decimal(1), ROUND_HALF_UP))


def is_answered(question: Question, answer: Any) -> bool:
    """Whether anything was answered: "no" and 0 are answers, blanks, empty lists and an unticked declaration
    are not."""
    if question.kind == "declaration":
        return answer is True
    if question.kind == "counter":
        return isinstance(answer, Mapping) and any(answer.get(key) is not None for key in SEXES)
    if answer is None or answer == [] or answer == {}:
        return False
    return bool(answer.strip()) if isinstance(answer, str) else True


def value_of(question: Question, answer: Any) -> Any:
    """A kept answer as expressions see it, None where it is not there or has not the form of its kind."""
    if not is_answered(question, answer):
        return None
    try:
        return _worth(question, answer)
    except (ArithmeticError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _worth(question: Question, answer: Any) -> Any:
    kind = question.kind
    if kind == "counter":
        counts = {sex: Decimal(int(answer.get(sex) or 0)) for sex in SEXES}
        return counts | {"total": sum(counts.values(), Decimal(0))}
    if kind == "choices":
        return frozenset(str(tick) for tick in answer)
    if kind == "budget":
        sums = (line_sum(Decimal(line["quantity"]), line["price_minor"]) for line in answer)
        return tuple({"sum": Decimal(minor).scaleb(-2)} for minor in sums)
    if kind == "table":
        kinds = {column.code: column.kind for column in question.columns}
        return tuple({code: _cell(kinds.get(code, ""), cell) for code, cell in line.items()} for line in answer)
    if kind == "file":
        return tuple({} for _file in answer)
    if kind == "organisation":
        return {name: str(answer[name]) for name in ("name", "number") if answer.get(name)}
    if kind == "consent":
        return True
    return _cell(kind, answer)


def _cell(kind: str, value: Any) -> Any:
    if kind == "money":
        return Decimal(value).scaleb(-2)
    if kind in ("number", "year"):
        return Decimal(value)
    if kind == "date":
        return date.fromisoformat(value)
    return value if isinstance(value, str | bool) else None


@dataclass(frozen=True)
class Standing:
    """Where a question stands; `waits` are the questions on whose answers it hangs while that is not yet known."""

    state: State
    waits: tuple[str, ...] = ()


SHOWN, HIDDEN = Standing("shown"), Standing("hidden")


class Heard:
    """The answers of a form as its conditions hear them, in its order; `standings` says where each question stands."""

    def __init__(self, questions: Iterable[Question], answers: Mapping[str, Any]) -> None:
        self.questions = {question.code: question for question in questions}
        self.answers: dict[str, Any] = {}
        """Those of questions that are shown; what is computed is not among them."""
        self.standings: dict[str, Standing] = {}
        self._known: dict[str, Any] = {}
        for code, question in self.questions.items():
            standing = self.standings[code] = self.standing(question.condition)
            if standing.state == "shown" and question.kind != "computed" and code in answers:
                self.answers[code] = answers[code]
            self._known.clear()

    def value(self, code: str) -> Any:
        """What an expression reads there: None where nothing is known."""
        if code not in self._known:
            self._known[code] = None  # whatever hangs on itself is never known
            self._known[code] = self._value(code)
        return self._known[code]

    def answered(self, code: str) -> bool:
        """Whether anything is answered there, and asked at all."""
        question = self.questions.get(code)
        if question is not None and question.kind == "computed":
            return self.value(code) is not None
        return question is not None and is_answered(question, self.answers.get(code))

    def _value(self, code: str) -> Any:
        question = self.questions.get(code)
        if question is None:
            return None
        if question.formula is None:
            return value_of(question, self.answers.get(code))
        if self.standings.get(code) != SHOWN:
            return None
        found = expression.evaluate(question.formula, self)
        return expression.rounded(found, question.places) if isinstance(found, Decimal) else None

    def standing(self, condition: Node | None) -> Standing:
        """Where something with this condition stands now."""
        if condition is None:
            return SHOWN
        truth = expression.evaluate(condition, self)
        if isinstance(truth, bool):
            return SHOWN if truth else HIDDEN
        waits: dict[str, None] = {}
        for code in inputs(condition, self.questions):
            standing = self.standings.get(code, HIDDEN)
            if standing.state == "unknown":
                waits |= dict.fromkeys(standing.waits)
            elif standing == SHOWN and self.questions[code].kind != "computed" and not self.answered(code):
                waits[code] = None
        return Standing("unknown", tuple(waits)) if waits else HIDDEN

    def computed(self) -> dict[str, Any]:
        """What is computed and known, in the forms answers are kept in: minor units, or a decimal as text."""
        found: dict[str, Any] = {}
        for code, question in self.questions.items():
            if question.kind == "computed" and isinstance(value := self.value(code), Decimal):
                found[code] = int(value.scaleb(2)) if question.money else plain(value)
        return found

    def failing(self, checks: Iterable[Check]) -> list[Check]:
        """The checks that these answers break; one that hangs on a missing answer is not broken."""
        return [check for check in checks if expression.evaluate(check.node, self) is False]


def inputs(node: Node, questions: Mapping[str, Question]) -> list[str]:
    """The questions an expression hangs on, through what is computed and the conditions of it, in the form's order."""
    found: set[str] = set()
    waiting = list(expression.names(node))
    while waiting:
        code = waiting.pop()
        question = questions.get(code)
        if question is None or code in found:
            continue
        found.add(code)
        for below in (question.formula, question.condition) if question.formula is not None else ():
            waiting += expression.names(below) if below is not None else ()
    return [code for code in questions if code in found]
