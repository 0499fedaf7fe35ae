"""The pages of cases: the frame round every case and its time line. Desk, notices and letters are in `rooms`,
moves in
`moving`.

What stands inside the frame is each stage's; what may be seen is decided in `access`, what may be known in
`sealed`.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from grantflow.cases import lateness as _lateness  # noqa: F401  the banner of every page
from grantflow.cases import moving as _moving  # noqa: F401  its views belong to the same blueprint
from grantflow.cases import pages, queries, words
from grantflow.cases import register as _register  # noqa: F401  its views too
from grantflow.cases import rooms as _rooms  # noqa: F401  its views too
from grantflow.cases import succession as _succession  # noqa: F401  what a desk hands on
from grantflow.cases import switches as _switches  # noqa: F401  its views too
from grantflow.cases.access import see
from grantflow.cases.blueprint import bp, steps
from grantflow.engine import diagram
from grantflow.identity.access import SIGNED_IN, access
from grantflow.identity.session import current_actor
from grantflow.paging import Page, number
from grantflow.rendering import href, language

LATEST, PAGE = 12, 50


@bp.route("/cases/<int:case_id>")
@access(SIGNED_IN)
def show(case_id: int) -> str:
    """Any case: badge, desk, the lit path, what can be done, the stage's own body, relatives and the time
    line.
    """
    actor = current_actor()
    pages.viewed(see(case_id, actor), actor)
    view = queries.case_view(case_id, actor)
    context: dict[str, Any] = {}
    body = None
    page = pages.page_for(view.case.kind)
    if page is not None:
        body, context = page(view.case, actor)
    svg = None
    if view.workflow is not None and view.shown is not None:
        drawn = diagram.svg(view.workflow, language(), view.history.path, view.shown.state.name)
        svg = Markup(drawn)  # noqa: S704  drawn by the engine, escaped throughout
    mine: dict[str, Any] = {
        "view": view,
        "case": view.case,
        "svg": svg,
        "body": body,
        "where": steps(view),
        "latest": LATEST,
        "kinds": words.KINDS,
        "actions": _actions(view, actor),
    }
    return render_template("cases/show.html", **{**context, **mine})


def _actions(view: queries.CaseView, actor: Any) -> list[dict[str, Any]]:
    """What an auditor or officer can do with the history as a whole."""
    found = []
    workbook = "oversight.case_workbook"
    if view.history.full and actor.has("auditor") and workbook in current_app.view_functions:
        found.append({"label": _("History as XLSX"), "url": href(workbook, case_id=view.case.id), "icon": "down2"})
    return found


@bp.route("/history/<int:case_id>")
@access(SIGNED_IN)
def history(case_id: int) -> str:
    """The whole time line of a case, a page at a time."""
    actor = current_actor()
    view = queries.case_view(case_id, actor)
    lines = view.history.lines
    page = Page(number(request.args.get("page")), len(lines), PAGE)
    return render_template(
        "cases/history.html",
        view=view,
        case=view.case,
        where=steps(view, _("What happened")),
        page=page,
        lines=lines[page.rows],
        actions=_actions(view, actor),
        kinds=words.KINDS,
    )
