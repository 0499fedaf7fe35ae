"""The pages of panel members and of the chair: my reviews, declaring, scoring, the board, the ranking, a
call's panel.

Pages only ask and show: what may happen is said by `service`, what they read by `queries` and `opinions`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from grantflow.cases import definitions
from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.identity.access import access
from grantflow.identity.forms import new_key, show_faults
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.paging import number
from grantflow.programmes.questions import asked
from grantflow.scoring import boards, drawing, forms, opinions, queries, rankings, service, standing, tasks
from grantflow.scoring import composing as _composing  # noqa: F401  its view belongs here
from grantflow.scoring import desk as _desk  # noqa: F401  what it adds to the pages of others
from grantflow.scoring import succession as _succession  # noqa: F401  what a seat hands on
from grantflow.scoring.blueprint import bp
from grantflow.submissions.pages import case_facts

Page = str | Response | tuple[str, int]


@bp.get("/panels")
@access("panellist", "chair", "manager", "officer", "auditor")
def index() -> str:
    """My panels and my reviews: what waits, until when, what is done."""
    actor = current_actor()
    sheets = queries.panels_of(actor)
    wanted = request.args.get("show", "")
    found = tasks.tasks_of(actor, sheets, wanted, number(request.args.get("page")))
    return render_template(
        "scoring/index.html",
        sheets=sheets,
        found=found,
        wanted=wanted if wanted in tasks.TODO else "",
        todo=tasks.TODO,
        boards={sheet.id for sheet in sheets if _leads(actor, sheet)},
        reads=actor.has("panellist", "chair"),
    )


def _leads(actor: Any, sheet: queries.Sheet) -> bool:
    return bool(actor.roles_on(queries.scope_of(sheet)) & set(queries.STAFF))


# one application in a member's hands
def _mine(case_id: int) -> tuple[queries.Line, queries.Sheet]:
    """The application of a panel one sits on; else it does not exist."""
    actor = current_actor()
    line = queries.line_of(case_id, actor)
    if not service.sits_on(line.case.panel_id, actor.person_id):
        raise NotFound
    return line, queries.sheet_of(line.case.panel_id)


@bp.route("/applications/<int:case_id>/interest", methods=["GET", "POST"])
@access("panellist", "chair")
def interest(case_id: int) -> Page:
    """Declare an interest or none, knowing no more than title, applicant and partners."""
    line, sheet = _mine(case_id)
    form = forms.InterestForm(form_data())
    said = service.declared(case_id, current_actor().person_id)
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                kind = service.declare_interest(
                    case_id,
                    form.kind.data,
                    actor=current_actor(),
                    note=form.note.data or "",
                    key=form.key.data,
                )
            return _declared(case_id, kind)
        except Invalid as fault:
            show_faults(form, fault)
        except Refused as refusal:
            form.form_errors.append(str(refusal))
    page = render_template("scoring/interest.html", line=line, sheet=sheet, form=form, said=said)
    return page, 400 if form.errors else 200


def _declared(case_id: int, kind: str) -> Response:
    if kind == "none":
        return redirect(url_for(".review", case_id=case_id), 303)
    flash(
        _("Your declaration is recorded. The application is no longer shown to you; the chair is told."),
        "good",
    )
    return redirect(url_for(".index"), 303)


@bp.route("/applications/<int:case_id>/review", methods=["GET", "POST"])
@access("panellist", "chair")
def review(case_id: int) -> Page:
    """Read at the left, score at the right. A half-done review can be saved; a submitted one is shown as it
    is."""
    line, sheet = _mine(case_id)
    actor = current_actor()
    if service.declared(case_id, actor.person_id) != "none":
        return redirect(url_for(".interest", case_id=case_id), 303)
    rubric = service.terms_of(line.application.pack_hash).rubric
    form_class = forms.review_form(rubric)
    mine = service.read_review(case_id, actor.person_id)
    if request.method == "POST":
        return _take(line, sheet, rubric, form_class(form_data()))
    kept = form_data()
    given = service.written(mine)
    form = form_class(kept, data=forms.filled(given, mine.revision if mine else 0))
    return _review_page(line, sheet, rubric, form, mine, total=standing.running(given.points, rubric))


def _take(line: queries.Line, sheet: queries.Sheet, rubric: Any, form: Any) -> Page:
    """Save or submit what was typed; whatever is wrong, the page comes back with it."""
    actor, submitting = current_actor(), request.form.get("do") == "submit"
    given, wrong = forms.read(form, rubric)
    revision = int(form.revision.data) if (form.revision.data or "").isdigit() else 0
    status, stored = 400, None
    try:
        if wrong:
            raise Invalid(fields=wrong)
        with unit_of_work():
            if submitting:
                service.submit_review(line.case.id, given, actor=actor, revision=revision, key=form.key.data)
            else:
                service.save_review(line.case.id, given, actor=actor, revision=revision)
        if submitting:
            flash(_("Your review is submitted. You now see what the others have submitted."), "good")
        return redirect(url_for(".review", case_id=line.case.id), 303)
    except Invalid as fault:
        show_faults(form, fault)
    except Stale as late:
        form.form_errors.append(str(late))
        status, stored = 409, service.read_review(line.case.id, actor.person_id)
        form.revision.data, form.revision.raw_data = str(stored.revision if stored else 0), None
        form.key.data, form.key.raw_data = new_key(), None
    except Refused as refusal:
        form.form_errors.append(str(refusal))
        status = 403
    mine = service.read_review(line.case.id, actor.person_id)
    total = standing.running(given.points, rubric)
    page = _review_page(line, sheet, rubric, form, mine, total=total, stored=stored, typed=status == 403)
    return page, status


def _review_page(
    line: queries.Line,
    sheet: queries.Sheet,
    rubric: Any,
    form: Any,
    mine: Any,
    *,
    total: int,
    stored: Any = None,
    typed: bool = False,
) -> str:
    facts = case_facts(line.case, current_actor())
    facts["asked"] = asked(facts["terms"].questions.values(), facts["sent"] or {})
    writing = (mine is None or mine.status == "draft") and standing.open_for_reviews(line.case)
    sent = mine is not None and mine.status != "draft"
    return render_template(
        "scoring/review.html",
        line=line,
        panel=sheet,
        rubric=rubric,
        form=form,
        mine=mine,
        total=total,
        writing=writing or typed,
        sent=sent,
        stored=service.written(stored) if stored else None,
        others=_others(line.case.id) if sent else [],
        own=service.written(mine),
        steps=forms.steps(rubric),
        content=facts,
    )


def _others(case_id: int) -> list[opinions.Opinion]:
    """What the other members have submitted: shown once one's own review is in."""
    return [o for o in opinions.opinions_on(case_id) if o.person.id != current_actor().person_id]


