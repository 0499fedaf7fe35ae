"""The way from people's use cases to the one door of `cases`, which stands in a later layer and hands its
keys in here.

It decides nothing: `cases.service` gives `open_case` and `record`, `service` calls them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_keys: dict[str, Callable[..., Any]] = {}


def hand_over(*, open_case: Callable[..., Any], record: Callable[..., Any]) -> None:
    """Give the two functions by which files are opened and events are written. Called once, by
    `cases.service`.
    """
    _keys.update(open_case=open_case, record=record)


def open_case(kind: str, **arguments: Any) -> Any:
    """Open a file of a kind that only records: see `cases.service.open_case`."""
    return _keys["open_case"](kind, **arguments)


def record(case_id: int, what: str, **arguments: Any) -> Any:
    """Write an event without a move: see `cases.service.record`."""
    return _keys["record"](case_id, what, **arguments)
