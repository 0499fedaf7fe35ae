"""The forms of applications: one made from a section of the pack, and the few fixed ones.

They only show and collect: typed answers are read by `reading`, judged by `answers`, kept by `drafts`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import (  # type: ignore[attr-defined]  # the stubs are older than the library
    BooleanField,
    Form,
    HiddenField,
    MultipleFileField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from grantflow import rendering
from grantflow.cases.pages import move_form
from grantflow.identity.access import Actor
from grantflow.identity.forms import Keyed, last_day, last_hour, reason_field
from grantflow.programmes import bounds
from grantflow.programmes.questions import Column, Question
from grantflow.submissions import budget
from grantflow.submissions.answers import Draft
from grantflow.submissions.queries import District
from grantflow.submissions.reading import SEXES, Fault
from grantflow.submissions.rows import row_of, terms_of

SPARE_LINES = 1
FEWEST_LINES = 3


class TickList(SelectMultipleField):
    """Several answers, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def section_form(
    questions: Iterable[Question],
    draft: Draft,
    currency: str,
    places: Iterable[District],
    faults: Iterable[Fault],
    lines: int | Mapping[str, int] = 0,
) -> Form:
    """The fields of a section, filled with what was typed so far, each with its sentence.

    The name of a field is `q-` and the question's code; parts follow with a dash: `q-leaders-women`,
    `q-costs-0-price`. `lines` is how many lines a budget or a table shows at least, or how many each.
    """
    lang, questions, places = rendering.language(), list(questions), list(places)
    fields: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for question in questions:
        shown = draft.shown(question, currency)
        least = lines if isinstance(lines, int) else lines.get(question.code, 0)
        for name, field, value in _fields(question, shown, places, lang, least):
            fields[name], data[name] = field, value
    made: Form = type("SectionForm", (Form,), fields)(prefix="q", data=data)
    for question in questions:
        if question.required and question.code in made:
            made[question.code].flags.required = True
    for fault in faults:
        name = fault.question + (f"-{fault.part}" if fault.part else "")
        name = name if name in made else fault.question
        if name in made:
            made[name].errors = [*made[name].errors, fault.sentence]
    return made


def _fields(
    question: Question, shown: Any, places: Iterable[District], lang: str, lines: int
) -> list[tuple[str, Any, Any]]:
    label = question.label.in_(lang)
    help_text = question.help.in_(lang) if question.help else ""
    if question.kind != "choices" or not help_text:  # of ticks the pack's own words say how many
        help_text = " ".join(filter(None, (help_text, bounds.said(question))))
    common: dict[str, Any] = {"label": label, "description": help_text}
    code, kind = question.code, question.kind
    if kind == "long_text":
        return [(code, TextAreaField(**common), shown)]
    if kind == "choice" or kind == "yes_no":
        options = (
            [SelectChoice("yes", _("Yes")), SelectChoice("no", _("No"))]
            if kind == "yes_no"
            else [SelectChoice(option.value, option.label.in_(lang)) for option in question.options]
        )
        return [(code, RadioField(choices=options, validate_choice=False, **common), shown)]
    if kind == "choices":
        ticks = [SelectChoice(option.value, option.label.in_(lang)) for option in question.options]
        return [(code, TickList(choices=ticks, validate_choice=False, **common), shown)]
    if kind == "district":
        offered = [SelectChoice("", _("Choose a district"))]
        offered += [SelectChoice(p.code, _place(p, lang), optgroup=_region(p, lang)) for p in by_region(places, lang)]
        return [(code, SelectField(choices=offered, validate_choice=False, **common), shown)]
    if kind == "computed":
        return []
    if kind in ("declaration", "consent"):
        return [(code, BooleanField(label), bool(shown))]
    if kind == "table":
        rows = list(shown)
        wanted = min(max(len(rows) + SPARE_LINES, question.min_lines, lines, 1), question.max_lines)
        rows += [{}] * (wanted - len(rows))
        return [
            (f"{code}-{at}-{column.code}", _cell(column, lang), row.get(column.code, ""))
            for at, row in enumerate(rows)
            for column in question.columns
        ]
    if kind == "counter":
        words = {"women": _("Women"), "men": _("Men"), "not_stated": _("Not stated")}
        return [(f"{code}-{sex}", StringField(words[sex]), shown.get(sex, "")) for sex in SEXES]
    if kind == "file":
        return [(code, MultipleFileField(**common), None)]
    if kind == "budget":
        rows = list(shown)
        wanted = min(max(len(rows) + SPARE_LINES, FEWEST_LINES, lines), question.max_lines)
        rows += [dict.fromkeys(budget.COLUMNS, "")] * (wanted - len(rows))
        return [
            (f"{code}-{at}-{column}", StringField(column), row.get(column, ""))
            for at, row in enumerate(rows)
            for column in budget.COLUMNS
        ]
    return [(code, StringField(**common), shown)]


