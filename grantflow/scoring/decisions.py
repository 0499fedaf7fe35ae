"""From the last review to the announcement: what closing scoring, ranking, deciding and announcing do.

Whether they may be done is in `guards`; the order and the money line are counted in `ranking`, means in
`standing`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import lock_parts, record
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.engine.registry import registry
from grantflow.identity.access import SYSTEM
from grantflow.money import Money
from grantflow.programmes.models import Call
from grantflow.scoring import standing
from grantflow.scoring.budget import amount_of, given_back
from grantflow.scoring.models import Decision, Review, Standing
from grantflow.scoring.panels import holders
from grantflow.scoring.ranking import Entry, Ranking, hundredths, points_of, rank
from grantflow.submissions.models import Application
from grantflow.submissions.rows import terms_of

_CASES = Case.__table__
_REVIEWS = Review.__table__
_DECISIONS = Decision.__table__
_STANDINGS = Standing.__table__
_SHOWN = {"awarded": Stage.AWARD, "reserve": Stage.DECISION, "declined": Stage.REFUSED}
"""The stage in which an application stands while its decision holds."""


@registry.effect("scoring.lock_reviews")
def lock_reviews(ctx: Context) -> None:
    """Submitted reviews can no longer be changed; drafts stay drafts and never count."""
    locked = ctx.session.execute(
        update(_REVIEWS)
        .where(_REVIEWS.c.case_id == ctx.case.id, _REVIEWS.c.status == "submitted")
        .values(status="locked")
    )
    ctx.fact("reviews", locked.rowcount)  # type: ignore[attr-defined]


@registry.effect("scoring.unlock_reviews")
def unlock_reviews(ctx: Context) -> None:
    """Scoring is open again: what was submitted still counts, and can be opened by the chair; the ranking
    lets go."""
    ctx.session.execute(
        update(_REVIEWS)
        .where(_REVIEWS.c.case_id == ctx.case.id, _REVIEWS.c.status == "locked")
        .values(status="submitted")
    )
    before = standing.mean_of(ctx.case.id)
    standing.drop(ctx.case.id)
    ctx.change("mean", points_of(before), None)


@registry.effect("scoring.rank")
def put_into_ranking(ctx: Context) -> None:
    """The mean of the reviews that count, with its ends, stands from now on."""
    found = standing.put(ctx.case.id)
    if found is not None:
        for name in ("mean", "low", "high"):
            ctx.fact(name, points_of(found[name]))
        ctx.fact("reviews", found["reviews"])


def ranking_of(call_id: int) -> Ranking:
    """The call's ranking as it stands: means, ties by the earlier submission, and the money line at the
    budget.

    An application takes what it was awarded, and what it asked for before a decision; nothing when it is
    declined, in reserve, or its grant was given back.
    """
    call = session().get_one(Call, call_id)
    rows = (
        session()
        .execute(
            select(
                _CASES.c.id,
                _STANDINGS.c.mean,
                Application.submitted_at,
                Application.asked_minor,
                _DECISIONS.c.kind,
                _DECISIONS.c.amount_minor,
                given_back().label("given_back"),
            )
            .join(Application, Application.case_id == _CASES.c.id)
            .outerjoin(_STANDINGS, _STANDINGS.c.case_id == _CASES.c.id)
            .outerjoin(_DECISIONS, _DECISIONS.c.case_id == _CASES.c.id)
            .where(
                _CASES.c.kind == "application",
                _CASES.c.call_id == call_id,
                _CASES.c.stage.in_((Stage.DECISION, Stage.AWARD, Stage.REFUSED)),
                # withdrawn and disqualified applications are out of the ranking; declined ones stay in it
                (_CASES.c.stage != Stage.REFUSED) | (_DECISIONS.c.kind == "declined"),
            )
            .order_by(_CASES.c.id)
        )
        .all()
    )
    entries = [
        Entry(
            row.id,
            row.mean,
            row.submitted_at,
            row.amount_minor or row.asked_minor,
            out=row.kind in ("declined", "reserve") or bool(row.given_back),
        )
        for row in rows
    ]
    threshold = hundredths(terms_of(call.pack_hash).rubric.threshold)
    return rank(entries, call.budget_minor, threshold)


@registry.effect("scoring.decide")
def decide(ctx: Context) -> None:
    """The decision, with place and mean as they stand; after the announcement the applicant is told at
    once."""
    application = ctx.session.get_one(Application, ctx.case.id)
    stage = ctx.workflow.state(str(ctx.move.to)).stage
    kind = {Stage.AWARD: "awarded", Stage.REFUSED: "declined"}.get(stage, "reserve")
    amount = amount_of(ctx.payload, application) if kind == "awarded" else None
    before = ctx.session.execute(select(_DECISIONS).where(_DECISIONS.c.case_id == ctx.case.id)).one_or_none()
    place = ranking_of(ctx.case.call_id).place_of(ctx.case.id)
    mean = standing.mean_of(ctx.case.id)
    values = {
        "kind": kind,
        "amount_minor": amount,
        "currency": application.currency,
        "mean": mean,
        "place": before.place if before is not None and before.announced_at else place,
        "decided_by_id": ctx.actor.person_id,
        "decided_at": ctx.now,
    }
    announced = before.announced_at if before is not None else None
    if announced is not None:
        values["announced_at"] = ctx.now
    if before is None:
        ctx.session.execute(
            insert(_DECISIONS).values(case_id=ctx.case.id, stage=ctx.case.stage, call_id=ctx.case.call_id, **values)
        )
    else:
        ctx.session.execute(update(_DECISIONS).where(_DECISIONS.c.case_id == ctx.case.id).values(values))
        ctx.change("decision", before.kind, kind)
    ctx.fact("decision", kind)
    ctx.fact("place", values["place"])
    ctx.fact("mean", points_of(mean))
    if amount is not None:
        ctx.fact("amount", Money(amount, application.currency))
    if announced is not None:
        words: dict[str, Any] = {"amount": Money(amount, application.currency)} if amount is not None else {}
        ctx.notify(f"outcome_{kind}", holders(ctx.case, "applicant"), **words)


@registry.effect("scoring.release_decisions", to_many=True)
def release_decisions(ctx: Context) -> None:
    """With the announcement every applicant learns their outcome, and the places are settled without gaps."""
    sealed = select(_DECISIONS.c.case_id).where(
        _DECISIONS.c.call_id == ctx.case.id, _DECISIONS.c.announced_at.is_(None)
    )  # an award made meanwhile takes the application first, then the call
    lock_parts(_CASES.c.id.in_(sealed))
    rows = ctx.session.execute(
        select(
            _DECISIONS,
            _CASES.c.stage.label("now"),
            *(_CASES.c[c] for c in ("programme_id", "alliance_id", "panel_id", "organisation_id")),
        )
        .join(_CASES, _CASES.c.id == _DECISIONS.c.case_id)
        .where(_DECISIONS.c.call_id == ctx.case.id, _DECISIONS.c.announced_at.is_(None))
        .order_by(_DECISIONS.c.place, _DECISIONS.c.case_id)
    ).all()
    order = ranking_of(ctx.case.id)
    counts = dict.fromkeys(_SHOWN, 0)
    for row in rows:
        if row.now != _SHOWN[row.kind]:
            continue  # withdrawn or disqualified after the decision
        counts[row.kind] += 1
        place = order.place_of(row.case_id)
        ctx.session.execute(
            update(_DECISIONS).where(_DECISIONS.c.case_id == row.case_id).values(announced_at=ctx.now, place=place)
        )
        facts: dict[str, Any] = {"decision": row.kind, "place": place, "mean": points_of(row.mean)}
        words: dict[str, Any] = {}
        if row.amount_minor is not None:
            facts["amount"] = words["amount"] = Money(row.amount_minor, row.currency)
        record(
            row.case_id,
            "outcome_announced",
            actor=SYSTEM,
            facts=facts,
            notices=[(f"outcome_{row.kind}", holders(row, "applicant"), words)],
        )
    for kind, count in counts.items():
        ctx.fact(kind, count)
