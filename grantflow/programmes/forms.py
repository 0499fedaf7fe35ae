"""What a manager types about a call beyond its moves: an amendment of its districts, a later closing for all.

What is allowed is `service`'s to judge.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from grantflow.clock import local
from grantflow.history.canonical import stamp
from grantflow.identity.forms import Keyed, last_day, last_hour, reason_field
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


class ClosingForm(Keyed):
    """The later closing hour of a call, and why. `seen` is the hour that stood when the form was shown."""

    day = last_day(_("New closing day"), _("Day, month and year, for example 14.09.2021"))
    hour = last_hour()
    reason = reason_field(_("Reason"), _("It stands in the letters to those who hold a draft, and in the history."))
    seen = HiddenField()

    def __init__(self, formdata: Any, *, closes_at: datetime, zone: str) -> None:
        here = closes_at.astimezone(ZoneInfo(zone))
        super().__init__(formdata, data={"day": f"{here:%d.%m.%Y}", "hour": f"{here:%H:%M}", "seen": stamp(closes_at)})
        self.zone = zone

    def validate_reason(self, field: Any) -> None:
        """Something written."""
        self.said = clean_text(field.data)
        if not self.said:
            raise ValidationError(_("Write the reason: it will stand in the history."))

    @property
    def closes_at(self) -> datetime:
        """The instant that was written: the end of the minute, so that 23:59 lasts until midnight."""
        assert self.day.day is not None  # it was judged
        return local(self.day.day, *self.hour.hour, self.zone) + timedelta(seconds=59, microseconds=999_999)

    def see(self, closes_at: datetime) -> None:
        """Take the hour as it stands now for the one seen: it is shown together with what was typed."""
        self.seen.data, self.seen.raw_data = stamp(closes_at), None
