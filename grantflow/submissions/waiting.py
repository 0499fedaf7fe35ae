"""What waits for an applicant in their applications, and the words of this stage in the time line.

The desk itself, and what definitions say of it, are in `cases`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from grantflow import clock
from grantflow.cases import definitions, desk, words
from grantflow.identity.access import Actor
from grantflow.identity.sponsors import sponsorships_of
from grantflow.rendering import language
from grantflow.submissions.answers import Draft, sections
from grantflow.submissions.queries import Mine, drafts_of, open_of
from grantflow.submissions.rows import mode, terms_of

words.say(
    extension=_("More time given"),
    late_attempt=_("Tried to submit after the time was over"),
    refused_attempt=_("Tried to submit and was refused"),
    rules_run=_("Rules of the call run"),
    rule_waived=_("Rule let pass"),
    applications_imported=_("Applications imported from a file"),
    collaborator_invited=_("Somebody invited to write"),
    collaborator_accepted=_("Invitation to write accepted"),
    collaborator_left=_("Invitation to write declined, or writing given up"),
    collaborator_ended=_("Invitation to write taken back"),
    ownership_changed=_("Given to another owner"),
    draft_link_sent=_("Link to go on writing sent"),
    file_harmful=_("An attached file was found harmful"),
)
words.open_to_applicants(
    "file_harmful",
    "collaborator_invited",
    "collaborator_accepted",
    "collaborator_left",
    "collaborator_ended",
    "ownership_changed",
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
    collaborator=_("Invited"),
    owned_by=_("Owner"),
)
words.fact(
    receipt=_("Number"),
    after_closing=_("After the closing hour"),
    opened_again=_("Opened again"),
    drafts_lapsed=_("Drafts that lapsed"),
    drafts_taken_up=_("Drafts taken up again"),
    changes_not_sent=_("Changes to sent applications that were not sent"),
    set_aside=_("Words not sent set aside"),
    co_leads_put_back=_("Co-leads put back as they were sent"),
    told=_("What was told"),
    missing_answers=_("Answers that were missing"),
    applications_closed=_("Applications closed"),
    rules_let_pass=_("Rules let pass"),
    rule=_("Rule"),
    source_file=_("From the file"),
    source_line=_("Line"),
    source_sha256=_("Fingerprint of the file"),
    received=_("Received"),
    imported=_("Applications imported"),
    left_out=_("Lines left out"),
    opened_for=_("Open to write"),
    question=_("Question"),
)


@desk.provider
def writing(actor: Actor) -> Iterable[desk.DeskItem]:
    """Drafts to go on with and corrections to make, with the hour their time ends."""
    for row in open_of(actor):
        how = mode(row)
        due = row.correction_due_at if how == "returned" else max(filter(None, (row.closes_at, row.extension_until)))
        if how == "draft" and due is not None and due < clock.now():
            continue
        yield desk.DeskItem(
            due_at=due,
            case_id=row.id,
            ref=row.ref or row.code,
            kind="application",
            dress=_dressed,
            about=actor,
        )


@desk.provider
def sponsoring(actor: Actor) -> Iterable[desk.DeskItem]:
    """Groups that ask one of the actor's organisations to receive their money, until somebody has answered."""
    mine = actor.scopes("applicant", "organisation_id")
    for row in sponsorships_of(mine, states=("asked",)) if mine else ():
        if row.sponsor_id in mine:
            names = {"en": row.group_en or row.group_ru, "ru": row.group_ru or row.group_en}
            yield desk.DeskItem(
                what=names[language()],
                url=url_for("identity.sponsorship", sponsorship_id=row.id),
                why=_("Agree to receive its grants, or decline"),
            )


def _dressed(items: Sequence[desk.DeskItem]) -> Iterable[desk.DeskItem]:
    """The items of a page with their titles, and how far each draft is."""
    drafts = {mine.case.id: (mine, draft) for mine, draft in drafts_of(items[0].about, [i.case_id or 0 for i in items])}
    for item in items:
        mine, draft = drafts[item.case_id or 0]
        call = mine.call.in_(language())
        yield replace(
            item,
            what=mine.title or gettext("New application: %(call)s", call=call),
            url=url_for("submissions.tasks", case_id=item.case_id),
            why=_why(mine, draft),
            state=definitions.card(mine.case),
        )


def _why(mine: Mine, draft: Draft) -> object:
    if mode(mine.case) == "returned":
        return _("Correct it and send it again")
    if mine.case.ref:
        return _("Open for changes: what you sent counts until you send again")
    return _progress(mine, draft)


def _progress(mine: Mine, draft: Draft) -> str:
    states = sections(terms_of(mine.case.pack_hash), draft, clock.today(mine.zone))
    done = sum(state.state == "ok" for state in states)
    return str(gettext("Go on writing: %(done)s of %(all)s sections complete", done=done, all=len(states)))
