"""Owns the expression language of packs: its grammar, and what a text comes to with three truth values.

Leaves whether a text fits its form to `expression_check`, and what an answer is worth to `hearing`.

A text has no more power than what stands here: numbers, quoted words, codes of questions, fields of their answers, and
eight functions. Nothing is looked up in Python, nothing loops but over the lines of a table, and every text, depth,
number and table has an end. An answer that is not there makes what hangs on it unknown (None), as in Kleene's logic:
false and unknown is false, true or unknown is true, all else with an unknown part is unknown.

    answer     registered    "no"    17.5    true    people.women    partner.number
    compare    a == b   a != b   a < b   a <= b   a > b   a >= b   sector in ("food", "craft")   sector not in (…)
    join       a and b    a or b    not a    ( … )
    reckon     a + b    a - b    a * b    a / b    -a
    functions  count(table)    sum(table.column)    total(budget)    answered(question)    days(first, last)
               min(a, b, …)    max(a, b, …)    default(a, value where a is not answered)

Of several ticks, `needs in ("income", "youth")` asks whether one of these is among them. A yes/no answer is a truth of
its own, and may be compared with "yes" and "no"; a date with one written "2022-03-01". Sums are whole units of the
currency with decimals. A budget's total and a table's sum are of the lines that are understood.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache
from typing import Any, Protocol

LONGEST = 1000
"""Characters of a text."""
DEEPEST = 20
"""Brackets, functions, `not` and minus signs within each other."""
MOST_LINES = 1000
"""Lines of a table beyond which nothing is reckoned from it."""
LARGEST = Decimal(10) ** 24
"""A result beyond this is unknown: no sum of money or people is meant."""
_EXACT = Context(prec=60, Emax=999, Emin=-999, traps=[InvalidOperation, DivisionByZero, Overflow])

FUNCTIONS: dict[str, tuple[int, int]] = {
    "count": (1, 1), "sum": (1, 1), "total": (1, 1), "answered": (1, 1), "days": (2, 2), "min": (2, 20), "max": (2, 20),
    "default": (2, 2),
}  # fmt: skip
"""How many arguments each function takes: at least, at most."""

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:(?P<number>[0-9]{1,15}(?:\.[0-9]{1,6})?)(?![0-9A-Za-z_.])|(?P<text>"[^"\n]{0,200}"|'[^'\n]{0,200}')
    |(?P<word>[a-z][a-z0-9_]{0,39})(?![0-9A-Za-z_])|(?P<sign>==|!=|<=|>=|[-+*/()<>,.]))""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_KEPT = {"and", "or", "not", "in", "true", "false"}

Value = Decimal | str | date | bool | frozenset[str] | None


class Malformed(ValueError):
    """A text that is no expression; the message says where and what."""


class Answers(Protocol):
    """What an expression may know: of each question its value (None: not there), and whether it is answered."""

    def value(self, code: str) -> Any: ...
    def answered(self, code: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a quoted word, true or false."""

    value: Decimal | str | bool


@dataclass(frozen=True, slots=True)
class Name:
    """A question by its code; with `field`, a part of its answer."""

    code: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One of the functions."""

    function: str
    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite truth."""

    of: Node


@dataclass(frozen=True, slots=True)
class Joined:
    """All of these truths (`and`), or one of them (`or`)."""

    word: str
    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two values beside each other."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Among:
    """Whether a value, or one of several ticks, is one of these."""

    of: Node
    values: tuple[Decimal | str | bool, ...]


