"""Two versions side by side; the words of a draft that was never sent; and a version as a file a stranger can verify.

What differs is found by `comparing`; who may read is said by `service.may_read`.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grantflow import rendering
from grantflow.errors import NotFound
from grantflow.identity.access import access
from grantflow.identity.session import current_actor
from grantflow.submissions import comparing, pages, service
from grantflow.submissions.answers import Draft, Sums
from grantflow.submissions.blueprint import bp, sheet_for, writer_of
from grantflow.submissions.queries import place_names, versions_of


@bp.get("/applications/<int:case_id>/compare")
@access("signed_in")
def compare(case_id: int) -> Any:
    """Any two versions that were sent, question by question; to its writers also what was set aside."""
    sheet, actor = sheet_for(case_id), current_actor()
    verdict = service.may_read(sheet.case, actor)
    if not verdict:
        return rendering.error_page(403, verdict.because)
    versions = versions_of(case_id)
    if not versions:
        raise NotFound
    writer = "applicant" in actor.roles_on(sheet.case)
    last = versions[0].n
    names = (request.args.get("from") or str(max(1, last - 1)), request.args.get("to") or str(last))
    before, after = (comparing.text_of(case_id, name, writer=writer) for name in names)
    if before is None or after is None:
        raise NotFound
    blocks = comparing.compared(before, after)
    return render_template(
        "submissions/compare.html", sheet=sheet, before=before, after=after, blocks=blocks, versions=versions,
        asides=service.reopening.asides_of(case_id) if writer else [], everything="all" in request.args,
        changed=sum(not row.same for _section, rows in blocks for row in rows),
        places=place_names([*before.places, *after.places]),
        sums=[Sums.of(text.terms, Draft(dict(text.answers))) for text in (before, after)],
        title=pages.title_of(sheet),
    )  # fmt: skip


@bp.get("/applications/<int:case_id>/words")
@access("applicant")
def words(case_id: int) -> Any:
    """What a draft says that can no longer be written, for those who wrote it: for ever, to be read and printed."""
    sheet = writer_of(case_id)
    if service.mode(sheet.case):
        return redirect(url_for(".tasks", case_id=case_id))
    if sheet.row.submitted_version is not None:
        return redirect(url_for(".version", case_id=case_id, n=sheet.row.submitted_version))
    return render_template(
        "submissions/words.html", **pages.frame(sheet, current_actor()), answers=pages.answered(sheet)
    )


@bp.get("/applications/<int:case_id>/versions/<int:n>/sent.json")
@access("signed_in")
def sent(case_id: int, n: int) -> Any:
    """A version exactly as it was hashed: the SHA-256 of this file is the fingerprint on the receipt."""
    sheet = sheet_for(case_id)
    verdict = service.may_read(sheet.case, current_actor())
    if not verdict:
        return rendering.error_page(403, verdict.because)
    row = service.version_of(case_id, n)
    reply = Response(row.answers.encode(), content_type="application/json; charset=utf-8")
    reply.headers["Content-Disposition"] = f'attachment; filename="{sheet.case.ref or case_id}-v{n}.json"'
    reply.headers["X-Content-Type-Options"] = "nosniff"
    reply.headers["Cache-Control"] = "private, no-store"
    return reply
