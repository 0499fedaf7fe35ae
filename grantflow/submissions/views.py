"""The applicant's pages: beginning, writing, checking and sending an application; its receipt, versions
and files.

Pages only ask and show: what may happen is said by `service`, and the frame of a case is in `cases`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs are older than the library

from grantflow.cases import sealed
from grantflow.cases.access import see
from grantflow.cases.service import get
from grantflow.db import unit_of_work
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity import background
from grantflow.identity.access import access
from grantflow.identity.forms import COUNTRIES
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor, visitor
from grantflow.paging import number
from grantflow.programmes.queries import call_by_code
from grantflow.submissions import (
    attempts,
    beforehand,
    colead_pages,
    coleads,
    comparing_rooms,
    desk,
    health_rooms,
    look,
    owners,
    pages,
    papers,
    renewal,
    service,
    together,
)
from grantflow.submissions.answers import Draft, save
from grantflow.submissions.autosaving import autosave, chosen
from grantflow.submissions.blueprint import bp, case_of_writer, writer_in, writer_of
from grantflow.submissions.forms import (
    ApplyForm,
    SubmitForm,
    hidden_values,
    line_counts,
    section_form,
    typed_from,
)
from grantflow.submissions.merging import marks, marks_from, merge
from grantflow.submissions.queries import (
    Sheet,
    applications_of,
    clean_files,
    districts,
    sheet_of,
)
from grantflow.submissions.reading import Fault
from grantflow.submissions.sharing import share_of
from grantflow.submissions.showing import countries_for, line_more, lines_wanted


@bp.get("/applications")
@access("signed_in")
def index() -> str:
    """Every application of the organisations one acts for, and those one was invited to."""
    actor = current_actor()
    mine, page = applications_of(actor, number(request.args.get("page")))
    known = sealed.shown_states([m.case for m in mine], actor)
    cards = {number: shown.state for number, shown in known.items()}
    modes = {m.case.id: "" if known[m.case.id].sealed else service.mode(m.case) for m in mine}
    return render_template("submissions/index.html", mine=mine, page=page, cards=cards, modes=modes)


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
                if "carry" in request.form:
                    beforehand.fill_blanks(case.id, beforehand.offered(code), actor=actor)
            beforehand.forget()
            if service.draft_of(service.row_of(case.id)).values:
                flash(_("Some answers are filled in from your organisation’s profile. Look them over as you go."))
            return redirect(url_for(".tasks", case_id=case.id), 303)
        except Refused as refusal:
            refused = str(refusal)
    others = {body.id: service.siblings(call.case_id, body.id) for body in bodies}
    page = render_template(
        "submissions/apply.html", call=call, bodies=bodies, form=form, others=others, refused=refused,
        verdict=pages.window_of(call), answered=len(beforehand.offered(code)),
    )  # fmt: skip
    return page, 403 if refused else 400 if form.errors else 200


@bp.get("/applications/<int:case_id>")
@access("signed_in")
def tasks(case_id: int) -> Any:
    """The sections of a draft with how far each is. Who may only read is shown the case's page."""
    actor = current_actor()
    case = sealed.one_as_told(get(case_id), actor)
    share = share_of(case, actor) if case.kind == "application" else None
    if share is None or (share.member and not service.mode(case)):
        see(case_id, actor, "application")
        return redirect(url_for("cases.show", case_id=case_id))
    sheet = sheet_of(case)
    return render_template(
        "submissions/tasks.html", **pages.frame(sheet, actor), **together.company(sheet, share, actor)
    )


@bp.route("/applications/<int:case_id>/edit/<section>", methods=["GET", "POST"])
@access("signed_in")
def edit(case_id: int, section: str) -> Any:
    """Write one section. Everything typed is kept, whatever it is."""
    sheet = writer_of(case_id, section)
    part = sheet.terms.section(section)
    if part is None:
        raise NotFound
    if request.method == "POST":
        return autosave(sheet, section) if background.asked() else _save(sheet, section)
    verdict = service.may_write(sheet.case, sheet.row, current_actor(), part)
    draft, kept, was = sheet.draft, form_data(), None
    if (
        kept is not None
    ):  # back from signing in again: the words of then, not saved yet, and what they were written over
        was = marks_from(kept.getlist("was"))
        mine = save(draft, part.questions, typed_from(part.questions, kept), sheet.terms.currency)[0]
        draft = merge(part.questions, draft, mine, was, behind=False).showing(mine)
    faults = pages.faults_shown(sheet, draft, part, everything="check" in request.args)
    return _section(
        sheet,
        section,
        draft,
        faults,
        refused="" if verdict else str(verdict.because),
        unsaved=kept is not None,
        was=was,
    )


def _section(
    sheet: Sheet, section: str, draft: Draft, faults: list[Fault], was: dict[str, str] | None = None, **more: Any
) -> str:
    part = sheet.terms.section(section)
    assert part is not None
    on_page = pages.page_of(sheet, part, draft)
    shown = on_page.fields
    form = section_form(shown, draft, sheet.terms.currency, districts(sheet.row.call_id), faults, lines_wanted(shown))
    return render_template(
        "submissions/section.html",
        **pages.frame(sheet, current_actor(), draft),
        part=part, form=form, faults=faults, page=on_page, shown_draft=draft, writer=visitor(),
        marks=marks(sheet.draft, shown) | (was or {}), changed_by=pages.changed_by(sheet, part, current_actor()),
        line_counts=line_counts(shown, form), countries=countries_for(shown),
        clean_files=clean_files(sheet.case.id) if any(q.kind == "file" for q in shown) else set(), **more,
    )  # fmt: skip


