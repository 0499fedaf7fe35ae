"""Owns running the rules on what was sent, letting a rule pass with a reason, and the guards of the
officer's moves.

Leaves judging to `rules`, lists for the officer to `queries`. Every writing function needs a unit of work
around it.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.service import get, record
from grantflow.db import session, writing
from grantflow.eligibility.rules import Facts, Finding, judge, sentence
from grantflow.eligibility.standing import (
    RESULTS,
    WAIVERS,
    Ruling,
    Run,
    latest,
    open_rules,
    place_names,
    present,
)
from grantflow.errors import NotFound, Refused
from grantflow.identity.access import Actor
from grantflow.programmes.models import CallScope, Place
from grantflow.programmes.terms import Terms
from grantflow.submissions.advice import Advice, advice_provider
from grantflow.submissions.amending import carried
from grantflow.submissions.queries import submitted
from grantflow.submissions.rows import CASES, call_of, row_of, terms_of


def facts_of(call: Any) -> Facts:
    """What the rules need to know of a call: its districts as amended by the last day, and that day in its
    zone."""
    last = call.closes_at.astimezone(ZoneInfo(call.zone)).date()
    codes = session().scalars(
        select(Place.code)
        .join(CallScope, CallScope.place_id == Place.id)
        .where(CallScope.call_id == call.case_id, (CallScope.until_on.is_(None)) | (CallScope.until_on > last))
    )
    return Facts(frozenset(codes), last)


def run_checks(case_id: int, *, actor: Actor, key: str | None = None) -> list[Finding]:
    """Run every rule of the call on the version sent last; an event, its results kept for ever.

    Refused for anybody but an officer (or manager), and where nothing was sent or it is no longer checked.
    """
    case = get(case_id)
    if case.kind != "application":
        raise NotFound
    if not actor.roles_on(case) & {"officer", "manager", "system", "admin"}:
        raise Refused(_("Only a programme officer runs the checks."))
    if not is_waiting(case):
        raise Refused(_("The rules are run while an application waits for its eligibility check."))
    sent = submitted(case_id)
    facts = facts_of(call_of(sent.row.call_id))
    terms = terms_of(sent.row.pack_hash)  # those it is held to now, under which it need not have been sent
    findings = judge(terms, carried(sent.terms, terms, sent.answers), facts)
    run = (session().scalar(select(func.max(RESULTS.c.run)).where(RESULTS.c.case_id == case_id)) or 0) + 1
    now = clock.now()
    rows = [
        {
            "case_id": case_id, "run": run, "version": sent.version.n, "position": at, "code": finding.code,
            "verdict": finding.verdict, "params": finding.params, "at": now, "by": actor.person_id,
        }
        for at, finding in enumerate(findings)
    ]  # fmt: skip
    if rows:
        writing().execute(insert(RESULTS), rows)
    words = {finding.code: finding.verdict for finding in findings}
    record(
        case_id,
        "rules_run",
        actor=actor,
        role=_staff_role(actor, case),
        facts={"run": run, "version": sent.version.n, "results": words},
        key=key,
    )
    return findings


def _staff_role(actor: Actor, case: Any) -> str:
    roles = actor.roles_on(case)
    return next((role for role in ("officer", "manager") if role in roles), "")


def is_waiting(case: Any) -> bool:
    """Whether an application waits for its check now: a move from its state asks whether the rules were
    run."""
    workflow = definitions.pinned(case.workflow_hash)
    return any("eligibility.checked" in move.guards for move in workflow.moves_from(case.state))


def waiting(call_id: int) -> list[int]:
    """The applications of a call that wait for their check, in the order of their numbers."""
    rows = (
        session()
        .execute(
            select(CASES.c.id, CASES.c.state, CASES.c.workflow_hash)
            .where(CASES.c.call_id == call_id, CASES.c.kind == "application", CASES.c.stage == "submission")
            .order_by(CASES.c.ref, CASES.c.id)
        )
        .all()
    )
    return [row.id for row in rows if is_waiting(row)]


def run_all(call_id: int, *, actor: Actor, key: str | None = None) -> tuple[int, int]:
    """Run the rules on every application of a call that waits for its check; gives back how many, and how
    many of
    them meet every rule. All in one unit of work."""
    met = 0
    cases = waiting(call_id)
    for case_id in cases:
        findings = run_checks(case_id, actor=actor, key=f"{key}/{case_id}" if key else None)
        met += all(finding.verdict != "fail" for finding in findings)
    return len(cases), met


def waive(case_id: int, code: str, reason: str, *, actor: Actor, key: str | None = None) -> None:
    """Let a rule pass that is not met, with the reason: an event, and it stands beside the rule for good.

    Refused without a reason, for a rule that is met, or where the rules were not run on what was sent last.
    """
    case = get(case_id)
    if "officer" not in actor.roles_on(case) and not actor.everywhere:
        raise Refused(_("Only a programme officer may let a rule pass."))
    reason = reason.strip()
    if not reason:
        raise Refused(_("Write why the rule may pass: it will stand beside it for good."))
    run = present(case_id)
    if run is None:
        raise Refused(_("Run the rules first: they were not run on what was sent last."))
    word = session().scalar(
        select(RESULTS.c.verdict).where(RESULTS.c.case_id == case_id, RESULTS.c.run == run, RESULTS.c.code == code)
    )
    if word is None:
        raise NotFound
    if word != "fail":
        raise Refused(_("This rule does not stand in the way; nothing has to be let pass."))
    known = select(WAIVERS.c.id).where(WAIVERS.c.case_id == case_id, WAIVERS.c.run == run, WAIVERS.c.code == code)
    if session().scalar(known) is not None:
        return
    writing().execute(
        insert(WAIVERS).values(case_id=case_id, run=run, code=code, reason=reason, at=clock.now(), by=actor.person_id)
    )
    record(
        case_id,
        "rule_waived",
        actor=actor,
        role="officer",
        facts={"rule": _label(case_id, code), "rule_code": code, "run": run},
        reason=reason,
        key=key,
    )


def _label(case_id: int, code: str) -> Any:
    rules = {rule.code: rule for rule in terms_of(row_of(case_id).pack_hash).eligibility}
    return {"en": rules[code].label.en, "ru": rules[code].label.ru} if code in rules else code


@advice_provider
def beforehand(row: Any, terms: Terms, answers: dict[str, Any]) -> list[Advice]:
    """What the rules would say of a draft today: told to the applicant before anything is sent."""
    from grantflow.rendering import language

    call = call_of(row.call_id)
    findings = judge(terms, answers, facts_of(call))
    places = place_names([finding.params.get("district") for finding in findings])
    lang = language()
    told = []
    for rule, finding in zip(terms.eligibility, findings, strict=True):
        if finding.params.get("applies") is False:
            continue
        open_yet = finding.verdict == "fail" and finding.params.get("missing")
        ok = None if open_yet or finding.verdict == "unknown" else finding.verdict == "ok"
        text = sentence(rule, terms, finding.verdict, finding.params, places, lang)
        told.append(Advice(rule.label.in_(lang), ok, text if ok is not False else f"{text} {rule.refusal.in_(lang)}"))
    return told


__all__ = [
    "Run", "Ruling", "facts_of", "is_waiting", "latest", "open_rules", "present", "run_all", "run_checks",
    "waive", "waiting",
]  # fmt: skip
