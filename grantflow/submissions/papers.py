"""What was sent, to be read: the receipt, each version, and files as downloads.

Who may read what is said by `service.may_read`; nothing here changes anything.
"""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, render_template, send_file, url_for
from flask_babel import gettext as _

from grantflow import rendering
from grantflow.cases.service import get
from grantflow.errors import NotFound
from grantflow.identity.access import access
from grantflow.identity.forms import COUNTRIES
from grantflow.identity.session import current_actor
from grantflow.submissions import pages, service
from grantflow.submissions.blueprint import bp, case_of_writer, sheet_for
from grantflow.submissions.queries import file_of, in_a_version, sheet_of
from grantflow.submissions.sharing import share_of


@bp.get("/applications/<int:case_id>/receipt")
@access("applicant")
def receipt(case_id: int) -> Any:
    """The number, the time in two zones and the fingerprint of what was sent last."""
    sheet = sheet_of(case_of_writer(case_id))
    if sheet.row.submitted_version is None:
        return redirect(url_for(".tasks", case_id=case_id))
    version = service.version_of(case_id, sheet.row.submitted_version)
    return render_template(
        "submissions/receipt.html", sheet=sheet, version=version, after=pages.next_step(sheet),
        late=pages.late_words(sheet, version.submitted_at), may_reopen=pages.may_reopen(sheet, current_actor()),
    )  # fmt: skip


@bp.get("/applications/<int:case_id>/versions/<int:n>")
@access("signed_in")
def version(case_id: int, n: int) -> Any:
    """What was sent, word for word, with its fingerprint and what changed since the version before."""
    sheet = sheet_for(case_id)
    verdict = service.may_read(sheet.case, current_actor())
    if not verdict:
        return rendering.error_page(403, verdict.because)
    return render_template("submissions/version.html", countries=COUNTRIES, **pages.version_page(sheet, n))


@bp.get("/applications/<int:case_id>/files/<int:file_id>")
@access("signed_in")
def file(case_id: int, file_id: int) -> Any:
    """An attached file as a download, for those who may read the application."""
    row = file_of(case_id, file_id)
    writes = _writes_it(case_id, row.question)
    if not writes:
        sheet, actor = sheet_for(case_id), current_actor()
        if not service.may_read(sheet.case, actor):
            raise NotFound
        if "applicant" not in actor.roles_on(sheet.case) and not in_a_version(case_id, file_id):
            raise NotFound
        writes = "applicant" in actor.roles_on(sheet.case)
    if row.scan == "infected":
        return rendering.error_page(403, _("The check found something harmful in this file. Nobody can open it."))
    if row.scan == "waiting" and not writes:
        return rendering.error_page(403, _("This file is still being checked. Try again in a minute."))
    path = service.path_of(row.stored_name)
    if not path.is_file():
        abort(404)
    reply = send_file(path, mimetype=row.content_type, as_attachment=True, download_name=row.filename, conditional=True)
    reply.headers["X-Content-Type-Options"] = "nosniff"
    reply.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    reply.headers["Cache-Control"] = "private, no-store"
    return reply


def _writes_it(case_id: int, question: str) -> bool:
    """Whether the visitor was invited to write the section to which a file belongs."""
    case = get(case_id)
    share = share_of(case, current_actor()) if case.kind == "application" else None
    if share is None or share.member:
        return False
    form = service.terms_of(service.row_of(case_id).pack_hash).form
    return any(share.opens(part.code) for part in form if any(q.code == question for q in part.questions))
