"""What a case is called in the reader's language, where its stage keeps a name in both: calls, programmes, alliances, panels.

The title in the case's own row is one string, which does for what applicants name themselves; history keeps that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import g, has_app_context

from grantflow.rendering import language

Names = Callable[[], Mapping[int, Any]]
_named: dict[str, Names] = {}


def names_of(kind: str) -> Callable[[Names], Names]:
    """Register `f() -> {case id: text in both languages}` for a kind of which there are few; asked once a request."""

    def keep(function: Names) -> Names:
        _named[kind] = function
        return function

    return keep


def both(case: Any) -> Any:
    """The title as its stage keeps it, with `.en` and `.ru`; the row's own string where no stage has another."""
    if case.kind not in _named:
        return case.title
    known: dict[str, Mapping[int, Any]] = g.setdefault("case_titles", {}) if has_app_context() else {}
    if case.kind not in known or case.id not in known[case.kind]:
        known[case.kind] = {case.id: None, **_named[case.kind]()}  # a file without a name is asked for once too
    return known[case.kind].get(case.id) or case.title


def title(case: Any) -> str:
    """The title in the reader's language."""
    found = both(case)
    return found if isinstance(found, str) else str(getattr(found, language()))


def words(case: Any) -> Any:
    """The title as a notice carries it: in both languages where there are two, for each reader to be told in theirs."""
    found = both(case)
    return found if isinstance(found, str) else {"en": found.en, "ru": found.ru}
