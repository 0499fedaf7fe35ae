"""The forms of writing together: an invitation, and another owner. They only collect; `inviting` and `owners` judge."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import (
    BooleanField,
    EmailField,
    RadioField,
    StringField,
)
from wtforms.validators import InputRequired, Length

from grantflow.identity.forms import Keyed, reason_field
from grantflow.submissions.forms import TickList


class InviteForm(Keyed):
    """Whom to invite, and what they may write."""

    name = StringField(
        _("Name"),
        description=_("As it should stand in the letter, if this person has no account yet."),
        validators=[InputRequired(_("Write the name.")), Length(max=200, message=_("Shorten it to 200 characters."))],
    )
    email = EmailField(
        _("E-mail"),
        description=_("The invitation goes there. Whether there is an account under it is not told."),
        validators=[InputRequired(_("Write the e-mail address."))],
    )
    whole = BooleanField(_("The whole application, to read and to write"))
    sections = TickList(
        _("Only these sections"),
        description=_(
            "The others stay closed to this person. What you tick here does not matter if the whole is open."
        ),
        validate_choice=False,
    )


class OwnerForm(Keyed):
    """Whose the application is to be, and why."""

    person = RadioField(
        _("New owner"),
        coerce=str,
        validate_choice=False,
        validators=[InputRequired(_("Choose the new owner."))],
    )
    reason = reason_field(_("Why"), _("Both people read it, and it stands in the history."))
