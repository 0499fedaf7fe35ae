"""The forms of a change of bank details: what the grantee asks for, and how a second person of finance settles it.

What may be asked and who may settle it is judged in `asking` and `confirming`; here it is read and asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf.file import FileField
from wtforms import (  # type: ignore[attr-defined]  # the stubs are older than the library
    HiddenField,
    RadioField,
    SelectChoice,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, ValidationError

from grantflow.awards.forms import AccountFields
from grantflow.disbursements.asking import Asked, Letter
from grantflow.disbursements.confirming import Reached
from grantflow.disbursements.contacts import Phone
from grantflow.disbursements.quarantine import LONGEST_NAME, LONGEST_REASON
from grantflow.identity.forms import DayField, Keyed, new_key, reason_field
from grantflow.rendering import label

OTHER = "other"
_SHORTER = Length(max=LONGEST_NAME, message=_("Shorten it to %(max)d characters."))


def number_of(field: Any) -> int:
    """The version of the grant the person had before them; -1, which none is, where it is no number."""
    text = str(field.data or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


class AskAccount(AccountFields):
    """Another account for the grant: whose, from when and why, and the bank's own letter."""

    key = HiddenField(default=new_key, validators=[Length(max=100)])
    version = HiddenField()
    holder = StringField(
        _("Holder of the account"),
        [InputRequired(_("Write the holder of the account, as the bank has the name.")), _SHORTER],
        description=_("As in the bank’s own paper. It is compared with the name of your organisation."),
    )
    from_on = DayField(
        _("Can be paid to from"),
        [InputRequired(_("Write the day from which the account can be paid to."))],
        description=_("For example 24.2.2022. Until then, and until it is confirmed, nothing is paid."),
    )
    reason = TextAreaField(
        _("Why the account changes"),
        [
            InputRequired(_("Write why the account changes: finance reads it.")),
            Length(max=LONGEST_REASON, message=_("Shorten it to 1,000 characters.")),
        ],
        description=_("It stands in the history of the grant."),
    )
    letter = FileField(_("Letter from the bank"), description=_("If you have one: it says whose account it is."))

    def asked(self, letter: Letter | None) -> Asked:
        """What goes to the service."""
        assert self.from_on.day is not None
        return Asked(
            self.bank_account.data or "", self.bank_code.data or "", self.bank_name.data or "", self.holder.data or "",
            self.from_on.day, self.reason.data or "", letter,
        )  # fmt: skip


class Step(Keyed):
    """Taking it up, or taking it back."""

    version = HiddenField()


class Confirm(Step):
    """How and whom a second person reached, by a contact known before."""

    channel = RadioField(
        _("How did you reach them?"),
        choices=[
            SelectChoice("phone", _("By telephone")),
            SelectChoice("video", _("By video, face to face")),
            SelectChoice("visit", _("On a visit, or they came")),
        ],
        validators=[InputRequired(_("Choose how you reached them."))],
    )
    known = RadioField(
        _("By which contact?"),
        validators=[InputRequired(_("Choose the contact by which you reached them."))],
        description=_("One that was known before this was asked for, never one that came with it."),
    )
    contact = StringField(
        _("Another contact, and where it stood"),
        [_SHORTER],
        description=_("For example: +7 8142 …, in the signed agreement."),
    )
    who = StringField(
        _("Whom did you reach?"),
        [InputRequired(_("Write whom you reached: name and office.")), _SHORTER],
        description=_("Name and office, for example: director."),
    )
    end = StringField(
        _("The last four characters of the new account, as they told you"),
        [InputRequired(_("Write the last four characters as they told you."))],
        description=_("Let them say it; do not read it to them."),
        render_kw={"autocomplete": "off"},
    )

    def __init__(self, formdata: Any, *, phones: Sequence[Phone], **more: Any) -> None:
        super().__init__(formdata, **more)
        self.phones = phones
        self.known.choices = [
            *(SelectChoice(str(n), f"{one.value} ({label(one.label)})") for n, one in enumerate(phones)),
            SelectChoice(OTHER, _("Another one, known before")),
        ]

    def validate_contact(self, field: Any) -> None:
        """Another contact than those listed is written out."""
        if self.known.data == OTHER and not (field.data or "").strip():
            raise ValidationError(_("Write the number or the place, known before this was asked for."))

    def reached(self) -> Reached:
        """What goes to the service."""
        chosen = self.known.data or ""
        contact = self.contact.data or "" if chosen == OTHER else self.phones[int(chosen)].value
        return Reached(self.channel.data or "", contact, self.who.data or "", self.end.data or "")


class Refuse(Step):
    """Why it is refused."""

    reason = reason_field(_("Why it is refused"), _("The grantee reads it, and it stands in the history."))
