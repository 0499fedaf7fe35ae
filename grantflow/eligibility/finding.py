"""Owns the words in which a rule is judged: what is known beside the answers, and what one rule says.

Pure. Leaves judging to `rules` and `kinds`, finding out what is known to `knowledge`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from grantflow.programmes.terms import Rule, Terms

Word = Literal["ok", "fail", "unknown"]


@dataclass(frozen=True)
class Other:
    """Another application that concerns a rule: of the same body, or one that is alike.

    `going` says that it is still under way; `alike` holds what is the same: "title", "inn", "period".
    """

    ref: str
    call: str
    case_id: int
    own: bool
    same_call: bool
    same_programme: bool
    going: bool
    alike: tuple[str, ...] = ()


@dataclass(frozen=True)
class Granted:
    """A grant of this house to the same body: when the right to it arose, how much, and what is to be returned."""

    ref: str
    on: date
    minor: int
    currency: str
    owed_minor: int = 0


@dataclass(frozen=True)
class Known:
    """What the house knows of the body that applies."""

    applications: tuple[Other, ...] = ()
    grants: tuple[Granted, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What a rule needs to know beside the answers: the call's districts on its last day, that day, the day of its
    results, and what is known of the body; None where nobody has said yet who applies."""

    districts: frozenset[str]
    closes_on: date
    granted_on: date | None = None
    known: Known | None = None


@dataclass(frozen=True)
class Finding:
    """What one rule says. `unknown`: it does not apply, or nobody answered and that is no fault. A finding with
    `warn` among its values is met, and an officer looks at what it names."""

    code: str
    verdict: Word
    params: dict[str, Any] = field(default_factory=dict)


def unanswered(rule: Rule, *codes: str | None) -> Finding:
    """The word of a rule whose questions nobody answered."""
    word: Word = "unknown" if rule.unanswered == "pass" else "fail"
    return Finding(rule.code, word, {"missing": [code for code in codes if code]})


def sums_missing(terms: Terms, answers: Mapping[str, Any]) -> list[str]:
    """The questions without which it is not known what is asked; both where what was written cannot be added up."""
    both = [terms.keys.budget, terms.keys.own_share]
    return [code for code in both if answers.get(code) in (None, [])] or both


def people(counter: Any) -> tuple[int, int] | None:
    """Women, and all, of a counter; None where nobody was counted."""
    if not isinstance(counter, Mapping):
        return None
    women = int(counter.get("women") or 0)
    whole = women + int(counter.get("men") or 0) + int(counter.get("not_stated") or 0)
    return (women, whole) if whole else None
