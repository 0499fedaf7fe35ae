"""Owns what the rules last said about an application, and the guards that stand on it.

Leaves running them to `service`, letting one pass to `waiving`, appeals to `appeals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import func, select

from grantflow.cases import definitions
from grantflow.cases.context import Context
from grantflow.db import session
from grantflow.eligibility.models import EligibilityResult, EligibilityWaiver, WaiverVote
from grantflow.eligibility.rules import rule_of, sentence, version_of
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.history.models import Event
from grantflow.identity.labels import Joined
from grantflow.programmes.closing import last_day
from grantflow.programmes.models import Place
from grantflow.programmes.terms import Rule
from grantflow.submissions.rows import APPLICATIONS, CASES, call_of, row_of, terms_of

RESULTS = EligibilityResult.__table__
WAIVERS = EligibilityWaiver.__table__
VOTES = WaiverVote.__table__


@dataclass(frozen=True)
class Leave:
    """Leave to pass that somebody proposed: why, by whom, and what the second officer said, if anybody has."""

    reason: str
    by: int
    at: Any
    agreed: bool | None = None
    second: int | None = None
    answer: str = ""


@dataclass(frozen=True)
class Ruling:
    """One rule as a page shows it: its word, the sentence with its values, and the exception, if one was proposed."""

    rule: Rule
    verdict: str
    text: str
    exception: Leave | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def waived(self) -> str:
        """Why it was let pass; nothing where it was not, or not yet."""
        return self.exception.reason if self.exception and self.exception.agreed else ""

    @property
    def waits(self) -> bool:
        """Whether an exception waits for its second officer."""
        return self.exception is not None and self.exception.agreed is None

    @property
    def warns(self) -> bool:
        """Whether an officer has something to look at although the rule is met."""
        return bool(self.params.get("warn"))

    @property
    def met(self) -> bool:
        """Whether nothing stands in the way: met, not concerned, or let pass."""
        return self.verdict != "fail" or bool(self.waived)


@dataclass(frozen=True)
class Run:
    """The latest run over an application: of which version, when, by whom, and what each rule said."""

    n: int
    version: int
    at: Any
    by: int | None
    rulings: tuple[Ruling, ...]

    @property
    def failed(self) -> list[Ruling]:
        """The rules that are not met and were not let pass."""
        return [ruling for ruling in self.rulings if not ruling.met]


def latest(case_id: int, lang: str = "en") -> Run | None:
    """The latest run, with its sentences in a language; None where the rules were never run."""
    run = session().scalar(select(func.max(RESULTS.c.run)).where(RESULTS.c.case_id == case_id))
    if run is None:
        return None
    rows = (
        session()
        .execute(select(RESULTS).where(RESULTS.c.case_id == case_id, RESULTS.c.run == run).order_by(RESULTS.c.position))
        .all()
    )
    waivers = leaves(case_id, run)
    terms = terms_of(_pack_of(case_id, run))
    places = place_names([row.params.get("district") for row in rows])
    rulings = tuple(
        Ruling(
            rule, row.verdict, sentence(rule, terms, row.verdict, row.params, places, lang), waivers.get(row.code),
            row.params,
        )
        for row in rows
        if (rule := rule_of(terms, row.code, row.params)) is not None
    )  # fmt: skip
    return Run(run, rows[0].version, rows[0].at, rows[0].by, rulings)


def _pack_of(case_id: int, run: int) -> str:
    """The terms by which a run judged: what it said stands in their words, whatever the application is held to since."""
    pack: str = row_of(case_id).pack_hash
    marks = select(Event.move, Event.facts).where(
        Event.case_id == case_id, Event.move.in_(("rules_run", "terms_changed"))
    )
    for move, facts in session().execute(marks.order_by(Event.seq.desc())):
        if move == "rules_run" and facts["run"] <= run:
            break
        if move == "terms_changed":
            pack = next((c["before"] for c in facts["changes"] if c["field"] == "terms"), pack)
    return pack


def is_waiting(case: Any) -> bool:
    """Whether an application waits for its check now: a move from its state asks whether the rules were
    run."""
    workflow = definitions.pinned(case.workflow_hash)
    return any("eligibility.checked" in move.guards for move in workflow.moves_from(case.state))


def leaves(case_id: int, run: int | None) -> dict[str, Leave]:
    """The exceptions proposed in a run, by the code of their rule."""
    rows = session().execute(
        select(WAIVERS.c.code, WAIVERS.c.reason, WAIVERS.c.by, WAIVERS.c.at, VOTES.c.agreed,
               VOTES.c.by.label("second"), VOTES.c.reason.label("answer"))
        .outerjoin(VOTES, VOTES.c.waiver_id == WAIVERS.c.id)
        .where(WAIVERS.c.case_id == case_id, WAIVERS.c.run == run)
        .order_by(WAIVERS.c.id)
    )  # fmt: skip
    return {row.code: Leave(row.reason, row.by, row.at, row.agreed, row.second, row.answer or "") for row in rows}


def place_names(codes: Iterable[str | None]) -> Mapping[str, Any]:
    """The names of districts by code."""
    wanted = [code for code in codes if code]
    if not wanted:
        return {}
    return {
        row.code: row.name for row in session().execute(select(Place.code, Place.name).where(Place.code.in_(wanted)))
    }


def present(case_id: int) -> int | None:
    """The number of the latest run, if it judged the version that was sent last, under the terms it is held to now."""
    run, since = looked_at(case_id)
    return None if since else run


def looked_at(case_id: int) -> tuple[int | None, str]:
    """The number of the latest run, and what it does not count for any more: a later "version" was sent, the "terms"
    changed, or the closing "day", and with it the rules that hold on it; nothing where it counts."""
    row = (
        session()
        .execute(
            select(RESULTS.c.run, RESULTS.c.version)
            .where(RESULTS.c.case_id == case_id)
            .order_by(RESULTS.c.run.desc())
            .limit(1)
        )
        .one_or_none()
    )
    version = session().scalar(select(APPLICATIONS.c.submitted_version).where(APPLICATIONS.c.case_id == case_id))
    if row is None:
        return None, ""
    if row.version != version:
        return row.run, "version"
    last = select(Event.move).where(Event.case_id == case_id, Event.move.in_(("rules_run", "terms_changed")))
    since = session().scalar(last.order_by(Event.seq.desc()).limit(1))
    if since == "terms_changed":
        return row.run, "terms"
    return row.run, "" if _of_the_day(case_id, row.run) else "day"


def _of_the_day(case_id: int, run: int) -> bool:
    """Whether a run judged by the versions of the rules that hold on the closing day, which may have been put off."""
    row = row_of(case_id)
    terms = terms_of(row.pack_hash)
    if not any(rule.valid_from or rule.valid_to for rule in terms.eligibility):
        return True
    used = session().execute(
        select(RESULTS.c.code, RESULTS.c.params).where(RESULTS.c.case_id == case_id, RESULTS.c.run == run)
    )
    held = {(rule.code, version_of(rule).get("since")) for rule in terms.rules_on(last_day(call_of(row.call_id)))}
    return {(found.code, found.params.get("since")) for found in used} == held


def open_rules(case_id: int) -> list[Rule]:
    """The rules the latest run found not met, and nobody let pass."""
    return [ruling for ruling, _params in not_met(case_id)]


def not_met(case_id: int) -> list[tuple[Rule, Mapping[str, Any]]]:
    """The same, each with the values its sentence is made of."""
    run = present(case_id)
    failed = session().execute(
        select(RESULTS.c.code, RESULTS.c.params)
        .where(RESULTS.c.case_id == case_id, RESULTS.c.run == run, RESULTS.c.verdict == "fail")
        .order_by(RESULTS.c.position)
    ).all()  # fmt: skip
    passed = {code for code, leave in leaves(case_id, run).items() if leave.agreed} if failed else set()
    terms = terms_of(row_of(case_id).pack_hash)
    found = [(rule_of(terms, row.code, row.params), row.params) for row in failed if row.code not in passed]
    return [(rule, params) for rule, params in found if rule is not None]


class InBoth:
    """A label of a pack whose str() is in the reader's language when it is read."""

    def __init__(self, label: Any) -> None:
        self.label = label

    def __str__(self) -> str:
        from grantflow.rendering import language

        return str(self.label.in_(language()))


