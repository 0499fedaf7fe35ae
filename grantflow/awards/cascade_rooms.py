"""The pages of a grant that is passed on: the list of such grants, the tree under one, its clause, and on a call what pays
for it.

What may be written is judged in `clauses` and `funding`; who reads a tree is said in `tree`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from grantflow.awards import clauses, envelope, funding, queries, tree
from grantflow.awards.blueprint import bp
from grantflow.awards.cascade_forms import ClauseForm, FundingForm, PartnerForm
from grantflow.awards.parts import Part, award_part
from grantflow.cases.access import see
from grantflow.cases.service import get
from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.identity.access import Actor, access
from grantflow.identity.forms import show_faults
from grantflow.identity.kept import form_data
from grantflow.identity.service import grant_role, person_by_email
from grantflow.identity.session import current_actor
from grantflow.programmes import additions
from grantflow.programmes.models import Call
from grantflow.programmes.queries import call_by_code

Page = str | Response | tuple[str, int]
LOOKERS = ("applicant", "officer", "finance", "manager", "auditor", "partner")


@bp.get("/cascades")
@access(*LOOKERS)
def cascades() -> str:
    """The grants that may be passed on, as far as this reader reads what became of them."""
    return render_template("awards/cascades.html", rows=tree.parents(current_actor()))


@bp.get("/cases/<int:award_id>/cascade")
@access(*LOOKERS)
def cascade(award_id: int) -> str:
    """The tree under a grant: for its national partner its own children, for all others everything below."""
    actor = current_actor()
    watches = tree.watches(award_id, actor)
    try:
        whole = tree.may_read(see(award_id, actor, "award"), actor)
    except NotFound:
        whole = False
    if not (whole or watches):
        raise NotFound
    found = tree.tree(award_id, actor, deepest=funding.DEEPEST if whole else 1)
    return render_template(
        "awards/cascade.html",
        tree=found,
        root=found.root,
        whole=whole,
        names_partner=whole and "manager" in actor.roles_on(found.root.case) and found.root.clause is not None,
    )


@bp.route("/cases/<int:award_id>/clause", methods=["GET", "POST"])
@access("manager")
def clause(award_id: int) -> Page:
    """Write down what the agreement of a grant allows to be passed on: a new version, with a reason."""
    actor = current_actor()
    case = see(award_id, actor, "award")
    parent, before = queries.award(award_id), envelope.clause_of(award_id)
    if (said := clauses.may_write(case, parent, actor)) is not None:
        raise Refused(said)
    form, status = ClauseForm(form_data(), parent=parent, clause=before), 200
    if form.is_submitted():
        status = 400
        if form.validate():
            try:
                with unit_of_work():
                    clauses.write(
                        award_id,
                        form.written(),
                        reason=form.reason.data or "",
                        actor=actor,
                        key=form.key.data,
                        seen=form.version,
                    )
                flash(_("The clause is written down. It counts from now on."), "good")
                return redirect(url_for("awards.cascade", award_id=award_id), 303)
            except Invalid as fault:
                show_faults(form, fault)
            except (Refused, Stale) as told:
                form.form_errors, status = [str(told)], told.status
    return render_template(
        "awards/clause.html", form=form, award=parent, case=case, versions=clauses.versions(award_id)
    ), status


@bp.route("/cases/<int:award_id>/partner", methods=["GET", "POST"])
@access("manager")
def partner(award_id: int) -> Page:
    """Name somebody of the organisation that holds a grant its national partner: they watch over its own child grants."""
    actor = current_actor()
    case, parent = see(award_id, actor, "award"), queries.award(award_id)
    if "manager" not in actor.roles_on(case) or envelope.clause_of(award_id) is None:
        raise NotFound
    form, status = PartnerForm(form_data()), 200
    if form.is_submitted():
        status = 400
        if form.validate():
            try:
                with unit_of_work():
                    found = person_by_email(form.email.data or "")
                    if found is None:
                        said = _("Nobody has an account under this address. Open one for them first, under People.")
                        raise Invalid(said, {"email": said})
                    grant_role(
                        actor, found.id, "partner", programme_id=parent.programme_id, organisation_id=parent.organisation_id,
                        reason=form.reason.data or "", key=form.key.data,
                    )  # fmt: skip
                flash(_("The role is given. It holds from the person’s next click."), "good")
                return redirect(url_for("awards.cascade", award_id=award_id), 303)
            except Invalid as fault:
                show_faults(form, fault)
            except Refused as told:
                form.form_errors, status = [str(told)], told.status
    return render_template("awards/partner.html", form=form, award=parent, case=case), status


@bp.route("/calls/<code>/funding", methods=["GET", "POST"])
@access("manager")
def call_funding(code: str) -> Page:
    """Choose which grant pays for a call, while the call is a draft."""
    actor = current_actor()
    call = call_by_code(code)
    case = see(call.case_id, actor, "call")
    if (said := funding.may_choose(case, actor)) is not None:
        raise Refused(said)
    before, choices = envelope.funding_of(call.case_id), funding.candidates(actor)
    form = FundingForm(form_data(), call=call, version=case.version, choices=choices, before=before)
    status = 200
    if form.is_submitted():
        status = 400
        if form.validate():
            try:
                with unit_of_work():
                    funding.choose(call.case_id, form.chosen(), actor=actor, key=form.key.data, seen=form.version)
                flash(_("What pays for the call is kept. It is looked at again when the call is approved."), "good")
                return redirect(url_for("cases.show", case_id=case.id), 303)
            except Invalid as fault:
                show_faults(form, fault)
            except (Refused, Stale) as told:
                form.form_errors, status = [str(told)], told.status
    return render_template("awards/funding.html", form=form, call=call, case=case, choices=choices), status


@award_part
def passed_on(case: Any, actor: Actor) -> Part | None:
    """On a grant's page: what it may pass on and the way to what became of it; on a child's, which grant pays for it."""
    if not tree.may_read(case, actor):
        return None
    row, rule, paid_by = queries.award(case.id), envelope.clause_of(case.id), envelope.funding_of(case.call_id)
    may_write = clauses.may_write(case, row, actor) is None
    if rule is None and paid_by is None and not may_write:
        return None
    inside = bool(actor.roles_on(case) & tree.INSIDE)
    parent = queries.award(paid_by.award_id) if paid_by is not None and inside else None
    return Part(
        "awards/cascade_part.html",
        {
            "award": row,
            "clause": rule,
            "parent": parent,
            "may_write": may_write,
            "reads": parent and _sees(parent.case_id, actor),
        },
        order=15,
    )


def _sees(case_id: int, actor: Actor) -> bool:
    try:
        return bool(see(case_id, actor))
    except NotFound:
        return False


@additions.call_part
def paid_from(call: Call, actor: Actor) -> additions.Part | None:
    """On a call's page for staff: which grant pays for it, how it fits the clause, and while it is a draft the choice."""
    case, found = get(call.case_id), envelope.funding_of(call.case_id)
    if not actor.roles_on(case) & {"manager", "finance", "auditor", "officer"}:
        return None
    may_choose = funding.may_choose(case, actor) is None
    if found is None and not may_choose:
        return None
    parent = queries.award(found.award_id) if found is not None else None
    return additions.Part(
        "awards/funding_part.html",
        {
            "call": call, "funding": found, "parent": parent, "may_choose": may_choose,
            "reads": parent is not None and _sees(parent.case_id, actor),
            "faults": funding.faults(call) if case.stage == "preparation" else [],
        },
    )  # fmt: skip
