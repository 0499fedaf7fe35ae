"""A closing hour put off for everybody: its letters, and the way for a later stage to put right what of its own hangs on it.

Whether and when it is put off is judged in `service` and in `calls`; whom it concerns is said by the stage that owns the
drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import force_locale

from grantflow import rendering
from grantflow.programmes.models import Call
from grantflow.programmes.parts import Prose

NOTICE = "closing_put_off"
Told = Mapping[int, list[int]]
Follower = Callable[[Call, datetime], Told]
_followers: dict[str, Follower] = {}


def follows(function: Follower) -> Follower:
    """Register `f(call as it was, the new hour)`: puts right what hangs on the hour, gives back whom to tell, by the case
    that the letter leads to."""
    _followers[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def put_off(call: Call, closes_at: datetime, reason: Prose) -> list[tuple[str, list[int], dict[str, Any]]]:
    """Let every stage follow, inside a unit of work that holds the call and before its row is written; gives back the
    notices for the event."""
    words = words_of(call, closes_at, reason)
    told = [pair for follow in _followers.values() for pair in follow(call, closes_at).items()]
    return [(NOTICE, people, {**words, "about": case_id}) for case_id, people in told]


def words_of(call: Call, closes_at: datetime, reason: Prose) -> dict[str, Any]:
    """What every letter about a later closing says: of which call, the hour as it was, the new one, and why."""
    return {
        "call": {"en": call.title.en, "ru": call.title.ru},
        "before": _hour(call.closes_at, call.zone),
        "closes": _hour(closes_at, call.zone),
        "reason": {"en": reason.en, "ru": reason.ru},
    }


def _hour(at: datetime, zone: str) -> dict[str, str]:
    """An hour by the call's own clock, whatever zone its reader is in, in both languages."""
    said = {}
    for language in ("en", "ru"):
        with force_locale(language):
            said[language] = rendering.moment(at, zone, "full")
    return said


def last_day(call: Any) -> date:
    """The closing day of a call in its zone: the day on which its rules of eligibility must hold."""
    found: date = call.closes_at.astimezone(ZoneInfo(call.zone)).date()
    return found
