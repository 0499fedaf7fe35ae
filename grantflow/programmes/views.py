"""What staff see of programmes and calls: targets and results, alliances, a call's facts, and amendments of its scope.

Public pages are in `public`; the moves of a call stand in the frame of its case.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs are older than the library

from grantflow import clock
from grantflow.cases import definitions, rehearsal
from grantflow.cases.access import see
from grantflow.cases.forms import letters_seen
from grantflow.cases.pages import case_page
from grantflow.db import unit_of_work
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity.access import PUBLIC, Actor, access
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor, opens_for
from grantflow.programmes import additions, bounds, inquiry_rooms, queries, service, whole
from grantflow.programmes.blueprint import bp
from grantflow.programmes.forms import ClosingForm, ScopeForm
from grantflow.programmes.public import home, may_read, page_of_call
from grantflow.programmes.results import results_framework
from grantflow.rendering import day, label, moment, number

STAFF = ("officer", "panellist", "chair", "finance", "manager", "auditor")


@bp.get("/calls")
@access(PUBLIC)
def calls() -> str:
    """The same list as the front page."""
    return home()


@bp.get("/calls/<code>")
@access(PUBLIC)
def call(code: str) -> str:
    """A call with its rules, questions, criteria and money, before and after signing in, open and closed."""
    facts = page_of_call(code)
    answers = inquiry_rooms.on_call_page(facts["call"], facts["case"], request.args.get("page"))
    return render_template("programmes/call.html", **facts, **answers)


@bp.get("/calls/<code>/to-read")
@access(PUBLIC)
def to_read(code: str) -> str:
    """Everything an applicant is asked and held to, on one page, to be read and printed: open or closed, no account."""
    return render_template(
        "programmes/to_read.html", **page_of_call(code), both=whole.both, only_if=whole.only_if, paid_when=whole.paid_when,
        bounds_of=bounds.said,
    )  # fmt: skip


@bp.get("/programmes")
@access(*STAFF)
def index() -> str:
    """The programmes somebody works in."""
    actor = current_actor()
    return render_template("programmes/index.html", rows=queries.programmes_of(actor))


@bp.get("/programmes/<code>")
@access(*STAFF)
def show(code: str) -> str:
    """Targets and what is achieved, by objective; alliances, calls, regional facts."""
    actor = current_actor()
    programme = queries.programme_by_code(code)
    if programme.id not in {row.id for row in queries.programmes_of(actor)}:
        raise NotFound
    framework = results_framework(programme.id)
    lines = [line for objective in framework for line in objective.indicators]
    headline = _headline(lines)
    return render_template(
        "programmes/show.html",
        programme=programme, framework=framework, headline=headline, alliances=queries.alliances(programme.id),
        calls=[
            (row, definitions.card(case), case)
            for row, case in queries.calls_of(programme.id)
            if may_read(case)
        ],
        statistics=queries.statistics(programme.id), partners=queries.partners(programme.id), today=clock.today(programme.zone),
        parts=parts, more=additions.parts_of(programme, actor), manages=programme.id in actor.scopes("manager", "programme_id"),
        registers=any(programme.id in actor.scopes(role, "programme_id") for role in ("manager", "auditor")),
    )  # fmt: skip


def parts(achieved: Any) -> list[str]:
    """The split of what is achieved, in words: "Karelia 9, Zabaikal 3", "women 214, men 19, not stated 3"."""
    if achieved is None:
        return [_("not counted yet")]
    said = [", ".join(f"{label(name)} {number(value)}" for name, value in achieved.split)] if achieved.split else []
    if achieved.women is not None:
        said.append(
            _(
                "women %(women)s, men %(men)s, not stated %(rest)s",
                women=number(achieved.women), men=number(achieved.men or 0), rest=number(achieved.not_stated or 0),
            )
        )  # fmt: skip
    return said


def _headline(lines: list[Any]) -> list[Any]:
    """The three targets that say most: enterprises that the house counts itself first."""
    counted = [line for line in lines if line.indicator.measure.startswith("computed:enterprises")]
    people = [line for line in lines if line.indicator.people and line.achieved is not None]
    return (counted + people[::-1])[:3]


@case_page("call")
def call_body(case: Any, actor: Actor) -> tuple[str, dict[str, Any]]:
    """A call inside the frame of its case: facts, districts with their amendments, links to its rooms."""
    row = queries.call_by_id(case.id)
    rooms: list[tuple[str, str, dict[str, Any]]] = [
        (_("Pipeline of applications"), "eligibility.pipeline", {"code": row.code}),
        (_("Rehearse the call"), "rehearsals.rehearsal", {"code": row.code}),
        (_("Versions of the form and rules"), "submissions.call_versions", {"code": row.code}),
        (_("Health of the call"), "submissions.health", {"code": row.code}),
        (_("Refused attempts to send"), "submissions.refused_attempts", {"code": row.code}),
        (_("Exceptions"), "eligibility.exceptions", {"code": row.code}),
        (_("History of the call, XLSX"), "oversight.ask", {"case_id": case.id}),
    ]
    return "programmes/call_case.html", {
        **page_of_call(row.code),
        "rooms": [(name, url_for(room, **of)) for name, room, of in rooms if opens_for(actor, room, case)],
        "manages": "manager" in actor.roles_on(case),
        "may_put_off": bool(service.may_put_off(case, row, actor)),
        "opens_again": service.opens_again(case) is not None,
        "counts": queries.counts_by_state(case.id),
        "more": additions.parts_of_call(row, actor),
        "unanswered": inquiry_rooms.unanswered(case, actor),
    }


@case_page("programme")
def programme_body(case: Any, actor: Actor) -> tuple[str, dict[str, Any]]:
    """The file of a programme: its history, and the way to its page."""
    return "programmes/programme_case.html", {"programme": queries.programme_by_id(case.id)}


@bp.route("/calls/<code>/scope", methods=["GET", "POST"])
@access("manager")
def scope(code: str) -> str | Response | tuple[str, int]:
    """Amend the districts of an approved call, with day and reason."""
    actor = current_actor()
    row = queries.call_by_code(code)
    case = see(row.case_id, actor, "call")
    if "manager" not in actor.roles_on(case):
        raise Refused(_("Only the manager of this programme may amend its calls."))
    form = ScopeForm(form_data())
    places = queries.districts_of_region(row)
    form.districts.choices = [SelectChoice(place.code, label(place.name)) for place in places]
    if not form.is_submitted() and not form.districts.data:
        form.districts.data = [place.code for place in queries.districts_in_scope(row.case_id)]
        form.on.data = form.on.data or clock.today(row.zone).strftime("%d.%m.%Y")
        form.key.data = form.key.data or secrets.token_urlsafe(12)
    status = 200
    if form.validate_on_submit():
        try:
            with unit_of_work():
                changed = service.amend_scope(
                    row.case_id, form.districts.data or [], form.reason.data or "", form.day, actor
                )
        except Refused as refusal:
            form.form_errors = [str(refusal)]
            status = 409
        else:
            flash(
                _("The districts are amended from %(day)s.", day=day(form.day))
                if changed
                else _("The districts are so already."),
                "good",
            )
            return redirect(url_for("cases.show", case_id=row.case_id), 303)
    elif form.is_submitted():
        status = 400
    return render_template("programmes/scope.html", form=form, call=row, case=case), status


@bp.route("/calls/<code>/closing", methods=["GET", "POST"])
@access("manager")
def closing(code: str) -> str | Response | tuple[str, int]:
    """Put off the closing hour of a call for everybody, with a reason, or open it again with a later one where it has just
    closed; the letters about it are looked at first."""
    actor = current_actor()
    row = queries.call_by_code(code)
    case = see(row.case_id, actor, "call")
    if "manager" not in actor.roles_on(case):
        raise Refused(_("Only the manager of this programme may put off the closing hour of its calls."))
    form = ClosingForm(form_data(), closes_at=row.closes_at, zone=row.zone)
    if request.method == "GET":
        return _closing_page(form, row)
    if not form.validate():
        return _closing_page(form, row, status=400)
    how = {"key": form.key.data, "seen": form.seen.data or ""}
    act = partial(service.extend_closing, case.id, form.closes_at, form.said, actor, **how)
    try:
        made = rehearsal.act(case.id, act, seen=letters_seen(request.form))
    except Stale as late:
        form.see(row.closes_at)
        return _closing_page(form, row, status=409, stale=str(late))
    except Refused as refusal:
        form.form_errors = [str(refusal)]
        return _closing_page(form, row, status=409)
    if isinstance(made, rehearsal.Letters):
        return _closing_page(form, row, status=200 if made.seen is None else 409, letters=made)
    flash(_("The call now closes on %(when)s.", when=moment(row.closes_at, row.zone)), "good")
    return redirect(url_for("cases.show", case_id=case.id), 303)


def _closing_page(form: Any, row: Any, *, status: int = 200, **more: Any) -> tuple[str, int]:
    """The page as the call stands now, and its status: once the call has closed for good, 403 with what was typed."""
    case = see(row.case_id, current_actor(), "call")
    verdict = service.may_put_off(case, row, current_actor())
    if not verdict:
        form.form_errors, status = [], 403
    rewords = row.programme_id in current_actor().scopes("manager", "programme_id")
    more |= {"verdict": verdict, "rewords": rewords, "again": service.opens_again(case) is not None}
    return render_template("programmes/closing.html", form=form, call=row, case=case, **more), status
