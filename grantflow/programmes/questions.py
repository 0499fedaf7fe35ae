"""Owns the schema of a question and a section, and the one form in which every kind of answer is kept.

Leaves the fields on a page and the reading of typed input to `submissions`, and what an answer decides to
`eligibility`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from grantflow.engine.definition import Label
from grantflow.programmes.parts import Code, Number, Part, Prose

Kind = Literal[
    "text", "long_text", "choice", "choices", "yes_no", "number", "money", "date", "district", "file",
    "budget", "declaration", "counter",
]  # fmt: skip
FileKind = Literal["pdf", "docx", "xlsx", "jpg", "png"]

_EXTRAS: dict[str, set[str]] = {
    "text": {"max_length", "format"},
    "long_text": {"about"},
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
}
_NEEDED: dict[str, set[str]] = {
    "long_text": {"about"},
    "choice": {"options"},
    "choices": {"options"},
    "file": {"accept"},
    "declaration": {"text"},
}


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


class Question(Part):
    """A question of a form. Which of the keys below `applies_when` may be given depends on the kind.

    Kept answers, by kind: `text`, `long_text`, `choice`: a string; `choices`: a list of values; `yes_no`: a
    bool; `number`: a decimal as a string ("17.3"); `money`: an int of minor units; `date`: "2021-11-01";
    `district`: a place's code; `file`: a list of objects with at least `name`; `budget`: a list of lines
    `{item, unit, quantity, price_minor}` (quantity a decimal as a string); `declaration`: true; `counter`:
    `{women, men, not_stated}`, ints.
    """

    code: Code
    kind: Kind
    label: Label
    help: Prose | None = None
    required: bool = True
    applies_when: Condition | None = None
    about: int | None = Field(default=None, ge=50, le=20000)
    """Soft limit in characters: shown and counted, never enforced."""
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
    text: Prose | None = None
    """What exactly is declared: kept with the pack's version, so that consent can be shown word for word."""

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Question:
        common = {"code", "kind", "label", "help", "required", "applies_when"}
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
        return self

    @property
    def values(self) -> tuple[str, ...]:
        """What a condition or a rule may compare this question with."""
        return ("yes", "no") if self.kind == "yes_no" else tuple(option.value for option in self.options)

    def option(self, value: str) -> Label | None:
        """The label of one of the options; None for a value that is not among them."""
        return next((option.label for option in self.options if option.value == value), None)


class Section(Part):
    """A page of a form: a title, what it is about, and its questions. `minutes` is what it takes, roughly."""

    code: Code
    title: Label
    intro: Prose | None = None
    minutes: int = Field(ge=1, le=600)
    questions: tuple[Question, ...] = Field(min_length=1)


def values_of(answer: Any) -> set[str]:
    """An answer as the values a condition compares: nothing for an empty one."""
    if isinstance(answer, bool):
        return {"yes" if answer else "no"}
    if isinstance(answer, str):
        return {answer} if answer else set()
    if isinstance(answer, list | tuple):
        return {value for value in answer if isinstance(value, str)}
    return set()


def applies(condition: Condition | None, answers: Mapping[str, Any]) -> bool:
    """Whether a question or rule with this condition is asked, given the answers so far."""
    return condition is None or bool(values_of(answers.get(condition.question)) & set(condition.values))


def asked(questions: Iterable[Question], answers: Mapping[str, Any]) -> list[Question]:
    """The questions that apply, in order. One that hangs on a question not asked is not asked either."""
    found: list[Question] = []
    heard: dict[str, Any] = {}
    for question in questions:
        if applies(question.applies_when, heard):
            found.append(question)
            if question.code in answers:
                heard[question.code] = answers[question.code]
    return found


def is_answered(question: Question, answer: Any) -> bool:
    """Whether anything was answered: "no" and 0 are answers, blanks, empty lists and an unticked declaration
    are not."""
    if question.kind == "declaration":
        return answer is True
    if question.kind == "counter":
        return isinstance(answer, Mapping) and any(
            answer.get(key) is not None for key in ("women", "men", "not_stated")
        )
    if answer is None or answer == [] or answer == {}:
        return False
    return bool(answer.strip()) if isinstance(answer, str) else True


def gaps(questions: Iterable[Question], answers: Mapping[str, Any]) -> list[Question]:
    """The required questions that apply and are not answered yet, in order."""
    return [q for q in asked(questions, answers) if q.required and not is_answered(q, answers.get(q.code))]
