"""The applicant's pages: beginning, writing, checking and sending an application; its receipt, versions
and files.

Pages only ask and show: what may happen is said by `service`, and the frame of a case is in `cases`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs are older than the library

from grantflow import rendering
from grantflow.cases import definitions
from grantflow.db import unit_of_work
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity.access import access
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.paging import number
from grantflow.programmes.queries import call_by_code
from grantflow.submissions import colead_pages, desk, pages, papers, renewal, service
from grantflow.submissions.answers import Draft, save
from grantflow.submissions.blueprint import bp, case_of_writer, sheet_for, writer_of
from grantflow.submissions.forms import (
    ApplyForm,
    SubmitForm,
    hidden_values,
    line_counts,
    section_form,
    typed_from,
)
from grantflow.submissions.queries import (
    Sheet,
    applications_of,
    clean_files,
    districts,
    sheet_of,
)
from grantflow.submissions.reading import Fault


@bp.get("/applications")
@access("applicant")
def index() -> str:
    """Every application of the organisations one acts for."""
    actor = current_actor()
    mine, page = applications_of(actor, number(request.args.get("page")))
    cards = {m.case.id: definitions.card(m.case) for m in mine}
    return render_template("submissions/index.html", mine=mine, page=page, cards=cards, mode=service.mode)


@bp.route("/calls/<code>/apply", methods=["GET", "POST"])
@access("signed_in")
def apply(code: str) -> Any:
    """Begin an application in an open call, for one of one's organisations."""
    actor, call = current_actor(), call_by_code(code)
    bodies = pages.bodies_of(actor)
    form = ApplyForm(form_data())
    form.organisation.choices = [SelectChoice(str(body.id), body.name) for body in bodies]
    if len(bodies) == 1 and not form.organisation.data:
        form.organisation.data = str(bodies[0].id)
    refused = ""
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                case = service.start_draft(code, int(form.organisation.data), actor=actor, key=form.key.data)
            if service.draft_of(service.row_of(case.id)).values:
                flash(_("Some answers are filled in from your organisation’s profile. Look them over as you go."))
            return redirect(url_for(".tasks", case_id=case.id), 303)
        except Refused as refusal:
            refused = str(refusal)
    others = {body.id: service.siblings(call.case_id, body.id) for body in bodies}
    page = render_template(
        "submissions/apply.html", call=call, bodies=bodies, form=form, others=others, refused=refused,
        verdict=pages.window_of(call),
    )  # fmt: skip
    return page, 403 if refused else 400 if form.errors else 200


@bp.get("/applications/<int:case_id>")
@access("signed_in")
def tasks(case_id: int) -> Any:
    """The sections of an application with how far each is; elsewhere the page of the case."""
    sheet = sheet_for(case_id)
    if "applicant" not in current_actor().roles_on(sheet.case) or not service.mode(sheet.case):
        return redirect(url_for("cases.show", case_id=case_id))
    return render_template("submissions/tasks.html", **pages.frame(sheet, current_actor()))


@bp.route("/applications/<int:case_id>/edit/<section>", methods=["GET", "POST"])
@access("applicant")
def edit(case_id: int, section: str) -> Any:
    """Write one section. Everything typed is kept, whatever it is."""
    sheet = writer_of(case_id)
    part = sheet.terms.section(section)
    if part is None:
        raise NotFound
    if request.method == "POST":
        return _save(sheet, section)
    verdict = service.may_write(sheet.case, sheet.row, current_actor(), part)
    draft, kept = sheet.draft, form_data()
    if kept is not None:  # back from signing in again: the words of then, not saved yet
        draft = save(draft, part.questions, typed_from(part.questions, kept), sheet.terms.currency)[0]
    faults = pages.faults_shown(sheet, draft, part, everything="check" in request.args)
    return _section(
        sheet,
        section,
        draft,
        faults,
        refused="" if verdict else str(verdict.because),
        unsaved=kept is not None,
    )


def _section(sheet: Sheet, section: str, draft: Draft, faults: list[Fault], **more: Any) -> str:
    part = sheet.terms.section(section)
    assert part is not None
    shown = pages.questions_shown(sheet, part, draft)
    lines = min(request.args.get("lines", 0, int), 200)
    form = section_form(shown, draft, sheet.terms.currency, districts(sheet.row.call_id), faults, lines)
    return render_template(
        "submissions/section.html",
        **pages.frame(sheet, current_actor(), draft),
        part=part, form=form, faults=faults, questions=shown, shown_draft=draft,
        hang=pages.conditions(part, draft), line_counts=line_counts(shown, form),
        clean_files=clean_files(sheet.case.id) if any(q.kind == "file" for q in shown) else set(), **more,
    )  # fmt: skip


