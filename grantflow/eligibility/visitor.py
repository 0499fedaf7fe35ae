"""The public page of a call that tells a visitor, before any account, whether the rules stand in the way.

It writes nothing: no table, no token, no cookie. Only who chooses to apply takes the answers along, in their own browser.
"""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grantflow import clock, rendering
from grantflow.eligibility import precheck
from grantflow.eligibility.blueprint import bp
from grantflow.eligibility.service import facts_of
from grantflow.errors import NotFound
from grantflow.extensions import csrf, limiter
from grantflow.identity import throttle
from grantflow.identity.access import PUBLIC, access
from grantflow.identity.kept import foreign
from grantflow.programmes import queries
from grantflow.programmes.inquiries import takes_applications
from grantflow.programmes.public import may_read
from grantflow.submissions import beforehand
from grantflow.submissions.answers import Draft, save
from grantflow.submissions.forms import section_form, typed_from
from grantflow.submissions.queries import districts
from grantflow.submissions.reading import Fault, limits

PACE = "60 per 15 minutes"


def _page(code: str, refused: str = "") -> tuple[str, int]:
    call, case, _programme = queries.call_for_page(code)
    if not may_read(case):
        raise NotFound
    terms, facts = queries.call_pack(call), facts_of(call)
    wanted = precheck.questions(terms, facts.closes_on)
    draft = Draft()
    faults: list[Fault] = []
    if request.method == "POST":
        draft, faults = save(draft, wanted, typed_from(wanted, request.form), terms.currency)
        today = clock.today(call.zone)
        faults += [
            f for q in wanted if q.code in draft.values for f in limits(q, draft.values[q.code], terms.currency, today)
        ]
    offered = districts(call.case_id)
    places = {place.code: place.name for place in offered}
    asked = request.method == "POST" and not refused
    said = precheck.said(terms, wanted, draft, facts, places, rendering.language()) if asked and not faults else []
    page = render_template(
        "eligibility/precheck.html", call=call, terms=terms, wanted=wanted, draft=draft, faults=faults, said=said,
        form=section_form(wanted, draft, terms.currency, offered, faults), refused=refused,
        hang=precheck.hanging(wanted, draft, terms.currency), open=takes_applications(call, case), today=clock.now(),
    )  # fmt: skip
    return page, 400 if faults else 200


def _too_often(limit: Any) -> Response:
    """The answer to one check too many: the same page with its answers, and when to try again."""
    again = throttle.again_at(limit)
    said = _("Too many attempts in a row. Try again after %(hour)s.", hour=rendering.moment(again, seconds=True))
    page, _status = _page(request.view_args["code"] if request.view_args else "", said)
    shown = current_app.make_response((page, 429))
    shown.headers["Retry-After"] = str(int((again - clock.now()).total_seconds()) + 1)
    return shown


@bp.route("/calls/<code>/check", methods=["GET", "POST"])
@access(PUBLIC)
@limiter.limit(PACE, methods=["POST"], on_breach=_too_often)
@csrf.exempt  # type: ignore[untyped-decorator]  # it changes nothing; a token would need a cookie
def check(code: str) -> Any:
    """Check oneself against the rules of a call: a few questions, and each rule that is not met in plain words."""
    page, status = _page(code)
    if request.method == "POST" and status == 200 and "carry" in request.form and not foreign():
        call, _case, _programme = queries.call_for_page(code)
        wanted = precheck.questions(queries.call_pack(call), facts_of(call).closes_on)
        beforehand.keep(code, wanted, typed_from(wanted, request.form))
        return redirect(url_for("submissions.apply", code=code), 303)
    return page, status
