"""Owns the rows of applications as the stage reads them, and when which part of one may be written.

Leaves changing anything to `drafts`, `files`, `extension` and `sending`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, and_, bindparam, false, or_, select

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.models import Case
from grantflow.cases.sealed import one_as_told
from grantflow.cases.service import get
from grantflow.db import connection, session
from grantflow.engine.definition import Stage
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import NotFound
from grantflow.identity.access import Actor
from grantflow.prepared import Prepared
from grantflow.programmes.models import Call, CallPack, Place
from grantflow.programmes.questions import Section
from grantflow.programmes.service import closing_instant
from grantflow.programmes.terms import Terms
from grantflow.rendering import moment
from grantflow.submissions.answers import Draft
from grantflow.submissions.models import Application, ApplicationVersion, Attachment
from grantflow.submissions.sharing import share_of

APPLICATIONS = Application.__table__
VERSIONS = ApplicationVersion.__table__
FILES = Attachment.__table__
CASES = Case.__table__
CALLS = Call.__table__
PLACES = Place.__table__
# Read for every answer that is written or sent, and for every page of an application.
_ROW = Prepared(select(APPLICATIONS).where(APPLICATIONS.c.case_id == bindparam("wanted")))
_CALL = Prepared(select(CALLS).where(CALLS.c.case_id == bindparam("wanted")))
_PLACE = Prepared(select(PLACES.c.id, PLACES.c.code, PLACES.c.name).where(PLACES.c.code == bindparam("wanted")))
_ATTACHED = select(FILES).where(FILES.c.removed_at.is_(None)).order_by(FILES.c.id)
_ATTACHED_TO_ONE = Prepared(_ATTACHED.where(FILES.c.case_id == bindparam("wanted")))


class When:
    """An instant in a named zone, put into words when somebody reads it."""

    def __init__(self, at: datetime, zone: str) -> None:
        self.at, self.zone = at, zone

    def __str__(self) -> str:
        return moment(self.at, self.zone, "full")


def row_of(case_id: int) -> Any:
    """The application's row; NotFound where there is none. Whoever writes it takes the case's lock first."""
    row = _ROW.one(connection(), {"wanted": case_id})
    if row is None:
        raise NotFound
    return row


def hold(case_id: int) -> Any:
    """The case's row, locked before anything else of it, in the order in which every move locks: no two wait for
    each other. NotFound where there is none."""
    row = session().execute(select(CASES).where(CASES.c.id == case_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound
    return row


def call_of(call_id: int) -> Any:
    """The call's row; NotFound where there is none."""
    row = _CALL.one(connection(), {"wanted": call_id})
    if row is None:
        raise NotFound
    return row


def place_of(code: str) -> Any | None:
    """A place by its code: its number, its code and its name; None where there is none."""
    return _PLACE.one(connection(), {"wanted": code})


_terms: dict[str, Terms] = {}


def terms_of(pack_hash: str) -> Terms:
    """The terms an application is held to. Content never changes under its hash, so it is read once a
    process."""
    found = _terms.get(pack_hash)
    if found is None:
        content = session().scalar(select(CallPack.content).where(CallPack.hash == pack_hash))
        if content is None:
            raise NotFound
        found = _terms[pack_hash] = Terms.from_content(content)
    return found


def files_of_many(case_ids: Iterable[int]) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """The files attached now, by application and question, as answers hold them; one query for all."""
    wanted = list(case_ids)
    files: dict[int, dict[str, list[dict[str, Any]]]] = {case_id: {} for case_id in wanted}
    for row in connection().execute(_ATTACHED.where(FILES.c.case_id.in_(wanted))):
        _put(files[row.case_id], row)
    return files


def _put(files: dict[str, list[dict[str, Any]]], row: Any) -> None:
    item = {"id": row.id, "name": row.filename, "size": row.size, "sha256": row.sha256, "type": row.content_type}
    if row.scan in ("waiting", "infected"):  # such a draft is not sent, so it enters no version
        item["scan"] = row.scan
    files.setdefault(row.question, []).append(item)


