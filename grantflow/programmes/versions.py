"""Owns the versions of a call's terms: their numbers, read from the call's history, and what differs between two.

Leaves keeping a version to `calls`, and moving applications from one to another to `submissions.amending`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow.cases import words
from grantflow.db import session
from grantflow.engine.definition import Label
from grantflow.history.models import Event
from grantflow.programmes.queries import terms_by_hash
from grantflow.programmes.terms import Terms

Differences = dict[str, list[tuple[str, Label]]]
"""What differs, by kind: the codes of the parts and what people call them."""

_PARTS = {
    "amounts": ({"currency", "min_ask_minor", "max_ask_minor", "own_share_min"}, "Sums", "Суммы"),
    "grants": ({"award_types", "grant_kinds"}, "Kinds of grants", "Виды грантов"),
    "keys": ({"keys"}, "Key answers", "Ключевые ответы"),
    "panel": ({"panel"}, "Panel", "Комиссия"),
    "tranches": ({"tranches"}, "Tranches", "Транши"),
    "reports": ({"reports"}, "Reports", "Отчёты"),
    "checks": ({"checks"}, "Checks", "Проверки"),
    "appeal": ({"appeal_days"}, "Days for an appeal", "Срок обжалования"),
    "days_off": ({"days_off"}, "Days off", "Нерабочие дни"),
}
_SCALE = ("scale", Label(en="Scale, quorum or threshold", ru="Шкала, кворум или порог"))

words.fact(
    questions_added=_("Questions added"),
    questions_removed=_("Questions taken out"),
    questions_changed=_("Questions changed"),
    sections_changed=_("Sections changed"),
    rules_changed=_("Rules changed"),
    rubric_changed=_("Rubric changed"),
    other_terms=_("Other terms changed"),
)


def differences(before: Terms, after: Terms) -> Differences:
    """What an applicant, an officer or a reader would find different; empty for equal terms."""
    was, now = before.questions, after.questions
    found: Differences = {
        "questions_added": [(code, q.label) for code, q in now.items() if code not in was],
        "questions_removed": [(code, q.label) for code, q in was.items() if code not in now],
        "questions_changed": [(code, q.label) for code, q in now.items() if code in was and was[code] != q],
        "sections_changed": _sections(before, after),
        "rules_changed": _parts(before.eligibility, after.eligibility),
        "rubric_changed": _parts(before.rubric.criteria, after.rubric.criteria),
        "other_terms": [
            (code, Label(en=en, ru=ru))
            for code, (fields, en, ru) in _PARTS.items()
            if any(getattr(before, name) != getattr(after, name) for name in fields)
        ],
    }
    without = {"criteria"}
    if before.rubric.model_dump(exclude=without) != after.rubric.model_dump(exclude=without):
        found["rubric_changed"].append(_SCALE)
    return {kind: parts for kind, parts in found.items() if parts}


def _parts(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[str, Label]]:
    """Rules or criteria that are new, gone or other than they were; all of them where only their order differs."""
    was, now = (_by_code(parts) for parts in (before, after))
    odd = [code for code in {**was, **now} if was.get(code) != now.get(code)]
    if not odd and tuple(was) != tuple(now):
        odd = list(now)
    return [(code, (now.get(code) or was[code])[-1].label) for code in odd]


def _by_code(parts: Sequence[Any]) -> dict[str, list[Any]]:
    """Parts by their code; of a rule all its versions."""
    found: dict[str, list[Any]] = {}
    for part in parts:
        found.setdefault(part.code, []).append(part)
    return found


def _sections(before: Terms, after: Terms) -> list[tuple[str, Label]]:
    """Sections that are called, explained or put together otherwise than before."""

    def shape(terms: Terms) -> dict[str, Any]:
        return {
            s.code: (at, s.model_dump(exclude={"questions"}), [q.code for q in s.questions])
            for at, s in enumerate(terms.form)
        }

    was, now = shape(before), shape(after)
    titles = {s.code: s.title for s in (*before.form, *after.form)}
    return [(code, titles[code]) for code in {**was, **now} if was.get(code) != now.get(code)]


def dated(call_id: int) -> list[tuple[str, datetime]]:
    """The hashes of a call's terms in the order in which it had them, each with the instant since when."""
    rows = session().execute(
        select(Event.move, Event.facts, Event.at)
        .where(Event.case_id == call_id, Event.move.in_(("open", "call_changed")))
        .order_by(Event.seq)
    )
    found: list[tuple[str, datetime]] = []
    for move, facts, at in rows:
        if move == "open":
            found += [(facts["terms"], at)] if "terms" in facts else []
        else:
            found += [(change["after"], at) for change in facts.get("changes", ()) if change["field"] == "pack_hash"]
    return found


def versions(call_id: int) -> list[str]:
    """The hashes of a call's terms in the order in which it had them; the number of a version is its place."""
    return [known for known, _at in dated(call_id)]


def newer(call_id: int, before: str, after: str) -> dict[str, Any]:
    """The facts of the event by which a call gets other terms: the number of the version and what differs, in words."""
    found = differences(terms_by_hash(before), terms_by_hash(after))
    said = {kind: _said(label for _code, label in parts) for kind, parts in found.items()}
    return {"version": len(versions(call_id)) + 1, **said}


def _said(labels: Iterable[Label]) -> dict[str, str]:
    named = list(labels)
    return {"en": ", ".join(label.en for label in named), "ru": ", ".join(label.ru for label in named)}
