"""The forms of people, roles and organisations, and the two small tools every form of the house shares.

What may be written is judged by the services; here is only what a browser sends and which widget asks for it.
"""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs are older than the library
    BooleanField,
    EmailField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from grantflow import clock
from grantflow.errors import Invalid
from grantflow.identity.labels import KIND_LABELS, LEGAL_FORM_LABELS
from grantflow.identity.models import LEGAL_FORMS, ORGANISATION_KINDS
from grantflow.rendering import Unreadable, day, parse_date, zone_words
from grantflow.typed import parse_hour

LANGUAGES = [SelectChoice("en", "English"), SelectChoice("ru", "Русский")]
ZONES = (
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Chita",
    "Asia/Vladivostok",
    "Asia/Magadan",
    "Asia/Kamchatka",
    "Europe/Oslo",
    "Europe/Copenhagen",
    "Europe/Stockholm",
    "Europe/Helsinki",
    "Europe/Rome",
    "Europe/London",
    "America/New_York",
    "Asia/Almaty",
    "Asia/Bishkek",
    "Asia/Dushanbe",
    "Asia/Ashgabat",
    "Asia/Tashkent",
    "UTC",
)
COUNTRIES = {
    "RU": _("Russia"),
    "NO": _("Norway"),
    "FI": _("Finland"),
    "DK": _("Denmark"),
    "SE": _("Sweden"),
    "EE": _("Estonia"),
    "LV": _("Latvia"),
    "PL": _("Poland"),
    "GB": _("United Kingdom"),
    "IT": _("Italy"),
    "KZ": _("Kazakhstan"),
    "KG": _("Kyrgyzstan"),
    "TJ": _("Tajikistan"),
    "TM": _("Turkmenistan"),
    "UZ": _("Uzbekistan"),
}


def new_key() -> str:
    """A fresh idempotency key, drawn when a form is shown: sent twice, it counts once."""
    return secrets.token_urlsafe(16)


class Keyed(FlaskForm):  # type: ignore[misc]
    """A form whose repeated sending counts once: give `form.key.data` to the service as `key`."""

    key = HiddenField(default=new_key, validators=[Length(max=100)])


def reason_field(label: Any, description: Any) -> Any:
    """A field for a reason that stands in the history: something is written, 1,000 characters at most."""
    return TextAreaField(
        label,
        [
            InputRequired(_("Write the reason: it will stand in the history.")),
            Length(max=1000, message=_("Shorten it to 1,000 characters.")),
        ],
        description=description,
    )


def show_faults(form: Any, fault: Invalid) -> None:
    """Put a service's refusal to the fields it names, or to the whole form where it names none."""
    left = dict(fault.fields)
    for name in list(left):
        if name in form:
            form[name].errors = [*form[name].errors, str(left.pop(name))]
    form.form_errors.extend(str(sentence) for sentence in left.values())
    if not fault.fields:
        form.form_errors.append(str(fault))


class DayField(StringField):
    """A date typed as people write it; `.day` is the date, or None where nothing was typed."""

    day: date | None = None

    def _value(self) -> str:
        typed: Any = self.data  # a form made from a record holds its date here
        return day(typed, "long") if isinstance(typed, date) else str(typed or "")

    def pre_validate(self, form: Any) -> None:
        """Read the typed words."""
        if not self.data:
            return
        try:
            typed: Any = self.data
            self.day = typed if isinstance(typed, date) else parse_date(typed)
        except Unreadable as told:
            raise ValidationError(str(told)) from told


class HourField(StringField):
    """An hour typed as people write it; `.hour` is its hour and minute."""

    hour: tuple[int, int]

    def pre_validate(self, form: Any) -> None:
        """Read the typed words."""
        if not self.data:
            return
        try:
            self.hour = parse_hour(self.data)
        except Unreadable as told:
            raise ValidationError(str(told)) from told


def last_day(label: Any, description: Any = "") -> DayField:
    """A field for the day on which a time ends."""
    return DayField(label, [InputRequired(_("Write the day, for example 1.11.2021."))], description=description)


def last_hour() -> HourField:
    """A field for the hour at which it ends on that day: the end of the day, unless another is written."""
    return HourField(
        _("Until what hour"),
        [InputRequired(_("Write the hour, for example 23:59."))],
        default="23:59",
        description=_("By the clock of the call. 23:59 is the end of the day."),
    )


class SignIn(FlaskForm):  # type: ignore[misc]
    """The door."""

    email = EmailField(_("E-mail"), [InputRequired(_("Write your e-mail address."))])
    password = PasswordField(_("Password"), [InputRequired(_("Write your password."))])


class Register(Keyed):
    """A new account of one's own."""

    name = StringField(_("Your name"), description=_("As it should stand in letters to you, in any script."))
    email = EmailField(
        _("E-mail"), description=_("A letter goes there; behind its link you choose a password. You sign in with it.")
    )
    language = RadioField(_("Language of pages and letters"), choices=LANGUAGES)
    consent = BooleanField(
        _("I agree that the programme keeps my name and address for the work on applications and grants.")
    )


class Forgotten(FlaskForm):  # type: ignore[misc]
    """Asking for a link."""

    email = EmailField(_("E-mail"), [InputRequired(_("Write your e-mail address."))])


class ChoosePassword(FlaskForm):  # type: ignore[misc]
    """A new password behind a link."""

    password = PasswordField(
        _("New password"), description=_("At least 10 characters. A few words in a row are easy to remember.")
    )


