"""Owns sending: the guards and effects of the application's moves up to its check, and `submit()` itself.

Leaves what is written to `drafts`, and what later stages decide to them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask_babel import force_locale, gettext, lazy_ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, insert, select, update

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases import sealed as seals
from grantflow.cases.context import Context
from grantflow.cases.service import Outcome, fire, get, lock
from grantflow.db import session
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import NotFound, Refused, Stale
from grantflow.identity.access import Actor
from grantflow.identity.words import search_key
from grantflow.money import Money
from grantflow.prepared import Prepared
from grantflow.programmes.days_off import working_days_after
from grantflow.programmes.service import allot_number
from grantflow.programmes.terms import Terms
from grantflow.rendering import moment
from grantflow.submissions.answers import Draft, all_faults, changed, facts, final, sealed
from grantflow.submissions.coleads import sealed_of
from grantflow.submissions.likeness import mark_of
from grantflow.submissions.reading import Fault
from grantflow.submissions.rows import (
    APPLICATIONS,
    CASES,
    VERSIONS,
    call_of,
    correction_window,
    draft_of,
    files_of,
    mode,
    place_of,
    row_of,
    terms_of,
    version_of,
    window,
)
from grantflow.submissions.sharing import share_of

CORRECTION_DAYS = 5
"""Working days an applicant has for a correction."""

CHECK_DAYS = 10
"""Working days officers have for the eligibility check, from the closing of the call."""

_KEEP = Prepared(insert(VERSIONS).inline(), *(column.key for column in VERSIONS.c if column.key != "id"))
_SENT = Prepared(
    update(APPLICATIONS).where(APPLICATIONS.c.case_id == bindparam("sent_case")),
    *("title", "district_id", "award_type", "grant_kind", "total_minor", "own_minor", "asked_minor", "led_by"),
    *("submitted_version", "submitted_at", "correction_due_at", "reopened", "correction_note", "search_key"),
    "likeness",
)

Gate = Callable[[Any, Actor], Verdict]
_gates: dict[str, Gate] = {}


def content_gate(function: Gate) -> Gate:
    """Register a rule `f(case, actor) -> Verdict` that may close the content of an application to somebody.

    It is asked for the page, each version and each file, and only about people who may see that the case
    exists.
    """
    _gates[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def may_read(case: Any, actor: Actor) -> Verdict:
    """Whether this actor may read what an application says: whoever writes the whole of it always, others once it was
    sent."""
    share = share_of(case, actor)
    if share is not None and share.whole:
        return YES
    if row_of(case.id).submitted_version is None:
        return no(_("It was never sent. What was written belongs to the applicant alone."))
    return next((verdict for gate in _gates.values() if not (verdict := gate(case, actor))), YES)


def check(case_id: int) -> list[Fault]:
    """Everything to be corrected before a draft can be sent, in the order of the form; empty when it is
    complete."""
    row = row_of(case_id)
    return _faults(row, draft_of(row), call_of(row.call_id))


def _faults(row: Any, draft: Draft, call: Any) -> list[Fault]:
    return all_faults(terms_of(row.pack_hash), draft, clock.today(call.zone))


def submit(
    case_id: int,
    *,
    actor: Actor,
    key: str | None = None,
    version: int | None = None,
    revision: int | None = None,
) -> Outcome:
    """Send a draft, or a correction: one number, one version, one receipt, however often it is pressed.

    `version` is the case's and `revision` the draft's as the person saw them; Stale when either has gone
    on. Refused
    with a sentence when the time is over or something is missing. Needs a unit of work around it.
    """
    case = lock(case_id)
    if case.kind != "application":
        raise NotFound
    trigger = "resubmit" if mode(case) == "returned" else "submit"
    seen = {"revision": revision}
    return fire(case_id, trigger, actor=actor, payload=seen, key=key, version=version, locked=case)


# The case is locked while it moves, so its row, its files and its answers are read once for all guards and effects.


def _row(ctx: Context) -> Any:
    return ctx.once(row_of, ctx.case.id)


def _call(ctx: Context) -> Any:
    return ctx.once(call_of, _row(ctx).call_id)


def _draft(ctx: Context) -> Draft:
    return draft_of(_row(ctx), ctx.once(files_of, ctx.case.id))


@registry.guard("submissions.call_open")
def call_open(ctx: Context) -> Verdict:
    """The call is open by the server's clock, its grace included, or this applicant has longer."""
    row = _row(ctx)
    return window(ctx.once(get, row.call_id), _call(ctx), row, ctx.now)


@registry.guard("submissions.correction_in_time")
def correction_in_time(ctx: Context) -> Verdict:
    """The time for the correction is not over, and its applicant was told of it."""
    if seals.one_as_told(ctx.case, ctx.actor) is not ctx.case:
        return no(seals.WORKED_ON)
    return correction_window(_row(ctx), ctx.now, _call(ctx).zone)


