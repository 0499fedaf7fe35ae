"""Owns running the rules on what was sent, and on a draft as advice.

Leaves judging to `rules`, letting a rule pass to `waiving`, evidence to `evidence`, appeals to `appeals`, lists for the
officer to `queries`. Every writing function needs a unit of work around it.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select

from grantflow import clock
from grantflow.cases.service import lock, record
from grantflow.db import session, writing
from grantflow.eligibility import appeals as _appeals
from grantflow.eligibility import restoring as _restoring
from grantflow.eligibility.evidence import note_evidence
from grantflow.eligibility.finding import Facts, Finding, Known
from grantflow.eligibility.knowledge import known_of
from grantflow.eligibility.rules import judge, rule_of, sentence
from grantflow.eligibility.standing import (
    RESULTS,
    Ruling,
    Run,
    is_waiting,
    latest,
    looked_at,
    open_rules,
    place_names,
    present,
)
from grantflow.eligibility.waiving import carry, second, waive
from grantflow.errors import NotFound, Refused
from grantflow.identity.access import Actor
from grantflow.programmes.closing import last_day
from grantflow.programmes.models import CallScope, Place
from grantflow.programmes.terms import Rule, Terms
from grantflow.submissions.advice import Advice, advice_provider
from grantflow.submissions.amending import carried
from grantflow.submissions.queries import submitted
from grantflow.submissions.rows import CASES, call_of, row_of, terms_of


def facts_of(call: Any, known: Known | None = None) -> Facts:
    """What the rules need to know of a call: its districts as amended by the last day, that day in its zone and the
    day of the results; and what is known of whoever applies."""
    last = last_day(call)
    codes = session().scalars(
        select(Place.code)
        .join(CallScope, CallScope.place_id == Place.id)
        .where(CallScope.call_id == call.case_id, (CallScope.until_on.is_(None)) | (CallScope.until_on > last))
    )
    return Facts(frozenset(codes), last, call.results_on, known)


def _findings(row: Any, terms: Terms, answers: dict[str, Any]) -> list[Finding]:
    call = call_of(row.call_id)
    return judge(terms, answers, facts_of(call, known_of(row, terms, answers, terms.rules_on(last_day(call)))))


def run_checks(case_id: int, *, actor: Actor, key: str | None = None) -> list[Finding]:
    """Run every rule of the call on the version sent last; an event, its results kept for ever.

    Exceptions from the run before hold where it judged the same. Refused for anybody but an officer (or manager), and
    where nothing was sent or it is no longer checked.
    """
    case = lock(case_id)  # so that no second officer speaks between the exceptions read and the run that keeps them
    if case.kind != "application":
        raise NotFound
    if not actor.roles_on(case) & {"officer", "manager", "system", "admin"}:
        raise Refused(_("Only a programme officer runs the checks."))
    if not is_waiting(case):
        raise Refused(_("The rules are run while an application waits for its eligibility check."))
    sent = submitted(case_id)
    terms = terms_of(sent.row.pack_hash)  # those it is held to now, under which it need not have been sent
    findings = _findings(sent.row, terms, carried(sent.terms, terms, sent.answers))
    before = present(case_id)
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
    if before is not None:
        carry(case_id, before, run)
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


def rule_now(case_id: int, code: str) -> Rule:
    """The rule of that code that holds for an application now; NotFound where its terms have none."""
    row = row_of(case_id)
    rules = terms_of(row.pack_hash).rules_on(last_day(call_of(row.call_id)))
    found = next((rule for rule in rules if rule.code == code), None)
    if found is None:
        raise NotFound
    return found


@advice_provider
def beforehand(row: Any, terms: Terms, answers: dict[str, Any]) -> list[Advice]:
    """What the rules would say of a draft today: told to the applicant before anything is sent."""
    from grantflow.rendering import language

    findings = _findings(row, terms, answers)
    places = place_names([finding.params.get("district") for finding in findings])
    lang = language()
    told = []
    for finding in findings:
        rule = rule_of(terms, finding.code, finding.params)
        if rule is None or finding.params.get("applies") is False:
            continue
        open_yet = finding.verdict == "fail" and finding.params.get("missing")
        ok = None if open_yet or finding.verdict == "unknown" or "warn" in finding.params else finding.verdict == "ok"
        text = sentence(rule, terms, finding.verdict, finding.params, places, lang)
        told.append(Advice(rule.label.in_(lang), ok, text if ok is not False else f"{text} {rule.refusal.in_(lang)}"))
    return told


__all__ = [
    "Run", "Ruling", "_appeals", "_restoring", "facts_of", "is_waiting", "latest", "looked_at", "note_evidence", "open_rules", "present", "run_all",
    "rule_now", "run_checks", "second", "waive", "waiting",
]  # fmt: skip
