"""What waits for an applicant in their applications, and the words of this stage in the time line.

The desk itself, and what definitions say of it, are in `cases`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from grantflow import clock
from grantflow.cases import definitions, desk, words
from grantflow.identity.access import Actor
from grantflow.rendering import language
from grantflow.submissions.answers import sections
from grantflow.submissions.queries import Mine, applications_of
from grantflow.submissions.rows import draft_of, files_of_many, mode, terms_of

words.say(
    extension=_("More time given"),
    late_attempt=_("Tried to submit after the time was over"),
    rules_run=_("Rules of the call run"),
    rule_waived=_("Rule let pass"),
    applications_imported=_("Applications imported from a file"),
)
words.field(
    asked=_("Asked from the grant"),
    whole_budget=_("Whole budget"),
    own_share=_("Own share"),
    district=_("District"),
    award_type=_("Kind of enterprise"),
    grant_kind=_("Starting or growing"),
    files=_("Files attached"),
    deadline=_("Time to write ends"),
)
words.fact(
    receipt=_("Number"),
    after_closing=_("After the closing hour"),
    opened_again=_("Opened again"),
    drafts_lapsed=_("Drafts that lapsed"),
    applications_closed=_("Applications closed"),
    rules_let_pass=_("Rules let pass"),
    rule=_("Rule"),
    source_file=_("From the file"),
    source_line=_("Line"),
    source_sha256=_("Fingerprint of the file"),
    received=_("Received"),
    imported=_("Applications imported"),
    left_out=_("Lines left out"),
)


@desk.provider
def writing(actor: Actor) -> Iterable[desk.DeskItem]:
    """Drafts to go on with and corrections to make, with the hour their time ends."""
    open_ones = [(mine, how) for mine in applications_of(actor) if (how := mode(mine.case))]
    files = files_of_many([mine.case.id for mine, _how in open_ones]) if open_ones else {}
    for mine, how in open_ones:
        state = definitions.pinned(mine.case.workflow_hash).state(mine.case.state)
        due = mine.correction_due_at if how == "returned" else max(filter(None, (mine.closes_at, mine.extension_until)))
        if how == "draft" and due is not None and due < clock.now():
            continue
        call = mine.call.in_(language())
        yield desk.DeskItem(
            what=mine.title or gettext("New application: %(call)s", call=call),
            url=url_for("submissions.tasks", case_id=mine.case.id),
            why=_("Correct it and send it again") if how == "returned" else _progress(mine, files[mine.case.id]),
            due_at=due,
            case_id=mine.case.id,
            ref=mine.case.ref or mine.code,
            kind="application",
            state=state,
        )


def _progress(mine: Mine, files: dict[str, Any]) -> str:
    draft = draft_of(mine.row, files)
    states = sections(terms_of(mine.row.pack_hash), draft, clock.today(mine.zone))
    done = sum(state.state == "ok" for state in states)
    return str(gettext("Go on writing: %(done)s of %(all)s sections complete", done=done, all=len(states)))
