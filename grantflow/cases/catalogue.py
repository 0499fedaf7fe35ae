"""The register of notices, N-01 and on: event, recipient and moment of each number, its ladders, and what a reader may
stop. It is read from `workflows/notices/table.toml`; the texts of a number are in `notices`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from grantflow.engine.definition import Label

CODE = r"^N-\d\d$"
_RUNG = re.compile(r"(?P<before>-?)P(?:(?P<days>\d{1,3})D)?(?:T(?P<hours>\d{1,3})H)?\Z", re.ASCII)
_OF = re.compile(r"[a-z_]+/[a-z_]+/[a-z_]+\Z|[a-z_]+\.[a-z_]+\Z")
HALF = "half"


def offset(rung: str) -> timedelta | None:
    """How long after the date a rung stands (before it: less than nothing); None for "half", which has no length."""
    if rung == HALF:
        return None
    found = _RUNG.match(rung)
    assert found is not None  # judged when it was read
    length = timedelta(days=int(found["days"] or 0), hours=int(found["hours"] or 0))
    return -length if found["before"] else length


def _rung(text: str) -> str:
    found = _RUNG.match(text)
    if text != HALF and (not found or not (found["days"] or found["hours"])):
        raise ValueError('must be "half" or a length of days and hours such as "-P7D" (before) or "P1D" (after)')
    return text


def _of(text: str) -> str:
    if not _OF.match(text):
        raise ValueError('must be a deadline "kind/state/name" or a source "package.thing"')
    return text


def _climbing(rungs: tuple[str, ...]) -> tuple[str, ...]:
    lengths = [length for rung in rungs if (length := offset(rung)) is not None]
    if HALF in rungs[1:] or lengths != sorted(set(lengths)):
        raise ValueError('the rungs stand in the order of time, "half" first, each once')
    return rungs


class Ladder(BaseModel):
    """Reminders of one date: which notice, of what, at which rungs, in which programme ("*": in all)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notice: str
    of: Annotated[str, AfterValidator(_of)]
    at: Annotated[tuple[Annotated[str, AfterValidator(_rung)], ...], Field(min_length=1), AfterValidator(_climbing)]
    programme: str = Field(default="*", min_length=1)


class Row(BaseModel):
    """One number of the register."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: Label
    recipient: Label
    moment: Label
    stop: bool = False
    """Whether a reader may stop its mail: only where nobody is harmed by not reading it."""
    digest: Literal["", "daily", "morning"] = ""
    ladder: tuple[Ladder, ...] = ()
