"""The pages of a rehearsal outside of it: its stages, the rules on sample profiles, and the door through which every page
inside is asked.

Who may change a call may rehearse it, each their own; at the door that is asked anew for every page. What a chapter
holds is `telling`'s, where it lies `house`'s, how it is asked `inside`'s.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as __
from werkzeug.wrappers import Response

from grantflow import clock, rendering
from grantflow.cases.access import see
from grantflow.eligibility.rules import rule_of, sentence
from grantflow.errors import NotFound, Refused
from grantflow.extensions import csrf
from grantflow.identity.access import access
from grantflow.identity.session import current_actor, visitor
from grantflow.programmes import queries
from grantflow.programmes.models import Call
from grantflow.rehearsals import copied, house, inside, profiles
from grantflow.rehearsals.telling import CHAPTERS

bp = Blueprint("rehearsals", __name__)
ROLES: dict[str, Any] = {
    "visitor": __("Visitor"),
    "applicant": __("Applicant"),
    "officer": __("Programme officer"),
    "second_officer": __("Second officer"),
    "panellist": __("Panel member"),
    "chair": __("Panel chair"),
    "finance": __("Finance officer"),
    "second_finance": __("Second finance officer"),
    "manager": __("Programme manager"),
    "auditor": __("Auditor"),
}
ROOMS: dict[str, Any] = {
    "call": __("The public page of the call"),
    "to_read": __("All questions and rules, to print"),
    "precheck": __("May I apply?"),
    "form": __("The form, filled in"),
    "check": __("The check before sending"),
    "apply": __("An empty form"),
    "pipeline": __("Pipeline of applications"),
    "health": __("Health of the call"),
    "case": __("The application"),
    "call_case": __("The call"),
    "review": __("A review with the rubric"),
    "interest": __("The declaration of interest"),
    "board": __("The panel’s board"),
    "ranking": __("The ranking"),
    "decide": __("The decision on an application"),
    "offer": __("The grant that is offered"),
    "accept": __("Accepting the grant"),
    "results": __("The published results"),
    "award": __("The grant"),
    "tranche": __("The first tranche"),
    "approve": __("The first approval"),
    "money": __("The desk of the money"),
    "paid": __("The paid tranche"),
    "report": __("The form of the report"),
    "report_case": __("The report as it is read"),
    "after": __("The form of the check of later years"),
    "checks": __("The board of checks"),
    "check_case": __("The check as it is read"),
    "history": __("The history"),
}


def _call(code: str) -> Call:
    """The call, for who may change it; NotFound for who may not know of it, and inside of a rehearsal."""
    call = queries.call_by_code(code)
    case = see(call.case_id, current_actor(), "call")
    if "manager" not in current_actor().roles_on(case):
        raise Refused(_("Only the manager of this programme may rehearse its calls."))
    return call


def _me() -> int:
    who = visitor()
    if who is None:
        raise NotFound
    return who.id


def _manner() -> inside.Manner:
    return inside.Manner.of(current_app._get_current_object(), rendering.language())  # type: ignore[attr-defined]


def room_name(name: str) -> str:
    """What a page to begin with is called; a checklist has the number of its application."""
    kind, _colon, ref = name.partition(":")
    return _("The checklist of %(ref)s", ref=ref) if kind == "checklist" else str(ROOMS[kind])


@bp.route("/calls/<code>/rehearsal", methods=["GET", "POST"])
@access("manager")
def rehearsal(code: str) -> Any:
    """The stages of a call, each with the pages of those who act in it; and what begins, tells on and ends a rehearsal."""
    call, me, manner = _call(code), _me(), _manner()
    if request.method == "POST":
        return _do(call, me, manner, request.form.get("do", ""), request.form.get("stage", ""))
    known = house.found(manner.home, call.case_id, me)
    changed = known is not None and known.mark != house.mark_of(copied.pack_of(call))
    now = clock.now()
    return render_template(
        "rehearsals/rehearsal.html", call=call, known=known, changed=changed, chapters=CHAPTERS, roles=ROLES,
        room_name=room_name, way=_way, clocks={step.name: step.clock(now) for step in known.steps} if known else {},
    )  # fmt: skip


def _do(call: Call, me: int, manner: inside.Manner, do: str, stage: str) -> Response:
    here = url_for(".rehearsal", code=call.code)
    if do == "end":
        house.end(manner.home, call.case_id, me)
        flash(_("The rehearsal is over, and everything of it is thrown away."), "good")
        return redirect(here, 303)
    if do == "begin":
        house.begin(manner, call, me)
        return redirect(here, 303)
    if do not in ("on", "anew") or stage not in {chapter.name for chapter in CHAPTERS}:
        raise NotFound
    known = house.tell_on(manner, call, me, stage, anew=do == "anew")
    if known is None:
        flash(_("This rehearsal is over: it lasts a day. Begin it anew."), "hold")
        return redirect(here, 303)
    return redirect(f"{here}#{known.steps[-1].name if known.steps else ''}", 303)


@bp.get("/calls/<code>/rehearsal/rules")
@access("manager")
def rules(code: str) -> str:
    """What the rules of the call say to sample profiles, made from the pack."""
    call = _call(code)
    pack = copied.pack_of(call)
    terms = pack.calls[0].terms
    tried, untried = profiles.profiles(terms, copied.setting_of(pack))
    places = {place.code: place.name for place in pack.places}
    language = rendering.language()

    def said(finding: Any) -> tuple[Any, str]:
        rule = rule_of(terms, finding.code, finding.params)
        return rule, sentence(rule, terms, finding.verdict, finding.params, places, language) if rule else ""

    return render_template(
        "rehearsals/rules.html", call=call, terms=terms, tried=tried, untried=untried, places=places, said=said
    )


def _way(code: str, stage: str, role: str) -> str:
    """Where somebody begins: at their desk, a visitor at the front page."""
    return url_for(".door", code=code, stage=stage, role=role, path="" if role == "visitor" else "desk")


@bp.route("/calls/<code>/rehearsal/<stage>/<role>/", methods=["GET", "POST"], defaults={"path": ""})
@bp.route("/calls/<code>/rehearsal/<stage>/<role>/<path:path>", methods=["GET", "POST"])
@csrf.exempt  # type: ignore[untyped-decorator]  # the form's own token is asked inside
@access("manager")
def door(code: str, stage: str, role: str, path: str) -> Any:
    """Every page inside: the chapter's own application answers, as it will answer whoever has the role."""
    call, me, manner = _call(code), _me(), _manner()
    known = house.found(manner.home, call.case_id, me)
    step = known.step(stage) if known is not None else None
    if known is None or step is None or role not in step.people:
        if role not in ROLES or stage not in {chapter.name for chapter in CHAPTERS}:
            raise NotFound
        flash(_("This stage is not played yet, or the rehearsal is over: it lasts a day."), "hold")
        return redirect(url_for(".rehearsal", code=call.code), 303)
    prefix = request.path[: len(request.path) - len(path) - 1]
    asked = request.script_root + (request.full_path.rstrip("?") if request.method == "GET" else f"{prefix}/")
    who = visitor()
    entry = inside.Entry(
        person_id=step.people[role], language=rendering.language(), theme=who.theme if who else "auto",
        stamp=step.folder, title=next(chapter.title for chapter in CHAPTERS if chapter.name == stage),
        at=step.clock(clock.now()), back=url_for(".rehearsal", code=call.code) + f"#{stage}",
        tongues={tongue: url_for("identity.language", language=tongue, next=asked) for tongue in rendering.LANGUAGES},
        others=[(ROLES[name], _way(call.code, stage, name), name == role) for name in step.people],
    )  # fmt: skip
    return inside.ask(inside.app_of(known.home(step), manner), request.environ, prefix, entry)
