"""The page on which an applicant names who leads the project beside them, and the list on the page of an application.

What may be named is judged in `coleads`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import SelectChoice, SelectField, StringField  # type: ignore[attr-defined]  # older stubs

from grantflow.db import unit_of_work
from grantflow.errors import Invalid, Refused
from grantflow.identity.access import Actor, access
from grantflow.identity.forms import COUNTRIES, Keyed, show_faults
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.submissions import coleads, pages, service
from grantflow.submissions.blueprint import bp, writer_of
from grantflow.submissions.parts import Part, application_part


class CoLeadForm(Keyed):
    """A body that leads the project together with the applicant."""

    name = StringField(lazy_gettext("Its name"), description=lazy_gettext("As it writes itself, in any script."))
    country = SelectField(lazy_gettext("Country"), choices=[SelectChoice(*row) for row in COUNTRIES.items()])
    number = StringField(
        lazy_gettext("Its number in the register of its country"),
        description=lazy_gettext(
            "INN, BIN, Y-tunnus, organisasjonsnummer or the like. Leave it empty if you do not know it."
        ),
    )
    part = StringField(lazy_gettext("What it does in the project"))


@bp.route("/applications/<int:case_id>/co-leads", methods=["GET", "POST"])
@access("applicant")
def co_leads(case_id: int) -> Any:
    """Who leads the project beside the applicant: named one by one, taken away again."""
    sheet, actor = writer_of(case_id), current_actor()
    form = CoLeadForm(form_data(), data={"country": "RU"})
    status = 200
    if request.method == "POST" and form.validate():
        gone = request.form.get("remove", "")
        try:
            with unit_of_work():
                if gone.isascii() and gone.isdigit() and len(gone) < 19:
                    coleads.remove_co_lead(case_id, int(gone), actor=actor)
                else:
                    coleads.add_co_lead(
                        case_id, name=form["name"].data or "", country=form.country.data or "",
                        number=form.number.data or "", part=form.part.data or "", actor=actor, key=form.key.data,
                    )  # fmt: skip
            flash(_("Saved."), "good")
            return redirect(url_for(".co_leads", case_id=case_id), 303)
        except Invalid as fault:
            show_faults(form, fault)
        except Refused as refusal:
            form.form_errors.append(str(refusal))
            status = 403
    page = render_template(
        "submissions/co_leads.html", sheet=sheet, form=form, rows=coleads.co_leads_of(case_id), countries=COUNTRIES,
        title=pages.title_of(sheet), mode=service.mode(sheet.case),
    )  # fmt: skip
    return page, status if status != 200 else 400 if form.errors else 200


@application_part
def co_leads_part(case: Any, actor: Actor) -> Part | None:
    """On an application's page, for whoever may read it: who else leads it."""
    if not service.may_read(case, actor):
        return None
    rows = coleads.shown_of(case, service.row_of(case.id), writer="applicant" in actor.roles_on(case))
    return Part("submissions/co_leads_part.html", {"rows": rows, "countries": COUNTRIES}, order=15) if rows else None
