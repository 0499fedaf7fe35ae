"""What somebody typed into a form that could not be taken (a session that ended, a token too old) is kept
until they
are back, and put into the same form once.

Files and passwords are never kept. Deciding that input could not be taken is for `session` and the error
pages.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask import flash, g, redirect, request, session, url_for
from flask_babel import gettext as _
from sqlalchemy import delete, insert, select
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from grantflow import clock
from grantflow.db import session as database
from grantflow.db import unit_of_work
from grantflow.identity.models import KeptInput

MOST_BYTES = 256 * 1024
"""Longer input is kept as far as whole fields fit."""
FOR = timedelta(days=2)
_ROWS = KeptInput.__table__
_NEVER = {"csrf_token", "old", "token"}


def here() -> str:
    """The address of this page with its question, as one would come back to it: under a path in front too."""
    return (request.script_root + request.full_path).rstrip("?")


def safe_next(path: str | None) -> str | None:
    """A path within this site, or nothing: no other host, no trick with slashes or control characters."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or len(path) > 500:
        return None
    return path if path.isprintable() and "\\" not in path else None


def foreign() -> bool:
    """Whether another site sent this form: then nothing of it may come up as if the person had typed it."""
    site = request.headers.get("Sec-Fetch-Site", "")
    origin = request.headers.get("Origin", "")
    return site in ("cross-site", "same-site") or (
        origin not in ("", "null") and origin != request.host_url.rstrip("/")
    )


def _has_page() -> bool:
    """Whether the same address also shows a form."""
    from flask.globals import request_ctx

    adapter = request_ctx.url_adapter
    return adapter is not None and adapter.test(request.path, method="GET")


def typed() -> list[tuple[str, str]]:
    """The fields worth keeping, in their order, as many whole ones as fit."""
    try:
        fields = list(request.form.items(multi=True))
    except HTTPException:  # too large or broken on the way: there is nothing to read
        return []
    kept, room = [], MOST_BYTES
    for name, value in fields:
        room -= len(name.encode()) + len(value.encode())
        if name not in _NEVER and "password" not in name and room >= 0:
            kept.append((name, value))
    return kept


def keep(person_id: int | None) -> bool:
    """Keep what this request carries, for the person if known, else for whoever signs in in this browser
    next.
    """
    if request.method != "POST" or foreign() or not _has_page() or len(here()) > 500:
        return False
    fields = typed()
    if not fields:
        return False
    token = secrets.token_urlsafe(32)
    with unit_of_work() as current:
        current.execute(delete(_ROWS).where(_ROWS.c.created_at < clock.now() - FOR))
        current.execute(
            insert(_ROWS).values(
                token=token,
                person_id=person_id,
                path=here(),
                data=[list(pair) for pair in fields],
                created_at=clock.now(),
            )
        )
    session["kept"] = {"token": token, "path": here()}
    return True


def waiting_for(person_id: int) -> str | None:
    """Where to take somebody who has just signed in: the form whose words are kept, if they are this
    person's.
    """
    note = session.get("kept")
    row = _row(note)
    if note is None or row is None or row.person_id not in (None, person_id):
        session.pop("kept", None)
        return None
    return str(row.path)


def _row(note: Any) -> Any:
    if not isinstance(note, dict):
        return None
    found = database().execute(select(_ROWS).where(_ROWS.c.token == note.get("token"))).one_or_none()
    return found if found is not None and found.created_at >= clock.now() - FOR else None


def form_data() -> Any:
    """What a form is made from: the words sent; on a return the words kept, once, with a note; else None."""
    if request.method == "POST":
        return CombinedMultiDict([request.files, request.form]) if request.files else request.form
    note = session.get("kept")
    if not isinstance(note, dict) or note.get("path") != here():
        return None
    session.pop("kept", None)
    row = _row(note)
    person_id = getattr(g.get("visitor"), "id", None)
    if row is None or row.person_id not in (None, person_id):
        return None
    flash(_("What you typed is kept. Look it over and send it again. Files have to be chosen anew."), "warm")
    return MultiDict([(str(name), str(value)) for name, value in row.data])


def to_sign_in(person_id: int | None = None) -> Response:
    """Send somebody to the sign-in page and remember where they were, with what they typed."""
    if request.method == "POST":
        if keep(person_id):
            if person_id is None:
                flash(_("Sign in or open an account on the way: what you typed is kept."), "warm")
            else:
                flash(_("Your session has ended. Sign in again: what you typed is kept."), "warm")
        elif person_id is not None:
            flash(_("Your session has ended. Sign in again."), "warm")
        else:  # somebody who was never in: they pressed a button of a public page
            flash(_("You sign in or open an account on the way; you come back to this place."))
    back = here() if request.method in ("GET", "HEAD") or _has_page() else None
    return redirect(url_for("identity.sign_in", next=back if back not in (None, "/") else None), 303)
