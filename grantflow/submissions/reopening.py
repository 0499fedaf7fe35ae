"""Owns opening a sent application again while the call is open: what was sent counts until it is sent anew.

Leaves sending itself to `sending`; the moves and who may make them stand in the definition.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select, update

from grantflow.cases.context import Context
from grantflow.cases.service import get
from grantflow.db import session
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import NotFound
from grantflow.submissions import coleads
from grantflow.submissions.amending import carried
from grantflow.submissions.answers import Draft, final
from grantflow.submissions.models import WordsSetAside
from grantflow.submissions.rows import (
    APPLICATIONS,
    FILES,
    When,
    call_of,
    draft_of,
    row_of,
    terms_of,
    version_of,
    window,
)

_ASIDE = WordsSetAside.__table__


@registry.guard("submissions.still_open")
def still_open(ctx: Context) -> Verdict:
    """The call takes applications yet, or this applicant has longer: then what was sent may be opened again."""
    row = row_of(ctx.case.id)
    call = call_of(row.call_id)
    if window(get(row.call_id), call, row, ctx.now):
        return YES
    last = max(filter(None, (call.closes_at, row.extension_until)))
    return no(_("The time for applications ended on %(when)s. What you sent counts.", when=When(last, call.zone)))


@registry.effect("submissions.set_aside")
def set_aside(ctx: Context) -> None:
    """Let the draft be again what was sent, so that a later correction starts from it; words that differ are kept
    aside for their writers, with their files."""
    row = row_of(ctx.case.id)
    version, terms, draft = version_of(row.case_id, row.submitted_version), terms_of(row.pack_hash), draft_of(row)
    if coleads.put_back(row.case_id, version.submitted_at, ctx.now):
        ctx.fact("co_leads_put_back", True)
    sent = carried(terms_of(version.pack_hash), terms, json.loads(version.answers))
    values: dict[str, Any] = {"correction_due_at": None, "reopened": [], "correction_note": ""}
    written = {code: value for code, value in final(terms, draft).items() if terms.questions[code].kind != "computed"}
    if draft.raw or written != sent:
        ctx.session.execute(
            insert(_ASIDE).values(
                case_id=row.case_id, version=version.n, pack_hash=row.pack_hash, answers=draft.values,
                typed=draft.raw, set_aside_at=ctx.now,
            )
        )  # fmt: skip
        ctx.fact("set_aside", True)
        files = {code for code, question in terms.questions.items() if question.kind == "file"}
        _put_back_files(ctx, sent, files, version.person_id)
        values |= {
            "answers": {code: value for code, value in sent.items() if code not in files},
            "typed": {},
            "revision": row.revision + 1,
            # A page opened before this must not save over it unseen.
            "saved": {code: {**touched, "revision": row.revision + 1} for code, touched in row.saved.items()},
        }
    ctx.session.execute(update(APPLICATIONS).where(APPLICATIONS.c.case_id == row.case_id).values(values))


def _put_back_files(ctx: Context, sent: Mapping[str, Any], questions: Collection[str], person_id: int | None) -> None:
    """The files attached are those of what was sent: the ones taken away since come back, the ones added leave."""
    kept = [item["id"] for code in questions for item in sent.get(code) or ()]
    of_case = (FILES.c.case_id == ctx.case.id,)
    ctx.session.execute(update(FILES).where(*of_case, FILES.c.id.in_(kept)).values(removed_at=None, removed_by=None))
    who = func.coalesce(FILES.c.uploaded_by, person_id)
    ctx.session.execute(
        update(FILES)
        .where(*of_case, FILES.c.id.not_in(kept), FILES.c.removed_at.is_(None), who.is_not(None))
        .values(removed_at=ctx.now, removed_by=who)
    )


def asides_of(case_id: int) -> list[Any]:
    """What was set aside of an application, newest first, without its words."""
    columns = (_ASIDE.c.id, _ASIDE.c.version, _ASIDE.c.set_aside_at)
    return list(session().execute(select(*columns).where(_ASIDE.c.case_id == case_id).order_by(_ASIDE.c.id.desc())))


def aside_of(case_id: int, number: int) -> tuple[Any, Draft]:
    """One of them with its words; NotFound where it is not of this application."""
    row = session().execute(select(_ASIDE).where(_ASIDE.c.id == number, _ASIDE.c.case_id == case_id)).one_or_none()
    if row is None:
        raise NotFound
    return row, Draft(dict(row.answers), dict(row.typed))
