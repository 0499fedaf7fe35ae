"""The page on which an applicant looks an organisation up for an answer that names one; works without a script.

What may be found is `looking`'s.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grantflow import rendering
from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.extensions import limiter
from grantflow.identity.access import access
from grantflow.identity.session import current_actor
from grantflow.submissions import looking
from grantflow.submissions.blueprint import bp, writer_of

MOST_LOOKS = "100 per hour"


def _most() -> str:
    return MOST_LOOKS


def _who() -> str:
    return f"look/{current_actor().person_id}"


def _too_often(_limit: Any) -> Any:
    said = _("You have looked up many organisations. Go on in an hour, or write the name in the form by hand.")
    return current_app.make_response(rendering.error_page(429, said))


@bp.route("/applications/<int:case_id>/edit/<section>/<question>/look", methods=["GET", "POST"])
@access("signed_in")
@limiter.limit(_most, key_func=_who, on_breach=_too_often)
def look(case_id: int, section: str, question: str) -> Any:
    """Look an organisation up and take it as the answer, or go back and keep the name as it was written."""
    sheet, actor = writer_of(case_id, section), current_actor()
    part = sheet.terms.section(section)
    asked = next((q for q in part.questions if q.code == question and q.kind == "organisation"), None) if part else None
    if asked is None:
        raise NotFound
    back = url_for(".edit", case_id=case_id, section=section, _anchor=f"q-{question}")
    refused, status = "", 200
    if request.method == "POST":
        try:
            with unit_of_work():
                looking.take(case_id, section, question, request.form.get("take", 0, int), actor=actor)
            flash(_("Taken over from the register."), "good")
            return redirect(back, 303)
        except Refused as refusal:
            refused, status = str(refusal), refusal.status
    written = (sheet.draft.values.get(question) or {}).get("name", "")
    words = request.args.get("words", written)[: looking.LEAST_LETTERS * 100]
    found, more, told = list[looking.Body](), False, ""
    if words:
        try:
            found, more = looking.find(words)
        except Invalid as fault:
            told = str(fault.sentence)
    page = render_template(
        "submissions/look.html", sheet=sheet, part=part, question=asked, wanted=words, found=found, more=more, told=told,
        back=back, refused=refused, title=sheet.row.title or _("New application"),
    )  # fmt: skip
    return page, status
