"""The page on which a manager composes the panel of a call, and changes it while it works.

Who may sit there is listed here; whether the panel may then start is the rule of composition's, told beside
the form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs are older than the library

from grantflow.cases.access import see
from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.identity.access import access
from grantflow.identity.forms import show_faults
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.programmes.parts import Prose
from grantflow.programmes.queries import call_by_code
from grantflow.rendering import clean_text, language
from grantflow.scoring import forms, queries, service
from grantflow.scoring.blueprint import bp
from grantflow.scoring.service import Member

MOST = 30
Page = str | Response | tuple[str, int]


@dataclass(frozen=True)
class Choices:
    """What the lists of a row offer."""

    people: list[SelectChoice]
    bodies: list[SelectChoice]


@bp.route("/calls/<code>/panel", methods=["GET", "POST"])
@access("manager")
def compose(code: str) -> Page:
    """Seat the members of a call's panel; rows left empty are not counted."""
    actor, call = current_actor(), call_by_code(code)
    case = see(call.case_id, actor, "call")
    if "manager" not in actor.roles_on(case):
        raise NotFound
    panel = service.panel_of(call.case_id)
    sent = form_data()
    form = forms.PanelForm(sent, data=None if sent else _filled(call, panel))
    lines = min(request.args.get("lines", 0, int), MOST)
    if request.method == "POST" and "add_line" in request.form and len(form.seats) < MOST:
        form.seats.append_entry()
    while not sent and len(form.seats) < max(lines, 5):
        form.seats.append_entry()
    _offer(form, _choices(call.case_id))
    status = 200
    if request.method == "POST" and "add_line" not in request.form:
        done, status = _take(call, form)
        if done is not None:
            return done
    terms = service.terms_of(call.pack_hash)
    page = render_template(
        "scoring/compose.html",
        call=call,
        form=form,
        panel=panel,
        rule=terms.panel,
        rubric=terms.rubric,
        composed=service.composed(call.case_id) if panel else None,
    )
    return page, status


def _take(call: Any, form: Any) -> tuple[Response | None, int]:
    """Compose the panel as typed, or put each fault to its field."""
    members = _members(form)
    if not form.validate() or members is None:
        return None, 400
    try:
        with unit_of_work():
            panel = service.compose_panel(
                call.case_id,
                members,
                actor=current_actor(),
                reviews_due_on=form.reviews_due_on.day,
                quorum=form.quorum.data,
                reason=form.reason.data or "",
                key=form.key.data,
            )
            number = panel.case_id
    except Invalid as fault:
        show_faults(form, fault)
        return None, 400
    except Refused as refusal:
        form.form_errors.append(str(refusal))
        return None, 403
    flash(_("The panel is composed. Its members now hold their roles."), "good")
    return redirect(url_for(".board", panel_id=number), 303), 303


def _members(form: Any) -> list[Member] | None:
    """The seats that were filled; None where one of them is only half filled, which its field then says."""
    found, whole = [], True
    for entry in form.seats:
        seat = entry.form
        person = _known(seat.person)
        if person is None:
            continue
        if seat.seat.data not in dict(seat.seat.choices and [(c.value, c) for c in seat.seat.choices if c.value]):
            seat.seat.errors = [_("Choose for each member whom they sit there for.")]
            whole = False
        names = clean_text(seat.label_en.data), clean_text(seat.label_ru.data)
        label = Prose(en=names[0] or names[1], ru=names[1] or names[0]) if any(names) else None
        found.append(Member(person, seat.seat.data, _known(seat.organisation), bool(seat.chair.data), label))
    return found if whole else None


def _known(field: Any) -> int | None:
    """The number chosen from a list, if it is on it."""
    offered = {choice.value for choice in field.choices}
    return int(field.data) if field.data and field.data in offered else None


def _choices(call_id: int) -> Choices:
    people, bodies = queries.candidates(call_id)
    return Choices(
        [SelectChoice("", "—"), *(SelectChoice(str(p.id), p.name_in(language())) for p in people)],
        [SelectChoice("", _("nobody")), *(SelectChoice(str(b.id), b.name_in(language())) for b in bodies)],
    )


def _offer(form: Any, choices: Choices) -> None:
    for entry in form.seats:
        entry.form.person.choices = choices.people
        entry.form.organisation.choices = choices.bodies


def _filled(call: Any, panel: Any) -> dict[str, Any]:
    """What the form shows of the panel as it is, or of one to be."""
    if panel is None:
        return {"quorum": service.terms_of(call.pack_hash).rubric.quorum}
    return {
        "quorum": panel.quorum,
        "reviews_due_on": panel.reviews_due_on,
        "seats": [
            {
                "person": str(member.person_id),
                "seat": member.seat,
                "organisation": str(member.organisation_id or ""),
                "label_en": member.label.en if member.label else "",
                "label_ru": member.label.ru if member.label else "",
                "chair": member.chair,
            }
            for member, _person, _body in service.members_of(panel.case_id)
        ],
    }
