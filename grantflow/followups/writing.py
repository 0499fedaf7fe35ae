"""The pages on which a grantee writes: a report and a check. Everything typed is kept, whatever it is.

What may be written and sent is decided in `reports` and `checks`; how a typed answer is read, in
`submissions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from grantflow.awards.queries import award, card
from grantflow.cases.access import see
from grantflow.db import session, unit_of_work
from grantflow.errors import NotFound, Refused, Stale
from grantflow.followups import checks, drafts, queries
from grantflow.followups.blueprint import bp
from grantflow.followups.models import Check, Report
from grantflow.history import store
from grantflow.identity.access import access
from grantflow.identity.forms import new_key
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.programmes.questions import Question
from grantflow.submissions import budget, files
from grantflow.submissions.answers import Draft, save
from grantflow.submissions.forms import line_counts, section_form, typed_from
from grantflow.submissions.hanging import page as page_of_form
from grantflow.submissions.reading import Fault
from grantflow.submissions.showing import countries_for, line_more, lines_wanted


@dataclass(frozen=True)
class Group:
    """Questions that stand together on a page."""

    title: Any
    intro: Any
    questions: tuple[Question, ...]
    only_operating: bool = False


@dataclass(frozen=True)
class Desk:
    """What a grantee writes on: a report or a check, its questions, and how it is saved and judged."""

    case: Any
    row: Report | Check
    questions: tuple[Question, ...]
    groups: tuple[Group, ...]
    currency: str
    template: str
    trigger: str
    save: Any
    faults: Any


def _report(case_id: int) -> Desk:
    case = see(case_id, current_actor(), "report")
    row = queries.report(case_id)
    plan = queries.plan_of(row)
    groups = (Group("", plan.intro, plan.questions),)
    return Desk(
        case,
        row,
        plan.questions,
        groups,
        row.currency,
        "followups/report_edit.html",
        "submit",
        drafts.save_report,
        drafts.faults_in_report,
    )


def _check(case_id: int) -> Desk:
    case = see(case_id, current_actor(), "check")
    row = queries.check(case_id)
    asks = queries.checks_of(row)
    return Desk(
        case,
        row,
        asks.questions,
        _check_groups(asks),
        checks.currency_of(row),
        "followups/check_edit.html",
        "fill",
        checks.save_check,
        checks.faults_in_check,
    )


def _check_groups(asks: Any) -> tuple[Group, ...]:
    """How things are; what the enterprise stands on, way by way; and room for words."""
    known = {question.code: question for question in asks.questions}
    ways = [[known[c] for c in (way.question, way.evidence, way.share) if c in known] for way in asks.ways]
    taken = {question.code for group in ways for question in group}
    places = {question.code: at for at, question in enumerate(asks.questions)}
    first = min((places[code] for code in taken), default=len(places))
    before = tuple(q for q in asks.questions if q.code not in taken and places[q.code] < first)
    after = tuple(q for q in asks.questions if q.code not in taken and places[q.code] > first)
    found = [Group(_("How things are"), "", before)]
    found += [
        Group(way.label, "", tuple(group), only_operating=True)
        for way, group in zip(asks.ways, ways, strict=True)
        if group
    ]
    if after:
        found.append(Group(_("In your own words"), "", after))
    return tuple(found)


@bp.route("/reports/<int:case_id>/edit", methods=["GET", "POST"])
@access("applicant")
def edit_report(case_id: int) -> Any:
    """Write a report: saved as often as one likes, sent when it is complete."""
    return _edit(_report(case_id))


@bp.route("/checks/<int:case_id>/edit", methods=["GET", "POST"])
@access("applicant")
def edit_check(case_id: int) -> Any:
    """Answer a check of how the enterprise stands."""
    return _edit(_check(case_id))


def _edit(desk: Desk) -> Any:
    actor, case_id = current_actor(), desk.case.id
    if "applicant" not in actor.roles_on(desk.case):
        raise NotFound
    verdict = drafts.may_write(desk.case, actor)
    if request.method == "POST":
        key = request.form.get("key", "")[:100]
        if key and store.by_key(session(), case_id, key) is not None:
            return redirect(url_for("cases.show", case_id=case_id), 303)
        return _keep(desk, key)
    if not verdict:
        flash(str(verdict.because), "warm")
        return redirect(url_for("cases.show", case_id=case_id), 303)
    draft, kept = queries.draft_of(desk.row), form_data()
    if kept is not None:  # back from signing in again: the words of then, not saved yet
        draft = save(draft, desk.questions, typed_from(desk.questions, kept), desk.currency)[0]
    everything = "check" in request.args
    told = [fault for fault in desk.faults(case_id, draft.values) if everything or fault.at_once]
    return _page(desk, draft, told, unsaved=kept is not None)


def _keep(desk: Desk, key: str) -> Any:
    actor, case_id = current_actor(), desk.case.id
    typed = typed_from(desk.questions, request.form)
    mine = save(queries.draft_of(desk.row), desk.questions, typed, desk.currency)[0]
    try:
        with unit_of_work():
            saved = desk.save(case_id, typed, revision=request.form.get("revision", 0, int), actor=actor)
    except (Refused, Stale) as problem:
        fresh = _report(case_id) if isinstance(desk.row, Report) else _check(case_id)
        stale = isinstance(problem, Stale)
        return _page(fresh, mine, [], refused=str(problem), stale=stale, unsaved=True), problem.status
    failed = _files(desk)
    if failed:
        return _again(desk, failed), 400
    if "send" not in request.form:
        if "add_line" in request.form:
            return redirect(url_for(str(request.endpoint), case_id=case_id, **line_more()), 303)
        if not saved.faults:
            flash(_("Saved. It is not sent yet."), "good")
        return redirect(url_for(str(request.endpoint), case_id=case_id), 303)
    faults = desk.faults(case_id)
    if faults:
        return _again(desk, faults), 400
    try:
        with unit_of_work():
            _fire(desk, key, actor)
    except (Refused, Stale) as problem:
        return _again(desk, [], refused=str(problem)), problem.status
    flash(_("Sent. Thank you."), "good")
    return redirect(url_for("cases.show", case_id=case_id), 303)


def _fire(desk: Desk, key: str, actor: Any) -> None:
    from grantflow.cases.service import fire

    version = request.form.get("version", -1, int)
    fire(desk.case.id, desk.trigger, actor=actor, key=key or None, version=version)


def _again(desk: Desk, faults: list[Fault], **more: Any) -> str:
    fresh = _report(desk.case.id) if isinstance(desk.row, Report) else _check(desk.case.id)
    return _page(fresh, queries.draft_of(fresh.row), faults, **more)


def _files(desk: Desk) -> list[Fault]:
    """Attach what came along, take away what was asked; each by itself, so that one refusal spoils no
    other."""
    actor, case_id, failed = current_actor(), desk.case.id, []
    if "remove" in request.form and isinstance(desk.row, Report):
        try:
            with unit_of_work():
                drafts.remove_file(case_id, request.form.get("remove", 0, int), actor=actor)
            flash(_("The file was taken away."), "good")
        except Refused as refusal:
            flash(str(refusal), "wrong")
    for question in desk.questions:
        for sent in request.files.getlist(f"q-{question.code}") if question.kind == "file" else ():
            if not sent.filename:
                continue
            try:
                with unit_of_work():
                    drafts.add_file(case_id, question.code, sent.filename, sent.stream, actor=actor)
                flash(_("Attached: %(name)s", name=sent.filename), "good")
            except Refused as refusal:
                failed.append(Fault(question.code, f"{sent.filename}: {refusal}", "unreadable"))
    return failed


def _page(desk: Desk, draft: Draft, faults: Iterable[Fault], **more: Any) -> str:
    faults = list(faults)
    form = section_form(desk.questions, draft, desk.currency, [], faults, lines_wanted(desk.questions))
    row = award(desk.row.award_id)
    sheets = {q.code: _sheet(q, draft, desk.currency) for q in desk.questions if q.kind == "budget"}
    return render_template(
        desk.template,
        desk=desk,
        case=desk.case,
        row=desk.row,
        award=row,
        form=form,
        faults=faults,
        draft=draft,
        sheets=sheets,
        page=page_of_form(desk.questions, desk.questions, draft, desk.currency),
        countries=countries_for(desk.questions),
        state=card(desk.case),
        labels={question.code: question.label for question in desk.questions},
        lines_of=line_counts(desk.questions, form),
        plan=queries.plan_of(desk.row) if isinstance(desk.row, Report) else None,
        asks=queries.checks_of(desk.row) if isinstance(desk.row, Check) else None,
        key=new_key(),
        **more,
    )


def _sheet(question: Question, draft: Draft, currency: str) -> budget.Sheet:
    """A table of costs as typed, with its sums worked out here."""
    return budget.read(draft.shown(question, currency), currency, question.max_lines)


@bp.get("/reports/<int:case_id>/files/<int:file_id>")
@access("signed_in")
def file(case_id: int, file_id: int) -> Response:
    """A file of a report as a download, for those who may read the report and once it was sent, or for its
    writers."""
    actor = current_actor()
    case = see(case_id, actor, "report")
    row = drafts.file_of(case_id, file_id)
    writer = "applicant" in actor.roles_on(case)
    if not writer and not drafts.in_a_version(case_id, file_id):
        raise NotFound
    path = files.path_of(row.stored_name)
    if not path.is_file():
        raise NotFound
    reply = send_file(path, mimetype=row.content_type, as_attachment=True, download_name=row.filename, conditional=True)
    reply.headers["X-Content-Type-Options"] = "nosniff"
    reply.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    reply.headers["Cache-Control"] = "private, no-store"
    return reply
