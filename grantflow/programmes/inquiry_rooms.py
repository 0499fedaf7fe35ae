"""The pages of questions about a call: asking and one's own, the list and the answer for staff, what the public page of
the call shows of them, and the items on the desks of those who answer.

What may be asked, answered and read is said by `inquiries` and `inquiry_queries`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from grantflow import clock
from grantflow.cases.access import see
from grantflow.cases.desk import DeskItem, provider
from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.extensions import limiter
from grantflow.identity import throttle
from grantflow.identity.access import SIGNED_IN, Actor, access
from grantflow.identity.forms import new_key, show_faults
from grantflow.identity.kept import form_data
from grantflow.identity.session import current_actor, known_id
from grantflow.paging import number
from grantflow.programmes import inquiries, inquiry_queries, queries
from grantflow.programmes.blueprint import bp
from grantflow.programmes.inquiry_forms import AnswerForm, AskForm
from grantflow.programmes.public import may_read
from grantflow.rendering import label, language, moment

Page = str | Response | tuple[str, int]
ASKED_IN_AN_HOUR = "20 per hour"


def _call(code: str) -> tuple[Any, Any]:
    """A call with its case; NotFound for one the reader may not read yet."""
    call, case, _programme = queries.call_for_page(code)
    if not may_read(case):
        raise NotFound
    return call, case


def on_call_page(call: Any, case: Any, page: str | None) -> dict[str, Any]:
    """What the public page of a call shows: the answers for all, whether one may ask, and the way to one's own."""
    actor, whole = current_actor(), page == "all"
    answered, shown = inquiry_queries.published(call.case_id, None if whole else number(page))
    verdict = inquiries.may_ask(call, case, actor)
    form = AskForm(None) if verdict else None
    if form is not None:
        form.key.data = new_key()
    return {
        "answered": answered, "answered_page": shown, "whole": whole, "ask": form, "not_asked": verdict.because,
        "own": inquiry_queries.asked_by(call.case_id, actor.person_id) if actor.person_id else 0,
        "staff": inquiries.answers_here(case, actor),
    }  # fmt: skip


def unanswered(case: Any, actor: Actor) -> int | None:
    """How many questions about a call wait, for those who answer them; None for everybody else."""
    return inquiry_queries.waiting_in(case.id) if inquiries.answers_here(case, actor) else None


def _too_often(limit: Any) -> Any:
    """The answer to one question too many: the same page with its words kept, and when to try again."""
    call, case = _call(request.view_args["code"] if request.view_args else "")
    form = AskForm(request.form)
    again = throttle.again_at(limit)
    form.form_errors.append(
        _("Too many attempts in a row. Try again after %(hour)s.", hour=moment(again, seconds=True))
    )
    shown = current_app.make_response((_own_page(call, case, form), 429))
    shown.headers["Retry-After"] = str(int((again - clock.now()).total_seconds()) + 1)
    return shown


def _whose() -> str:
    return f"inquiries/{known_id() or get_remote_address()}"


@bp.route("/calls/<code>/questions", methods=["GET", "POST"])
@access(SIGNED_IN)
@limiter.limit(ASKED_IN_AN_HOUR, key_func=_whose, methods=["POST"], on_breach=_too_often)
def inquiries_of_call(code: str) -> Page:
    """Ask about a call and read one's own questions with every answer; for those who answer, the list of all."""
    call, case = _call(code)
    actor, status = current_actor(), 200
    if inquiries.answers_here(case, actor) and request.method == "GET":
        return _staff_page(call, case)
    form = AskForm(form_data())
    form.key.data = form.key.data or new_key()
    if form.is_submitted() and not form.validate():
        status = 400
    elif form.is_submitted():
        try:
            with unit_of_work():
                asked = inquiries.ask(
                    call.case_id, form.question.data or "", actor=actor, language=language(), key=form.key.data or ""
                )
        except Invalid as fault:
            show_faults(form, fault)
            status = 400
        except Refused as refusal:
            form.form_errors = [str(refusal)]
            status = 403
        else:
            flash(_("Your question is sent. The answer comes here and by mail."), "good")
            return redirect(url_for(".inquiry", code=code, number=asked), 303)
    return _own_page(call, case, form), status


