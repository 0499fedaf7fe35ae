"""The form every move shares: what was seen, the key under which it counts once, and the reason.

What a particular move asks beside it is its stage's form, registered under the move's `form`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import HiddenField, TextAreaField

from grantflow.cases import pages
from grantflow.engine.definition import Move
from grantflow.identity.forms import Keyed
from grantflow.rendering import clean_text

LONGEST_REASON = 4000


class MoveForm(Keyed):
    """Version, key and reason. `seen` is the version on the page, or None where it is no number."""

    version = HiddenField()
    reason = TextAreaField(_("Reason"))

    def __init__(self, formdata: Any, *, move: Move, version: int) -> None:
        super().__init__(formdata, data={"version": str(version)})
        self.move = move
        self.said = ""
        if move.reason == "required":
            self.reason.flags.required = True
            self.reason.description = _("It stands in the history and goes to those who are told.")
        else:
            self.reason.label.text = _("Reason, if it is worth remembering")

    @property
    def seen(self) -> int | None:
        """The version of the case the person had before them."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def checked(self) -> bool:
        """Whether what was typed can be taken; errors are put to the fields."""
        fine = bool(self.validate())
        self.reason.errors = list(self.reason.errors)
        text = clean_text(self.reason.data)
        if self.move.reason == "none":
            text = ""
        if self.move.reason == "required" and not text:
            self.reason.errors.append(_("Write the reason: it will stand in the history."))
        elif len(text) > LONGEST_REASON:
            self.reason.errors.append(
                _(
                    "Write at most %(longest)s characters; these are %(count)s.",
                    longest=LONGEST_REASON,
                    count=len(text),
                )
            )
        self.said = text
        return fine and not self.reason.errors


def letters_seen(sent: Mapping[str, str]) -> str:
    """The word for the letters that were looked at before this was sent; none where they are asked for."""
    return "" if sent.get("do") == "look" else sent.get("letters", "")


def stage_form(move: Move, formdata: Any, case: Any, actor: Any) -> Any:
    """The form a stage asks of this move, or None."""
    kind = pages.form_for(move.form) if move.form else None
    return kind(formdata, case=case, actor=actor) if kind is not None else None


def has_files(form: Any) -> bool:
    """Whether a form sends files."""
    return form is not None and any(getattr(field.widget, "input_type", "") == "file" for field in form)
