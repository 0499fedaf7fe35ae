"""Owns what the pages of an application show: sections with their states, answers in order, what comes next.

Leaves drawing to the templates, rows to `queries`, arithmetic to `answers`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from grantflow import clock, rendering
from grantflow.cases import definitions
from grantflow.cases.service import ask, get
from grantflow.db import session
from grantflow.errors import NotFound
from grantflow.identity.access import Actor
from grantflow.identity.models import Person
from grantflow.paging import Page
from grantflow.programmes.hearing import Heard
from grantflow.programmes.queries import HIDDEN_FROM_PUBLIC
from grantflow.programmes.questions import Question, Section, asked
from grantflow.programmes.service import closing_instant
from grantflow.programmes.terms import Terms
from grantflow.submissions import hanging
from grantflow.submissions.answers import Draft, Sums, all_faults, changed, sections
from grantflow.submissions.coleads import co_leads_at
from grantflow.submissions.drafts import Clash, siblings
from grantflow.submissions.lateness import WORDS, lateness
from grantflow.submissions.newer import is_behind
from grantflow.submissions.queries import (
    Sheet,
    Started,
    districts,
    drafts_of_call,
    organisations_of,
    place_names,
    returned_of_call,
    sheet_of,
    versions_of,
)
from grantflow.submissions.reading import Fault
from grantflow.submissions.reopening import asides_of
from grantflow.submissions.rows import call_of, draft_of, may_write, mode, row_of, terms_of, version_of, window
from grantflow.submissions.sending import may_read
from grantflow.submissions.sharing import Share, share_of


@dataclass(frozen=True)
class Body:
    """An organisation somebody may apply for."""

    id: int
    name: str


def bodies_of(actor: Actor) -> list[Body]:
    """The organisations the actor acts for, by name."""
    return [Body(row.id, row.name_in(rendering.language())) for row in organisations_of(actor)]


def window_of(call: Any) -> Any:
    """Whether an application may be begun now; NotFound for a call the public may not read."""
    case = get(call.case_id)
    if case.state in HIDDEN_FROM_PUBLIC:
        raise NotFound
    return window(case, call_of(call.case_id), None, clock.now())


def window_for(sheet: Sheet) -> Any:
    """Whether this draft can be sent by the clock, with the sentence that says why not."""
    return window(sheet.call_case, sheet.call, sheet.row, clock.now())


def ends_at(sheet: Sheet) -> datetime:
    """When the time of this applicant ends: of the correction, of the call, or their own longer one."""
    if mode(sheet.case) == "returned" and sheet.row.correction_due_at is not None:
        found: datetime = sheet.row.correction_due_at
        return found
    last: datetime = max(filter(None, (sheet.call.closes_at, sheet.row.extension_until)))
    return last


def too_late(sheet: Sheet) -> bool:
    """Whether the draft can no longer be sent because its time is over, or was when it lapsed."""
    last = max(filter(None, (closing_instant(sheet.call), sheet.row.extension_until)))
    never = not mode(sheet.case) and sheet.row.submitted_version is None
    return (mode(sheet.case) == "draft" or never) and clock.now() > last


def today(sheet: Sheet) -> Any:
    """The day by the call's clock: what "in the past" is measured by."""
    return clock.today(sheet.call.zone)


def open_sections(sheet: Sheet) -> list[str]:
    """The codes of the sections that can be written now."""
    if mode(sheet.case) == "returned":
        return [s.code for s in sheet.terms.form if s.code in sheet.row.reopened]
    return [s.code for s in sheet.terms.form] if mode(sheet.case) else []


def frame(sheet: Sheet, actor: Actor, draft: Draft | None = None) -> dict[str, Any]:
    """What every page of a draft shows: its sections, its sums, its time, what stands beside it."""
    draft = draft or sheet.draft
    share = share_of(sheet.case, actor) or Share(False)
    states = [s for s in sections(sheet.terms, draft, today(sheet)) if share.opens(s.section.code)]
    return {
        "share": share,
        "sheet": sheet,
        "state": definitions.pinned(sheet.case.workflow_hash).state(sheet.case.state),
        "states": states,
        "done": sum(state.state == "ok" for state in states),
        "sums": Sums.of(sheet.terms, draft),
        "verdict": may_write(sheet.case, sheet.row, actor),
        "mode": mode(sheet.case),
        "open_sections": open_sections(sheet),
        "ends": ends_at(sheet),
        "behind": share.member and is_behind(sheet.case, sheet.row, sheet.call),
        "others": siblings(sheet.row.call_id, sheet.row.organisation_id, sheet.case.id) if share.member else [],
        "title": title_of(sheet, draft),
        "places": {place.code: place.name for place in districts(sheet.row.call_id)},
    }


