"""Owns what follows when an application is found ineligible: the letter that names the rules, and the appeal.

Leaves the moves to the definition, which also says who may not decide: nobody who took part in the refusal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow.cases import definitions
from grantflow.cases.context import Context
from grantflow.db import session
from grantflow.eligibility.rules import sentence
from grantflow.eligibility.standing import not_met, place_names
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.history.models import Event, PrivateValue
from grantflow.programmes.days_off import working_days_after
from grantflow.rendering import moment
from grantflow.submissions.rows import When, call_of, row_of, terms_of


def appeal_ends(case_id: int, refused_at: datetime) -> datetime | None:
    """The last second in which a refusal of that instant may be appealed; None where the call knows no appeal."""
    row = row_of(case_id)
    terms = terms_of(row.pack_hash)
    if terms.appeal_days is None:
        return None
    return working_days_after(refused_at, terms.appeal_days, call_of(row.call_id).zone, terms.days_off)


@registry.deadline_source("eligibility.appeal_ends")
def ends(ctx: Context) -> datetime | None:
    """When a refusal stands for good unless it is appealed."""
    return appeal_ends(ctx.case.id, ctx.now + ctx.wait)


@registry.guard("eligibility.appeal_open")
def appeal_open(ctx: Context) -> Verdict:
    """The call knows an appeal, and its days are not over."""
    until = appeal_ends(ctx.case.id, ctx.case.since_at)
    if until is None:
        return no(_("This call knows no appeal."))
    until = max(until, ctx.case.due_at or until)  # counted from when it was told
    if ctx.now <= until:
        return YES
    return no(_("The time for an appeal ended on %(when)s.", when=When(until, call_of(ctx.case.call_id).zone)))


@registry.effect("eligibility.explain")
def explain(ctx: Context) -> None:
    """Put into the letter which rules are not met, in words, and until when an appeal is possible."""
    row = row_of(ctx.case.id)
    terms, failed = terms_of(row.pack_hash), not_met(ctx.case.id)
    places = place_names([params.get("district") for _rule, params in failed])
    until, zone = appeal_ends(ctx.case.id, ctx.now + ctx.wait), call_of(row.call_id).zone
    said = {}
    for lang in ("en", "ru"):
        with force_locale(lang):
            lines = [
                f"– {rule.label.in_(lang)}. {rule.refusal.in_(lang)} {sentence(rule, terms, 'fail', params, places, lang)}"
                for rule, params in failed
            ]
            text = "\n\n" + "\n".join(lines) if lines else ""
            if until is not None:
                appeal = _(
                    "You may appeal on the application’s page until %(when)s. Somebody who took no part in this decision "
                    "decides on it.",
                    when=moment(until, zone, "full"),
                )  # fmt: skip
                text = f"{text}\n\n{appeal}"
            said[lang] = text
    ctx.param("note", said)


@dataclass(frozen=True)
class Appeal:
    """An appeal: whose, when, and the reasons in the applicant's words."""

    by: str
    at: datetime
    reason: str


def appeal_of(case: Any) -> Appeal | None:
    """The appeal under way on an application; None where nobody has to decide on one."""
    workflow = definitions.pinned(case.workflow_hash)
    if not any("refuse" in move.distinct_from for move in workflow.moves_from(case.state)):
        return None
    event = session().execute(
        select(Event.seq, Event.at).where(Event.case_id == case.id, Event.seq == case.since_seq)
    ).one()  # fmt: skip
    beside = {
        row.name: json.loads(row.value) if row.value is not None else ""
        for row in session().execute(
            select(PrivateValue.name, PrivateValue.value).where(
                PrivateValue.case_id == case.id, PrivateValue.seq == event.seq
            )
        )
    }
    return Appeal(beside.get("actor", ""), event.at, beside.get("reason", ""))