class ChangePassword(ChoosePassword, Keyed):
    """A new password by somebody who knows the present one."""

    old = PasswordField(_("Present password"), [InputRequired(_("Write your present password."))])


class ChangeAddress(Keyed):
    """Another address, by somebody who knows the present password."""

    email = EmailField(
        _("New e-mail"), description=_("A letter goes there. The address changes once you open its link.")
    )
    password = PasswordField(_("Present password"), [InputRequired(_("Write your present password."))])


class OpenLetter(FlaskForm):  # type: ignore[misc]
    """One button behind a link: whoever only looks at the page spends nothing."""


class Profile(Keyed):
    """Name, language, clock and colours."""

    name_en = StringField(_("Name in Latin letters"))
    name_ru = StringField(_("Name in Cyrillic letters"), description=_("One of the two is enough."))
    language = RadioField(_("Language of pages and letters"), choices=LANGUAGES)
    zone = SelectField(_("Your clock"), description=_("Hours on pages and in letters are told in this zone."))
    theme = RadioField(
        _("Light or dark pages"),
        choices=[
            SelectChoice("auto", _("As the device is set")),
            SelectChoice("light", _("Light")),
            SelectChoice("dark", _("Dark")),
        ],
    )

    def __init__(self, formdata: Any = None, **more: Any) -> None:
        super().__init__(formdata, **more)
        now = clock.now()
        names = list(ZONES) + ([self.zone.data] if self.zone.data and self.zone.data not in ZONES else [])
        try:
            names.sort(key=lambda name: now.astimezone(ZoneInfo(name)).utcoffset() or now - now)
            self.zone.choices = [SelectChoice(name, zone_words(name)) for name in names]
        except (KeyError, ValueError):  # a name that is no zone: refused by the list below
            self.zone.choices = [SelectChoice(name, zone_words(name)) for name in ZONES]


class NewPerson(Keyed):
    """Somebody a manager adds."""

    email = EmailField(
        _("E-mail"), description=_("An invitation goes there: the person chooses a password behind its link.")
    )
    name = StringField(_("First and last name"), description=_("In any script; the person can add the other one."))
    language = RadioField(_("Language of pages and letters"), choices=LANGUAGES)


class GrantRole(Keyed):
    """A role in a programme this manager leads."""

    role = SelectField(_("Role"), [InputRequired(_("Choose a role from the list."))])
    starts_on = DayField(_("First day"), description=_("Empty: from today."))
    ends_on = DayField(_("Last day"), description=_("Empty: until somebody takes the role back."))
    reason = TextAreaField(
        _("Reason"),
        [Optional(), Length(max=1000, message=_("Write at most 1,000 characters."))],
        description=_("If it is worth remembering. It stands in the person’s file."),
    )


class Reasoned(Keyed):
    """What is done to somebody's account: with a reason."""

    reason = TextAreaField(
        _("Reason"),
        [
            InputRequired(_("Write the reason: it will stand in the history.")),
            Length(max=1000, message=_("Write at most 1,000 characters.")),
        ],
    )


class HandOver(Reasoned):
    """A leaver's desk to another person; `seen` is what the page showed when it was confirmed."""

    seen = HiddenField()


class Organisation(Keyed):
    """An organisation as its people describe it."""

    name_ru = StringField(_("Its name in Cyrillic letters"), description=_("As in the certificate of registration."))
    name_en = StringField(_("Its name in Latin letters"), description=_("One of the two is enough."))
    kind = SelectField(_("Kind"), choices=[SelectChoice(k, KIND_LABELS[k]) for k in ORGANISATION_KINDS])
    legal_form = SelectField(_("Legal form"), choices=[SelectChoice(f, LEGAL_FORM_LABELS[f]) for f in LEGAL_FORMS])
    country = SelectField(_("Country"), choices=[SelectChoice(*row) for row in COUNTRIES.items()])
    place_id = SelectField(
        _("District"), description=_("Where the work is done, if it is one of the programme’s districts.")
    )
    inn = StringField(
        _("INN, or the number of your register"),
        description=_(
            "In Russia 10 digits, of a person 12; elsewhere BIN, STIR, Y-tunnus, organisasjonsnummer, CVR or the like. "
            "Leave it empty before registration."
        ),
    )
    kpp = StringField(_("KPP"), description=_("9 characters, only for registered Russian organisations."))
    ogrn = StringField(_("OGRN or OGRNIP"), description=_("13 or 15 digits, if there is one."))
    founded_on = DayField(_("Founded on"), description=_("The day of registration, for example 1.11.2021."))
    looked_at = HiddenField()
    another = BooleanField(_("None of these: it is another organisation"))

    @property
    def set_aside(self) -> tuple[int, ...]:
        """The like bodies that the person has looked at and says are others."""
        if not self.another.data:
            return ()
        return tuple(int(n) for n in (self.looked_at.data or "").split(",") if n.isascii() and n.isdigit())

    def fields(self) -> dict[str, Any]:
        """What the service takes."""
        return {
            "name_ru": self.name_ru.data or "",
            "name_en": self.name_en.data or "",
            "kind": self.kind.data,
            "legal_form": self.legal_form.data,
            "country": self.country.data,
            "inn": self.inn.data or "",
            "kpp": self.kpp.data or "",
            "place_id": int(self.place_id.data) if self.place_id.data else None,
            "ogrn": self.ogrn.data or "",
            "founded_on": self.founded_on.day,
        }


class JoinOrganisation(Keyed):
    """A further person who acts for an organisation."""

    email = EmailField(_("E-mail of the person"), description=_("They need an account here first."))
