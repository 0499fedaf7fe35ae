"""The pages of the door and of oneself: sign-in, registration, links by mail, profile, language.

People and roles as a manager sees them are in `staff`, organisations in `bodies`; rules are the services'.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound
from grantflow.extensions import limiter
from grantflow.identity import bodies as _bodies  # noqa: F401  its views belong to the same blueprint
from grantflow.identity import door, forms, kept, links, passwords, queries, service, words
from grantflow.identity import session as visit
from grantflow.identity import staff as _staff  # noqa: F401  its views too
from grantflow.identity.access import PUBLIC, SIGNED_IN, SYSTEM, access, actor_for
from grantflow.identity.blueprint import bp
from grantflow.identity.session import ROLE_TITLES, current_actor
from grantflow.rendering import LANGUAGES

Page = str | Response | tuple[str, int]


def home() -> str:
    """Where somebody signed in begins."""
    return url_for("cases.desk") if "cases.desk" in current_app.view_functions else url_for("identity.profile")


# ------------------------------ the door
def _account() -> str:
    return "account/" + (words.address_key(request.form.get("email")) or request.form.get("email", "")[:254].casefold())


def _failed(response: Any) -> bool:
    return bool(response.status_code != 303)


def _too_often(_limit: Any) -> Any:
    form = forms.SignIn(request.form)
    form.form_errors.append(_("Too many attempts. Wait a quarter of an hour, or ask for a link by mail."))
    return current_app.make_response((_door(form), 429))


@bp.route("/sign-in", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit("10 per 15 minutes", key_func=_account, methods=["POST"], deduct_when=_failed, on_breach=_too_often)
@limiter.limit(
    "60 per 15 minutes",
    key_func=get_remote_address,
    methods=["POST"],
    deduct_when=_failed,
    on_breach=_too_often,
)
def sign_in() -> Page:
    """Sign in, and go on where one was. Who exists is not told: wrong address and wrong password are one
    answer.
    """
    form = forms.SignIn(kept.form_data())
    if request.method == "GET":
        return redirect(_onward(), 303) if visit.visitor() is not None else _door(form)
    if not form.validate():
        return _door(form), 400
    person = service.authenticate(form.email.data or "", form.password.data or "")
    if person is None:
        form.form_errors.append(_("Address and password do not fit together. Look at both and try again."))
        return _door(form), 400
    if passwords.worn(person.password_hash or ""):
        with unit_of_work():
            service.rehash(person.id, form.password.data or "")
    visit.sign_in(person)
    return redirect(_onward(), 303)


def _onward() -> str:
    who = visit.visitor()
    return (kept.waiting_for(who.id) if who else None) or kept.safe_next(request.args.get("next")) or home()


def _door(form: forms.SignIn) -> str:
    demo = current_app.config.get("DEMO")
    given = demo if isinstance(demo, dict) else {}
    about = given.get("people", {})
    rows = [
        {
            "person": person,
            "about": about[person.email],
            "title": next((title for role, title in ROLE_TITLES.items() if role in held), _("No role yet")),
        }
        for person, held in queries.demo_people(list(about))
    ]
    return render_template(
        "identity/sign_in.html",
        form=form,
        people=rows,
        password=given.get("password", ""),
        onward=request.args.get("next"),
    )


@bp.post("/sign-out")
@access(PUBLIC)
def sign_out() -> Response:
    """End this session."""
    visit.sign_out()
    flash(_("You are signed out."), "good")
    return redirect(url_for("identity.sign_in"), 303)


@bp.route("/register", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit("20 per hour", methods=["POST"], deduct_when=_failed)
def register() -> Page:
    """Open an account of one's own; the first step afterwards is the organisation one applies for."""
    if visit.visitor() is not None:
        return redirect(_onward(), 303)
    form = forms.Register(kept.form_data(), data={"language": visit.chosen_language()})
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                person = service.register(
                    email=form.email.data or "",
                    name=form.name.data or "",
                    password=form.password.data or "",
                    language=form.language.data,
                    zone=current_app.config["ZONE"],
                    consent=form.consent.data,
                    key=form.key.data,
                )
            # A sending repeated by somebody else's browser must not open the account: the password is asked
            # again.
            known = service.authenticate(form.email.data or "", form.password.data or "")
            if known is None or known.id != person.id:
                raise Invalid(_("There is an account under this address already. Sign in with it."))
            visit.sign_in(known)
            flash(_("Your account is open."), "good")
            onward = kept.waiting_for(known.id) or kept.safe_next(request.args.get("next"))
            return redirect(url_for("identity.add_organisation", next=onward), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    return render_template("identity/register.html", form=form, consent=service.CONSENT), 400 if form.errors else 200


# ------------------------------ links by mail
@bp.route("/password", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit("10 per hour", methods=["POST"])
def forgotten() -> Page:
    """Ask for a link to choose a new password. The answer is the same whether the address is known or not."""
    form = forms.Forgotten(kept.form_data(), data={"email": request.args.get("email", "")})
    if request.method == "POST" and form.validate():
        person = service.person_by_email(form.email.data or "")
        if person is not None and person.active:
            url = links.link(person, "password")
            with unit_of_work():
                door.record(
                    person.id,
                    "link_sent",
                    actor=SYSTEM,
                    notices=[("password_link", [person.id], {"note": url})],
                )
        flash(
            _(
                "If there is an account under this address, a letter with a link is on its way. "
                "It is good for two hours."
            ),
            "good",
        )
        return redirect(url_for("identity.sign_in"), 303)
    return render_template("identity/forgotten.html", form=form), 400 if form.errors else 200


@bp.route("/<any(invitation, password):kind>/<token>", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit("30 per hour", methods=["POST"])
def choose_password(kind: str, token: str) -> Page:
    """Choose a password behind a link; the link is then spent and every older session over."""
    person = links.opened_by(token, kind)
    if person is None:
        return render_template("identity/spent_link.html", kind=kind), 404
    form = forms.ChoosePassword(kept.form_data())
    if request.method == "POST" and form.validate():
        try:
            person_id, actor = person.id, actor_for(person)
            with unit_of_work():
                service.change_password(actor, person_id, new=form.password.data or "")
            fresh = service.authenticate(person.email, form.password.data or "")
            assert fresh is not None
            visit.sign_in(fresh)
            flash(_("Your password is set."), "good")
            return redirect(home(), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    shown = render_template("identity/choose_password.html", form=form, kind=kind, email=person.email)
    return shown, 400 if form.errors else 200


# ------------------------------ oneself
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
                service.change_settings(who.id, language=form.language.data, zone=form.zone.data, theme=form.theme.data)
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
            service.set_language(who.id, language)
    back = kept.safe_next(request.values.get("next"))
    return redirect(back or (home() if who else url_for("identity.sign_in")), 303)
