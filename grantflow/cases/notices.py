"""What a notice says and who receives it, read from `workflows/notices/`; rendered in the reader's language when read.

Writing a notice with a move, and sending it, are in `outbox`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask_babel import force_locale
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grantflow.config import resource_folder
from grantflow.engine.definition import Label
from grantflow.engine.faults import DefinitionFaults, Fault
from grantflow.engine.registry import registry
from grantflow.money import Money
from grantflow.rendering import moment, money

PLACEHOLDERS = {
    "ref", "title", "call", "reason", "state", "due", "amount", "organisation", "person", "link", "months", "number",
    "role", "vote", "note",
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

    code: str = Field(pattern=r"^N-\d\d$")
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


def examine(paths: Iterable[Path], found: dict[str, Notice] | None = None) -> list[Fault]:
    """Every fault of these files; what is sound is added to `found`."""
    found = {} if found is None else found
    faults: list[Fault] = []
    for path in paths:
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            faults.append(Fault(path.name, "", f"This is no TOML: {error}", "toml"))
            continue
        for name, table in tables.items():
            try:
                notice = Notice.model_validate(table)
            except ValidationError as error:
                for fault in error.errors():
                    place = ".".join(map(str, (name, *fault["loc"])))
                    faults.append(Fault(path.name, place, f"{fault['msg']}.", "notice"))
                continue
            faults += _judge(path.name, name, notice)
            if name in found:
                faults.append(Fault(path.name, name, "This notice stands twice; take one away.", "twice"))
            found[name] = notice
    return faults


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Notice]:
    """Every notice by name. Raises DefinitionFaults with all that is wrong in the files."""
    found: dict[str, Notice] = {}
    faults = examine(sorted((resource_folder("workflows") / "notices").glob("*.toml")), found)
    if faults:
        raise DefinitionFaults(faults)
    return found


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


def render(name: str, params: dict[str, Any], language: str, zone: str, link: str) -> Rendered:
    """The notice in a language. A parameter given as {"en": …, "ru": …} is taken in that language."""
    notice = catalogue()[name]
    words = _Blank(link=link)
    with force_locale(language):
        for key, value in params.items():
            words[key] = _word(key, value, language, zone)
    subject = " ".join(notice.subject.in_(language).format_map(words).split())
    return Rendered(subject.strip(" :,·"), notice.text.in_(language).format_map(words).strip())


def _word(key: str, value: Any, language: str, zone: str) -> str:
    if isinstance(value, dict) and {"minor", "currency"} <= value.keys():
        return money(Money(value["minor"], value["currency"]))
    if isinstance(value, dict):
        return str(value.get(language) or value.get("en") or "")
    if key == "due" and value:
        return moment(datetime.fromisoformat(str(value).replace("Z", "+00:00")), zone)
    return "" if value is None else str(value)
