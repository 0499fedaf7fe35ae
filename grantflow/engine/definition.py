"""Owns what a workflow is: states, moves and deadlines as frozen values, and the hash that names their
content.

Leaves reading files to `loader`, judging the whole to `lint`, and moving a case to `machine`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

FORMAT = 1
"""Version of the canonical content. A hash is for ever: change the form only together with this number."""

NAME_SHAPE = r"^[a-z][a-z0-9_]*$"
_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,6})M)?(?:(?P<weeks>\d{1,6})W)?"
    r"(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,6})S)?)?\Z",
    re.ASCII,
)
_FIELD = re.compile(r"field:(?P<name>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\Z")
_LONGEST_DAYS = 36_500
# Control, surrogate, private and unassigned characters, and those that turn the direction of what follows
# them.
_FORBIDDEN_CATEGORIES = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_DIRECTION_MARKS = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)}


def _clean(text: str) -> str:
    if text != text.strip():
        raise ValueError("starts or ends with a blank; take the blank away")
    for character in text:
        if unicodedata.category(character) in _FORBIDDEN_CATEGORIES or character in _DIRECTION_MARKS:
            raise ValueError(f"holds the invisible character U+{ord(character):04X}; take it away")
    return text


def _after(text: str) -> str:
    if _FIELD.match(text):
        return text
    found = _DURATION.match(text)
    if not found:
        raise ValueError('must be a length of time such as "P14D" (14 days), "P6M" or "PT12H", or "field:NAME"')
    months, rest = _length(found)
    if not months and not rest:
        raise ValueError("is a length of time of nothing; a deadline needs at least a second")
    if months * 31 + rest.days > _LONGEST_DAYS:
        raise ValueError("lies more than a hundred years ahead")
    return text


def _length(found: re.Match[str]) -> tuple[int, timedelta]:
    part = {key: int(value or 0) for key, value in found.groupdict().items()}
    rest = timedelta(
        weeks=part["weeks"],
        days=part["days"],
        hours=part["hours"],
        minutes=part["minutes"],
        seconds=part["seconds"],
    )
    return part["years"] * 12 + part["months"], rest


Name = Annotated[str, StringConstraints(pattern=NAME_SHAPE, min_length=1, max_length=60)]
Qualified = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=120)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=240), AfterValidator(_clean)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class Stage(StrEnum):
    """The closed list of stages. Pages, rights, charts and CHECKs hang on these, never on a state's name."""

    PREPARATION = "preparation"
    SUBMISSION = "submission"
    ELIGIBILITY = "eligibility"
    SCORING = "scoring"
    DECISION = "decision"
    AWARD = "award"
    DISBURSEMENT = "disbursement"
    FOLLOWUP = "followup"
    CLOSED = "closed"
    REFUSED = "refused"


class Label(_Part):
    """A text a person sees, in both languages."""

    en: Words
    ru: Words

    def in_(self, language: str) -> str:
        """The text in a language given as `en`, `ru`, `ru_RU` or `ru-RU`; English for any other."""
        return self.ru if language[:2].lower() == "ru" else self.en


class State(_Part):
    """A card: what people call a state, its tone, its stage and whose desk it lies on."""

    name: Name
    label: Label
    tone: Literal["idle", "move", "done", "stop", "hold"]
    stage: Stage
    desk: Name | None = None
    final: StrictBool = False
    lane: StrictInt = Field(default=0, ge=-9, le=9)