def title_of(sheet: Sheet, draft: Draft | None = None) -> str:
    """The project's title, or that it has none yet."""
    written = (draft or sheet.draft).values.get(sheet.terms.keys.title) or sheet.row.title
    return str(written or _("New application"))


def page_of(sheet: Sheet, part: Section, draft: Draft) -> hanging.Page:
    """How the questions of a section stand on its page."""
    everything = sheet.terms.questions.values()
    return hanging.page(everything, part.questions, draft, sheet.terms.currency, part.checks)


def told_with(sheet: Sheet, part: Section) -> dict[str, Any]:
    """What a save that was just made changes on the page of a section, where anything on it hangs on answers."""
    if not part.checks and all(q.is_plain for q in part.questions):
        return {}
    return {"page": page_of(sheet, part, draft_of(row_of(sheet.case.id))).told}


def faults_shown(sheet: Sheet, draft: Draft, part: Section, everything: bool = False) -> list[Fault]:
    """What is told on the page of a section: what cannot be read or be true; after a check, all that is
    missing."""
    codes = {question.code for question in part.questions}
    found = [fault for fault in all_faults(sheet.terms, draft, today(sheet)) if fault.question in codes]
    return [fault for fault in found if everything or fault.at_once]


@dataclass(frozen=True)
class Choice:
    """A question that two sides answered in different ways: both answers, as one would read them."""

    code: str
    label: str
    mine: str
    theirs: str


def choices(sheet: Sheet, part: Section, clash: Clash) -> list[Choice]:
    """The questions of a section between whose two answers somebody has to choose."""
    lang, currency = rendering.language(), sheet.terms.currency
    return [
        Choice(
            q.code,
            q.label.in_(lang),
            _told(q, clash.mine.shown(q, currency)),
            _told(q, clash.theirs.shown(q, currency)),
        )
        for q in part.questions
        if q.code in clash.questions
    ]


def changed_by(sheet: Sheet, part: Section, actor: Actor) -> str:
    """Who else saved this section last, and when; nothing where nobody else did."""
    touched = sheet.row.saved.get(part.code)
    if touched is None or touched["by"] in (None, actor.person_id):
        return ""
    person = session().get(Person, touched["by"])
    name = "" if person is None else person.name_in(rendering.language())
    return said_of(name, datetime.fromisoformat(touched["at"])) if name else ""


def said_of(name: str, at: datetime) -> str:
    """That somebody changed a section, at an hour of the reader's clock; with the day where it was another one."""
    when = rendering.hour(at) if clock.now() - at < timedelta(hours=12) else rendering.moment(at)
    return str(_("Changed by %(name)s at %(time)s", name=name, time=when))


def _told(question: Question, shown: Any) -> str:
    lang = rendering.language()
    if question.kind == "table":
        return "; ".join(" · ".join(_cells(question, line, lang)) for line in shown) or "—"
    if question.kind == "budget":
        return "; ".join(" · ".join(filter(None, line.values())) for line in shown) or "—"
    if question.kind == "counter":
        return " / ".join(shown[sex] or "0" for sex in shown) if any(shown.values()) else "—"
    if question.kind in ("choice", "choices"):
        values = shown if isinstance(shown, list) else [shown]
        return ", ".join(str(option.in_(lang)) for v in values if (option := question.option(v))) or "—"
    if question.kind == "yes_no":
        return str({"yes": _("Yes"), "no": _("No")}.get(shown, "—"))
    if question.kind in ("declaration", "consent"):
        return str(_("Ticked")) if shown else "—"
    return str(shown) or "—"


def _cells(question: Question, line: dict[str, str], lang: str) -> list[str]:
    """A typed line in words: what was chosen by its label."""
    texts = [(column, line.get(column.code) or "") for column in question.columns]
    return [option.in_(lang) if (option := column.option(text)) else text for column, text in texts if text]


def next_section(sheet: Sheet, section: str, share: Share) -> str | None:
    """The section after this one that somebody with this share can write; None after the last."""
    codes = [code for code in open_sections(sheet) if share.opens(code)]
    at = codes.index(section) + 1 if section in codes else len(codes)
    return codes[at] if at < len(codes) else None


def answered(sheet: Sheet) -> list[dict[str, Any]]:
    """Every section with its questions as asked, their answers and what is to be corrected in each."""
    draft = sheet.draft
    faults = all_faults(sheet.terms, draft, today(sheet))
    heard = Heard(sheet.terms.questions.values(), draft.values)
    values, found = draft.values | heard.computed(), []
    for part in sheet.terms.form:
        rows = [
            {
                "question": q,
                "value": values.get(q.code),
                "raw": draft.raw.get(q.code),
                "faults": [fault for fault in faults if fault.question == q.code],
            }
            for q in part.questions
            if heard.standings[q.code].state == "shown"
        ]
        found.append({"section": part, "rows": rows})
    return found


