"""Owns whether an expression fits its form: that its questions are there and that what it does with them makes sense.

Leaves the grammar to `expression`, and naming the place of a fault to `check`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from grantflow.engine.faults import instead
from grantflow.programmes import expression
from grantflow.programmes.expression import Among, Call, Compared, Joined, Literal, Name, Node, Not, Reckoned

SCALARS = ("number", "text", "date", "truth", "ticks")
_SAID = {
    "number": "a number", "text": "words", "date": "a date", "truth": "true or false", "ticks": "several ticks",
    "lines": "a table", "budget": "a budget", "fields": "an answer of several parts", "files": "files",
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What a question's answer is to an expression: what kind of value, its fields, and the words it can be."""

    kind: str
    fields: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()


class Misfit(ValueError):
    """What an expression does with its questions makes no sense; the message says what."""


def judge(text: str, shapes: Mapping[str, Shape], wanted: str) -> str | None:
    """What is wrong with a text, as the end of a sentence, or None. `wanted` is the kind it must come to."""
    try:
        tree = expression.parse(text)
        if foreign := sorted(expression.names(tree) - set(shapes)):
            return f'names "{foreign[0]}", which is no question here{instead(foreign[0], shapes)}'
        found = _Judge(shapes).kind(tree)
    except (expression.Malformed, Misfit) as fault:
        return f"{fault}."
    return None if found == wanted else f"comes to {_SAID[found]}, not to {_SAID[wanted]}."


class _Judge:
    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes = shapes

    def kind(self, node: Node) -> str:
        """The kind of value a node comes to."""
        match node:
            case Literal(value):
                return "truth" if isinstance(value, bool) else "number" if isinstance(value, Decimal) else "text"
            case Name():
                return self._named(node)
            case Not(of):
                return self._all((of,), "truth")
            case Joined(of=several):
                return self._all(several, "truth")
            case Reckoned(first, rest):
                return self._all((first, *(each for _sign, each in rest)), "number")
            case Compared():
                return self._compared(node)
            case Among(of, values):
                kind = self.kind(of)
                for value in values:
                    self._fits(of, kind, Literal(value), "text" if isinstance(value, str) else "number")
                return "truth"
            case Call():
                return self._called(node)

    def _all(self, nodes: tuple[Node, ...], wanted: str) -> str:
        for node in nodes:
            if (found := self.kind(node)) != wanted:
                raise Misfit(f"wants {_SAID[wanted]}, not {_SAID[found]}{_at(node)}")
        return wanted

    def _named(self, name: Name) -> str:
        shape = self.shapes[name.code]
        if not name.field:
            if shape.kind not in SCALARS:
                raise Misfit(f"“{name.code}” is {_SAID[shape.kind]}: name a field of it or use a function")
            return shape.kind
        if shape.kind != "fields":
            raise Misfit(f"“{name.code}” has no field {name.field} that stands alone")
        if name.field not in shape.fields:
            raise Misfit(f"“{name.code}” has no field {name.field}; it has {', '.join(shape.fields)}")
        return shape.fields[name.field]

    def _compared(self, node: Compared) -> str:
        left, right = self.kind(node.left), self.kind(node.right)
        if "ticks" in (left, right):
            raise Misfit("compares several ticks: write “in (…)”")
        self._fits(node.left, left, node.right, right)
        if node.sign not in ("==", "!=") and not {left, right} & {"number", "date"}:
            raise Misfit(f"{_SAID[left]} cannot be less or more than another")
        return "truth"

    def _fits(self, one: Node, kind: str, other: Node, beside: str) -> None:
        """Raise Misfit where two values cannot be compared, or a quoted word is none the answer can be."""
        for this, its, that, theirs in ((one, kind, other, beside), (other, beside, one, kind)):
            if not isinstance(that, Literal) or theirs != "text":
                continue
            if its == "date":
                with contextlib.suppress(ValueError):
                    date.fromisoformat(str(that.value))
                    return
                raise Misfit(f"“{that.value}” is no date such as 2022-03-01")
            words = self._words(this, its)
            if words and that.value not in words:
                raise Misfit(f"{_at(this)[1:] or 'it'} cannot be answered with “{that.value}”")
            if its in ("truth", "ticks"):
                return
        if kind != beside:
            raise Misfit(f"compares {_SAID[kind]} with {_SAID[beside]}")

    def _words(self, node: Node, kind: str) -> tuple[str, ...]:
        if kind == "truth":
            return ("yes", "no")
        return self.shapes[node.code].words if isinstance(node, Name) and not node.field else ()

    def _called(self, node: Call) -> str:
        function, first = node.function, node.of[0]
        if isinstance(first, Name) and function in ("answered", "count", "sum", "total"):
            self._of_lines(function, first, self.shapes[first.code])
            return "truth" if function == "answered" else "number"
        if function == "days":
            for each in node.of:
                if self.kind(each) != "date":
                    raise Misfit(f"days counts from date to date{_at(each)}")
            return "number"
        if function == "default":
            kind, other = self.kind(first), self.kind(node.of[1])
            if kind != other or kind == "ticks":
                raise Misfit(f"default has {_SAID[kind]} and {_SAID[other]}: they must be of one kind")
            return kind
        return self._all(node.of, "number")

    def _of_lines(self, function: str, name: Name, shape: Shape) -> None:
        if function == "sum":
            if shape.kind != "lines" or not name.field:
                raise Misfit("sum is of a column of a table: sum(table.column)")
            if name.field not in shape.fields:
                raise Misfit(f"“{name.code}” has no column {name.field}; it has {', '.join(shape.fields)}")
            if shape.fields[name.field] != "number":
                raise Misfit(f"the column {name.field} of “{name.code}” holds no numbers")
            return
        if name.field:
            raise Misfit(f"{function} is of a whole question, not of {name.code}.{name.field}")
        if function == "total" and shape.kind != "budget":
            raise Misfit(f"total is of a budget; “{name.code}” is {_SAID[shape.kind]}")
        if function == "count" and shape.kind not in ("lines", "budget", "ticks", "files"):
            raise Misfit(f"count is of a table, a budget, files or ticks; “{name.code}” is {_SAID[shape.kind]}")


def _at(node: Node) -> str:
    return f" “{node.code}{'.' + node.field if node.field else ''}”" if isinstance(node, Name) else ""
