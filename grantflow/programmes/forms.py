"""What is typed about a call beyond its moves: an amendment of its districts, a question about it, an answer to one.

What is allowed is `service`'s and `inquiries`' to judge.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs are older than the library
    HiddenField,
    RadioField,
    SelectChoice,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from grantflow.identity.forms import Keyed
from grantflow.programmes.inquiry_models import Said
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


class AskForm(Keyed):
    """A question about a call."""

    question = TextAreaField(
        _("Your question"),
        description=_(
            "Leave out names and details of your project: if the answer helps others too, everybody reads it. "
            "The question is then put in neutral words, and nobody is told who asked."
        ),
    )


REACH_LABELS = {
    "public": _("Publish for all: everybody in the contest gets the same answer"),
    "asker": _("Only to whoever asked: it helps nobody else"),
    "withdrawn": _("Withdraw: the answer no longer holds; below stands why"),
}


class AnswerForm(Keyed):
    """An answer in both languages, with the question as everybody may read it."""

    reach = RadioField(_("For whom is the answer?"), validate_choice=False)
    wording_en = TextAreaField(
        _("The question in neutral words, English"),
        description=_("Without the name of a person, an enterprise or a project. Not needed for an answer to one."),
    )
    wording_ru = TextAreaField(_("The question in neutral words, Russian"))
    answer_en = TextAreaField(_("Answer, English"), description=_("One language is enough; both are better."))
    answer_ru = TextAreaField(_("Answer, Russian"))
    seen = HiddenField()

    def offer(self, reaches: tuple[str, ...]) -> None:
        """Let only these be chosen."""
        self.reach.choices = [SelectChoice(reach, REACH_LABELS[reach]) for reach in reaches]

    @property
    def wording(self) -> Said:
        """The question as everybody may read it."""
        return Said(self.wording_en.data or "", self.wording_ru.data or "")

    @property
    def text(self) -> Said:
        """The answer."""
        return Said(self.answer_en.data or "", self.answer_ru.data or "")
