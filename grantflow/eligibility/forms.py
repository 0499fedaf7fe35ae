"""The small forms of the officer: run the rules, let one pass."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from grantflow.identity.forms import Keyed


class RunForm(Keyed):
    """One button."""


class WaiveForm(Keyed):
    """Why a rule that is not met may pass."""

    reason = TextAreaField(
        _("Why it may pass"),
        description=_("It stands beside the rule for good: the second reader, the auditor and the donor see it."),
        validators=[
            InputRequired(_("Write why the rule may pass: it will stand beside it for good.")),
            Length(max=1000, message=_("Shorten it to 1,000 characters.")),
        ],
    )