def files_of(case_id: int) -> dict[str, list[dict[str, Any]]]:
    """The files attached to one application now, by question."""
    files: dict[str, list[dict[str, Any]]] = {}
    for row in _ATTACHED_TO_ONE.all(connection(), {"wanted": case_id}):
        _put(files, row)
    return files


def draft_of(row: Any, files: Mapping[str, Any] | None = None) -> Draft:
    """The draft of a row, its files among the values."""
    attached = files_of(row.case_id) if files is None else files
    return Draft({**row.answers, **attached}, dict(row.typed))


def version_of(case_id: int, n: int) -> Any:
    """A submitted version's row; NotFound where there is none."""
    row = session().execute(select(VERSIONS).where(VERSIONS.c.case_id == case_id, VERSIONS.c.n == n)).one_or_none()
    if row is None:
        raise NotFound
    return row


def answers_of(case_id: int, n: int) -> dict[str, Any]:
    """The answers of a submitted version."""
    found: dict[str, Any] = json.loads(version_of(case_id, n).answers)
    return found


def mode(case: Any) -> str:
    """How an application can be written now: "draft", "returned" (some sections) or "" (not at all).

    It hangs on the moves of its own definition, never on the name of a state.
    """
    workflow = definitions.pinned(case.workflow_hash)
    if workflow.moves_from(case.state, "submit"):
        return "draft"
    return "returned" if workflow.moves_from(case.state, "resubmit") else ""


def writable(*triggers: str) -> ColumnElement[bool]:
    """SQL on cases: whether `mode` says that it can be written, asked of every definition that is kept; narrowed to drafts
    or corrections by the trigger that sends them."""
    cards = [
        (workflow.content_hash, state.name)
        for workflow in definitions.kept()
        for state in workflow.states
        if any(workflow.moves_from(state.name, trigger) for trigger in triggers or ("submit", "resubmit"))
    ]
    here = (and_(CASES.c.workflow_hash == number, CASES.c.state == state) for number, state in cards)
    return or_(false(), *here)


def window(call_case: Any, call: Any, row: Any | None, now: datetime) -> Verdict:
    """Whether a draft of this call may be begun, written and sent now: the server's clock and the call's
    zone say.

    The closing minute belongs to the time, so do the minutes of grace; a longer time given to one
    applicant is
    theirs alone.
    """
    if call_case.stage == Stage.REFUSED:
        return no(_("The call was cancelled. The draft stays readable."))
    if call_case.stage == Stage.PREPARATION:
        return no(_("The call opens on %(when)s.", when=When(call.opens_at, call.zone)))
    if call_case.stage == Stage.SUBMISSION and now <= closing_instant(call):
        return YES
    until = None if row is None else row.extension_until
    if until is not None and now <= until and call_case.stage in (Stage.SUBMISSION, Stage.ELIGIBILITY):
        return YES
    last = max(filter(None, (call.closes_at, until)))
    return no(
        _(
            "The time for applications ended on %(when)s. The draft stays readable.",
            when=When(last, call.zone),
        )
    )


def correction_window(row: Any, now: datetime, zone: str) -> Verdict:
    """Whether a correction may still be written and sent."""
    if row.correction_due_at is not None and now <= row.correction_due_at:
        return YES
    if row.correction_due_at is None:
        return no(_("Nothing was asked to be corrected."))
    return no(_("The time for the correction ended on %(when)s.", when=When(row.correction_due_at, zone)))


def may_write(case: Any, row: Any, actor: Actor, section: Section | None = None) -> Verdict:
    """Whether this actor may write (this section of) the application now."""
    share = share_of(case, actor)
    if share is None:
        return no(_("Only the applicant may write here."))
    if section is not None and not share.opens(section.code):
        return no(_("You were invited to write other sections of this application."))
    how = mode(case)
    if how == "returned":
        how = mode(one_as_told(case, actor))
    if not how and row.submitted_version is None:
        return no(_("It was not sent and is closed: it can be read, not written."))
    if not how:
        return no(_("It has been sent: its answers can no longer be changed."))
    call = call_of(row.call_id)
    if how == "returned":
        if section is not None and section.code not in row.reopened:
            return no(_("This section was not asked to be corrected; it stays as it was sent."))
        return correction_window(row, clock.now(), call.zone)
    return window(get(row.call_id), call, row, clock.now())
