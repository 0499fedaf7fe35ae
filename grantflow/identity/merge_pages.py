"""The pages on which officers look at organisations: likely doubles, one file with its figures, and merging two into one.

Who may, and what then moves, is judged in `merging`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from grantflow.db import unit_of_work
from grantflow.errors import Invalid, Refused, Stale
from grantflow.identity import body_forms, forms, kept, known_bodies, merging, queries
from grantflow.identity.access import access
from grantflow.identity.blueprint import bp
from grantflow.identity.bodies import Page
from grantflow.identity.labels import GROUP_LABELS, KIND_LABELS, LEGAL_FORM_LABELS, SPONSORSHIP_LABELS
from grantflow.identity.models import name_of
from grantflow.identity.profile_pages import profile_of
from grantflow.identity.session import current_actor
from grantflow.paging import Page as Sheet
from grantflow.paging import number
from grantflow.rendering import label, language

WHY = {
    "number": lazy_gettext("the same number"),
    "name": lazy_gettext("the same name"),
    "alike": lazy_gettext("names that sound alike"),
}
EACH = 25


@bp.get("/organisations")
@access("officer", "manager")
def bodies() -> str:
    """Organisations that may be one, the surest first, and a search over those one may see."""
    actor = current_actor()
    text = (request.args.get("q") or "").strip()[:200]
    doubles = [] if text else known_bodies.doubles_for(actor)
    page = Sheet(number(request.args.get("page")), len(doubles), EACH)
    return render_template(
        "identity/bodies.html",
        text=text,
        found=known_bodies.search(actor, text) if text else [],
        doubles=doubles[page.rows],
        page=page,
        why=WHY,
        forms_=LEGAL_FORM_LABELS,
        places=_places(),
        countries=forms.COUNTRIES,
        name=_name,
    )


def _places() -> dict[int, Any]:
    return {row.id: label(row.name) for row in queries.places()}


def _name(row: Any) -> str:
    return name_of(row, language())


@bp.get("/organisations/<int:organisation_id>")
@access("officer", "manager")
def body(organisation_id: int) -> str | Response:
    """One organisation as its people describe it, for staff. A merged one opens the one it is."""
    actor = current_actor()
    row = known_bodies.body_for(actor, organisation_id)
    if row.merged_into_id is not None:
        flash(_("%(name)s was merged into this organisation.", name=_name(row)))
        return redirect(url_for("identity.body", organisation_id=row.merged_into_id), 303)
    text = (request.args.get("q") or "").strip()[:200]
    return render_template(
        "identity/body.html",
        row=row,
        told=profile_of([row])[row.id],
        absorbed=known_bodies.absorbed(row.id),
        cases=known_bodies.cases_for(actor, row.id),
        text=text,
        found=[one for one in known_bodies.search(actor, text) if one.id != row.id] if text else [],
        places=_places(),
        kinds=KIND_LABELS,
        legal_forms=LEGAL_FORM_LABELS,
        countries=forms.COUNTRIES,
        groups=GROUP_LABELS,
        states=SPONSORSHIP_LABELS,
        name=_name,
    )


@bp.route("/organisations/<int:gone_id>/merge/<int:kept_id>", methods=["GET", "POST"])
@access("officer", "manager")
def merge(gone_id: int, kept_id: int) -> Page:
    """Put one organisation's file into another's: what would move, the reason, and then one button."""
    actor = current_actor()
    gone, remaining = known_bodies.body_for(actor, gone_id), known_bodies.body_for(actor, kept_id)
    if gone.merged_into_id == kept_id:  # done already, by this press or another
        return redirect(url_for("identity.body", organisation_id=kept_id), 303)
    form = body_forms.Merge(kept.form_data())
    refused, status = "", 200
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                merging.merge(
                    actor, gone_id, kept_id, reason=form.reason.data or "", seen=form.seen.data or "", key=form.key.data
                )
            flash(_("Merged. The history of both is kept."), "good")
            return redirect(url_for("identity.body", organisation_id=kept_id), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
        except (Refused, Stale) as refusal:
            refused, status = str(refusal), refusal.status
    found = None
    try:
        found = merging.preview(actor, gone_id, kept_id)
        form.seen.data = found.seen
    except Refused as refusal:
        refused, status = str(refusal), refusal.status
    page = render_template(
        "identity/merge.html",
        form=form,
        gone=gone,
        kept=remaining,
        found=found,
        refused=refused,
        places=_places(),
        legal_forms=LEGAL_FORM_LABELS,
        name=_name,
    )
    return page, status if status != 200 else 400 if form.errors else 200
