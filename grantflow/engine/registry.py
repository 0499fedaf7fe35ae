"""Owns the names a definition may use: guards, effects, deadline sources, roles, notices and forms.

Leaves what stands behind a name to the stage that registers it. A string of a TOML file is looked up here and
nowhere else; it is never an import path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from grantflow.engine.verdict import Verdict

Guard = Callable[[Any], Verdict]
Effect = Callable[[Any], None]
DeadlineSource = Callable[[Any], Any]

SYSTEM = "system"
"""The role under which deadlines and effects fire moves. No person ever holds it."""

_QUALIFIED = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")
_F = TypeVar("_F", bound=Callable[..., Any])


class Registry:
    """The vocabulary of definitions. A name belongs to one function only.

    `notices` maps a notice to the roles that receive it (empty: whoever the effect names at run time);
    `forms` maps a form to whatever its stage keeps there.
    """

    def __init__(self) -> None:
        self.guards: dict[str, Guard] = {}
        self.effects: dict[str, Effect] = {}
        self.to_many: set[str] = set()
        self.deadline_sources: dict[str, DeadlineSource] = {}
        self.roles: set[str] = {SYSTEM}
        self.notices: dict[str, Any] = {}
        self.forms: dict[str, Any] = {}

    def guard(self, name: str) -> Callable[[_F], _F]:
        """Register `f(ctx) -> Verdict` as a guard. ValueError when the name is taken or not
        `package.thing`.
        """
        return self._register(self.guards, "guard", name)

    def effect(self, name: str, *, to_many: bool = False) -> Callable[[_F], _F]:
        """Register `f(ctx) -> None` as an effect. ValueError when the name is taken or not
        `package.thing`. `to_many`: it reaches many cases and writes to their people; a person who makes a move with it
        looks at the letters first, in whatever definition the move stands.
        """
        if to_many:
            self.to_many.add(name)
        return self._register(self.effects, "effect", name)

    def deadline_source(self, name: str) -> Callable[[_F], _F]:
        """Register what answers `after = "field:NAME"`. ValueError when the name is taken or not
        `package.thing`.
        """
        return self._register(self.deadline_sources, "deadline source", name)

    def role(self, *names: str) -> None:
        """Make roles known."""
        self.roles.update(names)

    def notice(self, name: str, to: Iterable[str] = ()) -> None:
        """Make a notice known, with the roles that receive it."""
        self.notices[name] = tuple(to)

    def form(self, name: str, value: Any = None) -> None:
        """Make a form known."""
        self.forms[name] = value

    @staticmethod
    def _register(shelf: dict[str, Any], what: str, name: str) -> Callable[[_F], _F]:
        if not _QUALIFIED.match(name):
            raise ValueError(f'The {what} "{name}" must be named "package.thing", such as "scoring.quorum_met".')

        def keep(function: _F) -> _F:
            held = shelf.get(name)
            # A module that is imported anew (a reloading server) brings the same function again: no clash.
            if held is not None and _origin(held) != _origin(function):
                raise ValueError(f'The {what} "{name}" is registered twice: {_origin(held)} and {_origin(function)}.')
            shelf[name] = function
            return function

        return keep


def _origin(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


registry = Registry()
