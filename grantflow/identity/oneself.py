"""One's own pages: profile, password, address, language.

What may be written is judged by the services; the links that letters bring open in `views`.
"""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound
from grantflow.extensions import limiter
from grantflow.identity import addresses, forms, kept, queries, service
from grantflow.identity import session as visit
from grantflow.identity.access import PUBLIC, SIGNED_IN, access
from grantflow.identity.blueprint import bp
from grantflow.identity.session import ROLE_TITLES, current_actor
from grantflow.rendering import LANGUAGES

Page = str | Response | tuple[str, int]


def home() -> str:
    """Where somebody signed in begins."""
    return url_for("cases.desk") if "cases.desk" in current_app.view_functions else url_for("identity.profile")


def _failed(response: Response) -> bool:
    return response.status_code != 303


@bp.route("/profile", methods=["GET", "POST"])
@access(SIGNED_IN)
def profile() -> Page:
    """One's own name, language, clock, colours and roles."""
    who = visit.visitor()
    assert who is not None
    person = service.person(who.id)
    form = forms.Profile(kept.form_data(), obj=person)
    if request.method == "POST" and form.validate():
        try:
            actor = current_actor()
            with unit_of_work():
                service.change_name(
                    actor,
                    who.id,
                    name_en=form.name_en.data or "",
                    name_ru=form.name_ru.data or "",
                    key=form.key.data,
                )
                service.change_settings(
                    actor, who.id, language=form.language.data, zone=form.zone.data, theme=form.theme.data
                )
            session["language"] = form.language.data
            with force_locale(form.language.data):
                flash(_("Saved."), "good")
            return redirect(url_for("identity.profile"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    roles = queries.roles_of([who.id])[who.id]
    shown = render_template("identity/profile.html", form=form, roles=roles, titles=ROLE_TITLES, email=who.email)
    return shown, 400 if form.errors else 200


@bp.route("/profile/password", methods=["GET", "POST"])
@access(SIGNED_IN)
@limiter.limit("10 per 15 minutes", methods=["POST"], deduct_when=_failed)
def password() -> Page:
    """Change one's password; every other session ends, this one goes on."""
    who = visit.visitor()
    assert who is not None
    form = forms.ChangePassword(kept.form_data())
    if request.method == "POST" and form.validate():
        try:
            actor = current_actor()
            with unit_of_work():
                service.change_password(
                    actor, who.id, new=form.password.data or "", old=form.old.data or "", key=form.key.data
                )
            fresh = service.authenticate(who.email, form.password.data or "")
            assert fresh is not None
            visit.sign_in(fresh)
            flash(_("Your password is changed. Other devices have to sign in again."), "good")
            return redirect(url_for("identity.profile"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    return render_template("identity/password.html", form=form), 400 if form.errors else 200


@bp.route("/profile/address", methods=["GET", "POST"])
@access(SIGNED_IN)
@limiter.limit("10 per 15 minutes", methods=["POST"], deduct_when=_failed)
def address() -> Page:
    """Ask for another address: the password first, then a letter to the new one; the answer is the same for any."""
    who = visit.visitor()
    assert who is not None
    form = forms.ChangeAddress(kept.form_data())
    if request.method == "POST" and form.validate():
        try:
            actor = current_actor()
            with unit_of_work():
                asked = addresses.ask_address(
                    actor,
                    who.id,
                    email=form.email.data or "",
                    password=form.password.data or "",
                    key=form.key.data,
                )
            flash(
                _(
                    "A letter is on its way to %(address)s. Open its link within two days; until then everything stays.",
                    address=asked,
                ),
                "good",
            )
            return redirect(url_for("identity.profile"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    return render_template("identity/address.html", form=form, email=who.email), 400 if form.errors else 200


@bp.route("/language/<language>", methods=["GET", "POST"])
@access(PUBLIC)
def language(language: str) -> Response:
    """Switch the language: kept with the person, and in this browser for whoever is signed out."""
    if language not in LANGUAGES:
        raise NotFound
    session["language"] = language
    who = visit.visitor()
    if who is not None and who.language != language:
        with unit_of_work():
            service.set_language(current_actor(), who.id, language)
    back = kept.safe_next(request.values.get("next"))
    return redirect(back or (home() if who else url_for("identity.sign_in")), 303)
