"""The forms of an award's moves: accepting with an account, and recording the signed agreement.

What makes an account or an agreement right is judged in `banking` and `service`; here it is read and asked
for.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length, ValidationError

from grantflow.awards.banking import read_account, read_bank_code
from grantflow.awards.past import currency_of
from grantflow.awards.payees import payee_of
from grantflow.awards.service import LONGEST_NAME, LONGEST_NUMBER, Agreement, agreement_fault
from grantflow.cases.pages import move_form
from grantflow.identity.forms import DayField
from grantflow.money import Money
from grantflow.rendering import Unreadable, clean_text, label, parse_money


class AccountFields(FlaskForm):  # type: ignore[misc]
    """An account of whoever receives the money, with its check digits."""

    bank_account = StringField(
        _("Account of the organisation"),
        [InputRequired(_("Write the account: 20 digits, or an IBAN."))],
        description=_("20 digits, blanks allowed, or an IBAN. The check digits are looked at at once."),
    )
    bank_code = StringField(
        _("BIK of the bank"), description=_("9 digits, for an account of 20 digits. An IBAN needs none.")
    )
    bank_name = StringField(
        _("Bank"),
        [
            InputRequired(_("Write the name of the bank.")),
            Length(max=LONGEST_NAME, message=_("Shorten it to %(max)d characters.")),
        ],
        description=_("As in the bank’s own paper."),
    )

    def __init__(self, formdata: Any = None, *, case: Any = None, actor: Any = None, **more: Any) -> None:
        super().__init__(formdata, **more)
        self.case = case
        payee = payee_of(case.organisation_id)
        if payee is not None and payee.sponsors:
            self.bank_account.label.text = _("Account of %(name)s, your fiscal sponsor", name=label(payee.name))

    def validate_bank_account(self, field: Any) -> None:
        """20 digits, or an IBAN whose check digits fit."""
        self.account = None
        try:
            self.account = read_account(field.data)
        except Unreadable as told:
            raise ValidationError(str(told)) from told

    def validate_bank_code(self, field: Any) -> None:
        """The BIK that belongs to an account of 20 digits."""
        try:
            read_bank_code(field.data, getattr(self, "account", None))
        except Unreadable as told:
            raise ValidationError(str(told)) from told


@move_form("awards.accept")
class Accept(AccountFields):
    """Taking the grant: where it is to be paid, and who signs."""

    signatory = StringField(
        _("Who signs the agreement"),
        [
            InputRequired(_("Write the name and the office of whoever signs.")),
            Length(max=LONGEST_NAME, message=_("Shorten it to %(max)d characters.")),
        ],
        description=_("Name and office, for example: director."),
    )

    def payload(self) -> dict[str, Any]:
        """What goes to the move."""
        return {
            "bank_account": self.bank_account.data,
            "bank_code": self.bank_code.data,
            "bank_name": clean_text(self.bank_name.data),
            "signatory": clean_text(self.signatory.data),
        }


@move_form("awards.sign")
class Sign(FlaskForm):  # type: ignore[misc]
    """Recording the signed agreement."""

    agreement_no = StringField(
        _("Number of the agreement"),
        [
            InputRequired(_("Write the number of the agreement.")),
            Length(max=LONGEST_NUMBER, message=_("Shorten it to %(max)d characters.")),
        ],
    )
    signed_on = DayField(
        _("Signed on"),
        [InputRequired(_("Write the day on which both sides had signed."))],
        description=_("The day of the later signature, for example 24.2.2022."),
    )
    starts_on = DayField(
        _("The grant starts on"),
        [InputRequired(_("Write the first day of the grant."))],
        description=_("Tranches and reports are counted from it."),
    )
    ends_on = DayField(
        _("The grant ends on"),
        [InputRequired(_("Write the last day of the grant."))],
        description=_("The later checks are counted from it."),
    )

    def __init__(self, formdata: Any = None, *, case: Any = None, actor: Any = None, **more: Any) -> None:
        super().__init__(formdata, **more)
        self.case = case

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field by itself, then the days against each other and the number against other grants."""
        if not super().validate(extra_validators):
            return False
        fault = agreement_fault(self.case.id, self._agreement())
        if fault is not None:
            name, sentence = fault
            self[name].errors = [*self[name].errors, str(sentence)]
        return fault is None

    def _agreement(self) -> Agreement:
        days = (self.signed_on.day, self.starts_on.day, self.ends_on.day)
        return Agreement(" ".join(clean_text(self.agreement_no.data).split()), *days)  # type: ignore[arg-type]

    def payload(self) -> dict[str, Any]:
        """What goes to the move."""
        given = self._agreement()
        return {
            "agreement_no": given.number,
            "signed_on": given.signed_on,
            "starts_on": given.starts_on,
            "ends_on": given.ends_on,
        }


@move_form("awards.past_outcome")
class Past(FlaskForm):  # type: ignore[misc]
    """Noting what a register says was awarded."""

    amount = StringField(
        _("Sum of the grant"),
        [InputRequired(_("Write the sum that was awarded; 0 where nothing was."))],
        description=_("As the register has it, more than was asked for included."),
    )
    on = DayField(_("Decided on"), description=_("Leave it blank where the register does not say."))

    def __init__(self, formdata: Any = None, *, case: Any = None, actor: Any = None, **more: Any) -> None:
        super().__init__(formdata, **more)
        self.currency = currency_of(case.id)

    def validate_amount(self, field: Any) -> None:
        """The sum can be read."""
        try:
            self._read(field.data)
        except Unreadable as told:
            raise ValidationError(str(told)) from told

    def _read(self, text: str | None) -> Money:
        return parse_money(text, self.currency)

    def payload(self) -> dict[str, Any]:
        """The sum and the day."""
        return {"amount": self._read(self.amount.data), "on": self.on.day}