@dataclass(frozen=True, slots=True)
class Reckoned:
    """Numbers added and taken away, or multiplied and divided, from left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


Node = Literal | Name | Call | Not | Joined | Compared | Among | Reckoned


@lru_cache(maxsize=2000)
def parse(text: str) -> Node:
    """The tree of a text. Raises Malformed; the same text is read once a process."""
    if len(text) > LONGEST:
        raise Malformed(f"is longer than {LONGEST} characters")
    reader = _Reader(list(_tokens(text)))
    tree = reader.whole()
    if reader.here[0] != "end":
        raise Malformed(f"{reader.told()} is not expected there")
    return tree


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip(" \t\r\n"))
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise Malformed(f"cannot be read at “{text[at : at + 20].strip()}”")
        kind = str(found.lastgroup)
        yield kind, found[kind]
        at = found.end()
    yield "end", ""


class _Reader:
    """Reads tokens from left to right, never deeper than DEEPEST."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    @property
    def here(self) -> tuple[str, str]:
        return self.tokens[self.at]

    def told(self) -> str:
        return f"“{self.here[1]}”" if self.here[0] != "end" else "the end"

    def take(self, *wanted: str) -> str | None:
        """The sign or word standing here, if it is one of these; then the next one stands here."""
        kind, text = self.here
        if kind in ("sign", "word") and text in wanted:
            self.at += 1
            return text
        return None

    def need(self, sign: str) -> None:
        if self.take(sign) is None:
            raise Malformed(f"needs “{sign}” where {self.told()} stands")

    def deeper(self, read: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Malformed(f"is nested deeper than {DEEPEST} times")
        found = read()
        self.depth -= 1
        return found

    def whole(self) -> Node:
        return self._joined("or", lambda: self._joined("and", self.negated))

    def _joined(self, word: str, read: Callable[[], Node]) -> Node:
        found = [read()]
        while self.take(word):
            found.append(read())
        return found[0] if len(found) == 1 else Joined(word, tuple(found))

    def negated(self) -> Node:
        return Not(self.deeper(self.negated)) if self.take("not") else self.compared()

    def compared(self) -> Node:
        left = self.sum()
        if sign := self.take(*_COMPARE):
            return Compared(sign, left, self.sum())
        if self.take("not"):
            if self.take("in") is None:
                raise Malformed(f"needs “in” where {self.told()} stands")
            return Not(Among(left, self.values()))
        return Among(left, self.values()) if self.take("in") else left

    def values(self) -> tuple[Decimal | str | bool, ...]:
        self.need("(")
        found = [self.literal()]
        while self.take(","):
            found.append(self.literal())
        self.need(")")
        return tuple(found)

    def literal(self) -> Decimal | str | bool:
        read = self.atom()
        if not isinstance(read, Literal):
            raise Malformed("may compare only with numbers and quoted words after “in”")
        return read.value

    def sum(self) -> Node:
        return self._reckoned(("+", "-"), lambda: self._reckoned(("*", "/"), self.signed))

    def _reckoned(self, signs: tuple[str, str], read: Callable[[], Node]) -> Node:
        first, rest = read(), []
        while sign := self.take(*signs):
            rest.append((sign, read()))
        return Reckoned(first, tuple(rest)) if rest else first

    def signed(self) -> Node:
        if self.take("-"):
            return Reckoned(Literal(Decimal(0)), (("-", self.deeper(self.signed)),))
        return self.atom()

    def atom(self) -> Node:
        if self.take("("):
            found = self.deeper(self.whole)
            self.need(")")
            return found
        kind, text = self.here
        if kind not in ("number", "text", "word") or text in _KEPT - {"true", "false"}:
            raise Malformed(f"needs an answer or a value where {self.told()} stands")
        self.at += 1
        if kind == "number":
            return Literal(Decimal(text))
        if kind == "text":
            return Literal(text[1:-1])
        if text in ("true", "false"):
            return Literal(text == "true")
        if self.take("("):
            return self.call(text)
        if self.take("."):
            kind, field = self.here
            if kind != "word":
                raise Malformed(f"needs a field of {text} where {self.told()} stands")
            self.at += 1
            return Name(text, field)
        return Name(text)

    def call(self, function: str) -> Node:
        if function not in FUNCTIONS:
            raise Malformed(f"has no function {function}; there are {', '.join(sorted(FUNCTIONS))}")
        given = [self.deeper(self.whole)]
        while self.take(","):
            given.append(self.deeper(self.whole))
        self.need(")")
        least, most = FUNCTIONS[function]
        if not least <= len(given) <= most:
            raise Malformed(f"{function} takes {least}{f' to {most}' if most > least else ''}, not {len(given)}")
        if function in ("count", "sum", "total", "answered") and not isinstance(given[0], Name):
            raise Malformed(f"{function} is of a question, not of what is reckoned")
        return Call(function, tuple(given))


def parts(node: Node) -> Iterator[Node]:
    """The node and every node below it."""
    yield node
    below: tuple[Node, ...]
    match node:
        case Call(of=below) | Joined(of=below):
            pass
        case Not(of=one) | Among(of=one):
            below = (one,)
        case Compared(left=left, right=right):
            below = (left, right)
        case Reckoned(first=first, rest=rest):
            below = (first, *(each for _sign, each in rest))
        case _:
            below = ()
    for one in below:
        yield from parts(one)


def names(node: Node) -> frozenset[str]:
    """The codes of the questions it speaks of."""
    return frozenset(part.code for part in parts(node) if isinstance(part, Name))


def rounded(value: Decimal, places: int) -> Decimal | None:
    """A result with so many decimals, half a unit away from zero, as on a till."""
    try:
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    except DecimalException:
        return None


def evaluate(node: Node, answers: Answers) -> Value:
    """What it comes to, None where that is not known. Never raises: what does not fit together is not known."""
    match node:
        case Literal(value):
            return value
        case Name():
            return _named(node, answers)
        case Not(of):
            truth = evaluate(of, answers)
            return not truth if isinstance(truth, bool) else None
        case Joined(word, of):
            return _joined(word == "or", (evaluate(each, answers) for each in of))
        case Compared(sign, left, right):
            return _compared(sign, evaluate(left, answers), evaluate(right, answers))
        case Among(of, values):
            found = evaluate(of, answers)
            return _joined(True, (_alike(found, value) for value in values))
        case Reckoned(first, rest):
            return _reckoned(evaluate(first, answers), ((sign, evaluate(each, answers)) for sign, each in rest))
        case Call(function, of):
            return _called(function, of, answers)


def _named(name: Name, answers: Answers) -> Value:
    found = answers.value(name.code)
    if name.field:
        found = found.get(name.field) if isinstance(found, Mapping) else None
    return found if isinstance(found, Decimal | str | date | bool | frozenset) else None


def _joined(decides: bool, truths: Iterator[Value]) -> bool | None:
    known = True
    for truth in truths:
        if truth is decides:
            return decides
        known = known and isinstance(truth, bool)
    return (not decides) if known else None


def _compared(sign: str, left: Value, right: Value) -> bool | None:
    left, right = _fitted(left, right), _fitted(right, left)
    if left is None or right is None or type(left) is not type(right) or isinstance(left, frozenset):
        return None
    if sign not in ("==", "!=") and not isinstance(left, Decimal | date):
        return None
    return _COMPARE[sign](left, right)


def _alike(found: Value, value: Decimal | str | bool) -> bool | None:
    if isinstance(found, frozenset):
        return value in found
    return _compared("==", found, value)


def _fitted(value: Value, beside: Value) -> Value:
    """A quoted word read as what it is compared with: a date, yes or no."""
    if isinstance(value, str) and isinstance(beside, date):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, str) and isinstance(beside, bool):
        return {"yes": True, "no": False}.get(value)
    return value