def version_page(sheet: Sheet, n: int) -> dict[str, Any]:
    """A version that was sent, section by section, under the terms it was sent under, and which answers differ from the
    version before it."""
    row = version_of(sheet.case.id, n)
    answers, terms = json.loads(row.answers), terms_of(row.pack_hash)
    heard = asked(terms.questions.values(), answers)
    before = json.loads(version_of(sheet.case.id, n - 1).answers) if n > 1 else None
    return {
        "sheet": sheet,
        "terms": terms,
        "version": row,
        "answers": [
            {
                "section": part,
                "rows": [
                    {"question": q, "value": answers.get(q.code)}
                    for q in heard
                    if any(q.code == own.code for own in part.questions)
                ],
            }
            for part in terms.form
        ],
        "changed": [] if before is None else changed(terms.questions.values(), before, answers),
        "versions": versions_of(sheet.case.id),
        "places": places_in(terms, answers),
        "sums": Sums.of(terms, Draft(answers)),
        "title": str(answers.get(terms.keys.title, "")),
        "late": late_words(sheet, row.submitted_at),
        "co_leads": co_leads_at(sheet.case.id, row.submitted_at),
    }


def late_words(sheet: Sheet, at: datetime) -> Any:
    """What stands beside the hour of a version that was sent after the closing hour; nothing for all others."""
    return WORDS.get(lateness(sheet.call, sheet.row.extension_until, at), "")


def may_reopen(sheet: Sheet, actor: Actor) -> bool:
    """Whether the receipt offers to open what was sent again."""
    moves = definitions.pinned(sheet.case.workflow_hash).moves_from(sheet.case.state, "take_back")
    return any(ask(sheet.case, move, actor) for move in moves)


def places_in(terms: Terms, answers: dict[str, Any]) -> dict[str, Any]:
    """The names of the districts in answers to these terms, by code."""
    districts_asked = [code for code, q in terms.questions.items() if q.kind == "district"]
    return place_names(answers[code] for code in districts_asked if code in answers)


def next_step(sheet: Sheet) -> list[str]:
    """What happens after sending, with the days known."""
    results = rendering.day(sheet.call.results_on, "full")
    return [
        _("A programme officer checks the application against the rules of the call. If something is "
          "missing, we write to you and you have five working days."),
        _("Then the panel reads and scores it. The results come on %(day)s.", day=results),
        _("You can see at any time on the application’s page where it stands."),
    ]  # fmt: skip


def for_extension(case_id: int, actor: Actor) -> Sheet:
    """An application a manager may give more time to: known to exist, though its draft cannot be seen."""
    case = get(case_id)
    if case.kind != "application" or "manager" not in actor.roles_on(case):
        raise NotFound
    return sheet_of(case)


def under_way(call_id: int, drafts: int, corrections: int) -> tuple[tuple[list[Started], Page], tuple[list[Any], Page]]:
    """The drafts of a call, and the applications returned for correction, each without its content; of either a page."""
    return drafts_of_call(call_id, drafts), returned_of_call(call_id, corrections)


def case_facts(case: Any, actor: Actor) -> dict[str, Any]:
    """What the page of an application's case shows of it; `closed` says why its content is not shown, if it is not.

    What was sent is read under the terms it was sent under (`terms`), which the draft may have left since."""
    sheet = sheet_of(case)
    verdict = may_read(case, actor)
    writer = "applicant" in actor.roles_on(case)
    n = sheet.row.submitted_version
    facts: dict[str, Any] = {
        "sheet": sheet,
        "terms": sheet.terms,
        "writer": writer,
        "mode": mode(case) if writer else "",
        "closed": "" if verdict else verdict.because,
        "ends": ends_at(sheet) if mode(case) else None,
        "states": sections(sheet.terms, sheet.draft, today(sheet)) if writer and mode(case) == "draft" else [],
        "sent": None,
        "versions": [],
    }
    if n is not None and verdict:
        version = version_of(case.id, n)
        answers, terms = json.loads(version.answers), terms_of(version.pack_hash)
        facts |= {
            "sent": answers,
            "terms": terms,
            "sums": Sums.of(terms, Draft(answers)),
            "versions": versions_of(case.id),
            "late": functools.partial(late_words, sheet),
            "asides": asides_of(case.id) if writer else [],
            "places": places_in(terms, answers),
            "papers": [
                (question, item)
                for code, question in terms.questions.items()
                if question.kind == "file"
                for item in answers.get(code) or ()
            ],
            "key_answers": key_answers(terms, answers),
        }
    return facts


def key_answers(terms: Terms, answers: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers one reads first: the first long text of each section, and who will benefit."""
    heard = {q.code for q in asked(terms.questions.values(), answers)}
    found = []
    for part in terms.form:
        for question in part.questions:
            if question.kind in ("long_text", "counter") and question.code in heard and question.code in answers:
                found.append({"question": question, "value": answers[question.code]})
                break
    return found
