"""What a person sees when something did not work: a page with a sentence, never a trace, and what they typed
not lost.

The pages are templates of the look; which error is which sentence's is decided where it is raised.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, current_app, flash, redirect, request, session
from flask_babel import gettext as _
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from grantflow import rendering
from grantflow.db import let_go
from grantflow.errors import GrantFlowError
from grantflow.identity import background, kept
from grantflow.identity.session import known_id, visitor

log = structlog.get_logger(__name__)
Page = Response | tuple[str, int]
_OURS = ("syntax error", "no such column", "ambiguous column")
"""SQLite calls a faulty statement operational too; waiting would not mend it."""


def of_the_house(error: GrantFlowError) -> Page:
    """NotFound, Refused, Stale, Invalid, Misconfigured: their own status and sentence."""
    let_go()
    sentence = str(error)
    if getattr(error, "fields", None):
        sentence = " ".join([sentence, *map(str, error.fields.values())]).strip()  # type: ignore[attr-defined]
    return rendering.error_page(error.status, sentence)


_BEHIND_A_LINK = ("identity.choose_password", "identity.open_letter")
"""Their address is a secret, and what is typed there a password: neither is ever kept."""


def csrf(error: CSRFError) -> Page:
    """The form's token does not fit this session any more: keep the words and show the form again."""
    who = visitor()
    if background.asked():
        return current_app.make_response(background.door() if who is None else background.renewed(who.id))
    if request.endpoint in _BEHIND_A_LINK:
        flash(_("This page was open for long. Try once more."), "warm")
        return redirect(request.script_root + request.path, 303)
    if who is None:
        if request.endpoint == "identity.sign_in":
            kept.keep(None)
            flash(_("This page was open for long. Try once more."), "warm")
            return redirect(kept.here(), 303)
        return kept.to_sign_in(known_id())
    if kept.keep(who.id):
        return redirect(kept.here(), 303)
    log.warning("form refused", reason=error.description, endpoint=request.endpoint)
    return rendering.error_page(
        400, _("This form was sent from another page or has grown old. Open it again and send it from there.")
    )


def away(error: Exception) -> Page:
    """The database is locked or away: say so, and give the words back in a page that sends them again."""
    if any(sign in str(error) for sign in _OURS):
        log.exception("a statement is wrong")
        return broken(error)
    log.error("the database did not answer", error=str(error)[:300], endpoint=request.endpoint)
    let_go()
    fields = kept.typed() if request.method == "POST" and not kept.foreign() else []
    if fields and request.form.get("csrf_token"):
        fields.append(("csrf_token", request.form["csrf_token"]))
    if not fields:
        return rendering.error_page(503)
    page = current_app.jinja_env.get_template("cases/busy.html").render(
        bare=True,
        status=503,
        language=rendering.language(),
        zone=current_app.config["ZONE"],
        fields=fields,
        action=kept.here(),
    )
    return page, 503


def clash(error: IntegrityError) -> Page:
    """Two people wrote the same thing at once, and the database kept the first."""
    let_go()
    log.error("a constraint refused", error=str(error.orig)[:300], endpoint=request.endpoint)
    return rendering.error_page(409)


def too_often(error: RateLimitExceeded) -> Any:
    """Too many attempts in a row; a page that has an answer of its own gives that."""
    if error.response is not None:
        return error.response
    return rendering.error_page(429, _("Too many attempts in a short time. Wait a quarter of an hour and try again."))


def too_large(error: RequestEntityTooLarge) -> Page:
    """More was sent than is taken."""
    size = rendering.file_size(current_app.config["MAX_CONTENT_LENGTH"])
    return rendering.error_page(413, _("This is more than is taken at once: at most %(size)s.", size=size))


def of_http(error: HTTPException) -> Any:
    """404, 405 and their like."""
    if error.code is None or error.code < 400:
        return error
    return rendering.error_page(error.code)


def broken(error: Exception) -> Page:
    """A fault of ours: the log has the trace, the page none."""
    let_go()
    log.error("a page failed", endpoint=request.endpoint, case=str(session.get("_user_id", ""))[:20])
    return rendering.error_page(500)


def install_error_pages(app: Flask) -> None:
    """Give every error its page."""
    app.register_error_handler(GrantFlowError, of_the_house)
    app.register_error_handler(CSRFError, csrf)
    app.register_error_handler(RateLimitExceeded, too_often)
    app.register_error_handler(RequestEntityTooLarge, too_large)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(IntegrityError, clash)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, away)
    app.register_error_handler(500, broken)
