"""The pages of what an officer does to many applications: looked over, confirmed once, seen to; her filters; the workbook.

What would happen is `bulk`'s, which letters `telling`'s, the doing `doing`'s.
"""

from __future__ import annotations

import io
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from grantflow import rendering
from grantflow.cases import definitions, titles
from grantflow.cases.access import see
from grantflow.db import unit_of_work
from grantflow.eligibility import doing, listing, saved, telling
from grantflow.eligibility.blueprint import bp
from grantflow.eligibility.bulk import CHECK, REFUSE, RESTORE, RETURN, Looked, look
from grantflow.eligibility.filters import Filter
from grantflow.eligibility.forms import BulkForm, FilterForm, ReasonForm, ReturnManyForm
from grantflow.eligibility.picking import MOST, Picked, rows_of
from grantflow.eligibility.queries import names_of
from grantflow.eligibility.restoring import LETTERS_WAIT
from grantflow.errors import Invalid, NotFound
from grantflow.identity.access import Actor, access
from grantflow.identity.forms import show_faults
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.paging import number
from grantflow.programmes.queries import call_by_code, terms_by_hash

WORKERS = ("officer", "manager")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 100
"""So many applications are named on each side of a page; the rest are counted."""
NAMES = {
    CHECK: lazy_gettext("Run the rules"),
    RETURN: lazy_gettext("Return for correction"),
    REFUSE: lazy_gettext("Find ineligible"),
    RESTORE: lazy_gettext("Take the decision back"),
}
Page = str | Response | tuple[str, int]


def _call(code: str, actor: Actor, *roles: str) -> tuple[Any, Any]:
    """The call and its case, for whoever holds one of these roles on it; NotFound for anybody else."""
    call = call_by_code(code)
    case = see(call.case_id, actor, "call")
    if not actor.roles_on(case) & set(roles):
        raise NotFound
    return call, case


@bp.get("/calls/<code>/bulk")
@access(*WORKERS)
def bulk_begin(code: str) -> Response:
    """What was ticked in the pipeline, and which button was pressed: on to the page that looks it over."""
    _call(code, current_actor(), *WORKERS)
    picked, act = Picked.ticked(request.args), request.args.get("act", "")
    if not picked.anything or act not in NAMES:
        flash(_("Nothing is ticked. Tick applications in the list, or all that the filter shows."), "warm")
        return redirect(url_for(".pipeline", code=code, **picked.wanted.args()) + "#bulk", 303)
    return redirect(url_for(".bulk", code=code, act=act, **picked.args()), 303)


@bp.route("/calls/<code>/bulk/<any(check, return, refuse, restore):act>", methods=["GET", "POST"])
@access(*WORKERS)
def bulk(code: str, act: str) -> Page:
    """What would happen to each, with the letters; done on one confirmation, while all is as it was looked at."""
    actor = current_actor()
    call, case = _call(code, actor, *(WORKERS if act == CHECK else ("officer",)))
    picked = Picked.of_address(request.args)
    form = _form(act, call)
    if request.method == "POST" and form.key.data and (made := doing.begun(actor, form.key.data)) is not None:
        return redirect(url_for(".bulk_act", code=code, n=made), 303)
    rows = rows_of(call.case_id, picked, actor)
    lines = look(act, rows[:MOST], actor)
    facts: dict[str, Any] = {
        "call": call, "case": case, "act": act, "form": form, "picked": picked, "lines": lines,
        "more": len(rows) > MOST, "letters": None, "changed": False,
        "mark": telling.mark(lines) if act == CHECK else "",
    }  # fmt: skip
    if request.method == "GET":
        return _page(facts)
    going = [line for line in lines if line.goes]
    if not form.validate() or not going or facts["more"]:
        return _page(facts), 400 if form.errors else 409
    seen = "" if request.form.get("do") == "look" else str(form.seen.data or "")
    if act != CHECK:
        facts["letters"] = found = telling.letters(act, case, lines, form.words(), actor, seen)
        facts["mark"] = found.mark
    if seen != facts["mark"]:
        facts["changed"] = bool(seen)
        return _page(facts), 409 if seen else 200
    made = doing.begin(call.case_id, act, going, form.words(), actor=actor, key=form.key.data)
    return redirect(url_for(".bulk_act", code=code, n=made), 303)


