"""The page on which an applicant takes a draft over to the newer form of its call: first what would become of it.

What is kept and lost is `newer`'s to say.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import HiddenField

from grantflow.db import unit_of_work
from grantflow.errors import Refused, Stale
from grantflow.identity.access import access
from grantflow.identity.forms import Keyed
from grantflow.identity.session import current_actor
from grantflow.submissions import pages
from grantflow.submissions.blueprint import bp, writer_of
from grantflow.submissions.newer import newer, take


class NewerForm(Keyed):
    """What was looked at."""

    seen = HiddenField()


@bp.route("/applications/<int:case_id>/newer-form", methods=["GET", "POST"])
@access("applicant")
def newer_form(case_id: int) -> Any:
    """The call's form in force beside the draft's own; a button that takes the draft over."""
    sheet, form = writer_of(case_id), NewerForm()
    status, stale, refused = 200, "", ""
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                done = take(case_id, actor=current_actor(), seen=form.seen.data or "")
        except Stale as late:
            status, stale = 409, str(late)
            sheet = writer_of(case_id)
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
