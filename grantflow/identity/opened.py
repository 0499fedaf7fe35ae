"""What opens behind a link by mail: a password is chosen, or what a letter asks is confirmed with one button.

Looking spends no link. Which links there are and how long they are good is `links`' to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import refresh

from grantflow.db import unit_of_work
from grantflow.errors import GrantFlowError, Invalid
from grantflow.extensions import limiter
from grantflow.identity import addresses, forms, kept, links, registration, service
from grantflow.identity import session as visit
from grantflow.identity.access import PUBLIC, access
from grantflow.identity.blueprint import bp
from grantflow.identity.entering import let_in


def _secret(page: Any) -> Any:
    """A page whose address opens a door: no cache keeps it, and no other page is told of it."""
    answer = current_app.make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _behind(token: str, kind: str) -> Any:
    """The row of an open link, its page in the language of its letter; None where it does not open."""
    row = links.opened_by(token, kind)
    if row is not None and visit.visitor() is None and "language" not in session:
        session["language"] = row.language
        refresh()
    return row


def _spent(kind: str) -> Any:
    return _secret((render_template("identity/spent_link.html", kind=kind), 404))


@bp.route("/<any(invitation, confirmation, password):kind>/<token>", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit("30 per hour", methods=["POST"])
def choose_password(kind: str, token: str) -> Any:
    """Choose a password behind a link; the link is then spent and every older session over. Looking spends nothing."""
    row = _behind(token, kind)
    if row is None:
        return _spent(kind)
    form = forms.ChoosePassword(kept.form_data())
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                person = registration.choose_password(token, kind, form.password.data or "")
            flash(
                _("Your address is confirmed and your password set.")
                if kind == "confirmation"
                else _("Your password is set."),
                "good",
            )
            onward = row.onward
            if kind == "confirmation":  # first of all: whom does one apply for
                onward = url_for("identity.add_organisation", next=onward or None)
            return let_in(person, onward)
        except links.Spent:
            return _spent(kind)
        except Invalid as fault:
            forms.show_faults(form, fault)
    shown = render_template("identity/choose_password.html", form=form, kind=kind, email=row.present)
    return _secret((shown, 400 if form.errors else 200))


@bp.route("/letter/<any(address, undo, language, draft):kind>/<token>", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit("30 per hour", methods=["POST"])
def open_letter(kind: str, token: str) -> Any:
    """What a letter asks to be confirmed, with one button: the new address, the old one again, the other language, that
    one goes on with a draft."""
    row = _behind(token, kind)
    if row is None:
        return _spent(kind)
    form = forms.OpenLetter()
    refused = ""
    who = visit.visitor()
    if kind == "draft" and who is not None and who.id != row.person_id:
        refused = _(
            "You are signed in as somebody else, and this link is another person’s. Sign out, then open it again."
        )
    elif request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                onward = _LETTERS[kind](token)
            return let_in(service.person(row.person_id), onward) if kind == "draft" else redirect(onward, 303)
        except links.Spent:
            return _spent(kind)
        except GrantFlowError as refusal:
            refused = str(refusal)
    shown = render_template("identity/open_letter.html", form=form, kind=kind, row=row, refused=refused)
    return _secret((shown, 403 if refused else 200))


def _take_address(token: str) -> str:
    addresses.take_address(token)
    flash(_("The new address is yours: sign in with it, letters go there."), "good")
    return url_for("identity.profile" if visit.visitor() else "identity.sign_in")


def _restore_address(token: str) -> str:
    _person, way = addresses.undo_address(token)
    flash(_("The address is as it was, and nobody is signed in any more. Now choose a new password."), "good")
    return way


def _take_language(token: str) -> str:
    _person, language = addresses.take_language(token)
    session["language"] = language
    refresh()
    flash(_("Pages and letters are in this language from now on."), "good")
    return url_for("identity.profile" if visit.visitor() else "identity.sign_in")


def _go_on(token: str) -> str:
    return str(links.spend(token, "draft").onward)


_LETTERS: dict[str, Callable[[str], str]] = {
    "draft": _go_on,
    "address": _take_address,
    "undo": _restore_address,
    "language": _take_language,
}
