"""What a guard and an effect are given: the case, the move, who acts, what was typed, and the means to act further.

It holds no rules. Whatever an effect says through it becomes part of the one event that `service` writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from grantflow.engine.definition import Move, Workflow
from grantflow.history.canonical import stamp
from grantflow.identity.access import Actor
from grantflow.money import Money


def plain(value: Any) -> Any:
    """A value as an event may hold it: money, decimals, dates and enumerations in their canonical forms."""
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value


@dataclass
class Context:
    """One move of one case, as guards and effects see it. `asking` is true when the page only asks whether."""

    session: Session
    case: Any
    """The row of `cases` as it was before the move."""
    workflow: Workflow
    move: Move
    actor: Actor
    now: datetime
    role: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    asking: bool = False
    changes: list[dict[str, Any]] = field(default_factory=list)
    private: dict[str, tuple[Any, int | None]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    scope: dict[str, Any] = field(default_factory=dict)
    wait: timedelta = timedelta(0)
    """How long the letters of this move lie before they leave: so long it can be taken back untold."""
    also: list[tuple[str, tuple[int, ...], dict[str, Any], int | None]] = field(default_factory=list)
    _once: dict[tuple[Callable[[int], Any], int], Any] = field(default_factory=dict)
    _fire: Any = None
    _open: Any = None

    @property
    def connection(self) -> Connection:
        """The connection of the unit of work under way, for the door's own statements."""
        unit: Connection = self.session.info["unit"]
        return unit

    def once(self, read: Callable[[int], Any], number: int) -> Any:
        """What `read(number)` gives, read once for this move, however many of its guards and effects ask.

        For what no effect writes before it is asked for again: who wants a value the move itself has written reads anew.
        """
        if (read, number) not in self._once:
            self._once[read, number] = read(number)
        return self._once[read, number]

    def change(self, name: str, before: Any, after: Any, *, private: bool = False, of: int | None = None) -> None:
        """Say that a value changed. A private one enters the chain as a digest; `of` is the person it is about."""
        before, after = plain(before), plain(after)
        if before == after:
            return
        if private:
            self.changes.append({"field": name, "private": True})
            self.private[f"{name}:before"] = (before, of)
            self.private[f"{name}:after"] = (after, of)
        else:
            self.changes.append({"field": name, "before": before, "after": after})

    def fact(self, name: str, value: Any) -> None:
        """Add a fact to the event."""
        self.facts[name] = plain(value)

    def param(self, name: str, value: Any) -> None:
        """Give the notices of this move a value for `{name}`."""
        self.params[name] = plain(value)

    def notify(self, notice: str, person_ids: list[int], *, about: int | None = None, **params: Any) -> None:
        """Send a further notice to named people, with the move; `about`: the case it leads to, if it is not this one."""
        self.also.append((notice, tuple(dict.fromkeys(person_ids)), {k: plain(v) for k, v in params.items()}, about))

    def set_scope(self, **columns: Any) -> None:
        """Change columns of the case itself: ref, title, panel_id, organisation_id, alliance_id."""
        allowed = {"ref", "title", "panel_id", "organisation_id", "alliance_id", "call_id", "programme_id"}
        if set(columns) - allowed:
            raise ValueError(f"an effect may not set {sorted(set(columns) - allowed)}")
        self.scope.update(columns)

    def fire(self, case_id: int, trigger: str, **arguments: Any) -> Any:
        """Move another case in the same transaction, as the system unless `actor` says otherwise."""
        if case_id == self.case.id:
            raise ValueError("an effect may not move its own case again")
        return self._fire(case_id, trigger, **arguments)

    def open(self, kind: str, **arguments: Any) -> Any:
        """Open a child of this case in the same transaction."""
        return self._open(kind, parent=self.case, **arguments)
