"""The way a section saves itself while somebody writes, and the choice between two answers to one question.

Of what a page sends, all that nobody else changed is kept, also where something else clashes; its script is told only what
the database has confirmed. What is kept how is `drafts`', the page itself `views`'.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from grantflow import rendering
from grantflow.db import unit_of_work
from grantflow.errors import Refused
from grantflow.identity import background
from grantflow.identity.session import current_actor
from grantflow.programmes.questions import Section
from grantflow.submissions import pages, service
from grantflow.submissions.forms import typed_from
from grantflow.submissions.merging import mark, marks_from
from grantflow.submissions.queries import Sheet


def chosen(typed: dict[str, Any], sent: Any) -> tuple[dict[str, Any], set[str]]:
    """The typed answers without those for which theirs was chosen, and the questions still without a choice.

    `choose` names the questions that stood side by side, `take-…` what was chosen for one, `take_all` for all of them.
    """
    asked = set(sent.getlist("choose"))
    takes = {code: sent.get("take_all") or sent.get(f"take-{code}", "") for code in asked}
    left = {code: value for code, value in typed.items() if takes.get(code) != "theirs"}
    return left, {code for code, take in takes.items() if take not in ("mine", "theirs") and code in typed}


def _said(part: Section, saved: service.Saved) -> str:
    """That it is saved and when; and what cannot be read as it stands, for it is kept and would be found at sending."""
    when: str = _("Saved at %(time)s", time=rendering.hour(saved.at, seconds=True))
    labels = {question.code: question.label.in_(rendering.language()) for question in part.questions}
    wrong = [f"{labels[fault.question]}: {fault.sentence}" for fault in saved.faults if fault.question in labels]
    told: str = _("%(saved)s. To correct: %(what)s", saved=when, what=wrong[0]) if wrong else when
    return told


def autosave(sheet: Sheet, section: str) -> Any:
    """Keep what changed on a page, and answer its script: when it was saved, under which marks, and what clashes."""
    actor = current_actor()
    if request.form.get("person") != str(actor.person_id):
        return background.another()
    part = sheet.terms.section(section)
    assert part is not None
    typed, was = typed_from(part.questions, request.form), marks_from(request.form.getlist("was"))
    revision = request.form.get("revision", 0, int)

    def keep(some: dict[str, Any]) -> service.Saved:
        with unit_of_work():
            return service.save_section(sheet.case.id, section, some, revision=revision, actor=actor, was=was)

    clash = None
    try:
        try:
            saved = keep(typed)
        except service.Clash as problem:
            clash = problem
            saved = keep({code: value for code, value in typed.items() if code not in problem.questions})
    except Refused as refusal:
        return {"said": str(refusal), "closed": True}, refusal.status
    own = {code: mark(saved.draft, code) for code in saved.mine}
    theirs = [
        question.label.in_(rendering.language())
        for question in part.questions
        if question.code in was
        and question.code not in own
        and mark(saved.draft, question.code) != was[question.code]
        and (clash is None or question.code not in clash.questions)
    ]
    answer: dict[str, Any] = {
        "revision": saved.revision,
        "was": own,
        "said": _said(part, saved),
        "changed": pages.said_of(saved.by, saved.before) if saved.by and saved.before else "",
        "theirs": _("Open the page anew to read: %(questions)s", questions=", ".join(theirs)) if theirs else "",
    }
    answer |= pages.told_with(sheet, part)
    if clash is None:
        return answer
    labels = [q.label.in_(rendering.language()) for q in part.questions if q.code in clash.questions]
    said = _("Answered elsewhere in other words: %(questions)s", questions=", ".join(labels))
    return answer | {"said": said, "clash": list(clash.questions)}, clash.status
