"""What a notice says and who receives it, read from `workflows/notices/`; rendered in the reader's language when read.

Writing a notice with a move, and sending it, are in `outbox`; its number's row in the register is `catalogue`'s, a text
that a manager changed is `texts`'.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from flask_babel import force_locale
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grantflow.cases.catalogue import CODE, Row
from grantflow.config import resource_folder
from grantflow.engine.definition import Label
from grantflow.engine.faults import DefinitionFaults, Fault
from grantflow.engine.registry import registry
from grantflow.money import Money
from grantflow.rendering import moment, money

PLACEHOLDERS = {
    "ref", "title", "call", "reason", "state", "due", "amount", "organisation", "person", "link", "months", "number",
    "role", "vote", "note", "before", "closes", "sent", "again",
}  # fmt: skip
"""Every `{word}` a notice's text may hold. One without a value at the moment is left out."""


class Text(BaseModel):
    """A text of several sentences, in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str = Field(min_length=1, max_length=4000)
    ru: str = Field(min_length=1, max_length=4000)

    def in_(self, language: str) -> str:
        """The text in that language."""
        return self.ru if language.startswith("ru") else self.en


class Notice(BaseModel):
    """One kind of notice: its number in the catalogue, the roles it goes to, subject and text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=CODE)
    to: tuple[str, ...] = ()
    subject: Label
    text: Text


@dataclass(frozen=True)
class Rendered:
    """A notice as one person reads it."""

    subject: str
    text: str


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def examine(
    paths: Iterable[Path], found: dict[str, Notice] | None = None, rows: dict[str, Row] | None = None
) -> list[Fault]:
    """Every fault of these files; what is sound is added to `found`, the rows of the register to `rows`.

    Where the files hold the register, every number in use must have its row and every ladder its notice.
    """
    found = {} if found is None else found
    rows = {} if rows is None else rows
    faults: list[Fault] = []
    registered = ""
    for path in paths:
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            faults.append(Fault(path.name, "", f"This is no TOML: {error}", "toml"))
            continue
        for name, table in tables.items():
            is_row = re.match(CODE, name) is not None
            shelf: dict[str, Any] = rows if is_row else found
            try:
                read = (Row if is_row else Notice).model_validate(table)
            except ValidationError as error:
                for fault in error.errors():
                    place = ".".join(map(str, (name, *fault["loc"])))
                    faults.append(Fault(path.name, place, f"{fault['msg']}.", "notice"))
                continue
            if isinstance(read, Notice):
                faults += _judge(path.name, name, read)
            else:
                registered = path.name
            if name in shelf:
                faults.append(Fault(path.name, name, "This notice stands twice; take one away.", "twice"))
            shelf[name] = read
    return faults + (_judge_together(registered, found, rows) if registered else [])


def _judge_together(file: str, found: dict[str, Notice], rows: dict[str, Row]) -> list[Fault]:
    faults = [
        Fault(file, notice.code, f'The notice "{name}" bears this number, but it has no row.', "row")
        for name, notice in found.items()
        if notice.code not in rows
    ]
    for code, row in rows.items():
        for ladder in row.ladder:
            notice = found.get(ladder.notice)
            if notice is None or notice.code != code:
                said = f'The ladder names "{ladder.notice}", which is no notice of this number.'
                faults.append(Fault(file, code, said, "ladder"))
    return faults


@lru_cache(maxsize=1)
def _read() -> tuple[dict[str, Notice], dict[str, Row]]:
    found: dict[str, Notice] = {}
    rows: dict[str, Row] = {}
    faults = examine(sorted((resource_folder("workflows") / "notices").glob("*.toml")), found, rows)
    if faults:
        raise DefinitionFaults(faults)
    return found, rows


def catalogue() -> dict[str, Notice]:
    """Every notice by name. Raises DefinitionFaults with all that is wrong in the files."""
    return _read()[0]


def rows() -> dict[str, Row]:
    """Every row of the register by its number. Raises DefinitionFaults as `catalogue` does."""
    return _read()[1]


def row_of(name: str) -> Row:
    """The row of the register a notice belongs to."""
    return rows()[catalogue()[name].code]


def _judge(file: str, name: str, notice: Notice) -> list[Fault]:
    faults = [
        Fault(file, name, f'Recipient "{role}" is no role.', "role") for role in notice.to if role not in registry.roles
    ]
    for label in (notice.subject, notice.text):
        for text in (label.en, label.ru):
            try:
                text.format_map(dict.fromkeys(PLACEHOLDERS, ""))
            except (KeyError, ValueError, IndexError, AttributeError) as error:
                faults.append(
                    Fault(
                        file,
                        name,
                        f"Placeholder {error} is not known; known: {', '.join(sorted(PLACEHOLDERS))}.",
                        "placeholder",
                    )
                )
    return faults


def register() -> None:
    """Make every notice known to the definitions that name it."""
    for name, notice in catalogue().items():
        registry.notice(name, notice.to)


class Said(Protocol):
    """A notice's words in both languages."""

    @property
    def subject(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> Mapping[str, str]: ...


def render(
    name: str, params: dict[str, Any], language: str, zone: str, link: str, said: Said | None = None
) -> Rendered:
    """The notice in a language, in the files' words unless `said` has others.

    A parameter given as {"en": …, "ru": …} is taken in that language.
    """
    notice = catalogue()[name]
    subject = said.subject[language] if said is not None else notice.subject.in_(language)
    text = said.text[language] if said is not None else notice.text.in_(language)
    words = _Blank(link=link)
    with force_locale(language):
        for key, value in params.items():
            words[key] = _word(key, value, language, zone)
    return Rendered(" ".join(subject.format_map(words).split()).strip(" :,·"), text.format_map(words).strip())


def page_of(row: Any) -> str | None:
    """The path of the page a notice is about: what its writer named, else its case's; None where it has neither."""
    return row.params.get("page") or (f"/cases/{row.case_id}" if row.case_id else None)


def _word(key: str, value: Any, language: str, zone: str) -> str:
    if isinstance(value, dict) and {"minor", "currency"} <= value.keys():
        return money(Money(value["minor"], value["currency"]))
    if isinstance(value, dict):
        return str(value.get(language) or value.get("en") or "")
    if key in ("due", "sent") and value:
        return moment(datetime.fromisoformat(str(value).replace("Z", "+00:00")), zone, seconds=key == "sent")
    return "" if value is None else str(value)
