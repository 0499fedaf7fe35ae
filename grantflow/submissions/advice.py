"""Where a later stage says beforehand what it would find in a draft: told to the applicant, never a refusal.

Knows nothing of rules; `eligibility` registers its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Advice:
    """One thing a later step would find. `ok` is None where it cannot be told yet; `text` says what and
    why."""

    name: Any
    ok: bool | None
    text: Any


Provider = Callable[[Any, Any, dict[str, Any]], list[Advice]]
_providers: dict[str, Provider] = {}


def advice_provider(function: Provider) -> Provider:
    """Register `f(application_row, terms, answers) -> list[Advice]`."""
    _providers[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def advice(row: Any, terms: Any, answers: dict[str, Any]) -> list[Advice]:
    """What later steps would find in these answers."""
    return [item for function in _providers.values() for item in function(row, terms, answers)]
