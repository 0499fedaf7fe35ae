"""The pages of a change of bank details: the grantee asks and may take it back; finance compares old and new, and settles.

What may be done is judged in `asking` and `confirming`; who sees a grant is `cases.access`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _

from grantflow import rendering
from grantflow.awards.parts import Part, award_part
from grantflow.awards.payees import payee_of
from grantflow.awards.queries import award, names
from grantflow.awards.views import WHOLE_ACCOUNT
from grantflow.cases.access import see
from grantflow.db import unit_of_work
from grantflow.disbursements import accounts, asking, confirming, contacts
from grantflow.disbursements.account_desk import STATES
from grantflow.disbursements.account_forms import AskAccount, Confirm, Refuse, Step, number_of
from grantflow.disbursements.blueprint import bp
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.identity import kept
from grantflow.identity.access import Actor, access
from grantflow.identity.forms import show_faults
from grantflow.identity.session import current_actor
from grantflow.identity.words import search_key
from grantflow.submissions import files, scanning

Page = Any
INSIDE = ("finance", "officer", "manager", "auditor")


def _carried(form: Any, act: Callable[[], Any]) -> int:
    """Do it in a unit of work; 0 where it was done, else the status, with the sentence on the form and its fields."""
    try:
        with unit_of_work():
            act()
    except Invalid as fault:
        show_faults(form, fault)
        return fault.status
    except (Refused, Stale) as refusal:
        form.form_errors.append(str(refusal))
        return refusal.status
    return 0


@bp.route("/awards/<int:award_id>/account", methods=["GET", "POST"])
@access("applicant")
def ask_account(award_id: int) -> Page:
    """The grantee names another account, sees how it stands, and takes it back while it waits."""
    actor = current_actor()
    case = see(award_id, actor, "award")
    if "applicant" not in actor.roles_on(case):
        raise NotFound
    change = accounts.waiting_of([award_id]).get(award_id)
    sent = kept.form_data()
    back = "do" in request.form
    form: Any = Step(sent) if back or (change and request.method == "GET") else AskAccount(sent, case=case)
    status = 200
    if request.method == "POST":
        key, version = form.key.data, number_of(form.version)
        if back:
            number = request.form.get("do", 0, int)
            status = 400 if not form.validate() else _carried(
                form, lambda: asking.take_back(_of(number, award_id), actor=actor, key=key, version=version)
            )  # fmt: skip
        else:
            status = _asked(form, award_id, actor)
        if not status:
            flash(
                _("Taken back. The account stays as it was.")
                if back
                else _("Asked. Nothing is paid until finance has confirmed it."),
                "good",
            )
            return redirect(url_for(".ask_account", award_id=award_id), 303)
        case = see(award_id, actor, "award")
        change = accounts.waiting_of([award_id]).get(award_id)
    _seen(form, case)
    earlier = [one for one in accounts.changes_of(award_id) if not one.waits]
    shown = render_template(
        "disbursements/ask_account.html", case=case, award=award(award_id), change=change, earlier=earlier, form=form,
        asks=isinstance(form, AskAccount), typed=request.method == "POST", why=asking.may_ask(case),
        payee=payee_of(case.organisation_id), states=STATES, most=asking.MOST_OCTETS,
        people=names([one.asked_by_id for one in (change, *earlier) if one is not None], actor.language),
    )  # fmt: skip
    return shown, status


def _of(change_id: int, award_id: int) -> int:
    """The number of a change, if it is of this grant; else NotFound."""
    if accounts.change(change_id).award_id != award_id:
        raise NotFound
    return change_id


def _asked(form: AskAccount, award_id: int, actor: Actor) -> int:
    fine, letter = form.validate(), None
    attached = request.files.get("letter")
    if attached is not None and attached.filename:
        try:
            letter = asking.read_letter(attached.filename, attached.stream)
        except Invalid as fault:
            show_faults(form, fault)
            fine = False
    if not fine:
        return 400
    given, key, version = form.asked(letter), form.key.data, number_of(form.version)
    return _carried(form, lambda: asking.ask(award_id, given, actor=actor, key=key, version=version))


def _seen(form: Any, case: Any) -> None:
    """Put the version on the page that the person sees now: what is sent next is about that."""
    form.version.data, form.version.raw_data = str(case.version), None


def _shown(change_id: int, *roles: str) -> tuple[Any, Any, Actor]:
    """A change and its grant, for those who look after it; NotFound for everybody else."""
    actor, change = current_actor(), accounts.change(change_id)
    case = see(change.award_id, actor, "award")
    if not actor.roles_on(case) & set(roles):
        raise NotFound
    return change, case, actor


@bp.route("/account-changes/<int:change_id>", methods=["GET", "POST"])
@access(*INSIDE)
def account_change(change_id: int) -> Page:
    """Old against new, how the grantee could be reached before, and what the reader may do; a first person takes it up."""
    change, case, actor = _shown(change_id, *INSIDE)
    form, status = Step(kept.form_data()), 200
    if request.method == "POST":
        key, version = form.key.data, number_of(form.version)
        status = 400 if not form.validate() else _carried(
            form, lambda: confirming.look_at(change_id, actor=actor, key=key, version=version)
        )  # fmt: skip
        if not status:
            flash(_("You took it up. Another person of finance confirms or refuses it."), "good")
            return redirect(url_for(".account_change", change_id=change_id), 303)
        change, case, actor = _shown(change_id, *INSIDE)
    _seen(form, case)
    return render_template("disbursements/account_change.html", form=form, **_facts(change, case, actor)), status


def _facts(change: Any, case: Any, actor: Actor) -> dict[str, Any]:
    row = award(case.id)
    known = contacts.known(row, change)
    payee = known.bodies[change.payee_id or row.organisation_id]
    typed = search_key(change.holder)
    return {
        "change": change,
        "case": case,
        "award": row,
        "whole": bool(actor.roles_on(case) & WHOLE_ACCOUNT),
        "known": known,
        "payee_name": payee,
        "other_holder": all(search_key(name) != typed for name in (payee.name_en, payee.name_ru) if name),
        "states": STATES,
        "finance": "finance" in actor.roles_on(case),
        "aside": confirming.standing_aside(change, case, actor),
        "mine": change.looked_by_id == actor.person_id,
        "fresh": contacts.FRESH,
        "people": names([change.asked_by_id, change.looked_by_id, change.settled_by_id], actor.language),
    }


@bp.route("/account-changes/<int:change_id>/confirm", methods=["GET", "POST"])
@access("finance")
def confirm_account(change_id: int) -> Page:
    """The second person says how and whom they reached: then the new account is the valid one."""
    change, case, actor = _shown(change_id, "finance")
    phones = contacts.known(award(case.id), change).phones
    form = Confirm(kept.form_data(), phones=phones)

    def act(key: str | None, version: int) -> None:
        confirming.confirm(change_id, form.reached(), actor=actor, key=key, version=version)

    return _settled(
        change_id,
        form,
        act,
        "disbursements/confirm_account.html",
        _("Confirmed. It is paid to the new account from now on."),
    )


@bp.route("/account-changes/<int:change_id>/refuse", methods=["GET", "POST"])
@access("finance")
def refuse_account(change_id: int) -> Page:
    """The second person refuses it with the reason: the account stays as it was."""
    form = Refuse(kept.form_data())

    def act(key: str | None, version: int) -> None:
        confirming.refuse(change_id, form.reason.data or "", actor=current_actor(), key=key, version=version)

    return _settled(
        change_id, form, act, "disbursements/refuse_account.html", _("Refused. The account stays as it was.")
    )


def _settled(change_id: int, form: Any, act: Callable[[str | None, int], None], template: str, told: str) -> Page:
    change, case, actor = _shown(change_id, "finance")
    status = 200
    if request.method == "POST":
        key, version = form.key.data, number_of(form.version)
        status = 400 if not form.validate() else _carried(form, lambda: act(key, version))
        if not status:
            flash(told, "good")
            return redirect(url_for(".account_change", change_id=change_id), 303)
        change, case, actor = _shown(change_id, "finance")
    _seen(form, case)
    return render_template(template, form=form, **_facts(change, case, actor)), status


@bp.get("/account-changes/<int:change_id>/letter")
@access(*INSIDE, "applicant")
def account_letter(change_id: int) -> Page:
    """The letter from the bank as a download; where the installation checks files, once it is found clean."""
    change, _case, _actor = _shown(change_id, *INSIDE, "applicant")
    if change.letter_stored is None:
        raise NotFound
    path = files.path_of(change.letter_stored)
    if not path.is_file():
        abort(404)
    if files.settings().scan and not scanning.ask(change.letter_stored):
        return rendering.error_page(
            403, _("This file was not found clean by the check. Ask for the letter in another way.")
        )
    reply = send_file(path, mimetype=change.letter_type, as_attachment=True, download_name=change.letter_name)
    reply.headers["X-Content-Type-Options"] = "nosniff"
    reply.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    reply.headers["Cache-Control"] = "private, no-store"
    return reply


@award_part
def account_of(case: Any, actor: Actor) -> Part | None:
    """On a grant's page: other bank details in quarantine, what became of earlier ones, and for the grantee the way there."""
    roles = actor.roles_on(case)
    if not award(case.id).bank_account or not roles & {*INSIDE, "applicant"}:
        return None
    changes = accounts.changes_of(case.id)
    asks = "applicant" in roles and asking.may_ask(case) is None
    if not changes and not asks:
        return None
    facts = {
        "changes": changes[::-1],
        "award_id": case.id,
        "asks": asks,
        "inside": bool(roles & set(INSIDE)),
        "states": STATES,
    }
    return Part("disbursements/account_of_award.html", facts, order=10)