def _save(sheet: Sheet, section: str) -> Any:
    actor, case_id = current_actor(), sheet.case.id
    part = sheet.terms.section(section)
    assert part is not None
    typed, was = typed_from(part.questions, request.form), marks_from(request.form.getlist("was"))
    typed, waiting = chosen(typed, request.form)
    if waiting:  # both answers stand side by side already, and nobody chose between them
        was = {code: found for code, found in was.items() if code not in waiting}
    revision = -1 if waiting else request.form.get("revision", 0, int)
    try:
        with unit_of_work():
            saved = service.save_section(case_id, section, typed, revision=revision, actor=actor, was=was)
    except (service.Clash, Refused) as problem:
        fresh = writer_of(case_id, section)
        if isinstance(problem, service.Clash):
            draft, faults = problem.shown, pages.faults_shown(sheet, problem.shown, part)
            clash, different, refused = problem, pages.choices(fresh, part, problem), ""
        else:
            draft = save(sheet.draft, part.questions, typed, sheet.terms.currency)[0]
            faults = pages.faults_shown(sheet, draft, part)
            clash, different, refused = None, [], str(problem)
        page = _section(
            fresh, section, _with_files(draft, fresh), faults, refused=refused, clash=clash, different=different,
            unchosen=bool(waiting), unsaved=True,
        )  # fmt: skip
        return page, problem.status
    failed = _files(case_id, part.questions)
    if failed:
        fresh = writer_of(case_id, section)
        faults = pages.faults_shown(fresh, fresh.draft, part) + failed
        return _section(fresh, section, fresh.draft, faults, saved_at=saved.at), 400
    if "add_line" in request.form:
        return redirect(url_for(".edit", case_id=case_id, section=section, **line_more()), 303)
    if "look" in request.form:
        return redirect(url_for(".look", case_id=case_id, section=section, question=request.form["look"]), 303)
    if saved.faults or "stay" in request.form or "remove" in request.form:
        return redirect(url_for(".edit", case_id=case_id, section=section), 303)
    case, share = writer_in(case_id)
    following = pages.next_section(sheet_of(case), section, share)
    if following is None:
        return redirect(url_for(".check" if share.whole else ".tasks", case_id=case_id), 303)
    return redirect(url_for(".edit", case_id=case_id, section=following), 303)


def _with_files(draft: Draft, sheet: Sheet) -> Draft:
    """The draft with the files attached now: what was typed has none."""
    files = {code: value for code, value in sheet.draft.values.items() if sheet.terms.questions[code].kind == "file"}
    return Draft({**draft.values, **files}, draft.raw)


@bp.post("/applications/<int:case_id>/files/<question>")
@access("signed_in")
def attach(case_id: int, question: str) -> Any:
    """Attach one file to a question, for a page that shows how far it is; what to say, and its status, as JSON."""
    writer_in(case_id)
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
@access("signed_in")
def check(case_id: int) -> Any:
    """All answers on one page, what is still to be corrected, and the last step."""
    (case, share), actor = writer_in(case_id, whole=True), current_actor()
    if not service.mode(case) and not share.member:
        return redirect(url_for(".tasks", case_id=case_id), 303)
    if not service.mode(case):
        return _closed(case, request.form.get("key") if request.method == "POST" else None)
    form = SubmitForm(form_data())
    refused, status = "", 200
    told: Any = attempts.NOT_TICKED
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
                refused, status, told = str(refusal), refusal.status, refusal.sentence
        else:
            status = 400
        case = case_of_writer(case_id)
        if not service.mode(case):  # somebody pressed at the same moment: everybody is shown the one receipt
            return _closed(case, form.key.data) if share.member else redirect(url_for(".tasks", case_id=case_id), 303)
        if share.member:
            _remember(case, told, form.key.data, status)
    sheet = sheet_of(case)
    hidden_values(form, {"version": sheet.case.version, "revision": sheet.row.revision})
    faults = service.check(case_id)
    page = render_template(
        "submissions/check.html",
        **pages.frame(sheet, actor),
        form=form, refused=refused, faults=faults, answers=pages.answered(sheet), send=owners.owns(sheet.case, actor),
        section_of={q.code: part.code for part in sheet.terms.form for q in part.questions},
        advice=service.advice(sheet.row, sheet.terms, sheet.draft.values),
        co_leads=coleads.shown_of(sheet.case, sheet.row, writer=True), countries=COUNTRIES,
    )  # fmt: skip
    return page, status


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None


def _closed(case: Any, key: str | None) -> Any:
    """Where a press, or a look, leads once nothing can be sent: to the receipt, or to the words that were never sent.
    Whose changes were closed before the press is told that the receipt is of what was sent earlier."""
    if service.row_of(case.id).submitted_version is not None:
        if key is not None and (told := attempts.closed_before(case, key)) is not None:
            with unit_of_work():
                attempts.note_attempt(case.id, told, actor=current_actor(), key=key)
            flash(str(told), "hold")
        return redirect(url_for(".receipt", case_id=case.id), 303)
    verdict = pages.window_for(sheet_of(case))
    if key is not None and not verdict:
        with unit_of_work():
            attempts.note_attempt(case.id, verdict.because, actor=current_actor(), key=key)
        flash(str(verdict.because), "hold")
    return redirect(url_for(".words", case_id=case.id), 303)


def _remember(case: Any, told: Any, key: str | None, status: int) -> None:
    """A press that was refused is remembered; one on a page grown old only if it also came too late."""
    if status == Stale.status and not pages.too_late(sheet_of(case)):
        return
    with unit_of_work():
        attempts.note_attempt(case.id, told, actor=current_actor(), key=key)


__all__ = ["bp", "colead_pages", "comparing_rooms", "desk", "health_rooms", "look", "papers", "renewal", "together"]
