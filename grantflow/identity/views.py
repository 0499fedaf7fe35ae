"""The pages of the door: sign-in and its end, registration, and asking for a link.

What opens behind a link is in `opened`, one's own pages are in `oneself`, people as a manager sees them in `staff` and `accounts`, organisations in `bodies`;
how often a door may be tried is `throttle`'s, all other rules are the services'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from grantflow import clock
from grantflow.db import unit_of_work
from grantflow.errors import Invalid
from grantflow.extensions import limiter
from grantflow.identity import accounts as _accounts  # noqa: F401  its views belong to the same blueprint
from grantflow.identity import (
    background,
    forms,
    kept,
    passwords,
    queries,
    registration,
    service,
    throttle,
)
from grantflow.identity import bodies as _bodies  # noqa: F401  its views too
from grantflow.identity import merge_pages as _merge_pages  # noqa: F401  and these
from grantflow.identity import oneself as _oneself  # noqa: F401  and these
from grantflow.identity import opened as _opened  # noqa: F401  and these
from grantflow.identity import profile_pages as _profile_pages  # noqa: F401  and these
from grantflow.identity import session as visit
from grantflow.identity import staff as _staff  # noqa: F401  and these
from grantflow.identity.access import PUBLIC, access
from grantflow.identity.blueprint import bp
from grantflow.identity.entering import let_in, onward_of
from grantflow.identity.session import ROLE_TITLES
from grantflow.rendering import moment

Page = str | Response | tuple[str, int]


# ------------------------------ the door
def _failed(response: Any) -> bool:
    return bool(response.status_code != 303)


def _kept_out(response: Any) -> bool:
    return bool(response.status_code >= 400)  # a page's own script is let in without being led anywhere


def _later(page: Callable[[str], str], hint: str = "") -> Callable[[Any], Any]:
    """The answer to one try too many: the same page with its words kept, and when to try again."""

    def answer(limit: Any) -> Any:
        again = throttle.again_at(limit)
        said = _("Too many attempts in a row. Try again after %(hour)s.", hour=moment(again, seconds=True))
        sentence = f"{said} {_help()[hint]}".strip()
        shown = current_app.make_response(
            background.not_let_in(sentence, 429) if background.asked() else (page(sentence), 429)
        )
        shown.headers["Retry-After"] = str(int((again - clock.now()).total_seconds()) + 1)
        return shown

    return answer


def _help() -> dict[str, str]:
    return {
        "": "",
        "link": _("Or have a link sent to you: it lets you in at once."),
        "letters": _("The letters already sent stay good: look for them in your mailbox, also among spam."),
    }


def _told(form: Any, sentence: str) -> Any:
    form.form_errors.append(sentence)
    return form


_wait_at_door = _later(lambda said: _door(_told(forms.SignIn(request.form), said)), "link")


@bp.route("/sign-in", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit(
    throttle.FROM_ONE_PLACE,
    key_func=throttle.for_place,
    methods=["POST"],
    deduct_when=_kept_out,
    on_breach=_wait_at_door,
)
@limiter.limit(
    throttle.ONE_ACCOUNT,
    key_func=throttle.for_account,
    methods=["POST"],
    deduct_when=_kept_out,
    exempt_when=throttle.known,
    on_breach=_wait_at_door,
)
@limiter.limit(
    throttle.ONE_ADDRESS,
    methods=["POST"],
    deduct_when=_kept_out,
    exempt_when=throttle.known,
    on_breach=_wait_at_door,
)
def sign_in() -> Page | background.Answer:
    """Sign in, and go on where one was. Who exists is not told: wrong address and wrong password are one
    answer.
    """
    if background.asked() and request.method == "POST":
        return _sign_in_on_the_page()
    form = forms.SignIn(kept.form_data())
    if request.method == "GET":
        return redirect(onward_of(), 303) if visit.visitor() is not None else _door(form)
    if not form.validate():
        return _door(form), 400
    person = service.authenticate(form.email.data or "", form.password.data or "")
    if person is None:
        form.form_errors.append(_("Address and password do not fit together. Look at both and try again."))
        return _door(form), 400
    if passwords.worn(person.password_hash or ""):
        with unit_of_work():
            service.rehash(person.id, form.password.data or "")
    return let_in(person)


def _sign_in_on_the_page() -> Response | background.Answer:
    """Sign the same person in again on the page they write on, which stays; anybody else opens a page of their own."""
    person = service.authenticate(request.form.get("email", ""), request.form.get("password", ""))
    if person is None:
        return background.not_let_in(_("Address and password do not fit together. Look at both and try again."))
    if str(person.id) != request.form.get("person"):
        return background.not_let_in(
            _("This page is another person’s. Sign in as that person here, or open the application anew as yourself.")
        )
    if passwords.worn(person.password_hash or ""):
        with unit_of_work():
            service.rehash(person.id, request.form.get("password", ""))
    key = person.email_key
    visit.sign_in(person)
    return throttle.remember(background.let_in(person.id), key)


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


# ------------------------------ coming in
def _register(form: forms.Register) -> str:
    return render_template("identity/register.html", form=form, consent=service.CONSENT)


_wait_to_register = _later(lambda said: _register(_told(forms.Register(request.form), said)), "letters")


@bp.route("/register", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit("20 per hour", methods=["POST"], deduct_when=lambda r: not _failed(r), on_breach=_wait_to_register)
@limiter.limit(
    throttle.LETTERS,
    key_func=throttle.for_account,
    methods=["POST"],
    deduct_when=lambda r: not _failed(r),
    on_breach=_wait_to_register,
)
def register() -> Page:
    """Ask for an account of one's own: a letter goes out, and the answer is the same whoever exists."""
    if visit.visitor() is not None:
        return redirect(onward_of(), 303)
    asked, onward = session.get("asked", ("", ""))
    form = forms.Register(kept.form_data(), data={"language": visit.chosen_language(), "email": asked})
    if request.method == "POST" and form.validate():
        onward = kept.safe_next(request.args.get("next")) or onward
        try:
            with throttle.evenly():
                address = registration.ask_account(
                    email=form.email.data or "",
                    name=form.name.data or "",
                    language=form.language.data,
                    zone=current_app.config["ZONE"],
                    consent=form.consent.data,
                    onward=onward,
                )
            session["asked"] = (address, onward)
            return redirect(url_for("identity.registered"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    return _register(form), 400 if form.errors else 200


@bp.route("/register/letter")
@access(PUBLIC)
def registered() -> Page:
    """Where to look for the letter, and what to do if it does not come."""
    if "asked" not in session:
        return redirect(url_for("identity.register"), 303)
    return render_template("identity/registered.html", address=session["asked"][0])


def _forgotten(form: forms.Forgotten) -> str:
    return render_template("identity/forgotten.html", form=form)


_wait_for_letter = _later(lambda said: _forgotten(_told(forms.Forgotten(request.form), said)), "letters")


@bp.route("/password", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit("20 per hour", methods=["POST"], on_breach=_wait_for_letter)
@limiter.limit(throttle.LETTERS, key_func=throttle.for_account, methods=["POST"], on_breach=_wait_for_letter)
def forgotten() -> Page:
    """Ask for a link to choose a new password. The answer is the same whether the address is known or not."""
    form = forms.Forgotten(kept.form_data(), data={"email": request.args.get("email", "")})
    if request.method == "POST" and form.validate():
        with throttle.evenly():
            registration.ask_password(form.email.data or "")
        flash(
            _(
                "If there is an account under this address, a letter with a link is on its way. "
                "It is good for two hours."
            ),
            "good",
        )
        return redirect(url_for("identity.sign_in"), 303)
    return _forgotten(form), 400 if form.errors else 200