def _save(sheet: Sheet, section: str) -> Any:
    actor, case_id = current_actor(), sheet.case.id
    part = sheet.terms.section(section)
    assert part is not None
    typed = typed_from(part.questions, request.form)
    try:
        with unit_of_work():
            saved = service.save_section(
                case_id, section, typed, revision=request.form.get("revision", 0, int), actor=actor
            )
    except (service.Clash, Refused) as problem:
        if "autosave" in request.form:
            return {"said": str(problem)}, problem.status
        draft = save(sheet.draft, part.questions, typed, sheet.terms.currency)[0]
        fresh = sheet_for(case_id)
        clash = problem if isinstance(problem, service.Clash) else None
        different = pages.differences(fresh, part, draft) if clash else []
        faults = pages.faults_shown(sheet, draft, part)
        refused = "" if clash else str(problem)
        page = _section(fresh, section, draft, faults, refused=refused, clash=clash, different=different, unsaved=True)
        return page, problem.status
    if "autosave" in request.form:
        said = _("Saved at %(time)s", time=rendering.hour(saved.at, seconds=True))
        return {"said": said, "revision": saved.revision}
    failed = _files(case_id, part.questions)
    if failed:
        fresh = sheet_for(case_id)
        faults = pages.faults_shown(fresh, fresh.draft, part) + failed
        return _section(fresh, section, fresh.draft, faults, saved_at=saved.at), 400
    if "add_line" in request.form:
        lines = request.form.get("lines", 0, int) + 1
        return redirect(url_for(".edit", case_id=case_id, section=section, lines=lines) + "#add-line", 303)
    if saved.faults or "stay" in request.form or "remove" in request.form:
        return redirect(url_for(".edit", case_id=case_id, section=section), 303)
    following = pages.next_section(sheet_for(case_id), section)
    if following is None:
        return redirect(url_for(".check", case_id=case_id), 303)
    return redirect(url_for(".edit", case_id=case_id, section=following), 303)


@bp.post("/applications/<int:case_id>/files/<question>")
@access("applicant")
def attach(case_id: int, question: str) -> Any:
    """Attach one file to a question, for a page that shows how far it is; what to say, and its status, as JSON."""
    case_of_writer(case_id)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return {"said": _("That did not arrive whole. Press once more.")}, 400
    try:
        with unit_of_work():
            service.add_file(case_id, question, sent.filename, sent.stream, actor=current_actor())
    except (Refused, Stale) as refusal:
        return {"said": str(refusal)}, refusal.status
    return {"said": _("Attached: %(name)s", name=sent.filename)}


def _files(case_id: int, questions: Any) -> list[Fault]:
    """Attach what came along, and take away what was asked; each by itself, so that one refusal spoils no
    other."""
    actor, failed = current_actor(), []
    if "remove" in request.form:
        try:
            with unit_of_work():
                service.remove_file(case_id, request.form.get("remove", 0, int), actor=actor)
            flash(_("The file was taken away."), "good")
        except Refused as refusal:
            flash(str(refusal), "wrong")
    for question in questions:
        if question.kind != "file":
            continue
        for sent in request.files.getlist(f"q-{question.code}"):
            if not sent.filename:
                continue
            try:
                with unit_of_work():
                    service.add_file(case_id, question.code, sent.filename, sent.stream, actor=actor)
                flash(_("Attached: %(name)s", name=sent.filename), "good")
            except Refused as refusal:
                failed.append(Fault(question.code, f"{sent.filename}: {refusal}", "unreadable"))
    return failed


@bp.route("/applications/<int:case_id>/check", methods=["GET", "POST"])
@access("applicant")
def check(case_id: int) -> Any:
    """All answers on one page, what is still to be corrected, and the last step."""
    case, actor = case_of_writer(case_id), current_actor()
    if not service.mode(case):
        known = request.method == "POST" or service.row_of(case_id).submitted_version is not None
        return redirect(url_for(".receipt" if known else "cases.show", case_id=case_id), 303)
    form = SubmitForm(form_data())
    refused, status = "", 200
    if request.method == "POST":
        if form.validate():
            try:
                with unit_of_work():
                    service.submit(
                        case_id, actor=actor, key=form.key.data, version=_whole(form.version.data),
                        revision=_whole(form.revision.data),
                    )  # fmt: skip
                return redirect(url_for(".receipt", case_id=case_id), 303)
            except (Refused, Stale) as refusal:
                refused, status = str(refusal), refusal.status
                _remember_if_late(sheet_of(case), form.key.data)
        else:
            status = 400
        case = case_of_writer(case_id)
    sheet = sheet_of(case)
    hidden_values(form, {"version": sheet.case.version, "revision": sheet.row.revision})
    faults = service.check(case_id)
    page = render_template(
        "submissions/check.html",
        **pages.frame(sheet, actor),
        form=form, refused=refused, faults=faults, answers=pages.answered(sheet),
        section_of={q.code: part.code for part in sheet.terms.form for q in part.questions},
        advice=service.advice(sheet.row, sheet.terms, sheet.draft.values),
    )  # fmt: skip
    return page, status


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None


def _remember_if_late(sheet: Sheet, key: str | None) -> None:
    if pages.too_late(sheet):
        with unit_of_work():
            service.note_late_attempt(sheet.case.id, actor=current_actor(), key=key)


__all__ = ["bp", "colead_pages", "desk", "papers", "renewal"]