@bp.route("/applications/<int:case_id>/reviews/<int:person_id>/reopen", methods=["GET", "POST"])
@access("chair")
def reopen(case_id: int, person_id: int) -> Page:
    """The chair opens a submitted review again, with a reason."""
    actor = current_actor()
    line = queries.line_of(case_id, actor)
    found = [o for o in opinions.opinions_on(case_id) if o.person.id == person_id]
    if "chair" not in actor.roles_on(line.case) or not found:
        raise NotFound
    form = forms.ReopenForm(form_data())
    status = 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                with unit_of_work():
                    service.reopen_review(case_id, person_id, form.reason.data or "", actor=actor, key=form.key.data)
                flash(_("The review is open again. Its member is told."), "good")
                return redirect(url_for("cases.show", case_id=case_id), 303)
            except Invalid as fault:
                show_faults(form, fault)
            except Refused as refusal:
                form.form_errors.append(str(refusal))
                status = 403
    page = render_template(
        "scoring/reopen.html",
        line=line,
        opinion=found[0],
        form=form,
        panel=queries.sheet_of(line.case.panel_id),
    )
    return page, status


# the panel as a whole
@bp.get("/panels/<int:panel_id>")
@access("chair", "manager", "officer", "auditor")
def board(panel_id: int) -> str:
    """How far the panel is: each application, each member, and what is missing before the next step."""
    actor = current_actor()
    sheet = queries.panel_seen(panel_id, actor)
    found = boards.board_of(sheet, actor, number(request.args.get("page")))
    call = queries.call_of(sheet)
    return render_template(
        "scoring/board.html",
        panel=sheet,
        board=found,
        call=call,
        composed=service.composed(sheet.call.case_id),
        cards={r.line.case.id: _card(r.line.case) for r in found.readings},
        leads="manager" in actor.roles_on(queries.scope_of(sheet)),
        chairs=_chairs(actor, sheet),
    )


def _card(case: Any) -> Any:
    return definitions.pinned(case.workflow_hash).state(case.state)


def _chairs(actor: Any, sheet: queries.Sheet) -> bool:
    return "chair" in actor.roles_on(queries.scope_of(sheet))


@bp.get("/panels/<int:panel_id>/ranking")
@access("chair", "manager", "officer", "auditor")
def ranking(panel_id: int) -> str:
    """The order by mean, the spread of the readers, and the money line across table and plot, a page at a time;
    `?page=all` is the whole of it, to be printed."""
    actor = current_actor()
    sheet = queries.panel_seen(panel_id, actor)
    asked_for = request.args.get("page")
    found = rankings.page_of(sheet, actor, None if asked_for == "all" else number(asked_for))
    return render_template(
        "scoring/ranking.html",
        panel=sheet,
        found=found,
        call=queries.call_of(sheet),
        dots={
            row.entry.key: drawing.dot_of(found.plot, row, found.lines[row.entry.key].standing) for row in found.rows
        },
        cards={key: _card(line.case) for key, line in found.lines.items()},
        chairs=_chairs(actor, sheet),
        moves={} if found.waiting else {key: drawing.decisions_of(line, actor) for key, line in found.lines.items()},
    )
