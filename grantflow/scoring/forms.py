"""The forms of scoring: a declaration, a review made from its rubric, an award, opening a review again, a
panel.

What may be written is judged by the services; here is only what a browser sends and which widget asks for it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs are older than the library
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from grantflow.cases.pages import move_form
from grantflow.identity.forms import DayField, Keyed
from grantflow.money import Money
from grantflow.programmes.terms import Rubric
from grantflow.rendering import Unreadable, money, number, parse_decimal, parse_money
from grantflow.scoring import budget
from grantflow.scoring.composition import SEAT_LABELS
from grantflow.scoring.reviews import Mark, Written

FEW = 21
"""Up to so many steps points are chosen from a list; beyond it they are typed."""


class InterestForm(Keyed):
    """What ties a member to an application, or that nothing does."""

    kind = RadioField(
        _("Is there anything that ties you to this applicant?"),
        choices=[
            SelectChoice("none", _("No, nothing. I can read and score it fairly.")),
            SelectChoice(
                "organisation",
                _("Yes: I belong to the applicant or a partner, or did in the last three years."),
            ),
            SelectChoice("family", _("Yes: family or a close person takes part.")),
            SelectChoice("financial", _("Yes: money. I own, lend, sell to or buy from it.")),
            SelectChoice("other", _("Yes: another reason.")),
        ],
        validators=[InputRequired(_("Choose one of the answers."))],
    )
    note = TextAreaField(
        _("In a few words, if you like"),
        [Length(max=2000)],
        description=_("Read by the chair and the programme manager only."),
    )


class ReopenForm(Keyed):
    """Opening a submitted review again."""

    reason = TextAreaField(
        _("Why is it opened again?"),
        [InputRequired(_("Write the reason: it will stand in the history."))],
        description=_("The member reads it, and it stands in the history."),
    )


class PointsField(SelectField):
    """Points from a list of steps; what was sent is kept as it is, and judged by the service."""

    def pre_validate(self, form: Any) -> None:
        """Nothing is refused here: a draft may lack points."""


def steps(rubric: Rubric) -> list[Decimal]:
    """The points a rubric allows, lowest first; empty where they are too many for a list."""
    count = int((rubric.max - rubric.min) / rubric.step) + 1
    return [rubric.min + n * rubric.step for n in range(count)] if count <= FEW else []


def review_form(rubric: Rubric) -> type[Keyed]:
    """The form of a review: points and a comment for each criterion, a comment on the whole, a private
    note."""
    listed = steps(rubric)
    fields: dict[str, Any] = {"revision": HiddenField()}
    for criterion in rubric.criteria:
        if listed:
            choices = [SelectChoice("", _("not scored yet"))]
            choices += [SelectChoice(plain(points), number(points)) for points in listed]
            fields[f"points_{criterion.code}"] = PointsField(_("Points"), choices=choices)
        else:
            fields[f"points_{criterion.code}"] = StringField(_("Points"))
        fields[f"comment_{criterion.code}"] = TextAreaField(_("Comment for the applicant"))
    fields["comment"] = TextAreaField(
        _("Comment on the whole, for the applicant"),
        description=_("The applicant reads it after the announcement, without your name."),
    )
    fields["private_note"] = TextAreaField(
        _("Private note"), description=_("For the panel and the programme only; the applicant never sees it.")
    )
    return type("ReviewForm", (Keyed,), fields)


def plain(points: Decimal) -> str:
    """Points as the value of an option: 7, 7.5."""
    return format(points.normalize(), "f") if points else "0"


def filled(given: Written, revision: int) -> dict[str, Any]:
    """What the form shows of a review."""
    shown: dict[str, Any] = {
        "revision": revision,
        "comment": given.comment,
        "private_note": given.private_note,
    }
    for code, mark in given.marks.items():
        shown[f"points_{code}"] = "" if mark.points is None else plain(mark.points)
        shown[f"comment_{code}"] = mark.comment
    return shown


def read(form: Any, rubric: Rubric) -> tuple[Written, dict[str, Any]]:
    """The review a form holds, and what in it cannot be read, by field."""
    marks: dict[str, Mark] = {}
    wrong: dict[str, Any] = {}
    for criterion in rubric.criteria:
        text = (form[f"points_{criterion.code}"].data or "").strip()
        points = None
        if text:
            try:
                points = parse_decimal(text, places=2, largest=rubric.max * 10 + 10)
            except Unreadable as told:
                wrong[f"points_{criterion.code}"] = told.sentence
        marks[criterion.code] = Mark(points, form[f"comment_{criterion.code}"].data or "")
    return Written(marks, form.comment.data or "", form.private_note.data or ""), wrong


@move_form("scoring.award")
class AwardForm(FlaskForm):  # type: ignore[misc]
    """The sum of an award: what was asked, unless the panel decides on less."""

    amount = StringField(_("Sum of the grant"), [InputRequired(_("Write the sum to award: more than zero."))])

    def __init__(self, formdata: Any = None, *, case: Any = None, actor: Any = None, **kwargs: Any) -> None:
        self.limits = budget.limits(case.id)
        asked = self.limits.asked
        super().__init__(formdata, data={"amount": money(asked, bare=True)}, **kwargs)
        self.amount.description = _(
            "Asked: %(asked)s. Left in the call’s budget: %(left)s. The sum may be less than asked.",
            asked=money(asked),
            left=money(self.limits.left),
        )

    def validate_amount(self, field: Any) -> None:
        """The sum can be read, and is above zero."""
        try:
            if self._read(field.data).minor <= 0:
                raise ValidationError(str(_("Write the sum to award: more than zero.")))
        except Unreadable as told:
            raise ValidationError(str(told)) from told

    def _read(self, text: str | None) -> Money:
        return parse_money(text, self.limits.asked.currency)

    def payload(self) -> dict[str, Any]:
        """The sum in minor units."""
        return {"amount_minor": self._read(self.amount.data).minor}


class SeatForm(Form):
    """One seat of a panel."""

    person = SelectField(_("Member"), coerce=str, validate_choice=False)
    seat = SelectField(
        _("Sits for"),
        choices=[SelectChoice("", "—"), *(SelectChoice(*seat) for seat in SEAT_LABELS.items())],
        validate_choice=False,
    )
    organisation = SelectField(_("Sent by"), coerce=str, validate_choice=False)
    label_en = StringField(_("What they bring, in English"), [Length(max=120)])
    label_ru = StringField(_("What they bring, in Russian"), [Length(max=120)])
    chair = BooleanField(_("Chair or deputy"))


class PanelForm(Keyed):
    """A panel: its seats, its quorum, until when reviews are due."""

    seats = FieldList(FormField(SeatForm), min_entries=1, max_entries=30)
    quorum = IntegerField(
        _("Reviews each application needs"),
        [InputRequired(_("Write a whole number.")), NumberRange(1, 20, _("Write a number from 1 to 20."))],
    )
    reviews_due_on = DayField(_("Reviews are due on"), description=_("The end of that day, in the call’s zone."))
    reason = StringField(
        _("Why it changes"), [Optional(), Length(max=400)], description=_("It will stand in the history.")
    )
