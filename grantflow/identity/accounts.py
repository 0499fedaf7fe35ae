"""The pages on which a programme manager sees to somebody's account: invitation, closing, handing the desk over.

What may be done and why not is in `registration`, `closing` and `succession`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from grantflow.db import unit_of_work
from grantflow.errors import GrantFlowError, Invalid, Refused, Stale
from grantflow.extensions import limiter
from grantflow.identity import closing, forms, kept, queries, registration, succession
from grantflow.identity.access import access
from grantflow.identity.blueprint import bp
from grantflow.identity.session import ROLE_TITLES, current_actor

Page = str | Response | tuple[str, int]


def _person(person_id: int) -> Any:
    return queries.person_for(current_actor(), person_id, session.get("found", []))


@bp.post("/people/<int:person_id>/invitation")
@access("manager")
@limiter.limit("30 per hour")
def invitation(person_id: int) -> Page:
    """Send an invitation again, take it back, or show its link where the letter cannot leave."""
    person = _person(person_id)
    if request.form.get("do") == "show":
        try:
            with unit_of_work():
                link = registration.show_invitation(current_actor(), person_id)
            return render_template("identity/invitation_link.html", person=person, link=link)
        except Refused as refusal:
            flash(str(refusal), "wrong")
            return redirect(url_for("identity.roles", person_id=person_id), 303)
    act, told = (
        (registration.withdraw_invitation, _("The invitation is taken back: its link opens nothing any more."))
        if request.form.get("do") == "withdraw"
        else (registration.invite, _("A new invitation is on its way; the one before opens nothing any more."))
    )
    try:
        with unit_of_work():
            act(current_actor(), person_id, key=request.form.get("key", "")[:100] or None)
        flash(told, "good")
    except Refused as refusal:
        flash(str(refusal), "wrong")
    return redirect(url_for("identity.roles", person_id=person_id), 303)


@bp.route("/people/<int:person_id>/account", methods=["GET", "POST"])
@access("manager")
def account(person_id: int) -> Page:
    """Close somebody's account, or open it again, with a reason."""
    actor, person = current_actor(), _person(person_id)
    form = forms.Reasoned(kept.form_data())
    status = 200
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                closing.set_open(
                    actor,
                    person_id,
                    request.form.get("open") == "yes",
                    reason=form.reason.data or "",
                    key=form.key.data,
                )
            flash(
                _("The account is open again.")
                if request.form.get("open") == "yes"
                else _("The account is closed. Every session of it has ended."),
                "good",
            )
            return redirect(url_for("identity.roles", person_id=person_id), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
        except Refused as refusal:
            form.form_errors.append(str(refusal))
            status = 403
    verdict = closing.may_close(actor, person_id)
    shown = render_template("identity/account.html", form=form, person=person, verdict=verdict)
    return shown, status if status != 200 else 400 if form.errors else 200


@bp.route("/people/<int:person_id>/desk", methods=["GET", "POST"])
@access("manager")
def hand_over(person_id: int) -> Page:
    """Hand a leaver's desk to another person: choose them, see what moves and what stays, confirm with a reason."""
    actor, person = current_actor(), _person(person_id)
    others = queries.successors(actor, person_id)
    to = request.args.get("to", "")
    chosen = next((row for row in others if str(row.id) == to), None)
    handing, form, status = None, forms.HandOver(kept.form_data()), 200
    if chosen is not None and request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                succession.hand_over(
                    actor,
                    person_id,
                    chosen.id,
                    reason=form.reason.data or "",
                    seen=form.seen.data or "",
                    key=form.key.data,
                )
            flash(_("The desk is handed over. Both have been told; it stands on both files."), "good")
            return redirect(url_for("identity.roles", person_id=person_id), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
        except (Refused, Stale) as refusal:
            form.form_errors.append(str(refusal))
            status = refusal.status
    refused = ""
    if chosen is not None:
        try:
            handing = succession.look(actor, person_id, chosen.id)
            form.seen.data = handing.seen
        except GrantFlowError as refusal:
            refused, status = str(refusal), refusal.status
    shown = render_template(
        "identity/desk.html",
        form=form,
        person=person,
        others=others,
        chosen=chosen,
        handing=handing,
        refused=refused,
        titles=ROLE_TITLES,
    )
    return shown, status if status != 200 else 400 if form.errors else 200
