"""The forms of a grant that is passed on: its clause, and what pays for a call.

What may stand in them is judged in `clauses` and `funding`; here it is read and asked for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import (  # type: ignore[attr-defined]  # the stubs are older than the library
    EmailField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.validators import InputRequired, Length, ValidationError

from grantflow.awards.clauses import Written, lines_of
from grantflow.awards.funding import Chosen, Rate
from grantflow.awards.models import Award
from grantflow.awards.regrant_models import CallFunding, RegrantClause
from grantflow.identity.forms import DayField, Keyed, reason_field
from grantflow.money import Money
from grantflow.rendering import Unreadable, clean_text, money, number, parse_decimal, parse_money

NOBODY = "none"


def _version(seen: str | None) -> int:
    typed = seen or ""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else -1


def _sum_field(words: Any, description: Any) -> Any:
    return StringField(words, [InputRequired(_("Write a sum."))], description=description)


class ClauseForm(Keyed):
    """What the agreement of a grant allows to be passed on."""

    seen = HiddenField()
    activities = TextAreaField(
        _("What may be supported"),
        [InputRequired(_("Write at least one line."))],
        description=_("One activity on each line, as the agreement words it."),
    )
    criteria = TextAreaField(
        _("Who may receive it, and by which criteria"),
        [InputRequired(_("Write at least one line."))],
        description=_("One criterion on each line."),
    )
    minimum = _sum_field(_("The least of one grant"), _("0 where the agreement names none."))
    maximum = _sum_field(_("The most for one third party"), _("All its grants from this one together."))
    envelope = _sum_field(_("May be passed on in all"), _("The whole grant at most."))
    reason = reason_field(_("Reason"), _("Where it stands, such as the article of the agreement or its amendment."))

    def __init__(self, formdata: Any = None, *, parent: Award, clause: RegrantClause | None) -> None:
        before: dict[str, Any] = {"seen": str(clause.version if clause else 0)}
        if clause is not None:
            before |= {name: "\n".join(getattr(clause, name)) for name in ("activities", "criteria")}
            before |= {name: money(getattr(clause, name), bare=True) for name in ("minimum", "maximum", "envelope")}
        super().__init__(formdata, data=before)
        self.currency = parent.currency
        self.sums: dict[str, Money] = {}

    def _read(self, field: Any) -> None:
        try:
            self.sums[field.short_name] = parse_money(field.data, self.currency)
        except Unreadable as told:
            raise ValidationError(str(told)) from told

    def validate_minimum(self, field: Any) -> None:
        """The sum can be read; so with the next two."""
        self._read(field)

    def validate_maximum(self, field: Any) -> None:
        self._read(field)

    def validate_envelope(self, field: Any) -> None:
        self._read(field)

    def written(self) -> Written:
        """What goes to the service."""
        return Written(lines_of(self.activities.data), lines_of(self.criteria.data), **self.sums)

    @property
    def version(self) -> int:
        """The version that stood there when the writer began; one that never was where it was tampered with."""
        return _version(self.seen.data)


class FundingForm(Keyed):
    """Which grant pays for a call, and for what of its clause. The activities of all grants stand below one another,
    so that the page works without a script; those of another grant are refused."""

    seen = HiddenField()
    award = RadioField(_("Who pays for this call"), [InputRequired(_("Choose one."))])
    activities = SelectMultipleField(
        _("What of the clause the call supports"),
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    rate = StringField(_("Rate"))
    rate_on = DayField(_("Rate of"), description=_("The day, for example 1.11.2021."))
    rate_source = StringField(
        _("Whose rate"),
        [Length(max=200, message=_("Shorten it to %(max)d characters."))],
        description=_("For example: central bank."),
    )

    def __init__(
        self,
        formdata: Any = None,
        *,
        call: Any,
        version: int,
        choices: list[tuple[Award, RegrantClause]],
        before: CallFunding | None,
    ) -> None:
        held: dict[str, Any] = {"seen": str(version), "award": str(before.award_id) if before else NOBODY}
        if before is not None:
            held["activities"] = [f"{before.award_id}/{line}" for line in before.activities]
            held |= {
                "rate": number(before.rate) if before.rate else "",
                "rate_on": before.rate_on,
                "rate_source": before.rate_source,
            }
        super().__init__(formdata, data=held)
        self.award.choices = [SelectChoice(NOBODY, _("The programme itself, no grant"))] + [
            SelectChoice(
                str(award.case_id),
                _("%(number)s, up to %(envelope)s", number=award.number, envelope=money(clause.envelope)),
            )
            for award, clause in choices
        ]
        several = len(choices) > 1
        self.activities.choices = [
            SelectChoice(f"{award.case_id}/{line}", f"{award.number}: {line}" if several else line)
            for award, clause in choices
            for line in clause.activities
        ]
        others = sorted({award.currency for award, _clause in choices} - {call.currency})
        self.foreign = bool(others)
        self.rate.description = _(
            "How much %(of)s is one %(one)s; only where the grant counts in another currency.",
            of=call.currency, one=" / ".join(others),
        )  # fmt: skip
        self.value: Decimal | None = None

    def validate_rate(self, field: Any) -> None:
        """A number above zero, with all its places."""
        if not (field.data or "").strip():
            return
        try:
            self.value = parse_decimal(field.data, places=10)
        except Unreadable as told:
            raise ValidationError(str(told)) from told
        if self.value <= 0 or self.value > 10**9:
            raise ValidationError(str(_("Write a rate above zero.")))

    def validate_rate_on(self, field: Any) -> None:
        """A rate has its day."""
        if self.value is not None and field.day is None:
            raise ValidationError(str(_("Write the day of the rate.")))

    def chosen(self) -> Chosen | None:
        """What goes to the service: nothing where no grant pays."""
        if self.award.data == NOBODY:
            return None
        lines = (value.partition("/") for value in self.activities.data or [])
        rate = None
        if self.value is not None and self.rate_on.day is not None:
            rate = Rate(self.value, self.rate_on.day, clean_text(self.rate_source.data))
        return Chosen(int(self.award.data), tuple(line for own, _slash, line in lines if own == self.award.data), rate)

    @property
    def version(self) -> int:
        """The version of the call that the writer had before them."""
        return _version(self.seen.data)


class PartnerForm(Keyed):
    """Naming a national partner."""

    email = EmailField(
        _("E-mail"),
        [InputRequired(_("Write the e-mail address."))],
        description=_("Of somebody of the organisation who has an account here."),
    )
    reason = reason_field(_("Reason"), _("It stands in the person’s file."))
