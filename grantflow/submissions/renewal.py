"""The pages on which drafts go over to the newer form of their call, first what would become of them: an applicant's own,
and for the manager all that are held to earlier forms, beside what differs between these.

What is kept and lost is `newer`'s and `amending`'s to say.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import HiddenField

from grantflow.cases.access import see
from grantflow.db import unit_of_work
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity.access import access
from grantflow.identity.forms import Keyed, reason_field
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.paging import Page, number
from grantflow.programmes.queries import call_by_code, terms_by_hash
from grantflow.programmes.versions import dated, differences
from grantflow.submissions import amending, pages
from grantflow.submissions.blueprint import bp, writer_in
from grantflow.submissions.newer import newer, take
from grantflow.submissions.queries import Sheet, sheet_of


class NewerForm(Keyed):
    """What was looked at."""

    seen = HiddenField()


class MoveForm(NewerForm):
    """Why every application held to an earlier form goes over to the one in force."""

    reason = reason_field(
        _l("Reason"), _l("It stands in the history of each application, where the applicant reads it.")
    )


@bp.route("/applications/<int:case_id>/newer-form", methods=["GET", "POST"])
@access("applicant")
def newer_form(case_id: int) -> Any:
    """The call's form in force beside the draft's own; a button that takes the draft over."""
    sheet, form = _own(case_id), NewerForm()
    status, stale, refused = 200, "", ""
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                done = take(case_id, actor=current_actor(), seen=form.seen.data or "")
        except Stale as late:
            status, stale = 409, str(late)
            sheet = _own(case_id)
        except Refused as refusal:
            status, refused = 403, str(refusal)
        else:
            flash(
                _("Your draft is now held to the newer form.") if done else _("Your draft has this form already."),
                "good",
            )
            return redirect(url_for(".tasks", case_id=case_id), 303)
    found = newer(sheet.case, sheet.row)
    if found is None:
        return redirect(url_for(".tasks", case_id=case_id), 303)
    form.seen.data, form.seen.raw_data = found.mark, None
    page = render_template(
        "submissions/newer.html", form=form, newer=found, stale=stale, refused=refused,
        **pages.frame(sheet, current_actor()),
    )  # fmt: skip
    return page, status


LINES = 50


def _own(case_id: int) -> Sheet:
    """The application, for whoever acts for its organisation; a guest of some sections leaves this to them."""
    case, share = writer_in(case_id, whole=True)
    if not share.member:
        raise NotFound
    return sheet_of(case)


@bp.route("/calls/<code>/versions", methods=["GET", "POST"])
@access("manager")
def call_versions(code: str) -> Any:
    """The versions of a call's form and rules with what differs; the applications held to earlier ones, and moving them."""
    actor, call = current_actor(), call_by_code(code)
    case = see(call.case_id, actor, "call")
    if "manager" not in actor.roles_on(case):
        raise Refused(_("Only the manager of this programme may move its applications to newer terms."))
    form, status, stale = MoveForm(form_data()), 200, ""
    if request.method == "POST":
        if form.validate():
            try:
                with unit_of_work():
                    done = amending.carry_out(code, actor, form.reason.data or "", mark=form.seen.data or "-")
            except Stale as late:
                status, stale = 409, str(late)
            except Refused as refusal:
                status, form.form_errors = 403, [str(refusal)]
            else:
                flash(_moved(len(done.going)), "good")
                return redirect(url_for(".call_versions", code=code), 303)
        else:
            status = 400
    plan = amending.plan(code, actor, hold=False)
    form.seen.data, form.seen.raw_data = plan.mark, None
    page = Page(number(request.args.get("page")), len(plan.going), LINES)
    return render_template(
        "submissions/versions.html", call=call, case=case, form=form, plan=plan, stale=stale, page=page,
        going=plan.going[page.rows], versions=_versions(call.case_id), earlier=_earlier(plan),
    ), status  # fmt: skip


def _moved(count: int) -> str:
    return str(
        ngettext(
            "One application is now held to the newest form.",
            "%(num)d applications are now held to the newest form.",
            count,
        )
    )


def _versions(call_id: int) -> list[dict[str, Any]]:
    """The versions, the newest first, each with what differs from the one before."""
    found: list[dict[str, Any]] = []
    before = None
    for n, (known, at) in enumerate(dated(call_id), 1):
        terms = terms_by_hash(known)
        found.append({"n": n, "at": at, "changes": differences(before, terms) if before is not None else {}})
        before = terms
    return found[::-1]


def _earlier(plan: amending.Plan) -> dict[str, Any]:
    """The questions of the forms that the moving applications are held to, for the names of what is lost."""
    return {going.row.pack_hash: terms_by_hash(going.row.pack_hash).questions for going in plan.going}
