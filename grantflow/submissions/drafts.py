"""Owns beginning a draft and saving a section of it. A save is no event.

Leaves sending to `sending`, files to `files`, reading for pages to `queries`. Every writing function needs
a unit
of work around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import insert, select, update

from grantflow import clock
from grantflow.cases import deadlines
from grantflow.cases.service import get, lock, open_case
from grantflow.db import session, writing
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation, Person
from grantflow.programmes.models import Place, Programme
from grantflow.programmes.questions import Question
from grantflow.submissions.answers import Draft, save
from grantflow.submissions.merging import Merged, merge
from grantflow.submissions.models import Ownership
from grantflow.submissions.profile import answers_from
from grantflow.submissions.reading import Fault
from grantflow.submissions.rows import APPLICATIONS, CALLS, CASES, may_write, row_of, terms_of, window

OWNERSHIPS = Ownership.__table__


class Clash(Stale):
    """The same questions were answered otherwise since this page was opened. Nothing was changed.

    `questions` are their codes, `mine` and `theirs` the two drafts; `shown` is theirs with my words in it, to go on
    writing in; `by`, `at` and `revision` tell of theirs.
    """

    def __init__(self, mine: Draft, theirs: Draft, by: str, at: datetime | None, revision: int, merged: Merged) -> None:
        super().__init__(_("Somebody else saved this section while you were writing. Choose what is to stay."))
        self.mine, self.theirs, self.by, self.at, self.revision = mine, theirs, by, at, revision
        self.questions, self.shown = merged.clashing, merged.showing(mine)


@dataclass(frozen=True)
class Saved:
    """What a save did: the new revision, when, what is to be told at once, and the draft as it stands now.

    `mine` are the questions under which one's own words stand; `by` and `before` tell who else saved the section last,
    and when.
    """

    revision: int
    at: datetime
    faults: tuple[Fault, ...]
    draft: Draft
    mine: tuple[str, ...]
    by: str = ""
    before: datetime | None = None


def start_draft(call_code: str, organisation_id: int, *, actor: Actor, key: str | None = None) -> Any:
    """Begin an application of an organisation in an open call. Gives back the case's row.

    Refused when the actor does not act for the organisation, or the call is not open. That the
    organisation already
    has one in this call is no refusal: `siblings()` tells. A repeated `key` gives the first one back.
    """
    current = writing()
    call = current.execute(select(CALLS).where(CALLS.c.code == call_code)).one_or_none()
    if call is None:
        raise NotFound
    if not actor.everywhere and organisation_id not in actor.scopes("applicant", "organisation_id"):
        raise Refused(_("Only people of the organisation may apply for it."))
    body = current.execute(
        select(Organisation.name_en, Organisation.name_ru).where(Organisation.id == organisation_id)
    ).one_or_none()
    if body is None:
        raise NotFound
    call_case = get(call.case_id)
    known = f"application/{actor.person_id}/{key}" if key else None
    if known is not None:
        first = current.execute(select(CASES).where(CASES.c.open_key == known)).one_or_none()
        if first is not None:
            return first
    verdict = window(call_case, call, None, clock.now())
    if not verdict:
        raise Refused(verdict.because)
    workflows = current.execute(select(Programme.workflows).where(Programme.id == call.programme_id)).scalar_one()
    case = open_case(
        "application",
        actor=actor,
        title=(body.name_ru or body.name_en)[:400],
        workflow=workflows.get("application", "application"),
        key=known,
        parent=call_case,
        call_id=call.case_id,
        organisation_id=organisation_id,
        panel_id=None,
        role="applicant",
        facts={"call": call.code, "terms": call.pack_hash},
    )
    current.execute(
        insert(APPLICATIONS).values(
            case_id=case.id, stage=case.stage, call_id=call.case_id, organisation_id=organisation_id,
            pack_hash=call.pack_hash, currency=call.currency, title="", search_key="", revision=0,
            answers=answers_from(organisation_id, terms_of(call.pack_hash), actor.language), typed={}, saved={}, reopened=[], correction_note="", extension_reason="",
        )
    )  # fmt: skip
    if actor.person_id is not None:
        current.execute(insert(OWNERSHIPS).values(case_id=case.id, person_id=actor.person_id, since_at=clock.now()))
    deadlines.reckon(case.id)
    return get(case.id)


def siblings(call_id: int, organisation_id: int, besides: int | None = None) -> list[Any]:
    """Other applications of the organisation in this call: the rows of their cases, oldest first."""
    query = select(CASES).where(
        CASES.c.kind == "application", CASES.c.call_id == call_id, CASES.c.organisation_id == organisation_id
    )
    if besides is not None:
        query = query.where(CASES.c.id != besides)
    return list(session().execute(query.order_by(CASES.c.id)))


def save_section(
    case_id: int,
    section: str,
    typed: Mapping[str, Any],
    *,
    revision: int,
    actor: Actor,
    lang: str | None = None,
    was: Mapping[str, str] | None = None,
) -> Saved:
    """Keep what was typed in one section: anything goes, nothing is lost, and it is no event.

    `was` has the mark of each answer as the page found it: an answer that only somebody else has changed since stays
    theirs, one that only I changed is taken. `revision` is the application's as the page was opened; it decides for
    answers without a mark. Raises Clash where both changed the same answer, Refused when it cannot be written now,
    NotFound for no such section. The same words again change nothing.
    """
    case, row = lock(case_id), row_of(case_id)
    terms = terms_of(row.pack_hash)
    part = terms.section(section)
    if case.kind != "application" or part is None:
        raise NotFound
    verdict = may_write(case, row, actor, part)
    if not verdict:
        raise Refused(verdict.because)
    stored = Draft(dict(row.answers), dict(row.typed))
    mine, faults = save(stored, part.questions, _known_places(part.questions, typed), row.currency, lang)
    touched = row.saved.get(section)
    by, before = (None, None) if touched is None else (touched["by"], datetime.fromisoformat(touched["at"]))
    behind = touched is not None and touched["revision"] > revision
    other = _name(by if by != actor.person_id else None, actor.language)
    merged = merge([q for q in part.questions if q.code in typed], stored, mine, was or {}, behind=behind)
    if merged.clashing:
        raise Clash(mine, stored, other, before, row.revision, merged)
    now = merged.draft
    told = tuple(fault for fault in faults if fault.question in merged.mine)
    if now == stored:
        return Saved(row.revision, before or clock.now(), told, now, merged.mine, other, before)
    at = clock.now()
    saved = {
        **row.saved,
        section: {"revision": row.revision + 1, "at": at.isoformat(), "by": actor.person_id},
    }
    title = str(now.values.get(terms.keys.title) or "")[:400]
    writing().execute(
        update(APPLICATIONS)
        .where(APPLICATIONS.c.case_id == case_id)
        .values(
            answers=now.values, typed=now.raw, revision=row.revision + 1, saved=saved, saved_at=at,
            **({} if row.submitted_version else {"title": title}),
        )
    )  # fmt: skip
    return Saved(row.revision + 1, at, told, now, merged.mine, other, before)


def _known_places(questions: tuple[Question, ...], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Typed answers without districts that do not exist: a page offers a list, whatever else comes was not
    chosen."""
    kept = dict(typed)
    for question in questions:
        if question.kind == "district" and kept.get(question.code):
            known = session().scalar(
                select(Place.id).where(Place.code == str(kept[question.code]), Place.kind == "district")
            )
            if known is None:
                kept[question.code] = ""
    return kept


def _name(person_id: int | None, language: str) -> str:
    person = session().get(Person, person_id) if person_id is not None else None
    return "" if person is None else person.name_in(language)
