"""The officer's pages: the calls one works on, the pipeline of a call, the rules of one application.

What the rules say is `service`'s, what is listed is `queries`'; moves are made on the page of the case, and the page
of visitors is in `visitor`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from grantflow import rendering
from grantflow.cases.access import see
from grantflow.db import unit_of_work
from grantflow.eligibility import bulk_pages, doing, service, visitor
from grantflow.eligibility.alike import alike
from grantflow.eligibility.appeals import appeal_of
from grantflow.eligibility.blueprint import bp
from grantflow.eligibility.evidence import files_sent, notes_of
from grantflow.eligibility.exceptions import exceptions_of
from grantflow.eligibility.filters import Filter
from grantflow.eligibility.forms import EvidenceForm, RunForm, SecondForm, WaiveForm
from grantflow.eligibility.proposals import proposal, told
from grantflow.eligibility.queries import calls_of, districts_of, find, names_of
from grantflow.eligibility.saved import kept_by
from grantflow.eligibility.tallies import tallies
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity.access import Actor, access
from grantflow.identity.kept import form_data
from grantflow.identity.labels import ROLE_LABELS
from grantflow.identity.session import current_actor
from grantflow.paging import number
from grantflow.programmes.queries import call_by_code, terms_by_hash
from grantflow.submissions.lateness import words_by_case
from grantflow.submissions.parts import Part, application_part

WORKERS = ("officer", "manager")


@bp.get("/pipeline")
@access(*WORKERS)
def index() -> str:
    """The calls one works on, each with its counts."""
    return render_template("eligibility/index.html", calls=calls_of(current_actor()))


@bp.route("/calls/<code>/pipeline", methods=["GET", "POST"])
@access(*WORKERS)
def pipeline(code: str) -> Any:
    """What was sent in a call: counts that filter, a list, and the rules run on everything that waits."""
    actor, call = current_actor(), call_by_code(code)
    case = see(call.case_id, actor, "call")
    roles = actor.roles_on(case)
    if not roles & set(WORKERS):
        raise NotFound
    form = RunForm(form_data())
    if request.method == "POST" and form.validate():
        with unit_of_work():
            ran, met = service.run_all(call.case_id, actor=actor, key=form.key.data)
        flash(_ran(ran, met), "good" if ran else "")
        return redirect(url_for(".pipeline", code=code, **Filter.of(request.args).args()), 303)
    wanted = Filter.of(request.args)
    found = find(call.case_id, wanted, actor, rendering.language())
    tally = tallies([call.case_id], roles)[call.case_id]
    return render_template(
        "eligibility/pipeline.html", call=call, case=case, form=form, wanted=wanted, found=found, tally=tally,
        ticked=request.args.get("tick") == "all",
        districts=districts_of(call.case_id), terms=terms_by_hash(call.pack_hash), roles=ROLE_LABELS,
        waiting=len(service.waiting(call.case_id)), manager="manager" in roles,
        after_closing=words_by_case(call, [line.case.id for line in found.lines]),
        doubles=alike(call.case_id, [line.case.id for line in found.lines], actor), officer="officer" in roles,
        saved=kept_by(actor, call.case_id), acts=doing.recent(call.case_id), act_names=bulk_pages.NAMES,
    )  # fmt: skip


@bp.get("/calls/<code>/exceptions")
@access("manager", "auditor")
def exceptions(code: str) -> str:
    """What was done otherwise in a call: longer times, what came after the closing hour, rules let pass."""
    actor, call = current_actor(), call_by_code(code)
    if not actor.roles_on(see(call.case_id, actor, "call")) & {"manager", "auditor"}:
        raise NotFound
    rows, page = exceptions_of(call, number(request.args.get("page")))
    return render_template("eligibility/exceptions.html", call=call, rows=rows, page=page)


def _ran(number: int, met: int) -> str:
    if not number:
        return str(_("No application waits for its check."))
    ran = ngettext("The rules were run on one application", "The rules were run on %(num)d applications", number)
    return str(_("%(ran)s. Every rule is met: %(met)s; not met: %(rest)s.", ran=ran, met=met, rest=number - met))


@bp.route("/applications/<int:case_id>/rules", methods=["GET", "POST"])
@access(*WORKERS, "auditor")
def rules(case_id: int) -> Any:
    """The rules of one application, each with its word and reason; a button that runs them."""
    actor = current_actor()
    case = see(case_id, actor, "application")
    form = RunForm(form_data())
    refused = ""
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                findings = service.run_checks(case_id, actor=actor, key=form.key.data)
            failed = sum(finding.verdict == "fail" for finding in findings)
            flash(
                ngettext(
                    "The rules were run: %(num)d is not met.",
                    "The rules were run: %(num)d are not met.",
                    failed,
                )
                if failed
                else _("The rules were run: none stands in the way."),
                "warm" if failed else "good",
            )
            return redirect(url_for("cases.show", case_id=case_id) + "#rules", 303)
        except Refused as refusal:
            refused = str(refusal)
    page = render_template("eligibility/rules.html", form=form, refused=refused, **_facts(case, actor))
    return page, 403 if refused else 200


def _facts(case: Any, actor: Actor) -> dict[str, Any]:
    run = service.latest(case.id, rendering.language())
    officer = bool(actor.roles_on(case) & set(WORKERS))
    outdated = service.looked_at(case.id)[1]
    present = run is not None and not outdated
    waits = service.is_waiting(case)
    notes = notes_of(case.id)
    return {
        "case": case,
        "run": run,
        "current": present,
        "outdated": outdated,
        "may_run": officer and waits,
        "may_waive": "officer" in actor.roles_on(case) and waits and present,
        "may_note": "officer" in actor.roles_on(case) and waits,
        "reader": actor.person_id,
        "proposed": proposal(case),
        "appeal": appeal_of(case),
        "notes": {code: found[0] for code, found in notes.items()},
        "names": names_of(_people(run, notes)),
        "run_form": RunForm(None),
        "doubles": alike(case.call_id, [case.id], actor).get(case.id, []) if officer else [],
    }


def _people(run: Any, notes: dict[str, list[Any]]) -> list[int | None]:
    """Everybody named beside the rules."""
    leaves = [ruling.exception for ruling in run.rulings if ruling.exception] if run else []
    written = [note.by for found in notes.values() for note in found]
    return [run.by if run else None, *(x.by for x in leaves), *(x.second for x in leaves), *written]


@bp.route("/applications/<int:case_id>/rules/<code>/pass", methods=["GET", "POST"])
@access("officer")
def waive(case_id: int, code: str) -> Any:
    """Let a rule pass that is not met: one officer proposes it with a reason, a second decides."""
    actor = current_actor()
    case = see(case_id, actor, "application")
    run = service.latest(case_id, rendering.language())
    ruling = next((r for r in run.rulings if r.rule.code == code), None) if run else None
    if ruling is None:
        raise NotFound
    form = SecondForm(form_data()) if ruling.exception else WaiveForm(form_data())
    refused, status = "", 200
    if request.method == "POST":
        if form.validate():
            try:
                flash(_carry_waiver(form, case_id, code, actor), "good")
                return redirect(url_for("cases.show", case_id=case_id) + "#rules", 303)
            except Refused as refusal:
                refused, status = str(refusal), 403
        else:
            status = 400
    asked = ruling.exception
    page = render_template(
        "eligibility/waive.html", case=case, ruling=ruling, form=form, refused=refused, asked=asked,
        names=names_of([asked.by, asked.second]) if asked else {}, reader=actor.person_id,
    )  # fmt: skip
    return page, status


def _carry_waiver(form: Any, case_id: int, code: str, actor: Actor) -> Any:
    reason = form.reason.data or ""
    with unit_of_work():
        if isinstance(form, WaiveForm):
            service.waive(case_id, code, reason, actor=actor, key=form.key.data)
            return _("Proposed. The rule is let pass once a second officer agrees.")
        agrees = form.agrees.data == "yes"
        service.second(case_id, code, agrees, reason, actor=actor, key=form.key.data)
    return _("The rule is let pass; the reason stands beside it.") if agrees else _("The rule stays not met.")


@bp.route("/applications/<int:case_id>/rules/<code>/evidence", methods=["GET", "POST"])
@access("officer", "manager", "auditor")
def evidence(case_id: int, code: str) -> Any:
    """What was looked at for a rule: every version of the note, and for an officer the next one."""
    actor = current_actor()
    case = see(case_id, actor, "application")
    if case.ref is None:
        raise NotFound
    rule = service.rule_now(case_id, code)
    notes = notes_of(case_id).get(code, [])
    officer = "officer" in actor.roles_on(case)
    form = EvidenceForm(form_data(), files=files_sent(case_id), last=notes[0] if notes else None)
    refused, status = "", 200
    if request.method == "POST":
        try:
            if form.validate():
                with unit_of_work():
                    service.note_evidence(
                        case_id, code, form.note.data or "", form.file_id, seen=form.version, actor=actor,
                        key=form.key.data,
                    )  # fmt: skip
                flash(_("Noted. Earlier notes stay below it."), "good")
                return redirect(url_for("cases.show", case_id=case_id) + "#rules", 303)
            status = 400
        except (Refused, Stale) as refusal:
            refused, status = str(refusal), refusal.status
            notes = notes_of(case_id).get(code, [])
            form.seen.data = str(notes[0].n if notes else 0)
    page = render_template(
        "eligibility/evidence.html", case=case, rule=rule, notes=notes, form=form, refused=refused,
        may=officer and service.is_waiting(case), names=names_of([note.by for note in notes]),
    )  # fmt: skip
    return page, status


@application_part
def part(case: Any, actor: Actor) -> Part | None:
    """On an application's page: the rules for those who check and audit, and for the applicant once told."""
    roles = actor.roles_on(case)
    if case.ref is None:
        return None
    if roles & {*WORKERS, "auditor"}:
        return Part("eligibility/part.html", _facts(case, actor), 20)
    if "applicant" in roles and told(case, actor):
        return Part("eligibility/told.html", {"run": service.latest(case.id, rendering.language())}, 20)
    return None


__all__ = ["bp", "bulk_pages", "visitor"]
