"""What a manager types about a call beyond its moves: an amendment of its districts, a later closing for all.

What is allowed is `service`'s to judge.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from grantflow.typed import Unreadable, clean_text, parse_date


class TickList(SelectMultipleField):
    """Several ticks of a list."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ScopeForm(FlaskForm):  # type: ignore[misc]
    """The districts of a call from a day on, and why."""

    districts = TickList(_("Districts from that day on"))
    on = StringField(_("From which day"), description=_("Day, month and year, for example 14.09.2021"))
    reason = TextAreaField(
        _("Reason"), [Length(max=2000)], description=_("It stands on the call's page and in the history.")
    )
    key = HiddenField()

    def validate_districts(self, field: Any) -> None:
        """At least one."""
        if not field.data:
            raise ValidationError(_("Tick at least one district."))

    def validate_on(self, field: Any) -> None:
        """A day that exists."""
        try:
            self.day: date = parse_date(field.data)
        except Unreadable as error:
            raise ValidationError(str(error)) from None

    def validate_reason(self, field: Any) -> None:
        """Something written."""
        field.data = clean_text(field.data)
        if not field.data:
            raise ValidationError(_("Write the reason: it will stand in the history."))
