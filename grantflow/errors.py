"""The one family of errors a person may meet. Each carries the HTTP status of its page and a sentence for a reader.

It knows no HTTP beyond that number; the pages are in `templates/errors/`.
"""

from __future__ import annotations

from typing import Any


class GrantFlowError(Exception):
    """The root: `status` is the page's HTTP status, `sentence` what the reader is told (any object with str())."""

    status = 500

    def __init__(self, sentence: Any = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return str(self.sentence)


class NotFound(GrantFlowError):
    """The record does not exist, or the reader may not know that it does."""

    status = 404


class Refused(GrantFlowError):
    """A move was asked for and a rule said no. The sentence names the rule, person or date; nothing was changed."""

    status = 403


class Stale(GrantFlowError):
    """Somebody else changed the record since the page was opened. Nothing was changed."""

    status = 409


class Invalid(GrantFlowError):
    """Input that cannot be understood. `fields` maps field names to sentences."""

    status = 400

    def __init__(self, sentence: Any = "", fields: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.fields = fields or {}


class Misconfigured(GrantFlowError):
    """The installation cannot run as set up: an unknown setting, an old database, a faulty definition."""

    status = 503
