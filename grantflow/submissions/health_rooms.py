"""How a call stands, for those who look after it: its health, the reminder to holders of drafts, the refused attempts.

What is counted and who is written to is said by `health` and `attempts`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grantflow.cases import definitions, rehearsal
from grantflow.cases.access import see
from grantflow.cases.forms import letters_seen
from grantflow.errors import NotFound, Refused
from grantflow.identity.access import access
from grantflow.identity.forms import Keyed
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor
from grantflow.paging import number
from grantflow.programmes.queries import call_by_code
from grantflow.submissions import attempts
from grantflow.submissions import health as figures
from grantflow.submissions.blueprint import bp

WORKERS = ("officer", "manager")


def _call_for(code: str, *roles: str) -> tuple[Any, Any]:
    call = call_by_code(code)
    case = see(call.case_id, current_actor(), "call")
    if not current_actor().roles_on(case) & set(roles):
        raise NotFound
    return call, case


@bp.get("/calls/<code>/health")
@access(*WORKERS)
def health(code: str) -> str:
    """Begun, sent, where drafts stop, and when anybody wrote last."""
    call, case = _call_for(code, *WORKERS)
    return render_template(
        "submissions/health.html", call=call, case=case, state=definitions.card(case), told=figures.health_of(call),
        reminded=figures.last_reminded(call.case_id), attempts=attempts.count(call.case_id),
    )  # fmt: skip


@bp.route("/calls/<code>/health/remind", methods=["GET", "POST"])
@access(*WORKERS)
def remind(code: str) -> Any:
    """Remind whoever holds an unfinished draft; the letters are looked at first."""
    call, case = _call_for(code, *WORKERS)
    form, letters, refused, status = Keyed(form_data()), None, "", 200
    if request.method == "POST":
        if not form.validate():
            status = 400
        else:
            act = partial(figures.remind_unfinished, call.case_id, actor=current_actor(), key=form.key.data)
            try:
                made = rehearsal.act(case.id, act, seen=letters_seen(request.form))
            except Refused as refusal:
                refused, status = str(refusal), 403
            else:
                if not isinstance(made, rehearsal.Letters):
                    flash(_("The reminders are on their way."), "good")
                    return redirect(url_for(".health", code=code), 303)
                letters, status = made, 200 if made.seen is None else 409
    page = render_template(
        "submissions/remind.html", call=call, case=case, form=form, letters=letters, refused=refused,
        rewords=case.programme_id in current_actor().scopes("manager", "programme_id"),
    )  # fmt: skip
    return page, status


@bp.get("/calls/<code>/attempts")
@access(*WORKERS, "auditor")
def refused_attempts(code: str) -> str:
    """Every press of Submit that was refused: when, whose, what they were told and which answers were missing."""
    call, case = _call_for(code, *WORKERS, "auditor")
    rows, page = attempts.attempts_of_call(call.case_id, number(request.args.get("page")))
    return render_template(
        "submissions/attempts.html", call=call, case=case, rows=rows, page=page,
        works=bool(current_actor().roles_on(case) & set(WORKERS)),
    )  # fmt: skip
