"""The forms of an organisation's profile: figures, funding, the fiscal sponsor; and of merging two files.

What may be written is judged in `profiles`, `sponsors` and `merging`; here is only what a browser sends.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import (  # type: ignore[attr-defined]  # the stubs are older than the library
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length

from grantflow.identity.forms import DayField, Keyed, Reasoned
from grantflow.identity.labels import FUNDING_LABELS, GROUP_LABELS, SEX_LABELS
from grantflow.identity.models import FUNDING_SOURCES, GROUPS, SEXES
from grantflow.identity.profiles import CURRENCIES


class Figures(Keyed):
    """Women and men on the board, among the owners and in the staff, as of a day."""

    as_of_on = DayField(_("As of"), description=_("The day these figures are of, for example 1.11.2021."))
    women_share = StringField(
        _("Share that belongs to women, %"),
        description=_("Exactly, for example 50.5. Leave it blank where nobody owns shares, as in an association."),
    )

    def typed(self) -> dict[str, str | None]:
        """What the service takes."""
        return {name: self[name].data for name in (*COUNT_FIELDS, "women_share")}


COUNT_FIELDS = tuple(f"{group}_{sex}" for group in GROUPS for sex in SEXES)
for _group in GROUPS:
    for _sex in SEXES:
        setattr(Figures, f"{_group}_{_sex}", StringField(SEX_LABELS[_sex], name=f"{_group}_{_sex}"))


class Funding(Keyed):
    """What an organisation lived on in a year."""

    year = StringField(_("Year"), description=_("For example 2020."))
    currency = SelectField(_("Currency"), choices=[SelectChoice(code) for code in CURRENCIES])

    def typed(self) -> dict[str, str | None]:
        """What the service takes."""
        return {source: self[source].data for source in FUNDING_SOURCES}

    @property
    def whole_year(self) -> int | None:
        """The year, where it is one."""
        text = (self.year.data or "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else None


for _source in FUNDING_SOURCES:
    setattr(Funding, _source, StringField(FUNDING_LABELS[_source]))


class AskSponsor(Keyed):
    """Which organisation is asked to receive a group's money."""

    sponsor = RadioField(_("Which organisation do you ask?"), coerce=str, validate_choice=False)
    words = TextAreaField(
        _("What they should know"),
        [Length(max=1000, message=_("Shorten it to 1,000 characters."))],
        description=_("Who you are and what the grant is for. They read it before they answer."),
    )


class AnswerSponsor(Keyed):
    """Agreeing to receive a group's money, declining, or ending it with a reason."""

    reason = TextAreaField(
        _("Reason"),
        [Length(max=1000, message=_("Write at most 1,000 characters."))],
        description=_("Needed only to end it. The other side reads it, and it stands in the history."),
    )


class Merge(Reasoned):
    """Two files that are one body; `seen` is what the page showed when it was confirmed."""

    seen = HiddenField()


__all__ = ["COUNT_FIELDS", "GROUP_LABELS", "AnswerSponsor", "AskSponsor", "Figures", "Funding", "Merge"]


def filled(form: Any, **values: Any) -> Any:
    """The form with these values where nothing was sent yet."""
    for name, value in values.items():
        if not form.is_submitted():
            form[name].data = value
    return form
