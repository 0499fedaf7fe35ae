"""The pages of exports: asking for a history, watching it being made, taking it away; and one's own exports.

A small case is answered with its workbook at once, because that takes no longer than a page; anything larger, and
every call, is made in the background, where it can take its minutes, be killed and begin anew.
"""

from __future__ import annotations

import io
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response as Answer

from grantflow.cases.access import see
from grantflow.identity.access import access
from grantflow.identity.forms import Keyed
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.oversight import asked, cutoff
from grantflow.oversight.blueprint import bp
from grantflow.paging import number
from grantflow.rendering import clean_text, language

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AT_ONCE = 500
"""So many events are written within a request."""
STANDING = {
    "waiting": ("idle", _("Waits for its turn")),
    "being_made": ("move", _("Being made")),
    "ready": ("done", _("Ready")),
    "failed": ("stop", _("Not made")),
    "expired": ("idle", _("No longer kept")),
}
"""How an export stands: tone and words."""
PROBLEMS = {
    "rights": _("You may no longer see all that it would hold. Ask for a new one."),
    "trouble": _("It failed several times. What went wrong stands in the log of the server; then ask for it again."),
}


@bp.get("/cases/<int:case_id>/history.xlsx")
@access("auditor", "manager")
def case_workbook(case_id: int) -> Answer:
    """The history of a case and of all that hangs on it: at once where it is small, else the page to ask for it."""
    actor = current_actor()
    case = see(case_id, actor)
    cut_off = cutoff.now(actor, case)
    if case.kind == "call" or cut_off.events > AT_ONCE:
        return redirect(url_for("oversight.ask", case_id=case_id), 303)
    from grantflow.oversight import exports  # its library is slow to import, and few need it

    file = io.BytesIO()
    exports.write(file, cut_off)
    asked.took_away(actor, asked.name_of(case), events=cut_off.events)
    file.seek(0)
    return _download(file, asked.file_name(case))


@bp.route("/cases/<int:case_id>/export", methods=["GET", "POST"])
@access("auditor", "manager")
def ask(case_id: int) -> str | Answer:
    """Ask for the history of a case or call; the answer is the page of that export."""
    actor = current_actor()
    case = see(case_id, actor)
    form = Keyed(form_data())
    if form.is_submitted() and form.validate():
        made = asked.ask(actor, case, language(), clean_text(form.key.data))
        return redirect(url_for("oversight.export", export_id=made), 303)
    return render_template("oversight/ask.html", case=case, form=form, cut_off=cutoff.now(actor, case))


@bp.get("/exports")
@access("auditor", "manager")
def exports() -> str:
    """The exports I asked for, newest first."""
    rows, page = asked.mine(current_actor(), number(request.args.get("page")))
    return render_template("oversight/exports.html", rows=rows, page=page, standing=STANDING)


@bp.get("/exports/<int:export_id>")
@access("auditor", "manager")
def export(export_id: int) -> str:
    """One export: how far it is, or its file with size, fingerprint and the day it goes."""
    actor = current_actor()
    found = asked.find(actor, export_id)
    return render_template(
        "oversight/export.html",
        export=found, case=see(found.case_id, actor), form=Keyed(form_data()), standing=STANDING, problems=PROBLEMS,
    )  # fmt: skip


@bp.get("/exports/<int:export_id>/file")
@access("auditor", "manager")
def export_file(export_id: int) -> Response:
    """The workbook as a download."""
    found, path = asked.take(current_actor(), export_id)
    try:
        return _download(path, found.filename)
    except FileNotFoundError:  # its week ended a moment ago
        abort(404)


@bp.post("/exports/<int:export_id>/again")
@access("auditor", "manager")
def export_again(export_id: int) -> Answer:
    """Ask for it once more, as it stood then."""
    form = Keyed(form_data())
    if not form.validate():
        flash(_("That did not arrive whole. Press once more."), "wrong")
        return redirect(url_for("oversight.export", export_id=export_id), 303)
    made = asked.ask_again(current_actor(), export_id, clean_text(form.key.data))
    return redirect(url_for("oversight.export", export_id=made), 303)


def _download(file: Any, name: str) -> Response:
    reply = send_file(file, mimetype=XLSX, as_attachment=True, download_name=name)
    reply.headers["X-Content-Type-Options"] = "nosniff"
    reply.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    reply.headers["Cache-Control"] = "private, no-store"
    return reply
