"""The small forms of the officer: run the rules, propose to let one pass, decide on it, note what was looked at."""

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
from wtforms.validators import InputRequired, Length, ValidationError

from grantflow.eligibility.evidence import LONGEST_NOTE, Note
from grantflow.identity.forms import Keyed
from grantflow.rendering import clean_text
from grantflow.submissions.forms import TickList


class RunForm(Keyed):
    """One button."""


class WaiveForm(Keyed):
    """Why a rule that is not met may pass; a second officer reads it and decides."""

    reason = TextAreaField(
        _("Why it may pass"),
        description=_("It stands beside the rule for good: the second reader, the auditor and the donor see it."),
        validators=[
            InputRequired(_("Write why the rule may pass: it will stand beside it for good.")),
            Length(max=1000, message=_("Shorten it to 1,000 characters.")),
        ],
    )


class SecondForm(Keyed):
    """What a second officer says to an exception."""

    agrees = RadioField(
        _("Your decision"),
        choices=[SelectChoice("yes", _("Let the rule pass")), SelectChoice("no", _("It stays not met"))],
        validators=[InputRequired(_("Choose one of the two."))],
    )
    reason = TextAreaField(
        _("Your reason"),
        description=_("Needed where the rule stays not met; whoever proposed it reads it."),
        validators=[Length(max=1000, message=_("Shorten it to 1,000 characters."))],
    )

    def validate_reason(self, field: Any) -> None:
        """A no says why."""
        if self.agrees.data == "no" and not (field.data or "").strip():
            raise ValidationError(_("Write why it may not pass: whoever proposed it reads it."))


class BulkForm(Keyed):
    """What is said to all of them at once, and what was looked at before: a word for it, and for the letters."""

    seen = HiddenField()

    def words(self) -> dict[str, Any]:
        """What goes into every move of it."""
        return {}


class ReasonForm(BulkForm):
    """The same reason for each."""

    reason = TextAreaField(
        _("Reason, the same for all"),
        description=_("It stands in the history of each, and goes to those who are told."),
        validators=[
            InputRequired(_("Write the reason: it will stand in the history.")),
            Length(max=4000, message=_("Shorten it to 4,000 characters.")),
        ],
    )

    def words(self) -> dict[str, Any]:
        """The reason without blanks around it."""
        return {"reason": clean_text(self.reason.data)}

    def validate_reason(self, field: Any) -> None:
        """More than blanks."""
        if not clean_text(field.data):
            raise ValidationError(_("Write the reason: it will stand in the history."))


class ReturnManyForm(ReasonForm):
    """Which sections are opened again in each, beside the reason that says what is missing."""

    sections = TickList(
        _("Sections to be opened again"),
        description=_("The applicants can change only these. The rest stays as it was sent."),
    )

    def __init__(self, formdata: Any, *, sections: list[tuple[str, str]]) -> None:
        super().__init__(formdata)
        self.sections.choices = [SelectChoice(code, title) for code, title in sections]

    def words(self) -> dict[str, Any]:
        """The reason and the codes of the sections."""
        return {**super().words(), "sections": sorted(self.sections.data or ())}

    def validate_sections(self, field: Any) -> None:
        """At least one."""
        if not field.data:
            raise ValidationError(_("Tick at least one section."))


class FilterForm(Keyed):
    """The name of a filter."""

    name = StringField(
        _("Name of this filter"),
        description=_("For example: Suoyarvi, to be checked. Only you see it."),
    )


class EvidenceForm(Keyed):
    """What was looked at for a rule: words, a file of the application, or both. `seen` is the version on the page."""

    seen = HiddenField()
    note = TextAreaField(
        _("What you looked at, and what it says"),
        description=_("For example: register extract of 1 October, both founders are women."),
        validators=[Length(max=LONGEST_NOTE, message=_("Shorten it to 2,000 characters."))],
    )
    file = SelectField(_("File of the application"), validate_choice=False)

    def __init__(self, formdata: Any, *, files: list[tuple[int, str]], last: Note | None) -> None:
        data = {"note": last.note, "file": str(last.file_id or ""), "seen": str(last.n)} if last else {"seen": "0"}
        super().__init__(formdata, data=data)
        self.files = dict(files)
        self.file.choices = [SelectChoice("", _("No file")), *(SelectChoice(str(n), name) for n, name in files)]

    @property
    def file_id(self) -> int | None:
        """The number of the file, or None."""
        text = self.file.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None

    @property
    def version(self) -> int:
        """The version of the note that was on the page."""
        text = self.seen.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

    def validate_note(self, field: Any) -> None:
        """Something must be said."""
        if not (field.data or "").strip() and self.file_id is None:
            raise ValidationError(_("Write what you looked at, or choose the file."))

    def validate_file(self, field: Any) -> None:
        """A file of this application, or none."""
        if field.data and self.file_id not in self.files:
            raise ValidationError(_("Choose a file of this application."))
