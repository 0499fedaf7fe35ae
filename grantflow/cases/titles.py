"""What a case is called in the reader's language: a call, programme, alliance or panel has a name in both; an application
may have a title in English beside its own, and whatever grew out of it is called by that.

The title in the case's own row is one string; history keeps that one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from flask import g, has_app_context
from sqlalchemy import select

from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.rendering import language

Names = Callable[[], Mapping[int, Any]]
English = Callable[[Collection[int]], Mapping[int, str]]
_named: dict[str, Names] = {}
_english: list[English] = []
_C = Case.__table__.c
GROWN = ("application", "award", "tranche", "report", "check")
"""An application, and the kinds that grow out of one: each the child of the one before it, or of the award."""


def names_of(kind: str) -> Callable[[Names], Names]:
    """Register `f() -> {case id: text in both languages}` for a kind of which there are few; asked once a request."""

    def keep(function: Names) -> Names:
        _named[kind] = function
        return function

    return keep


def english_of_applications(function: English) -> English:
    """Register `f(case ids) -> {case id: title}` for the English titles of applications that have one."""
    _english.append(function)
    return function


def load(rows: Iterable[Any]) -> None:
    """Ask once for the English titles of all these cases: for lists, in two queries at most."""
    if language() != "en" or not _english or not has_app_context():
        return
    known: dict[int, str] = g.setdefault("english_titles", {})
    new = [row for row in rows if row.kind in GROWN and row.id not in known]
    roots = {row.id: row.id if row.kind == "application" else row.parent_id for row in new}
    awards = {row.parent_id for row in new if row.kind not in ("application", "award")}
    if awards:
        above = dict(session().execute(select(_C.id, _C.parent_id).where(_C.id.in_(awards))).all())
        roots = {number: above.get(root, root) for number, root in roots.items()}
    found = _english[0]({root for root in roots.values() if root}) if roots else {}
    for row in new:
        english = found.get(roots[row.id] or 0, "")
        part = f" · {row.title.rpartition(' · ')[2]}" if row.kind == "tranche" and " · " in row.title else ""
        known[row.id] = english + part if english else ""


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
    if case.kind in GROWN:
        if not has_app_context():
            return str(case.title)
        load([case])
        return str((g.get("english_titles", {}).get(case.id) if language() == "en" else "") or case.title)
    found = both(case)
    return found if isinstance(found, str) else str(getattr(found, language()))


def words(case: Any) -> Any:
    """The title as a notice carries it: in both languages where there are two, for each reader to be told in theirs."""
    found = both(case)
    return found if isinstance(found, str) else {"en": found.en, "ru": found.ru}
