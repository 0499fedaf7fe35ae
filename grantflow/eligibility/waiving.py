"""Owns exceptions: one officer proposes to let a rule pass that is not met, with the reason; a second decides.

Leaves what the rules said to `standing`. Every writing function needs a unit of work around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select

from grantflow import clock
from grantflow.cases import definitions, desk, titles, words
from grantflow.cases.access import visible_to
from grantflow.cases.service import lock, record
from grantflow.db import session, writing
from grantflow.eligibility.rules import rule_of
from grantflow.eligibility.standing import RESULTS, VOTES, WAIVERS, is_waiting, present
from grantflow.errors import NotFound, Refused
from grantflow.identity.access import Actor
from grantflow.programmes.terms import Rule
from grantflow.rendering import language
from grantflow.submissions.rows import APPLICATIONS, CASES, row_of, terms_of

LONGEST_REASON = 1000

words.say(
    waiver_proposed=_("Proposed to let a rule pass"),
    waiver_declined=_("Letting a rule pass was declined"),
)


def _officer(case_id: int, actor: Actor) -> Any:
    case = lock(case_id)  # of two at one moment the second sees what the first did
    if "officer" not in actor.roles_on(case) and not actor.everywhere:
        raise Refused(_("Only a programme officer may let a rule pass."))
    return case


def _failed(case_id: int, code: str) -> tuple[int, Rule]:
    """The present run and the rule that is not met in it; Refused where it does not stand in the way."""
    run = present(case_id)
    if run is None:
        raise Refused(_("Run the rules first: they were not run on what was sent last."))
    row = session().execute(
        select(RESULTS.c.verdict, RESULTS.c.params)
        .where(RESULTS.c.case_id == case_id, RESULTS.c.run == run, RESULTS.c.code == code)
    ).one_or_none()  # fmt: skip
    rule = None if row is None else rule_of(terms_of(row_of(case_id).pack_hash), code, row.params)
    if row is None or rule is None:
        raise NotFound
    if row.verdict != "fail":
        raise Refused(_("This rule does not stand in the way; nothing has to be let pass."))
    return run, rule


def waive(case_id: int, code: str, reason: str, *, actor: Actor, key: str | None = None) -> None:
    """Propose to let a rule pass that is not met, with the reason; it counts once a second officer agrees.

    Refused without a reason, for a rule that is met, one of which the call allows no exception, or where the rules were
    not run on what was sent last. A rule that is proposed already stays as it is.
    """
    case = _officer(case_id, actor)
    reason = reason.strip()
    if not reason:
        raise Refused(_("Write why the rule may pass: it will stand beside it for good."))
    if not is_waiting(case):
        raise Refused(_("A rule is let pass while an application waits for its eligibility check."))
    run, rule = _failed(case_id, code)
    if rule.waiver == "none":
        raise Refused(_("The call allows no exception from this rule."))
    if _proposal(case_id, run, code) is not None:
        return
    writing().execute(
        insert(WAIVERS).values(case_id=case_id, run=run, code=code, reason=reason, at=clock.now(), by=actor.person_id)
    )
    _note(case_id, "waiver_proposed", rule, run, reason, actor, key)


def second(case_id: int, code: str, agrees: bool, reason: str, *, actor: Actor, key: str | None = None) -> None:
    """The word of a second officer on an exception: with it the rule is let pass, or stays not met.

    Refused for whoever proposed it, for a no without a reason, and where nothing waits for a second officer.
    """
    case = _officer(case_id, actor)
    reason = reason.strip()
    if not is_waiting(case):
        raise Refused(_("A rule is let pass while an application waits for its eligibility check."))
    run, rule = _failed(case_id, code)
    asked = _proposal(case_id, run, code)
    if asked is None:
        raise Refused(_("Nobody has proposed to let this rule pass."))
    if asked.agreed is not None:
        if asked.second == actor.person_id and asked.agreed == agrees:
            return
        raise Refused(_("A second officer has decided on it already."))
    if asked.by == actor.person_id:
        raise Refused(_("You proposed it: letting a rule pass needs a second officer."))
    if not agrees and not reason:
        raise Refused(_("Write why it may not pass: whoever proposed it reads it."))
    writing().execute(
        insert(VOTES).values(
            waiver_id=asked.id, proposed_by=asked.by, agreed=agrees, reason=reason, at=clock.now(), by=actor.person_id
        )
    )
    _note(case_id, "rule_waived" if agrees else "waiver_declined", rule, run, reason, actor, key)


def carry(case_id: int, before: int, run: int) -> None:
    """Run again over the same version by the same rules, what was proposed and decided holds: each exception from a rule
    that says the same as before stands in the new run too, with its reason, its hours and both officers."""
    rows = session().execute(
        select(RESULTS.c.run, RESULTS.c.code, RESULTS.c.verdict, RESULTS.c.params)
        .where(RESULTS.c.case_id == case_id, RESULTS.c.run.in_((before, run)))
    )  # fmt: skip
    said = {(row.run, row.code): (row.verdict, row.params) for row in rows}
    proposed = session().execute(
        select(WAIVERS, VOTES.c.agreed, VOTES.c.reason.label("answer"), VOTES.c.at.label("said_at"),
               VOTES.c.by.label("second"))
        .outerjoin(VOTES, VOTES.c.waiver_id == WAIVERS.c.id)
        .where(WAIVERS.c.case_id == case_id, WAIVERS.c.run == before)
        .order_by(WAIVERS.c.id)
    ).all()  # fmt: skip
    for one in proposed:
        if said.get((run, one.code)) != said[before, one.code]:
            continue
        kept = insert(WAIVERS).values(
            case_id=case_id, run=run, code=one.code, reason=one.reason, at=one.at, by=one.by
        )  # fmt: skip
        number = writing().execute(kept.returning(WAIVERS.c.id)).scalar_one()
        if one.agreed is not None:
            vote = {"agreed": one.agreed, "reason": one.answer, "at": one.said_at, "by": one.second}
            writing().execute(insert(VOTES).values(waiver_id=number, proposed_by=one.by, **vote))


def _proposal(case_id: int, run: int, code: str) -> Any:
    query = (
        select(WAIVERS, VOTES.c.agreed, VOTES.c.by.label("second"))
        .outerjoin(VOTES, VOTES.c.waiver_id == WAIVERS.c.id)
        .where(WAIVERS.c.case_id == case_id, WAIVERS.c.run == run, WAIVERS.c.code == code)
    )
    return session().execute(query).one_or_none()


def _note(case_id: int, what: str, rule: Rule, run: int, reason: str, actor: Actor, key: str | None) -> None:
    label = {"en": rule.label.en, "ru": rule.label.ru}
    facts = {"rule": label, "rule_code": rule.code, "run": run}
    record(case_id, what, actor=actor, role="officer", facts=facts, reason=reason, key=key)


@desk.provider
def seconds(actor: Actor) -> Iterable[desk.DeskItem]:
    """Exceptions proposed by another officer that wait for this one's word."""
    if actor.person_id is None or not actor.has("officer"):
        return
    newest = select(func.max(RESULTS.c.run)).where(RESULTS.c.case_id == WAIVERS.c.case_id).scalar_subquery()
    rows = session().execute(
        select(CASES, WAIVERS.c.code, APPLICATIONS.c.pack_hash)
        .join(WAIVERS, WAIVERS.c.case_id == CASES.c.id)
        .join(APPLICATIONS, APPLICATIONS.c.case_id == CASES.c.id)
        .outerjoin(VOTES, VOTES.c.waiver_id == WAIVERS.c.id)
        .where(VOTES.c.id.is_(None), WAIVERS.c.by != actor.person_id, WAIVERS.c.run == newest)
        .where(CASES.c.stage == "submission", visible_to(actor))
        .order_by(WAIVERS.c.id)
    )  # fmt: skip
    for row in rows:
        if "officer" in actor.roles_on(row) and is_waiting(row):
            yield desk.DeskItem(
                url=url_for("eligibility.waive", case_id=row.id, code=row.code), due_at=row.due_at, ref=row.ref or "",
                kind="application", dress=_dressed, about=row,
            )  # fmt: skip


def _dressed(items: Sequence[desk.DeskItem]) -> Iterable[desk.DeskItem]:
    titles.load([item.about for item in items])
    for item in items:
        row = item.about
        rule = next((r for r in terms_of(row.pack_hash).eligibility if r.code == row.code), None)
        name = rule.label.in_(language()) if rule else row.code
        why = _("Let a rule pass? A second officer decides: %(rule)s", rule=name)
        yield replace(item, what=titles.title(row), why=why, state=definitions.card(row))
