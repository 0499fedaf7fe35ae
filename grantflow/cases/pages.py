"""Where a stage says what stands in the frame of its cases' page, and which form a move asks for.

The frame itself, with badge, desk, moves and time line, is in `views`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from grantflow.engine.registry import registry
from grantflow.identity.access import Actor

Page = Callable[[Any, Actor], tuple[str, dict[str, Any]]]
_pages: dict[str, Page] = {}
_Form = TypeVar("_Form", bound=type)


def case_page(kind: str) -> Callable[[Page], Page]:
    """Register `f(case, actor) -> (template, context)` as the body of the page of a kind of case."""

    def keep(function: Page) -> Page:
        _pages[kind] = function
        return function

    return keep


def page_for(kind: str) -> Page | None:
    """The body registered for a kind, if any."""
    return _pages.get(kind)


def move_form(name: str) -> Callable[[_Form], _Form]:
    """Register a WTForms class for the moves that name it: `Form(formdata, case=…, actor=…)` with `.payload()`."""

    def keep(form: _Form) -> _Form:
        registry.form(name, form)
        return form

    return keep


def form_for(name: str) -> Any:
    """The form class registered under a name."""
    return registry.forms[name]


View = Callable[[Any, Actor], None]
_viewers: list[View] = []


def on_view(function: View) -> View:
    """Register what is to happen when somebody opens a case's page."""
    _viewers.append(function)
    return function


def viewed(case: Any, actor: Actor) -> None:
    """Tell whoever registered that this actor opens this case. Called by the frame, before it reads."""
    for function in _viewers:
        function(case, actor)
