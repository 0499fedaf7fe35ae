"""The pages of the switch: which letters one gets, and the page behind the link of a letter.

A link is opened by mail programs too: only the button changes something.
"""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from grantflow.cases import notices, stops
from grantflow.cases.blueprint import bp
from grantflow.db import unit_of_work
from grantflow.errors import NotFound
from grantflow.identity.access import PUBLIC, SIGNED_IN, Actor, access
from grantflow.identity.session import current_actor


@bp.route("/notices/mail", methods=["GET", "POST"])
@access(SIGNED_IN)
def mail_switches() -> str | Response:
    """Every number of the register, and for those that may be stopped a switch."""
    actor = current_actor()
    assert actor.person_id is not None
    if request.method == "POST":
        code, on = request.form.get("code", ""), request.form.get("do") == "want"
        with unit_of_work():
            stops.switch(actor.person_id, code, on, actor=actor)
        flash(_said(code, on), "good")
        return redirect(url_for("cases.mail_switches"), 303)
    return render_template(
        "cases/mail_switches.html", rows=notices.rows(), stopped=stops.stopped_codes(actor.person_id)
    )


def _said(code: str, on: bool) -> str:
    if on:
        said: str = _("Mail of kind %(code)s comes to you again.", code=code)
    else:
        said = _("No more mail of kind %(code)s. What is told still stands among your notices.", code=code)
    return said


@bp.route("/notices/stop/<token>", methods=["GET", "POST"])
@access(PUBLIC)
def stop_link(token: str) -> str:
    """The page behind the link of a letter: what it would stop, and the button. It needs no password."""
    person_id, code = stops.read_link(token)
    row = notices.rows().get(code)
    if row is None or not row.stop:
        raise NotFound
    if request.method == "POST":
        with unit_of_work():
            stops.switch(person_id, code, request.form.get("do") == "want", actor=Actor(person_id, ""))
    return render_template("cases/stop_link.html", code=code, row=row, stopped=code in stops.stopped_codes(person_id))
