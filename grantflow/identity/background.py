"""What a page's own script is told where a person would be led to another page: that the session is over, how to sign in
without leaving the page, and that another person has signed in meanwhile.

Only scripts of this site can send the header that asks for it. Who may enter is `session`'s, who gets in `service`'s.
"""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, g, request
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

HEADER = "X-GrantFlow-Page"
Answer = tuple[dict[str, Any], int]


def asked() -> bool:
    """Whether a script of an open page asks, and not a person who goes to another one."""
    return request.headers.get(HEADER) == "1"


def _fresh_token() -> str:
    """A token for forms of the session as it is now; one made earlier in this request belongs to the session before."""
    g.pop(current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"), None)
    return str(generate_csrf())


def door() -> Answer:
    """Nobody is signed in any more: sign in on the page, then go on. Nothing is kept here, the page has its words."""
    return {"said": _("Not saved: your session has ended."), "door": True, "csrf": _fresh_token()}, 401


def renewed(person_id: int) -> Answer:
    """The form's token is of an earlier session: here is one of this session, and whose it is."""
    return {"said": _("This page was open for long. Try once more."), "csrf": _fresh_token(), "person": person_id}, 400


def another() -> Answer:
    """Another person has signed in in this browser: what this page holds is not theirs to save."""
    said = _("Not saved: another person is signed in in this browser. Your words stay on this page.")
    return {"said": said, "door": True, "csrf": _fresh_token()}, 401


def let_in(person_id: int) -> Response:
    """The person is back; the page goes on with this token."""
    return current_app.make_response({"person": person_id, "csrf": _fresh_token()})


def not_let_in(said: Any, status: int = 400) -> Answer:
    """Not let in, with the sentence that says why."""
    return {"said": str(said), "csrf": _fresh_token()}, status
