"""Owns the schema of a question and a section, and the one form in which every kind of answer is kept.

Leaves the fields on a page and the reading of typed input to `submissions`, and what an answer decides to
`eligibility`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator

from grantflow.engine.definition import Label
from grantflow.programmes import expression
from grantflow.programmes.expression import Among, Joined, Name, Node
from grantflow.programmes.hearing import Heard
from grantflow.programmes.hearing import is_answered as is_answered
from grantflow.programmes.parts import Code, Number, Part, Prose

Kind = Literal[
    "text", "long_text", "choice", "choices", "yes_no", "number", "money", "date", "district", "file",
    "budget", "declaration", "counter", "table", "organisation", "consent", "computed",
]  # fmt: skip
ColumnKind = Literal["text", "number", "money", "date", "year", "choice", "country"]
FileKind = Literal["pdf", "docx", "xlsx", "jpg", "png"]

_EXTRAS: dict[str, set[str]] = {
    "text": {"max_length", "format"},
    "long_text": {"about", "limit"},
    "choice": {"options"},
    "choices": {"options", "min", "max"},
    "yes_no": set(),
    "number": {"min", "max", "decimals", "unit"},
    "money": {"min", "max"},
    "date": {"past"},
    "district": set(),
    "file": {"accept", "max_mb", "max_files"},
    "budget": {"max_lines"},
    "declaration": {"text"},
    "counter": {"min", "max"},
    "table": {"columns", "min_lines", "max_lines"},
    "organisation": set(),
    "consent": {"text", "version"},
    "computed": {"value", "decimals", "unit", "money"},
}
_COLUMN_EXTRAS: dict[str, set[str]] = {
    "text": {"max_length"}, "number": {"min", "max", "decimals", "unit"}, "money": {"min", "max"}, "date": {"past"},
    "year": {"min", "max"}, "choice": {"options"}, "country": set(),
}  # fmt: skip
_NEEDED: dict[str, set[str]] = {
    "long_text": {"about"},
    "choice": {"options"},
    "choices": {"options"},
    "file": {"accept"},
    "declaration": {"text"},
    "table": {"columns"},
    "consent": {"text", "version"},
    "computed": {"value"},
}
EARLIEST_YEAR, LATEST_YEAR = 1900, 2100


def _formula(text: str) -> str:
    try:
        expression.parse(text)
    except expression.Malformed as fault:
        raise ValueError(f"the expression {fault}") from None
    return text


Formula = Annotated[str, Field(min_length=1), AfterValidator(_formula)]
"""A text of the expression language that can be read; whether it fits its form is judged with the whole."""


class Option(Part):
    """One of the answers of a choice; `value` is what is kept."""

    value: Code
    label: Label


class Condition(Part):
    """Applies only when another question of the same form is answered with one of these values.

    A yes/no answer counts as "yes" or "no"; of several ticks one match is enough.
    """

    question: Code
    values: tuple[Code, ...] = Field(min_length=1)


class Check(Part):
    """What answers must say together: told as a hint while writing where it is false, exact when it is sent."""

    rule: Formula
    say: Prose

    @property
    def node(self) -> Node:
        """The rule, read."""
        return expression.parse(self.rule)


class Column(Part):
    """A column of a table: what stands in it on each line. Which further keys it has depends on its kind."""

    code: Code
    kind: ColumnKind
    label: Label
    required: bool = True
    options: tuple[Option, ...] = ()
    max_length: int = Field(default=200, ge=1, le=1000)
    min: Number | None = None
    max: Number | None = None
    decimals: int = Field(default=0, ge=0, le=4)
    unit: Label | None = None
    past: bool = False

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Column:
        if foreign := sorted(self.model_fields_set - {"code", "kind", "label", "required"} - _COLUMN_EXTRAS[self.kind]):
            raise ValueError(f"a column of kind {self.kind} has no {', '.join(foreign)}")
        if self.code == "id":
            raise ValueError('a column cannot be called "id": that is a file\'s number in an answer')
        try:
            _same = self.question
        except ValidationError as fault:
            raise ValueError(fault.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self

    @cached_property
    def question(self) -> Question:
        """The same as a question of its own: a cell is read and bounded as the answer of one."""
        given = {name: getattr(self, name) for name in self.model_fields_set - {"required"}}
        if self.kind == "year":
            given |= {"kind": "number", "min": self.min or EARLIEST_YEAR, "max": self.max or LATEST_YEAR}
        if self.kind == "country":
            given |= {"kind": "text"}
        return Question.model_validate(given)

    def option(self, value: str) -> Label | None:
        """The label of one of the options; None for a value that is not among them."""
        return next((option.label for option in self.options if option.value == value), None)


class Question(Part):
    """A question of a form. Which of the keys below `checks` may be given depends on the kind.

    It is asked where `applies_when`, `when` and the condition of its section hold.

    Kept answers, by kind: `text`, `long_text`, `choice`: a string; `choices`: a list of values; `yes_no`: a
    bool; `number`: a decimal as a string ("17.3"); `money`: an int of minor units; `date`: "2021-11-01";
    `district`: a place's code; `file`: a list of objects with at least `name`; `budget`: a list of lines
    `{item, unit, quantity, price_minor}` (quantity a decimal as a string); `declaration`: true; `counter`:
    `{women, men, not_stated}`, ints; `table`: a list of lines, each with its filled columns by code (`year`: an int,
    `country`: two letters); `organisation`: `{name}`, of one that is known here also `number`, `place` and
    `organisation`; `consent`: `{at, language, version, sha256}`: which wording was ticked and when; `computed`: a
    decimal as a string, an int of minor units with `money`, kept only with what is sent.
    """

    code: Code
    kind: Kind
    label: Label
    help: Prose | None = None
    required: bool = True
    applies_when: Condition | None = None
    when: Formula | None = None
    checks: tuple[Check, ...] = ()
    about: int | None = Field(default=None, ge=50, le=20000)
    """Soft limit in characters: shown and counted, never enforced."""
    limit: int | None = Field(default=None, ge=50, le=30000)
    """Exact limit in characters: soft while writing, exact when it is sent."""
    max_length: int = Field(default=200, ge=1, le=1000)
    format: Literal["inn", "ogrn", "email", "phone"] | None = None
    options: tuple[Option, ...] = ()
    min: Number | None = None
    max: Number | None = None
    """Bounds of a number, a sum (whole units), the total of a counter, or how many may be ticked."""
    decimals: int = Field(default=0, ge=0, le=4)
    unit: Label | None = None
    past: bool = False
    accept: tuple[FileKind, ...] = ()
    max_mb: int = Field(default=10, ge=1, le=100)
    max_files: int = Field(default=1, ge=1, le=20)
    max_lines: int = Field(default=40, ge=1, le=200)
    min_lines: int = Field(default=0, ge=0, le=200)
    columns: tuple[Column, ...] = ()
    value: Formula | None = None
    money: bool = False
    """Whether what is computed is a sum in the call's currency."""
    text: Prose | None = None
    """What exactly is declared: kept with the pack's version, so that consent can be shown word for word."""
    version: str | None = Field(default=None, min_length=1, max_length=40)
    """What the wording of a consent is called: its day or its number."""
    _within: str | None = PrivateAttr(default=None)
    """The condition of its section."""

    @model_validator(mode="before")
    @classmethod
    def _nobody_answers_what_is_computed(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("kind") == "computed":
            if given.get("required"):
                raise ValueError("what is computed cannot be required")
            return {**given, "required": False}
        return given

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Question:
        common = {"code", "kind", "label", "help", "required", "applies_when", "when", "checks"}
        given = self.model_fields_set - common
        foreign = sorted(given - _EXTRAS[self.kind])
        if foreign:
            raise ValueError(f"a question of kind {self.kind} has no {', '.join(foreign)}")
        missing = sorted(_NEEDED.get(self.kind, set()) - given)
        if missing:
            raise ValueError(f"a question of kind {self.kind} needs {', '.join(missing)}")
        if self.kind in {"choice", "choices"}:
            values = [option.value for option in self.options]
            if len(values) < 2 or len(set(values)) != len(values):
                raise ValueError("the options must be two or more, each value once")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is larger than max")
        if self.limit is not None and self.about is not None and self.limit < self.about:
            raise ValueError("limit is smaller than about")
        if self.min_lines > self.max_lines:
            raise ValueError("min_lines is larger than max_lines")
        codes = [column.code for column in self.columns]
        if len(set(codes)) != len(codes) or (self.kind == "table" and not codes):
            raise ValueError("a table has columns, each code once")
        return self

    @cached_property
    def condition(self) -> Node | None:
        """When it is asked: all its conditions in one expression; None for always."""
        return condition_of(self.applies_when, self.when, self._within)

    @property
    def is_simple(self) -> bool:
        """Whether its whole condition is that another question has one of some values: a page can tell by itself."""
        return self.applies_when is not None and self.when is None and self._within is None

    @property
    def is_plain(self) -> bool:
        """Whether nothing of it hangs on other answers, or only what a page can tell by itself."""
        return self.formula is None and not self.checks and (self.condition is None or self.is_simple)

    @cached_property
    def formula(self) -> Node | None:
        """How its answer is computed; None where somebody answers it."""
        return expression.parse(self.value) if self.value is not None else None

    @property
    def places(self) -> int:
        """Decimals of what is computed."""
        return 2 if self.money else self.decimals

    @property
    def values(self) -> tuple[str, ...]:
        """What a condition or a rule may compare this question with."""
        return ("yes", "no") if self.kind == "yes_no" else tuple(option.value for option in self.options)

    def option(self, value: str) -> Label | None:
        """The label of one of the options; None for a value that is not among them."""
        return next((option.label for option in self.options if option.value == value), None)


def condition_of(simple: Condition | None, *texts: str | None) -> Node | None:
    """Conditions of either form as one expression that holds where all hold; None where there is none."""
    nodes: list[Node] = [Among(Name(simple.question), simple.values)] if simple is not None else []
    nodes += [expression.parse(text) for text in texts if text is not None]
    return nodes[0] if len(nodes) == 1 else Joined("and", tuple(nodes)) if nodes else None


class Section(Part):
    """A page of a form: a title, what it is about, and its questions. `minutes` is what it takes, roughly."""

    code: Code
    title: Label
    intro: Prose | None = None
    minutes: int = Field(ge=1, le=600)
    when: Formula | None = None
    checks: tuple[Check, ...] = ()
    questions: tuple[Question, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _its_condition_is_that_of_its_questions(self) -> Section:
        for question in self.questions:
            question._within = self.when
        return self


def asked(questions: Iterable[Question], answers: Mapping[str, Any]) -> list[Question]:
    """The questions that apply, in order. One that hangs on a question not asked is not asked either."""
    questions = list(questions)
    standings = Heard(questions, answers).standings
    return [question for question in questions if standings[question.code].state == "shown"]


def gaps(questions: Iterable[Question], answers: Mapping[str, Any]) -> list[Question]:
    """The required questions that apply and are not answered yet, in order."""
    return [q for q in asked(questions, answers) if q.required and not is_answered(q, answers.get(q.code))]
