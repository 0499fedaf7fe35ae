"""The pages of writing together: who writes, an invitation, another owner, a link to go on, copying earlier answers.

They ask and show; what may happen is said by `inviting`, `owners` and `copying`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs are older than the library

from grantflow.cases.service import get
from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.extensions import limiter
from grantflow.identity.access import Actor, access
from grantflow.identity.forms import Keyed, show_faults
from grantflow.identity.kept import form_data
from grantflow.identity.models import name_of
from grantflow.identity.registration import send_way_back
from grantflow.identity.session import current_actor
from grantflow.rendering import language
from grantflow.submissions import copying, inviting, owners, pages, service
from grantflow.submissions.blueprint import bp, writer_in
from grantflow.submissions.queries import Sheet, sheet_of
from grantflow.submissions.rows import call_of
from grantflow.submissions.sharing import Share
from grantflow.submissions.sharing_forms import InviteForm, OwnerForm


def company(sheet: Sheet, share: Share, actor: Actor) -> dict[str, Any]:
    """What the page of a draft shows besides its sections: who writes, and what could be copied into it."""
    if not share.member:
        return {"writers": [], "shares": None, "copy": None, "own": inviting.own_part(sheet.case.id, actor)}
    earlier = copying.earlier_of(sheet.row, actor) if service.mode(sheet.case) == "draft" else []
    return {
        "writers": inviting.writers_of(sheet.case.id, sheet.terms, language()),
        "shares": owners.owns(sheet.case, actor),
        "copy": copying.preview(sheet.row, earlier[0]) if earlier else None,
        "own": None,
    }


def _member(case_id: int) -> Sheet:
    case, share = writer_in(case_id)
    if not share.member:
        raise NotFound
    return sheet_of(case)


@bp.route("/applications/<int:case_id>/people", methods=["GET", "POST"])
@access("applicant")
@limiter.limit("30 per hour", methods=["POST"])
def people(case_id: int) -> Any:
    """Invite somebody to write the whole or some sections."""
    sheet, actor = _member(case_id), current_actor()
    form = InviteForm(form_data())
    form.sections.choices = [
        SelectChoice(part.code, f"{at}. {part.title.in_(language())}") for at, part in enumerate(sheet.terms.form, 1)
    ]
    shares, status = owners.owns(sheet.case, actor), 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                with unit_of_work():
                    inviting.invite(
                        case_id, email=form.email.data or "", name=form.name.data or "", whole=bool(form.whole.data),
                        sections=list(form.sections.data or ()), actor=actor, key=form.key.data,
                    )  # fmt: skip
                flash(_("The invitation is on its way to %(address)s.", address=form.email.data), "good")
                return redirect(url_for(".tasks", case_id=case_id), 303)
            except Invalid as fault:
                show_faults(form, fault)
            except Refused as refusal:
                form.form_errors.append(str(refusal))
                status = 403
    page = render_template(
        "submissions/invite.html", sheet=sheet, form=form, shares=shares, title=pages.title_of(sheet)
    )
    return page, status


@bp.post("/applications/<int:case_id>/people/<int:number>/end")
@access("signed_in")
def end(case_id: int, number: int) -> Any:
    """Take somebody away from the draft, or leave it oneself."""
    actor = current_actor()
    with unit_of_work():
        inviting.end(case_id, number, actor=actor)
    if "applicant" in actor.roles_on(get(case_id)):
        flash(_("The person can no longer read or write here. What they wrote stays."), "good")
        return redirect(url_for(".tasks", case_id=case_id), 303)
    flash(_("You have left the application. What you wrote stays in it."), "good")
    return redirect(url_for("cases.desk"), 303)


@bp.route("/collaborations/<int:number>", methods=["GET", "POST"])
@access("signed_in")
def collaboration(number: int) -> Any:
    """An invitation to write: accept it or decline it."""
    actor = current_actor()
    found = inviting.invitation(number, actor)
    if found.accepted_at is not None and found.ended_at is None:
        return redirect(url_for(".tasks", case_id=found.case_id), 303)
    refused = ""
    if request.method == "POST":
        try:
            with unit_of_work():
                if "decline" in request.form:
                    inviting.end(found.case_id, number, actor=actor)
                else:
                    inviting.accept(number, actor=actor)
            if "decline" in request.form:
                flash(_("You have declined the invitation."), "good")
                return redirect(url_for("cases.desk"), 303)
            return redirect(url_for(".tasks", case_id=found.case_id), 303)
        except Refused as refusal:
            refused = str(refusal)
    sheet = sheet_of(get(found.case_id))
    page = render_template(
        "submissions/invitation.html", found=found, sheet=sheet, title=pages.title_of(sheet), refused=refused,
        ends=pages.ends_at(sheet), by=inviting.named(found.invited_by_id, language()), form=Keyed(),
        opened_for=inviting.opened_for(sheet.terms, found.whole, found.sections),
    )  # fmt: skip
    return page, 403 if refused else 200


@bp.route("/applications/<int:case_id>/owner", methods=["GET", "POST"])
@access("officer", "manager")
def owner(case_id: int) -> Any:
    """Give an application to another person of its organisation, with the reason. Its words stay closed to staff."""
    actor = current_actor()
    case = owners.for_transfer(case_id, actor)
    heirs = owners.heirs_of(case)
    form = OwnerForm(form_data())
    form.person.choices = [SelectChoice(str(row.id), f"{name_of(row, language())}, {row.email}") for row in heirs]
    refused, status = "", 200
    if request.method == "POST":
        status = 400
        if form.validate() and str(form.person.data).isascii() and str(form.person.data).isdigit():
            try:
                with unit_of_work():
                    owners.transfer(
                        case_id, int(form.person.data), form.reason.data or "", actor=actor, key=form.key.data
                    )
                flash(_("The application has another owner; both people have been told."), "good")
                return redirect(url_for(".drafts", code=call_of(case.call_id).code), 303)
            except Invalid as fault:
                show_faults(form, fault)
            except Refused as refusal:
                refused, status = str(refusal), 403
    sheet = sheet_of(owners.for_transfer(case_id, actor))
    page = render_template(
        "submissions/owner.html", sheet=sheet, form=form, heirs=heirs, refused=refused, present=owners.owner_of(case_id)
    )
    return page, status


@bp.post("/applications/<int:case_id>/link")
@access("signed_in")
@limiter.limit("5 per hour", key_func=lambda: f"draft-link/{current_actor().person_id}")
def link(case_id: int) -> Any:
    """Send the visitor a link by which they go on with this draft on any device."""
    case, _share = writer_in(case_id)
    sheet, actor = sheet_of(case), current_actor()
    about = {"title": sheet.row.title or {"en": sheet.call.name.in_("en"), "ru": sheet.call.name.in_("ru")}}
    with unit_of_work():
        send_way_back(actor, url_for(".tasks", case_id=case_id), about)
    flash(
        _("A letter with a link is on its way to you. The link opens this application once, within three days."), "good"
    )
    return redirect(url_for(".tasks", case_id=case_id), 303)


@bp.route("/applications/<int:case_id>/copy", methods=["GET", "POST"])
@access("applicant")
def copy(case_id: int) -> Any:
    """Copy answers of an earlier application into blanks: what would be filled, and with one press it is."""
    sheet, actor = _member(case_id), current_actor()
    earlier = copying.earlier_of(sheet.row, actor)
    asked = request.values.get("source", 0, int)
    source = next((one for one in earlier if one.case_id == asked), earlier[0] if earlier and not asked else None)
    if asked and source is None:
        raise NotFound
    refused, status = "", 200
    if request.method == "POST" and source is not None:
        try:
            with unit_of_work():
                done = copying.copy(
                    case_id, source.case_id, revision=request.form.get("revision", None, int), actor=actor
                )
            flash(
                _(
                    "Answers copied: %(count)s. Read them over: they were written for another call.",
                    count=len(done.filled),
                ),
                "good",
            )
            return redirect(url_for(".tasks", case_id=case_id), 303)
        except (Refused, Stale) as refusal:
            refused, status = str(refusal), refusal.status
            sheet = _member(case_id)
    page = render_template(
        "submissions/copy.html", sheet=sheet, title=pages.title_of(sheet), earlier=earlier, refused=refused,
        found=copying.preview(sheet.row, source) if source is not None else None,
    )  # fmt: skip
    return page, status
