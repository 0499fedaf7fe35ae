"""Owns the step over the threshold: the session begins, and one goes on where one was.

Who may come in is the door's to say, in `views`, or the link's, in `opened`.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, redirect, request
from werkzeug.wrappers import Response

from grantflow.identity import kept, throttle
from grantflow.identity import session as visit
from grantflow.identity.oneself import home


def let_in(person: Any, onward: str = "") -> Response:
    """Begin the session and lead on; the browser is known to the account from now on."""
    key = person.email_key
    visit.sign_in(person)
    return throttle.remember(current_app.make_response(redirect(onward_of(onward), 303)), key)


def onward_of(onward: str = "") -> str:
    """Where somebody goes on: to what waited for them, to what was asked for, else to where everybody begins."""
    who = visit.visitor()
    asked = kept.safe_next(onward) or kept.safe_next(request.args.get("next"))
    return (kept.waiting_for(who.id) if who else None) or asked or home()