@registry.guard("eligibility.checked")
def checked(ctx: Context) -> Verdict:
    """The rules were run on the version that was sent last."""
    if present(ctx.case.id) is not None:
        return YES
    return no(_("The rules were not run on what was sent last. Run them first."))


@registry.guard("eligibility.rules_met")
def rules_met(ctx: Context) -> Verdict:
    """Every rule is met, does not concern it, or was let pass with a reason."""
    failed = open_rules(ctx.case.id)
    if not failed:
        return YES
    names = Joined(InBoth(rule.label) for rule in failed)
    waiting = [leave for leave in leaves(ctx.case.id, present(ctx.case.id)).values() if leave.agreed is None]
    if waiting:
        return no(_("Not met: %(rules)s. What was proposed to pass still needs a second officer.", rules=names))
    return no(_("Not met: %(rules)s. Let a rule pass with a reason, or find it ineligible.", rules=names))


@registry.guard("eligibility.all_checked")
def all_checked(ctx: Context) -> Verdict:
    """No application of the call waits for its check or for a correction."""
    left = ctx.session.scalar(
        select(func.count())
        .select_from(CASES)
        .where(CASES.c.call_id == ctx.case.id, CASES.c.kind == "application", CASES.c.stage == "submission")
    )
    drafts = ctx.session.scalar(
        select(func.count())
        .select_from(CASES)
        .where(CASES.c.call_id == ctx.case.id, CASES.c.kind == "application", CASES.c.stage == "preparation")
    )
    if drafts:
        return no(
            lazy_ngettext(
                "One applicant still has time to send a draft.",
                "%(num)d applicants still have time to send a draft.",
                drafts,
            )
        )
    if left:
        return no(
            lazy_ngettext(
                "One application is not checked yet, is being corrected, or was appealed.",
                "%(num)d applications are not checked yet, are being corrected, or were appealed.",
                left,
            )
        )
    # Of what was refused only a refusal that may still be appealed has a date.
    may_appeal = ctx.session.scalar(
        select(func.count())
        .select_from(CASES)
        .where(CASES.c.call_id == ctx.case.id, CASES.c.kind == "application", CASES.c.stage == "refused")
        .where(CASES.c.due_at > ctx.now)
    )
    if not may_appeal:
        return YES
    return no(
        lazy_ngettext(
            "One applicant may still appeal against a refusal.",
            "%(num)d applicants may still appeal against a refusal.",
            may_appeal,
        )
    )


@registry.effect("eligibility.settle")
def settle(ctx: Context) -> None:
    """Say in the event what was found: the run, the rules not met, and those let pass."""
    run = present(ctx.case.id)
    waived = [code for code, leave in leaves(ctx.case.id, run).items() if leave.agreed]
    ctx.fact("run", run)
    rules = {rule.code: rule for rule in terms_of(row_of(ctx.case.id).pack_hash).eligibility}
    if failed := open_rules(ctx.case.id):
        ctx.fact("rules_not_met", _both(failed))
    if waived:
        ctx.fact("rules_let_pass", _both([rules[code] for code in waived if code in rules]))


def _both(rules: list[Rule]) -> dict[str, str]:
    return {lang: "; ".join(rule.label.in_(lang) for rule in rules) for lang in ("en", "ru")}
