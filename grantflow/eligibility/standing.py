"""Owns what the rules last said about an application, and the guards that stand on it.

Leaves running them, and letting one pass, to `service`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import func, select

from grantflow.cases.context import Context
from grantflow.db import session
from grantflow.eligibility.models import EligibilityResult, EligibilityWaiver
from grantflow.eligibility.rules import sentence
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.history.models import Event
from grantflow.identity.labels import Joined
from grantflow.programmes.models import Place
from grantflow.programmes.terms import Rule
from grantflow.submissions.rows import APPLICATIONS, CASES, row_of, terms_of

RESULTS = EligibilityResult.__table__
WAIVERS = EligibilityWaiver.__table__


@dataclass(frozen=True)
class Ruling:
    """One rule as a page shows it: its word, the sentence with its values, and why it was let pass, if it
    was."""

    rule: Rule
    verdict: str
    text: str
    waived: str = ""
    waived_by: int | None = None

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
    waivers = {
        row.code: row
        for row in session().execute(select(WAIVERS).where(WAIVERS.c.case_id == case_id, WAIVERS.c.run == run))
    }
    terms = terms_of(row_of(case_id).pack_hash)
    places = place_names([row.params.get("district") for row in rows])
    rules = {rule.code: rule for rule in terms.eligibility}
    rulings = tuple(
        Ruling(
            rules[row.code],
            row.verdict,
            sentence(rules[row.code], terms, row.verdict, row.params, places, lang),
            waivers[row.code].reason if row.code in waivers else "",
            waivers[row.code].by if row.code in waivers else None,
        )
        for row in rows
        if row.code in rules
    )
    return Run(run, rows[0].version, rows[0].at, rows[0].by, rulings)


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
    if row is None or row.version != version:
        return None
    last = select(Event.move).where(Event.case_id == case_id, Event.move.in_(("rules_run", "terms_changed")))
    since = session().scalar(last.order_by(Event.seq.desc()).limit(1))
    return row.run if since != "terms_changed" else None


def open_rules(case_id: int) -> list[Rule]:
    """The rules the latest run found not met, and nobody let pass."""
    run = present(case_id)
    failed = session().scalars(
        select(RESULTS.c.code)
        .where(RESULTS.c.case_id == case_id, RESULTS.c.run == run, RESULTS.c.verdict == "fail")
        .where(~select(WAIVERS.c.id).where(
            WAIVERS.c.case_id == case_id, WAIVERS.c.run == run, WAIVERS.c.code == RESULTS.c.code
        ).exists())
        .order_by(RESULTS.c.position)
    ).all()  # fmt: skip
    rules = {rule.code: rule for rule in terms_of(row_of(case_id).pack_hash).eligibility}
    return [rules[code] for code in failed if code in rules]


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
    if not left:
        return YES
    return no(
        lazy_ngettext(
            "One application is not checked yet, or is being corrected.",
            "%(num)d applications are not checked yet, or are being corrected.",
            left,
        )
    )


@registry.effect("eligibility.settle")
def settle(ctx: Context) -> None:
    """Say in the event what was found: the run, the rules not met, and those let pass."""
    run = present(ctx.case.id)
    waived = ctx.session.scalars(
        select(WAIVERS.c.code).where(WAIVERS.c.case_id == ctx.case.id, WAIVERS.c.run == run).order_by(WAIVERS.c.id)
    ).all()
    ctx.fact("run", run)
    rules = {rule.code: rule for rule in terms_of(row_of(ctx.case.id).pack_hash).eligibility}
    if failed := open_rules(ctx.case.id):
        ctx.fact("rules_not_met", _both(failed))
    if waived:
        ctx.fact("rules_let_pass", _both([rules[code] for code in waived if code in rules]))


def _both(rules: list[Rule]) -> dict[str, str]:
    return {lang: "; ".join(rule.label.in_(lang) for rule in rules) for lang in ("en", "ru")}