@registry.guard("submissions.complete")
def complete(ctx: Context) -> Verdict:
    """Every question that is asked has an answer that can be taken."""
    wrong = len(_faults(_row(ctx), _draft(ctx), _call(ctx)))
    if not wrong:
        return YES
    return no(
        lazy_ngettext(
            "One answer is still missing or has to be corrected.",
            "%(num)d answers are still missing or have to be corrected.",
            wrong,
        )
    )


@registry.effect("submissions.submit")
def seal(ctx: Context) -> None:
    """Keep the answers as a version under its fingerprint, allot the number once, say what changed since
    the last. Stale where they are not those that the person saw."""
    if ctx.payload.get("revision") not in (None, _row(ctx).revision):
        raise Stale(_("An answer was changed after you opened this page. Read the answers once more, then send them."))
    n, digest = keep(ctx, ctx.now)
    ctx.param("sent", ctx.now)
    ctx.param("note", in_letter(n, digest, ctx.now, _call(ctx).zone))
    ctx.param("again", _once_more(ctx))


def in_letter(n: int, digest: str, at: datetime, zone: str) -> dict[str, str]:
    """What the letter says of the receipt, in both languages: version, hour by the call's clock, fingerprint."""
    said = {}
    for lang in ("en", "ru"):
        with force_locale(lang):
            said[lang] = gettext(
                "Version %(n)s, sent %(when)s.\nFingerprint (SHA-256): %(digest)s",
                n=n, when=moment(at, zone, seconds=True), digest=digest,
            )  # fmt: skip
    return said


def _once_more(ctx: Context) -> dict[str, str]:
    """What the letter says of opening it again, in both languages; nothing once the time for that is over."""
    row, call = _row(ctx), _call(ctx)
    longer, said = row.extension_until, {"en": "", "ru": ""}
    if not call_open(ctx) or ctx.now > max(filter(None, (call.closes_at, longer))):
        return said
    for lang in said:
        with force_locale(lang):
            words = gettext("Until the call closes you can open the application again and send it anew.")
            if longer is not None and longer > call.closes_at:
                until = moment(longer, call.zone)
                words = gettext("Until %(when)s you can open the application again and send it anew.", when=until)
        said[lang] = f" {words}"
    return said


def keep(ctx: Context, at: datetime) -> tuple[int, str]:
    """Do that for what arrived at an instant: now, or the one a register tells; gives back version and fingerprint."""
    row = _row(ctx)
    terms = terms_of(row.pack_hash)
    answers = final(terms, _draft(ctx))
    text, digest = sealed(answers | sealed_of(ctx.case.id))
    last = version_of(ctx.case.id, row.submitted_version) if row.submitted_version else None
    before, old = (json.loads(last.answers), terms_of(last.pack_hash)) if last else ({}, terms)
    n = (row.submitted_version or 0) + 1
    was, now = facts(old, before) if before else {}, facts(terms, answers)
    title = str(now["title"])[:400]
    english = str(answers.get(terms.keys.title_en or "") or "")
    places = {code: place for code in (was.get("district"), now["district"]) if code and (place := place_of(code))}
    district = places.get(now["district"])
    _KEEP.run(
        ctx.connection,
        {
            "case_id": ctx.case.id, "n": n, "answers": text, "sha256": digest, "pack_hash": row.pack_hash,
            "submitted_at": at, "person_id": ctx.actor.person_id,
        },
    )  # fmt: skip
    # The last thing before the rows that show it: until the commit nobody else of this call gets a number.
    ref = ctx.case.ref or allot_number(row.call_id)
    key = search_key(ref, title, english)
    _SENT.run(
        ctx.connection,
        {
            "sent_case": ctx.case.id, "title": title, "district_id": district and district.id,
            "award_type": now["award_type"], "grant_kind": now["grant_kind"], "total_minor": now["whole_budget"],
            "own_minor": now["own_share"], "asked_minor": now["asked"], "led_by": answers.get(terms.keys.led_by or ""),
            "submitted_version": n, "submitted_at": at, "correction_due_at": None, "reopened": [],
            "correction_note": "", "search_key": key, "likeness": mark_of(key),
        },
    )  # fmt: skip
    ctx.set_scope(ref=ref, title=title)
    ctx.fact("receipt", ref)
    ctx.fact("version", n)
    ctx.fact("fingerprint", digest)
    if (not before or mode(ctx.case) == "draft") and at > _call(ctx).closes_at:
        ctx.fact("after_closing", _LATE if at < ctx.now else _LONGER if row.extension_until else _GRACE)
    if before:
        ctx.fact("answers_changed", changed(terms.questions.values(), before, answers))
    for name, value in now.items():
        ctx.change(name, _said(old, name, was.get(name), places), _said(terms, name, value, places))
    return n, digest


_GRACE = {"en": "sent within the minutes of grace", "ru": "отправлена в льготные минуты"}
_LATE = {"en": "received after the closing hour", "ru": "получена после закрытия приёма"}
_LONGER = {"en": "sent within the longer time given", "ru": "отправлена в продлённый срок"}