class Move(_Part):
    """A row of the table of moves: from where, to where, who may, and what must be true.

    `source` is the key `from` of the file. Without `to` the case stays in its state and the move is an
    event only. A `hidden` move is never a button: the system or a stage's own page fires it.
    """

    name: Name
    trigger: Name
    source: tuple[Name, ...] = Field(validation_alias="from", serialization_alias="from", min_length=1)
    to: Name | None = None
    label: Label
    say: Label
    hint: Label | None = None
    roles: tuple[Name, ...]
    guards: tuple[Qualified, ...] = ()
    effects: tuple[Qualified, ...] = ()
    notices: tuple[Qualified, ...] = ()
    form: Qualified | None = None
    distinct_from: tuple[Name, ...] = ()
    quorum: StrictInt = 1
    reason: Literal["none", "optional", "required"] = "none"
    kind: Literal["primary", "plain", "stop"] = "plain"
    hidden: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_trigger(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "name" not in data and "trigger" in data:
            return {**data, "name": data["trigger"]}
        return data


class Deadline(_Part):
    """When a case has lain in `state` for `after`, the system fires `trigger`."""

    name: Name
    state: Name
    after: Annotated[str, AfterValidator(_after)]
    trigger: Name

    @property
    def field(self) -> str | None:
        """The registered source that knows the instant, for `after = "field:NAME"`; else None."""
        found = _FIELD.match(self.after)
        return found["name"] if found else None

    def due(self, since: datetime) -> datetime:
        """The instant a fixed `after` ends, counted from `since`; ValueError for a deadline of a field.

        Years and months go by the calendar (31 January and a month is the last of February), the rest by
        the clock.
        """
        found = _DURATION.match(self.after)
        if not found:
            raise ValueError(f'Deadline "{self.name}" is known only to its source "{self.field}".')
        months, rest = _length(found)
        count = since.year * 12 + since.month - 1 + months
        year, month = divmod(count, 12)
        for day in (since.day, 30, 29, 28):
            try:
                return since.replace(year=year, month=month + 1, day=day) + rest
            except ValueError:
                continue
        raise ValueError(f'Deadline "{self.name}" lies beyond the calendar.')


class Workflow(_Part):
    """A whole definition. Equal content has an equal `content_hash`, however its file is laid out."""

    name: Name
    label: Label
    initial: Name
    states: tuple[State, ...] = Field(min_length=1)
    moves: tuple[Move, ...] = ()
    deadlines: tuple[Deadline, ...] = ()

    @cached_property
    def states_by_name(self) -> dict[str, State]:
        """States by name, in the order of the file."""
        return {state.name: state for state in self.states}

    @cached_property
    def moves_by_name(self) -> dict[str, Move]:
        """Moves by name, in the order of the file."""
        return {move.name: move for move in self.moves}

    @cached_property
    def moves_by_state(self) -> dict[str, tuple[Move, ...]]:
        """The moves that start in each state, in the order of the file."""
        return {state.name: tuple(m for m in self.moves if state.name in m.source) for state in self.states}

    @cached_property
    def content(self) -> str:
        """The canonical JSON: sorted keys, no blanks, defaults left out, so that a new optional key of a
        later GrantFlow does not rename the definitions that do not use it. The order of states and moves is
        content: pages and pictures follow it.
        """
        body = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return json.dumps({"format": FORMAT, **body}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of `content` in UTF-8, 64 hexadecimal digits: the version a case is pinned to."""
        return hashlib.sha256(self.content.encode()).hexdigest()

    @classmethod
    def from_content(cls, content: str) -> Self:
        """Read back what `content` gave, as kept in the database; ValueError for another format."""
        body = json.loads(content)
        if body.pop("format", None) != FORMAT:
            raise ValueError(f"This workflow's content is not of format {FORMAT}.")
        return cls.model_validate(body)

    def state(self, name: str) -> State:
        """The card of a state; KeyError with a sentence when there is none."""
        try:
            return self.states_by_name[name]
        except KeyError:
            raise KeyError(f'Workflow "{self.name}" has no state "{name}".') from None

    def move(self, name: str) -> Move:
        """A move by its name; KeyError with a sentence when there is none."""
        try:
            return self.moves_by_name[name]
        except KeyError:
            raise KeyError(f'Workflow "{self.name}" has no move "{name}".') from None

    def moves_from(self, state: str, trigger: str | None = None) -> tuple[Move, ...]:
        """The moves that start in a state, in the order of the file; only those of a trigger when one is
        given.
        """
        moves = self.moves_by_state.get(state, ())
        return moves if trigger is None else tuple(move for move in moves if move.trigger == trigger)

    def deadlines_of(self, state: str) -> tuple[Deadline, ...]:
        """The deadlines that run while a case lies in a state."""
        return tuple(deadline for deadline in self.deadlines if deadline.state == state)
