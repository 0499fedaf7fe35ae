"""The pages on which applicants describe the organisations they act for and let others act for them.

What may be written is judged in `organisations`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs are older than the library

from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.extensions import limiter
from grantflow.identity import doubles, forms, kept, known_bodies, queries, service
from grantflow.identity.access import SIGNED_IN, access
from grantflow.identity.blueprint import bp
from grantflow.identity.labels import GROUP_LABELS, KIND_LABELS, LEGAL_FORM_LABELS, SPONSORSHIP_LABELS
from grantflow.identity.organisations import opened_under
from grantflow.identity.session import current_actor
from grantflow.rendering import label

Page = str | Response | tuple[str, int]


def organisation_first() -> Response | None:
    """Before somebody applies: where they must go first if they act for no organisation yet, else None."""
    if current_actor().scopes("applicant", "organisation_id"):
        return None
    flash(_("First tell whom you apply for. Then the form opens."), "warm")
    return redirect(url_for("identity.add_organisation", next=kept.here()), 303)


def _districts() -> list[SelectChoice]:
    rows = queries.places()
    names = {row.id: label(row.name) for row in rows}
    found = [
        SelectChoice(str(row.id), names[row.id], optgroup=names.get(row.parent_id))
        for row in rows
        if row.kind == "district"
    ]
    return [
        SelectChoice("", _("Another district, or none")),
        *sorted(found, key=lambda c: (c.optgroup or "", c.label)),
    ]


def _form(formdata: Any = None, **given: Any) -> forms.Organisation:
    form = forms.Organisation(formdata, **given)
    form.place_id.choices = _districts()
    row = given.get("obj")
    if row is not None and row.country not in forms.COUNTRIES:
        form.country.choices = [*(form.country.choices or []), SelectChoice(row.country)]
    if form.place_id.data in (None, "None"):
        form.place_id.data = ""
    else:
        form.place_id.data = str(form.place_id.data)
    return form


@bp.route("/organisation")
@access(SIGNED_IN)
def organisation() -> Page:
    """The organisations one acts for, with the people of each."""
    rows = queries.organisations_of(current_actor())
    if not rows:
        return redirect(url_for("identity.add_organisation"), 303)
    from grantflow.identity.profile_pages import profile_of  # its pages stand beside these and know them

    people = queries.people_acting_for([row.id for row in rows])
    places = {row.id: label(row.name) for row in queries.places()}
    return render_template(
        "identity/organisation.html",
        rows=rows,
        people=people,
        places=places,
        kinds=KIND_LABELS,
        legal_forms=LEGAL_FORM_LABELS,
        countries=forms.COUNTRIES,
        profiles=profile_of(rows),
        groups=GROUP_LABELS,
        states=SPONSORSHIP_LABELS,
    )


@bp.route("/organisation/new", methods=["GET", "POST"])
@access(SIGNED_IN)
def add_organisation() -> Page:
    """Describe an organisation; whoever does so acts for it from then on."""
    form = _form(kept.form_data(), data={"country": "RU", "legal_form": "ano", "kind": "cso"})
    onward = kept.safe_next(request.args.get("next"))
    like: list[Any] = []
    if request.method == "POST" and form.validate():
        given = form.fields()
        try:
            actor = current_actor()
            if opened_under(actor, form.key.data) is not None:  # pressed twice
                return redirect(onward or url_for("identity.organisation"), 303)
            like = doubles.like(*(given[name] for name in ("name_en", "name_ru", "inn", "ogrn", "country")))
            if not {row.id for row in like} <= set(form.set_aside):
                form.looked_at.data = ",".join(str(row.id) for row in like)
                form.another.data = False
                raise Invalid(fields={"another": _("Look at these organisations, then tick this if yours is another.")})
            with unit_of_work():
                service.add_organisation(
                    actor, key=form.key.data, not_these=tuple(row.id for row in like), **given
                )  # fmt: skip
            flash(_("The organisation is here, and you act for it."), "good")
            return redirect(onward or url_for("identity.organisation"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    first = not current_actor().scopes("applicant", "organisation_id")
    shown = render_template(
        "identity/organisation_form.html", form=form, row=None, first=first, onward=onward, **_alike(like)
    )
    return shown, 400 if form.errors else 200


def _alike(rows: list[Any]) -> dict[str, Any]:
    """What the page shows of bodies that may be the one described: name, form and place, never who acts for them."""
    places = {row.id: label(row.name) for row in queries.places()} if rows else {}
    mine = current_actor().scopes("applicant", "organisation_id")
    return {"like": rows, "places": places, "legal_forms": LEGAL_FORM_LABELS, "mine": mine}


def own(organisation_id: int) -> Any:
    """An organisation one acts for; NotFound for any other."""
    for row in queries.organisations_of(current_actor()):
        if row.id == organisation_id:
            return row
    raise NotFound


@bp.route("/organisation/<int:organisation_id>/edit", methods=["GET", "POST"])
@access("applicant")
def edit_organisation(organisation_id: int) -> Page:
    """Change what is written about an organisation one acts for; the change stands in its history."""
    mine = current_actor().scopes("applicant", "organisation_id")
    if organisation_id not in mine and known_bodies.merged_into(organisation_id) in mine:
        flash(_("This organisation was merged into yours."))
        return redirect(url_for("identity.organisation"), 303)
    row = own(organisation_id)
    form = _form(kept.form_data(), obj=row)
    if request.method == "POST" and form.validate():
        try:
            actor = current_actor()
            with unit_of_work():
                service.change_organisation(actor, organisation_id, key=form.key.data, **form.fields())
            flash(_("Saved."), "good")
            return redirect(url_for("identity.organisation"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    shown = render_template(
        "identity/organisation_form.html", form=form, row=row, first=False, onward=None, **_alike([])
    )
    return shown, 400 if form.errors else 200


@bp.route("/organisation/<int:organisation_id>/people", methods=["GET", "POST"])
@access("applicant")
@limiter.limit("30 per hour", methods=["POST"])
def join(organisation_id: int) -> Page:
    """Let a further person act for an organisation."""
    row = own(organisation_id)
    form = forms.JoinOrganisation(kept.form_data())
    status = 200
    if request.method == "POST" and form.validate():
        person = service.person_by_email(form.email.data or "")
        if person is None or not person.active:
            form.email.errors = [_("Nobody has an account under this address. Ask the person to open one first.")]
        else:
            try:
                actor, person_id = current_actor(), person.id
                with unit_of_work():
                    service.join_organisation(actor, person_id, organisation_id, key=form.key.data)
                flash(_("The person acts for the organisation from now on."), "good")
                return redirect(url_for("identity.organisation"), 303)
            except Refused as refusal:
                form.form_errors.append(str(refusal))
                status = 403
    shown = render_template("identity/join.html", form=form, row=row)
    return shown, status if status != 200 else 400 if form.errors else 200
