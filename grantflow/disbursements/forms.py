"""The forms of a tranche's moves: the sum typed once more, and the bank's word that it paid.

Whether the sum is the right one and the reference is new is judged by guards in `service`; here both are
read.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length, ValidationError

from grantflow import clock
from grantflow.awards.queries import award, zone_of
from grantflow.awards.words import day, money
from grantflow.cases.pages import move_form
from grantflow.disbursements.queries import tranche
from grantflow.disbursements.rules import LONGEST_REFERENCE, read_reference, reference_used
from grantflow.identity.forms import DayField
from grantflow.money import Money
from grantflow.rendering import Unreadable, parse_money


@move_form("disbursements.approve")
class Approve(FlaskForm):  # type: ignore[misc]
    """The first approval: the sum is typed once more and compared."""

    template = "disbursements/approve.html"
    amount = StringField(
        _("Type the sum once more"),
        [InputRequired(_("Type the sum of the tranche in figures."))],
        description=_("132000, 132 000,00 and 132,000.00 all read the same."),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )

    def __init__(self, formdata: Any = None, *, case: Any = None, actor: Any = None, **more: Any) -> None:
        super().__init__(formdata, **more)
        self.tranche = tranche(case.id)
        self.read: Money | None = None

    def validate_amount(self, field: Any) -> None:
        """It reads as the very sum of the tranche."""
        try:
            self.read = parse_money(field.data, self.tranche.currency)
        except Unreadable as told:
            raise ValidationError(str(told)) from told
        if self.read != self.tranche.amount:
            raise ValidationError(
                str(
                    _(
                        "This reads as %(typed)s, and the tranche is %(sum)s. "
                        "Compare them, then type the sum once more.",
                        typed=money(self.read),
                        sum=money(self.tranche.amount),
                    )
                )
            )

    def payload(self) -> dict[str, Any]:
        """What goes to the move."""
        assert self.read is not None
        return {"amount_minor": self.read.minor, "currency": self.read.currency}


@move_form("disbursements.pay")
class Pay(FlaskForm):  # type: ignore[misc]
    """Marking a tranche as paid, by the bank's paper."""

    template = "disbursements/pay.html"
    bank_ref = StringField(
        _("The bank’s reference"),
        [
            InputRequired(_("Write the reference of the bank’s payment order.")),
            Length(max=LONGEST_REFERENCE, message=_("Shorten it to %(max)d characters.")),
        ],
        description=_("As in the statement. Each reference is used once."),
        render_kw={"autocomplete": "off"},
    )
    booked_on = DayField(
        _("Booked on"),
        [InputRequired(_("Write the day on which the bank booked the payment."))],
        description=_("The day in the statement, not later than today."),
    )

    def __init__(self, formdata: Any = None, *, case: Any = None, actor: Any = None, **more: Any) -> None:
        super().__init__(formdata, **more)
        self.case = case
        self.tranche = tranche(case.id)
        self.award = award(self.tranche.award_id)

    def validate_bank_ref(self, field: Any) -> None:
        """It stands on one line and was not used before."""
        reference = read_reference(field.data)
        if not reference:
            raise ValidationError(str(_("Write the reference of the bank’s payment order.")))
        used = reference_used(reference)
        if used is not None and used[2] != self.case.id:
            raise ValidationError(
                str(
                    _(
                        "The reference %(reference)s was used for %(tranche)s on %(day)s. "
                        "Look at the bank’s paper once more.",
                        reference=reference,
                        tranche=used[0],
                        day=day(used[1]),
                    )
                )
            )

    def validate_booked_on(self, field: Any) -> None:
        """Not a day to come."""
        if field.day is not None and field.day > clock.today(zone_of(self.case.programme_id)):
            raise ValidationError(
                str(
                    _(
                        "%(day)s has not come yet: write the day on which the bank booked the payment.",
                        day=day(field.day),
                    )
                )
            )

    def payload(self) -> dict[str, Any]:
        """What goes to the move."""
        return {"bank_ref": read_reference(self.bank_ref.data), "booked_on": self.booked_on.day}
