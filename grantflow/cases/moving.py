"""The page on which a move is looked over and made: written once for every move of every workflow.

The judging and the doing are `service.fire`'s; what a move asks beside a reason is its stage's form; which letters one
that writes to many would send is found by `rehearsal`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from grantflow.cases import definitions, forms, queries, rehearsal, sealed, service, words
from grantflow.cases.access import see
from grantflow.cases.blueprint import bp, name_of
from grantflow.cases.notices import catalogue
from grantflow.db import session, unit_of_work
from grantflow.engine.definition import Move
from grantflow.engine.verdict import Verdict, no
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history import store
from grantflow.identity import kept
from grantflow.identity.access import SIGNED_IN, Actor, access
from grantflow.identity.forms import show_faults
from grantflow.identity.labels import role_names
from grantflow.identity.session import current_actor
from grantflow.rendering import label

Page = str | Response | tuple[str, int]


def _find(case: Any, trigger: str, actor: Actor) -> tuple[Move, Verdict]:
    """The move behind a trigger as it stands for this actor, possible or not; NotFound where no page could
    show it.
    """
    if case.workflow_hash is None:
        raise NotFound
    workflow = definitions.pinned(case.workflow_hash)
    known = [move for move in workflow.moves if move.trigger == trigger and not move.hidden]
    if not known:
        raise NotFound
    if (shown := sealed.public_state(case, actor)).sealed:
        return known[0], no(shown.wait)
    for move, verdict in service.moves_for(case, actor):
        if move.trigger == trigger:
            return move, verdict
    return known[0], service.ask(case, known[0], actor)


@bp.route("/cases/<int:case_id>/moves/<trigger>", methods=["GET", "POST"])
@access(SIGNED_IN)
def move(case_id: int, trigger: str) -> Page:
    """Look a move over and make it. Refused, stale or faulty: the same page, the sentence, everything typed
    kept.
    """
    actor = current_actor()
    case = see(case_id, actor)
    found, verdict = _find(case, trigger, actor)
    if request.method == "POST" and (key := request.form.get("key")) and _made(case_id, key):
        return _told(case_id, found, actor)
    data = kept.form_data()
    hidden = sealed.public_state(case, actor).sealed  # even the number of events would tell that something happened
    form = forms.MoveForm(data, move=found, version=0 if hidden else case.version)
    asked = forms.stage_form(found, data, case, actor) if verdict or request.method == "POST" else None
    if request.method == "GET":
        return _page(case, found, verdict, form, asked), 200 if verdict else 403
    if not verdict and (form.seen == case.version or hidden):
        return _page(case, found, verdict, form, asked), 403
    fine = form.checked()
    if not ((asked is None or asked.validate()) and fine):
        return _page(case, found, verdict, form, asked), 400
    return _fire(case, found, actor, form, asked)


def _made(case_id: int, key: str) -> bool:
    return store.by_key(session().connection(), case_id, key[:120]) is not None


def _fire(case: Any, found: Move, actor: Actor, form: Any, asked: Any) -> Page:
    try:
        payload = asked.payload() if asked is not None else {}
        how: dict[str, Any] = {
            "actor": actor,
            "payload": payload,
            "reason": form.said,
            "key": form.key.data,
            "version": form.seen if form.seen is not None else -1,
        }
        if rehearsal.writes_to_many(found):
            made = rehearsal.fire(case.id, found.trigger, seen=forms.letters_seen(request.form), **how)
            if isinstance(made, rehearsal.Letters):
                shown = _page(case, found, Verdict(True), form, asked, letters=made)
                return shown, 200 if made.seen is None else 409
        else:
            with unit_of_work():
                service.fire(case.id, found.trigger, **how)
    except Refused as refusal:
        return _page(case, found, no(refusal.sentence or _("This move is not open to you.")), form, asked), 403
    except Stale as late:
        return _stale(case, found, actor, form, asked, late), 409
    except Invalid as fault:
        show_faults(asked if asked is not None else form, fault)
        return _page(case, found, Verdict(True), form, asked), 400
    return _told(case.id, found, actor)


def _told(case_id: int, found: Move, actor: Actor) -> Response:
    """Say what happened and go back to the case, or to the desk where the case is out of sight now."""
    try:
        case = see(case_id, actor)
    except NotFound:
        flash(_("%(what)s: done.", what=label(found.label)), "good")
        return redirect(url_for("cases.desk"), 303)
    missing = 0
    if found.quorum > 1 and case.state in found.source:
        missing = found.quorum - len(service.Passed(case, True).voters(found.name))
    if missing > 0:
        voted = ngettext(
            "Your vote is recorded. One more person has to agree.",
            "Your vote is recorded. %(num)d more people have to agree.",
            missing,
        )
        flash(voted, "good")
    else:
        flash(_("%(name)s: %(said)s.", name=name_of(case), said=label(found.say)), "good")
    return redirect(url_for("cases.show", case_id=case_id), 303)


def _stale(case: Any, found: Move, actor: Actor, form: Any, asked: Any, late: Stale) -> str:
    """The same page as it stands now, with what happened meanwhile; what was typed stays, the version is the
    new one.
    """
    seen = form.seen if form.seen is not None else case.version
    fresh = see(case.id, actor)
    again, verdict = _find(fresh, found.trigger, actor)
    form.version.data, form.version.raw_data = str(fresh.version), None
    lines = queries.since(case.id, seen, actor)
    return _page(fresh, again, verdict, form, asked, stale=str(late), lines=lines)


def _page(
    case: Any,
    found: Move,
    verdict: Verdict,
    form: Any,
    asked: Any,
    stale: str = "",
    lines: Any = (),
    letters: rehearsal.Letters | None = None,
) -> str:
    workflow = definitions.pinned(case.workflow_hash)
    shown = sealed.public_state(case, current_actor())
    told = [catalogue()[name] for name in found.notices if name in catalogue()]
    roles = sorted({role for notice in told for role in notice.to})
    return render_template(
        "cases/move.html",
        case=case,
        move=found,
        verdict=verdict,
        form=form,
        asked=asked,
        stale=stale,
        lines=lines,
        state=shown.state,
        after=workflow.state(found.to) if found.to else None,
        told=role_names(roles) if roles else "",
        files=forms.has_files(asked),
        name=name_of(case),
        kind=words.KINDS[case.kind],
        voted=_voted(case, found),
        typed=request.method == "POST",
        to_many=rehearsal.writes_to_many(found),
        letters=letters,
        rewords=case.programme_id in current_actor().scopes("manager", "programme_id"),
    )


def _voted(case: Any, found: Move) -> int:
    """How many have voted for it already, where it needs several."""
    return len(service.Passed(case, True).voters(found.name)) if found.quorum > 1 else 0