def _cell(column: Column, lang: str) -> Any:
    """The control of a table's cell: a list for a choice, a line of text for the rest."""
    words = column.label.in_(lang)
    unit = f", {column.unit.in_(lang)}" if column.unit else ""
    if column.kind == "choice":
        offered = [SelectChoice("", _("Choose"))]
        offered += [SelectChoice(option.value, option.label.in_(lang)) for option in column.options]
        return SelectField(words, choices=offered, validate_choice=False)
    return StringField(words + unit)


def line_counts(questions: Iterable[Question], form: Form) -> dict[str, int]:
    """How many lines each budget and table of the form shows."""
    first = {q.code: q.columns[0].code if q.columns else "item" for q in questions if q.kind in ("budget", "table")}
    return {
        code: sum(name.startswith(f"{code}-") and name.endswith(f"-{column}") for name in form._fields)
        for code, column in first.items()
    }


def by_region(places: Iterable[District], lang: str) -> list[District]:
    """Districts region by region, those of the call first in each: regions with most of the call's first."""
    places = list(places)
    inside = Counter(_region(place, lang) for place in places if place.inside)
    return sorted(
        places,
        key=lambda p: (-inside[_region(p, lang)], _region(p, lang) or "", not p.inside, p.name.in_(lang).casefold()),
    )


def _region(place: District, lang: str) -> str | None:
    return place.region.in_(lang) if place.region is not None else None


def _place(place: District, lang: str) -> Any:
    name = place.name.in_(lang)
    return name if place.inside else _("%(name)s (not in this call)", name=name)


def typed_from(questions: Iterable[Question], sent: Any) -> dict[str, Any]:
    """What a browser sent of these questions, as `reading` wants it. Only questions named in `shown` were
    on the page.

    `sent` is a MultiDict. A box left unticked is not sent: that is why the page says which questions it
    showed.
    """
    shown = set(sent.getlist("shown"))
    typed: dict[str, Any] = {}
    for question in questions:
        if question.code not in shown:
            continue
        name = f"q-{question.code}"
        if question.kind == "choices":
            typed[question.code] = sent.getlist(name)
        elif question.kind == "counter":
            typed[question.code] = {sex: sent.get(f"{name}-{sex}", "") for sex in SEXES}
        elif question.kind == "budget":
            typed[question.code] = _lines(name, sent, budget.COLUMNS)
        elif question.kind == "table":
            typed[question.code] = _lines(name, sent, tuple(column.code for column in question.columns))
        elif question.kind not in ("file", "computed"):
            typed[question.code] = sent.get(name, "")
    return typed


def _lines(name: str, sent: Any, columns: tuple[str, ...]) -> list[dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    pattern = re.compile(re.escape(name) + r"-(\d{1,4})-(" + "|".join(columns) + r")\Z")
    for key in sent:
        if match := pattern.match(key):
            found.setdefault(int(match[1]), {})[match[2]] = sent.get(key, "")
    return [found[at] for at in sorted(found)]


class ApplyForm(Keyed):
    """For which organisation somebody applies."""

    organisation = RadioField(
        _("For which organisation do you apply?"),
        coerce=str,
        validators=[InputRequired(_("Choose the organisation."))],
    )


class SubmitForm(Keyed):
    """The last step: the declaration, and what the person had before their eyes."""

    version = HiddenField()
    revision = HiddenField()
    declared = BooleanField(
        _("I have read these answers. They are true, and I may send them for the organisation named above."),
        validators=[InputRequired(_("Tick this if it is so."))],
    )


class ExtensionForm(Keyed):
    """Until when one applicant has time, and why."""

    day = last_day(_("Last day"))
    hour = last_hour()
    reason = reason_field(_("Why"), _("The applicant reads it, and it stands in the history."))


@move_form("submissions.return")
class ReturnForm(Keyed):
    """Which sections the applicant may write again. The reason beside it says what is missing."""

    sections = TickList(
        _("Sections to be opened again"),
        description=_("The applicant can change only these. The rest stays as it was sent."),
    )

    def __init__(self, formdata: Any = None, *, case: Any, actor: Actor, **more: Any) -> None:
        super().__init__(formdata, **more)
        self.sections.choices = sections_of(case, rendering.language())

    def validate_sections(self, field: Any) -> None:
        """At least one."""
        if not field.data:
            raise ValidationError(_("Tick at least one section."))

    def payload(self) -> dict[str, Any]:
        """The codes of the sections."""
        return {"sections": list(self.sections.data or ())}


def sections_of(case: Any, lang: str) -> list[SelectChoice]:
    """The sections of an application's form, by code."""
    terms = terms_of(row_of(case.id).pack_hash)
    return [SelectChoice(s.code, f"{at}. {s.title.in_(lang)}") for at, s in enumerate(terms.form, 1)]


def hidden_values(form: Any, values: Mapping[str, Any]) -> None:
    """Put what the person saw into hidden fields of a form that is shown anew."""
    for name, value in values.items():
        form[name].data = str(value)