def _own_page(call: Any, case: Any, form: AskForm) -> str:
    actor = current_actor()
    shown, page = inquiry_queries.own(call.case_id, actor.person_id or 0, number(request.args.get("page")))
    verdict = inquiries.may_ask(call, case, actor)
    return render_template(
        "programmes/inquiries.html", call=call, shown=shown, page=page, not_asked=verdict.because,
        form=form if verdict or form.question.data else None,
    )  # fmt: skip


def _staff_page(call: Any, case: Any) -> str:
    shown, page = inquiry_queries.for_staff(call.case_id, number(request.args.get("page")))
    waiting = inquiry_queries.waiting_in(call.case_id)
    return render_template(
        "programmes/inquiries_staff.html", call=call, case=case, shown=shown, page=page, waiting=waiting
    )


@bp.get("/calls/<code>/questions/<int:number>")
@access(SIGNED_IN)
def inquiry(code: str, number: int) -> Page:
    """One question with its answer: whole for whoever asked, as published for all others; staff go where they answer."""
    call, case = _call(code)
    actor, found = current_actor(), inquiry_queries.exchange(call.case_id, number)
    if inquiries.answers_here(case, actor):
        return redirect(url_for(".inquiry_answer", code=code, number=number))
    own = found.asker_id == actor.person_id
    if not own and not found.public:
        raise NotFound
    return render_template("programmes/inquiry.html", call=call, found=found, own=own)


@bp.route("/calls/<code>/questions/<int:number>/answer", methods=["GET", "POST"])
@access("officer", "manager")
def inquiry_answer(code: str, number: int) -> Page:
    """Answer a question, for all or for one; or correct or withdraw an answer: the earlier one stays readable."""
    actor, status = current_actor(), 200
    call = queries.call_by_code(code)
    case = see(call.case_id, actor, "call")
    if not inquiries.answers_here(case, actor):
        raise NotFound
    found = inquiry_queries.exchange(call.case_id, number)
    form = AnswerForm(form_data())
    form.offer(inquiries.reaches_after(found.latest))
    if not form.is_submitted() and form.seen.data is None:
        _begin(form, found.latest)
    if form.is_submitted() and not form.validate():
        status = 400
    elif form.is_submitted():
        reply = inquiries.Reply(form.reach.data or "", form.wording, form.text)
        try:
            with unit_of_work():
                inquiries.answer(
                    call.case_id,
                    number,
                    reply,
                    actor=actor,
                    seen=_version(form.seen.data),
                    key=form.key.data or new_key(),
                )
        except Invalid as fault:
            show_faults(form, fault)
            status = 400
        except Stale as fault:
            found = inquiry_queries.exchange(call.case_id, number)
            form.offer(inquiries.reaches_after(found.latest))
            form.form_errors = [str(fault)]
            form.seen.data = str(found.latest.version if found.latest else 0)
            status = 409
        else:
            flash(_("The answer is sent."), "good")
            return redirect(url_for(".inquiries_of_call", code=code), 303)
    return render_template("programmes/inquiry_answer.html", call=call, case=case, found=found, form=form), status


def _version(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else -1


def _begin(form: AnswerForm, latest: Any) -> None:
    """A form for the next version: what holds now is put in, so that one corrects it."""
    form.key.data, form.seen.data = new_key(), str(latest.version if latest else 0)
    if latest is not None:
        form.reach.data = latest.reach
        form.wording_en.data, form.wording_ru.data = latest.wording.en, latest.wording.ru
        form.answer_en.data, form.answer_ru.data = latest.text.en, latest.text.ru


@provider
def inquiries_waiting(actor: Actor) -> Iterable[DeskItem]:
    """The questions without an answer, for those who answer in that programme, each with since when it waits."""
    if not actor.has(*inquiries.STAFF):
        return []
    return [
        DeskItem(
            what=_("Question %(number)s: %(call)s", number=row.number, call=label(row.name)),
            url=url_for("programmes.inquiry_answer", code=row.code, number=row.number),
            why=_("Answer it. It waits since %(when)s", when=moment(row.asked_at)),
            ref=row.code,
            kind="call",
        )
        for row in inquiry_queries.waiting(actor)
        if inquiries.answers_here(row.Case, actor)
    ]