def _said(terms: Terms, name: str, value: Any, places: dict[str, Any]) -> Any:
    """A key fact as the history keeps it: sums as money, codes in the words they had on that day."""
    if value is None or value == "":
        return None
    if name in ("whole_budget", "own_share", "asked"):
        return Money(value, terms.currency)
    if name in ("award_type", "grant_kind"):
        option = terms.questions[getattr(terms.keys, name)].option(value)
        return {"en": option.en, "ru": option.ru} if option else value
    if name == "district" and value in places:
        return {"en": places[value].name.en, "ru": places[value].name.ru}
    return value


@registry.effect("submissions.reopen")
def reopen(ctx: Context) -> None:
    """Open the sections the officer named, for five working days; the rest stays as it was sent."""
    row = row_of(ctx.case.id)
    terms = terms_of(row.pack_hash)
    wanted = [s.code for s in terms.form if s.code in (ctx.payload.get("sections") or ())]
    if not wanted:
        raise Refused(_("Name at least one section to be corrected."))
    due = working_days_after(ctx.now + ctx.wait, CORRECTION_DAYS, call_of(row.call_id).zone, terms.days_off)
    ctx.session.execute(
        update(APPLICATIONS)
        .where(APPLICATIONS.c.case_id == ctx.case.id)
        .values(reopened=wanted, correction_due_at=due, correction_note=ctx.reason)
    )
    titles = [(at, part.title) for at, part in enumerate(terms.form, 1) if part.code in wanted]
    ctx.fact("opened_again", {lang: ", ".join(f"{at}. {t.in_(lang)}" for at, t in titles) for lang in ("en", "ru")})
    ctx.fact("sections", wanted)
    ctx.fact("due", due)


@registry.deadline_source("submissions.check_due")
def check_due(ctx: Context) -> datetime:
    """By when the eligibility check should be done: counted from the closing of the call, or from a later
    sending."""
    call = _call(ctx)
    return due_after(max(ctx.now, call.closes_at), call)


def due_after(closed_at: datetime, call: Any) -> datetime:
    """By when what arrived before the closing hour should be checked."""
    return working_days_after(closed_at, CHECK_DAYS, call.zone, terms_of(call.pack_hash).days_off)


@registry.deadline_source("submissions.correction_due")
def correction_due(ctx: Context) -> datetime | None:
    """When the time for the correction ends."""
    found: datetime | None = row_of(ctx.case.id).correction_due_at
    return found


@registry.deadline_source("submissions.extension_ends")
def extension_ends(ctx: Context) -> datetime | None:
    """When the longer time given to one applicant ends; none for everybody else: the call's closing ends
    theirs."""
    found = (
        session()
        .execute(select(APPLICATIONS.c.extension_until).where(APPLICATIONS.c.case_id == ctx.case.id))
        .scalar_one_or_none()
    )
    return found


@registry.effect("submissions.withdraw")
def withdraw(ctx: Context) -> None:
    """Nothing waits for a correction any more. What was sent stays readable."""
    ctx.session.execute(
        update(APPLICATIONS)
        .where(APPLICATIONS.c.case_id == ctx.case.id)
        .values(correction_due_at=None, reopened=[], correction_note="")
    )


def of_call(ctx: Context, trigger: str) -> list[Any]:
    """The applications of the call this effect runs on, from whose state that trigger can be fired."""
    rows = ctx.session.execute(
        select(
            CASES.c.id,
            CASES.c.state,
            CASES.c.workflow_hash,
            APPLICATIONS.c.extension_until,
            APPLICATIONS.c.submitted_version,
        )
        .join(APPLICATIONS, APPLICATIONS.c.case_id == CASES.c.id)
        .where(CASES.c.kind == "application", CASES.c.call_id == ctx.case.id)
        .order_by(CASES.c.id)
    ).all()
    return [row for row in rows if definitions.pinned(row.workflow_hash).moves_from(row.state, trigger)]


@registry.effect("submissions.lapse_drafts", to_many=True)
def lapse_drafts(ctx: Context) -> None:
    """The call closes: every draft lapses, but for those whose writer has longer; theirs lapse by their
    own date. Of one that was sent and opened again, what was sent counts."""
    lapsed = closed = 0
    for row in of_call(ctx, "lapse"):
        if row.extension_until is None or row.extension_until <= ctx.now:
            ctx.fire(row.id, "lapse")
            sent = row.submitted_version is not None
            lapsed, closed = lapsed + (not sent), closed + sent
    ctx.fact("drafts_lapsed", lapsed)
    if closed:
        ctx.fact("changes_not_sent", closed)


@registry.effect("submissions.cancel_all", to_many=True)
def cancel_all(ctx: Context) -> None:
    """The call is cancelled: everything under way in it is closed, and each applicant is told why."""
    rows = of_call(ctx, "cancel")
    for row in rows:
        ctx.fire(row.id, "cancel", reason=ctx.reason)
    ctx.fact("applications_closed", len(rows))