def _reckoned(found: Value, rest: Iterator[tuple[str, Value]]) -> Decimal | None:
    reckon = {"+": _EXACT.add, "-": _EXACT.subtract, "*": _EXACT.multiply, "/": _EXACT.divide}
    for sign, other in rest:
        if not isinstance(found, Decimal) or not isinstance(other, Decimal):
            return None
        try:
            found = reckon[sign](found, other)
        except DecimalException:
            return None
        if abs(found) > LARGEST:
            return None
    return found if isinstance(found, Decimal) else None


def _called(function: str, of: tuple[Node, ...], answers: Answers) -> Value:
    first = of[0]
    if isinstance(first, Name) and function in ("answered", "count", "sum", "total"):
        if function == "answered":
            return answers.answered(first.code)
        return _of_lines(function, first.field, answers.value(first.code))
    values = [evaluate(each, answers) for each in of]
    if function == "default":
        return values[1] if values[0] is None else values[0]
    if function == "days":
        start, end = values
        return Decimal((end - start).days) if isinstance(start, date) and isinstance(end, date) else None
    numbers = [value for value in values if isinstance(value, Decimal)]
    if len(numbers) < len(values):
        return None
    return min(numbers) if function == "min" else max(numbers)


def _of_lines(function: str, field: str, found: Any) -> Decimal | None:
    if not isinstance(found, tuple | frozenset) or len(found) > MOST_LINES:
        return None
    if function == "count":
        return Decimal(len(found))
    if isinstance(found, frozenset):
        return None
    cells = [line.get("sum" if function == "total" else field) for line in found]
    return _reckoned(Decimal(0), (("+", cell) for cell in cells if isinstance(cell, Decimal)))
