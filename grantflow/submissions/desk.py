"""Applications as staff meet them: more time for one applicant, drafts under way, the body of the case's
page.

Lists of what was sent are the pipeline's, in `eligibility`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grantflow.cases import sealed
from grantflow.cases.access import see
from grantflow.cases.pages import case_page
from grantflow.clock import local
from grantflow.db import unit_of_work
from grantflow.errors import Refused
from grantflow.identity.access import Actor, access
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.paging import number
from grantflow.programmes.queries import call_by_code
from grantflow.submissions import pages, service
from grantflow.submissions.blueprint import bp
from grantflow.submissions.forms import ExtensionForm
from grantflow.submissions.parts import parts_of


@bp.route("/applications/<int:case_id>/extension", methods=["GET", "POST"])
@access("manager")
def extension(case_id: int) -> Any:
    """Give one applicant more time, with a reason. What the draft says stays closed to the manager."""
    sheet = pages.for_extension(case_id, current_actor())
    form = ExtensionForm(form_data())
    refused, status = "", 200
    if request.method == "POST":
        if form.validate():
            assert form.day.day is not None
            until = local(form.day.day, *form.hour.hour, sheet.call.zone, 59)
            try:
                with unit_of_work():
                    service.extend_deadline(
                        case_id, until, form.reason.data or "", actor=current_actor(), key=form.key.data
                    )
                flash(_("More time given; the applicant has been told."), "good")
                return redirect(url_for(".drafts", code=sheet.call.code), 303)
            except Refused as refusal:
                refused, status = str(refusal), 403
        else:
            status = 400
    ends = pages.ends_at(sheet)
    page = render_template("submissions/extension.html", sheet=sheet, form=form, refused=refused, ends=ends)
    return page, status


@bp.get("/calls/<code>/drafts")
@access("officer", "manager")
def drafts(code: str) -> str:
    """Who has begun and not sent yet, without what they wrote; a manager gives one of them more time here."""
    call = call_by_code(code)
    call_case = see(call.case_id, current_actor(), "call")
    asked = [number(request.args.get(name)) for name in ("page", "further")]
    (started, page), (returned, further) = pages.under_way(call.case_id, *asked)
    manager = "manager" in current_actor().roles_on(call_case)
    return render_template(
        "submissions/drafts.html", call=call, started=started, page=page, returned=returned, further=further,
        manager=manager,
    )  # fmt: skip


@case_page("application")
def page(case: Any, actor: Actor) -> tuple[str, dict[str, Any]]:
    """The body of an application's page: in short, what was sent, and what later stages say of it."""
    case = sealed.one_as_told(case, actor)
    return "submissions/case.html", pages.case_facts(case, actor) | {"parts": parts_of(case, actor)}