def _form(act: str, call: Any) -> Any:
    if act == CHECK:
        return BulkForm(form_data())
    if act == RETURN:
        form = terms_by_hash(call.pack_hash).form
        titles = [(part.code, f"{at}. {rendering.label(part.title)}") for at, part in enumerate(form, 1)]
        return ReturnManyForm(form_data(), sections=titles)
    return ReasonForm(form_data())


def _page(facts: dict[str, Any]) -> str:
    lines: list[Looked] = facts["lines"]
    going, staying = [line for line in lines if line.goes], [line for line in lines if not line.goes]
    titles.load([line.row for line in (*going[:SHOWN], *staying[:SHOWN])])
    facts["form"].seen.data = facts["mark"]
    return render_template(
        "eligibility/bulk.html", **facts, going=going, staying=staying, shown=SHOWN, names=NAMES, most=MOST,
        first_votes=sum(not line.last for line in going), at_once=doing.AT_ONCE,
        minutes=int(LETTERS_WAIT.total_seconds()) // 60, state_of=_state_of,
        back=url_for(".pipeline", code=facts["call"].code, **facts["picked"].wanted.args()),
    )  # fmt: skip


def _state_of(case: Any) -> Any:
    return definitions.pinned(case.workflow_hash).state(case.state)


@bp.get("/calls/<code>/bulk/acts/<int:n>")
@access(*WORKERS)
def bulk_act(code: str, n: int) -> str:
    """What came of an act over many: each application with its outcome; how far it is while it goes on."""
    actor = current_actor()
    call, case = _call(code, actor, *WORKERS)
    act = doing.act_of(call.case_id, n)
    counts = doing.counts_of(n)
    total = sum(counts.values())
    lines, page = doing.lines_of(n, number(request.args.get("page")), total)
    titles.load(lines)
    return render_template(
        "eligibility/bulk_act.html", call=call, case=case, act=act, counts=counts, total=total, lines=lines, page=page,
        names=NAMES, by=names_of([act.by_id]).get(act.by_id, ""), officer="officer" in actor.roles_on(case),
        mine=act.by_id == actor.person_id, letters_at=act.at + LETTERS_WAIT, state_of=_state_of,
        minutes=int(LETTERS_WAIT.total_seconds()) // 60,
    )  # fmt: skip


@bp.route("/calls/<code>/filters", methods=["GET", "POST"])
@access(*WORKERS)
def filters(code: str) -> Page:
    """Keep the pipeline's present filter under a name; one's filters of this call, each with a button that removes it."""
    actor = current_actor()
    call, _case = _call(code, actor, *WORKERS)
    wanted = Filter.of(request.args)
    form = FilterForm(form_data())
    status = 200
    if request.method == "POST" and form.validate():
        removed = request.form.get("remove", "")
        if removed:
            if not (removed.isascii() and removed.isdigit() and len(removed) < 13):
                raise NotFound
            with unit_of_work():
                name = saved.remove(call.case_id, int(removed), actor=actor)
            flash(_("The filter “%(name)s” is removed.", name=name), "good")
            return redirect(url_for(".filters", code=code, **wanted.args()), 303)
        try:
            with unit_of_work():
                name = saved.keep(call.case_id, form.name.data or "", wanted, actor=actor)
            flash(_("Kept: “%(name)s” stands above the list.", name=name), "good")
            return redirect(url_for(".pipeline", code=code, **wanted.args(page=1)), 303)
        except Invalid as fault:
            show_faults(form, Invalid(fields={"name": fault.sentence}))
            status = 400
    elif request.method == "POST":
        status = 400
    page = render_template(
        "eligibility/filters.html", call=call, wanted=wanted, form=form, kept=saved.kept_by(actor, call.case_id),
        back=url_for(".pipeline", code=code, **wanted.args()),
    )  # fmt: skip
    return page, status


@bp.get("/calls/<code>/pipeline.xlsx")
@access(*WORKERS)
def workbook(code: str) -> Response:
    """The list as the filter has it, as a workbook; that it was taken away stands on one's own file."""
    actor = current_actor()
    call, _case = _call(code, actor, *WORKERS)
    file = io.BytesIO()
    count = listing.write(file, call, Filter.of(request.args), actor)
    listing.took_away(actor, call, count)
    file.seek(0)
    reply = send_file(file, mimetype=XLSX, as_attachment=True, download_name=listing.file_name(call))
    reply.headers["X-Content-Type-Options"] = "nosniff"
    reply.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    reply.headers["Cache-Control"] = "private, no-store"
    return reply
