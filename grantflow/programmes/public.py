"""Pages that need no account: the calls, a call with all its questions and rules, and the house's own notices.

What staff see of programmes and calls is in `views`; ranked lists belong to `publication`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from grantflow import clock, rendering
from grantflow.cases import bell, definitions
from grantflow.errors import NotFound
from grantflow.identity.access import PUBLIC, access
from grantflow.identity.session import current_actor
from grantflow.programmes import queries
from grantflow.programmes.closing import last_day
from grantflow.programmes.inquiries import takes_applications
from grantflow.programmes.questions import Question

bp = Blueprint("public", __name__)


def describe(question: Question) -> str:
    """What kind of answer a question wants, in a few words: said before anybody signs in."""
    words: Any = _words_for(question)
    return str(words)


def _words_for(question: Question) -> Any:
    match question.kind:
        case "long_text":
            about, most = rendering.number(question.about), rendering.number(question.limit)
            if question.limit:
                return _("about %(n)s characters, %(most)s at most", n=about, most=most)
            return _("about %(n)s characters", n=about)
        case "text":
            if question.format:
                return _("checked digit by digit") if question.format in ("inn", "ogrn") else _("one line")
            return _("one line, %(most)s characters at most", most=rendering.number(question.max_length))
        case "choice":
            return ngettext("choice of %(num)d", "choice of %(num)d", len(question.options))
        case "choices":
            return ngettext("tick-list of %(num)d", "tick-list of %(num)d", len(question.options))
        case "yes_no":
            return _("yes or no")
        case "number":
            return question.unit.in_(rendering.language()) if question.unit else _("a number")
        case "money":
            return _("a sum")
        case "date":
            return _("a date")
        case "district":
            return _("list of districts")
        case "file":
            kinds = ", ".join(kind.upper() for kind in question.accept)
            most = min(question.max_mb, current_app.config["GRANTFLOW"].upload_mb)
            return _("%(kinds)s, up to %(size)d MB", kinds=kinds, size=most)
        case "budget":
            return _("table: unit, number, price; sums are computed")
        case "table":
            columns = [column.label.in_(rendering.language()) for column in question.columns]
            return _("a table: %(columns)s", columns=", ".join(columns).lower())
        case "organisation":
            return _("the name of an organisation, which can be looked up")
        case "declaration" | "consent":
            return _("a tick, dated")
        case "computed":
            return _("computed for you")
        case "counter":
            return _("women, men, not stated")


@bp.get("/", endpoint="home")
@access(PUBLIC)
def home() -> str:
    """The calls: open ones first."""
    rows = [
        {"call": call, "state": definitions.card(case), "open": takes_applications(call, case)}
        for call, case in queries.public_calls()
    ]
    return render_template("programmes/calls.html", rows=rows)


def may_read(case: Any) -> bool:
    """Whether the reader may see a call: everybody once it is public, before that those who prepare or audit it."""
    public = case.state not in queries.HIDDEN_FROM_PUBLIC
    return public or bool(current_actor().roles_on(case) & {"manager", "officer", "auditor"})


def page_of_call(code: str, **more: Any) -> dict[str, Any]:
    """Everything the public page of a call shows; NotFound for one the public may not read yet."""
    call, case, programme = queries.call_for_page(code)
    if not may_read(case):
        raise NotFound
    terms = queries.call_pack(call)
    today = clock.today(call.zone)
    scope = queries.scope_history(call.case_id)
    current = [
        line for line in scope if line.holds(today) or (line.scope.until_on is None and line.scope.from_on > today)
    ]
    amended = sorted({line.scope.from_on for line in scope if line.scope.reason is not None}, reverse=True)
    return {
        "call": call, "case": case, "programme": programme, "terms": terms, "open": takes_applications(call, case),
        "state": definitions.card(case),
        "districts": [line.place for line in current],
        "amendments": [
            {
                "on": on,
                "reason": next(line.scope.reason for line in scope if line.scope.from_on == on and line.scope.reason),
                "came": [line.place for line in scope if line.scope.from_on == on and line.scope.reason],
                "went": [line.place for line in scope if line.scope.until_on == on],
            }
            for on in amended
        ],
        "rules": terms.rules_on(last_day(call)),
        "describe": describe,
        "minutes": sum(section.minutes for section in terms.form),
        "other_zone": next((zone for zone in queries.zones_of(programme.id) if zone != call.zone), None),
        **more,
    }  # fmt: skip


@bp.get("/privacy", endpoint="privacy")
@access(PUBLIC)
def privacy() -> str:
    """What is kept about people, what for, how long."""
    return render_template("public/privacy.html")


@bp.get("/accessibility", endpoint="accessibility")
@access(PUBLIC)
def accessibility() -> str:
    """How the pages can be used."""
    return render_template("public/accessibility.html")


@bp.get("/cookies", endpoint="cookies")
@access(PUBLIC)
def cookies() -> str:
    """The one cookie there is."""
    return render_template("public/cookies.html")


@bp.get("/favicon.ico")
@access(PUBLIC)
def favicon() -> Response:
    """Browsers ask for it unasked."""
    return redirect(url_for("static", filename="mark.svg"), 301)


@bp.get("/healthz")
@access(PUBLIC)
def health() -> tuple[dict[str, str], int]:
    """Whether the server answers and reaches its database, and how its queue stands: for whoever watches it.

    A queue that is away is told and is no failure: the pages work, and taking the server out would help nobody.
    """
    queries.reach_database()
    facts = {"status": "ok", "served": request.host, "version": str(current_app.config.get("VERSION", ""))}
    return facts | {"queue": str(bell.standing() or "none")}, 200
