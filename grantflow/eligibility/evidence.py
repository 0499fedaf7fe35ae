"""Owns the officer's checklist: for each rule the evidence that was looked at, in words and with a file, versioned.

Leaves the words of the rules to `standing`. Every writing function needs a unit of work around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select

from grantflow import clock
from grantflow.cases import words
from grantflow.cases.service import lock, record
from grantflow.db import session, writing
from grantflow.eligibility.models import EligibilityEvidence
from grantflow.eligibility.standing import is_waiting
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity.access import Actor
from grantflow.submissions.queries import submitted
from grantflow.submissions.rows import FILES, row_of, terms_of

EVIDENCE = EligibilityEvidence.__table__
LONGEST_NOTE = 2000

words.say(evidence_noted=_("Evidence for a rule noted"))


@dataclass(frozen=True)
class Note:
    """What somebody looked at for a rule, in one version of the note."""

    n: int
    note: str
    file_id: int | None
    filename: str
    at: Any
    by: int


def notes_of(case_id: int) -> dict[str, list[Note]]:
    """The notes of an application by the code of their rule, the newest first; one query."""
    rows = session().execute(
        select(EVIDENCE, FILES.c.filename)
        .outerjoin(FILES, FILES.c.id == EVIDENCE.c.attachment_id)
        .where(EVIDENCE.c.case_id == case_id)
        .order_by(EVIDENCE.c.code, EVIDENCE.c.n.desc())
    )
    found: dict[str, list[Note]] = {}
    for row in rows:
        note = Note(row.n, row.note, row.attachment_id, row.filename or "", row.at, row.by)
        found.setdefault(row.code, []).append(note)
    return found


def files_sent(case_id: int) -> list[tuple[int, str]]:
    """The files of the version that was sent last: what a note may point to."""
    sent = submitted(case_id)
    return [
        (item["id"], item["name"])
        for code, question in sent.terms.questions.items()
        if question.kind == "file"
        for item in sent.answers.get(code) or ()
    ]


def note_evidence(
    case_id: int, code: str, note: str, file_id: int | None, *, seen: int, actor: Actor, key: str | None = None
) -> int:
    """Keep what was looked at for a rule as the next version of its note; gives back the version.

    `seen` is the version on the page, 0 for none: Stale where somebody has written since. Refused for anybody but an
    officer, once the check is over, and without words or a file.
    """
    case = lock(case_id)
    rule = next((r for r in terms_of(row_of(case_id).pack_hash).eligibility if r.code == code), None)
    if rule is None:
        raise NotFound
    if "officer" not in actor.roles_on(case) and not actor.everywhere:
        raise Refused(_("Only a programme officer notes evidence."))
    if not is_waiting(case):
        raise Refused(_("Evidence is noted while an application waits for its eligibility check."))
    note = note.strip()
    if not note and file_id is None:
        raise Refused(_("Write what you looked at, or choose the file."))
    if file_id is not None and file_id not in {number for number, _name in files_sent(case_id)}:
        raise Refused(_("Choose a file of this application."))
    here = (EVIDENCE.c.case_id == case_id, EVIDENCE.c.code == code)
    newest = session().scalar(select(func.max(EVIDENCE.c.n)).where(*here)) or 0
    last = session().execute(select(EVIDENCE).where(*here, EVIDENCE.c.n == newest)).one_or_none()
    if last is not None and (last.note, last.attachment_id, last.by) == (note, file_id, actor.person_id):
        return newest
    if newest != seen:
        raise Stale(_("Somebody noted evidence for this rule while you were writing. Read it, then save yours."))
    writing().execute(
        insert(EVIDENCE).values(
            case_id=case_id, code=code, n=newest + 1, note=note, attachment_id=file_id, at=clock.now(),
            by=actor.person_id,
        )
    )  # fmt: skip
    facts = {"rule": {"en": rule.label.en, "ru": rule.label.ru}, "rule_code": code, "version": newest + 1}
    record(case_id, "evidence_noted", actor=actor, role="officer", facts=facts, reason=note, key=key)
    return newest + 1
