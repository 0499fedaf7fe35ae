"""The rooms where one's own things lie: the desk, the notices, and in a demonstration the mailbox of all
letters.

What waits is gathered by `desk` and `waiting`.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grantflow.cases import desk as desks
from grantflow.cases import letters, outbox, waiting, words
from grantflow.cases.blueprint import bp
from grantflow.db import unit_of_work
from grantflow.errors import NotFound
from grantflow.identity.access import PUBLIC, SIGNED_IN, access
from grantflow.identity.session import counts, current_actor
from grantflow.paging import Page, number
from grantflow.rendering import zone

PAGE = 40
counts("cases.desk")(waiting.count)


@bp.route("/desk")
@access(SIGNED_IN)
def desk() -> str:
    """What waits for me, by when, and why; below it, for applicants, all their applications and grants."""
    actor = current_actor()
    found = waiting.look(actor)
    kinds = list(dict.fromkeys(item.kind for item in found))
    counted = {kind: sum(item.kind == kind for item in found) for kind in kinds}
    kind = request.args.get("kind", "")
    if kind not in counted:
        kind = ""
    ordered = [item for k in kinds for item in found if item.kind == k and kind in ("", k)]
    page = Page(number(request.args.get("page")), len(ordered), PAGE)
    groups = [(k, list(items)) for k, items in groupby(desks.dressed(ordered[page.rows]), key=lambda item: item.kind)]
    elsewhere: list[dict[str, Any]] = []
    further = Page(1, 0, waiting.ELSEWHERE)
    if actor.scopes("applicant", "organisation_id"):
        elsewhere, further = waiting.elsewhere(actor, number(request.args.get("further")))
    return render_template(
        "cases/desk.html",
        groups=groups,
        kinds=kinds,
        counted=counted,
        kind=kind,
        page=page,
        elsewhere=elsewhere,
        further=further,
        plurals=words.PLURALS,
        unread=letters.unread(actor),
        actor=actor,
        applicant_only=not actor.has("officer", "panellist", "chair", "finance", "manager", "auditor", "partner"),
    )


@bp.route("/inbox")
@access(SIGNED_IN)
def inbox() -> str:
    """What was told to me, in my language, newest first."""
    rows, page, unread = letters.inbox(current_actor(), zone(), number(request.args.get("page")))
    return render_template("cases/inbox.html", rows=rows, unread=unread, page=page)


@bp.post("/inbox/read")
@access(SIGNED_IN)
def read() -> Response:
    """Mark one notice, or all, as read; a repeated sending changes nothing."""
    actor = current_actor()
    text = request.form.get("notice", "")
    one = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    assert actor.person_id is not None
    with unit_of_work():
        outbox.mark_read(actor.person_id, one)
    return redirect(url_for("cases.inbox", page=request.form.get("page") or None), 303)


@bp.route("/mailbox")
@access(PUBLIC)
def mailbox() -> str:
    """Every letter the demonstration would have sent. Nowhere else does this page exist."""
    if not current_app.config.get("DEMO"):
        raise NotFound
    text = request.args.get("person", "")
    person = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    rows, page, people = letters.letters(person, number(request.args.get("page")))
    return render_template(
        "cases/mailbox.html",
        rows=rows,
        people=people,
        person=person,
        page=page,
    )
