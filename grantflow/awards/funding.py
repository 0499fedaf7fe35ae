"""Which grant pays for a call: chosen by the manager while the call is a draft, and looked at against the grant's clause
whenever the call goes on to be published.

What a clause says is written in `clauses`, what is left of it is counted in `envelope`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, func, select

from grantflow import clock
from grantflow.awards import envelope
from grantflow.awards.models import Award
from grantflow.awards.regrant_models import CallFunding, RegrantClause
from grantflow.awards.words import Later, day, money
from grantflow.cases import definitions
from grantflow.cases.access import see, visible_to
from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import lock, record
from grantflow.db import session, unit_connection, writing
from grantflow.engine.definition import Stage
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history import store
from grantflow.identity.access import Actor
from grantflow.money import Money
from grantflow.programmes.models import Call
from grantflow.programmes.queries import terms_by_hash
from grantflow.programmes.service import day_in

GUARD = "awards.within_clause"
DEEPEST = 20
"""No chain of grants is longer: a longer one is a circle that something else has let through."""


@dataclass(frozen=True)
class Rate:
    """How much of a call's currency is one of its grant's, as of which day, and whose rate it is."""

    value: Decimal
    on: date
    source: str


@dataclass(frozen=True)
class Chosen:
    """The grant that pays for a call, which lines of its clause the call supports, and the rate where currencies differ."""

    award_id: int
    activities: tuple[str, ...]
    rate: Rate | None = None


def above(call_id: int | None) -> list[int]:
    """The calls over a call: the one its grant was won in, the one that grant's call was paid from, and so on."""
    found: list[int] = []
    while call_id is not None and len(found) <= DEEPEST:
        call_id = session().scalar(
            select(Award.call_id)
            .join(CallFunding, CallFunding.award_id == Award.case_id)
            .where(CallFunding.call_id == call_id)
        )
        if call_id is not None:
            found.append(call_id)
    return found


def candidates(actor: Actor) -> list[tuple[Award, RegrantClause]]:
    """Grants with a clause that this actor sees and that run, by number, each with the clause that counts. One query."""
    newest = select(func.max(RegrantClause.id)).group_by(RegrantClause.award_id)
    rows = session().execute(
        select(Award, RegrantClause)
        .join(Case, Case.id == Award.case_id)
        .join(RegrantClause, RegrantClause.award_id == Award.case_id)
        .where(RegrantClause.id.in_(newest), visible_to(actor), Case.stage.in_((Stage.AWARD, Stage.DISBURSEMENT)))
        .order_by(Award.number)
    )
    return [(row, clause) for row, clause in rows]


def may_choose(case: Any, actor: Actor) -> Any:
    """Why this actor may not choose what pays for this call, as a sentence; None where they may."""
    if not actor.roles_on(case) & {"manager", "admin"}:
        return _("Only the manager of this programme may choose what pays for its calls.")
    workflow = definitions.pinned(case.workflow_hash)
    if case.state != workflow.initial:
        return _("The call is no longer a draft: what pays for it stands.")
    if not any(GUARD in move.guards for move in workflow.moves_from(case.state)):
        return _(
            "The call runs under an older definition, which does not look at clauses. Move it to the newer one first."
        )
    return None


def choose(
    call_id: int, given: Chosen | None, *, actor: Actor, key: str | None = None, seen: int | None = None
) -> CallFunding | None:
    """Say which grant pays for a call, or that none does, inside a unit of work. A repeated `key` changes nothing.

    `seen` is the version of the call's case that the writer had before them. Raises Refused for another role, a call that
    is no draft, a grant that does not run, a circle; Invalid with a sentence for each field; Stale; NotFound.
    """
    current, case = writing(), lock(call_id)
    if case.kind != "call":
        raise NotFound
    if key is not None and store.by_key(unit_connection(), call_id, key) is not None:
        return envelope.funding_of(call_id)
    if seen is not None and seen != case.version:
        raise Stale(_("This was changed while you were reading it. Look at it as it is now, then decide."))
    if (said := may_choose(case, actor)) is not None:
        raise Refused(said)
    call, before = current.get_one(Call, call_id), envelope.funding_of(call_id)
    number = current.scalar(select(Award.number).where(Award.case_id == before.award_id)) if before else None
    lines = before.activities if before else None
    if given is None:
        current.execute(delete(CallFunding).where(CallFunding.call_id == call_id))
        record(call_id, "call_funding", actor=actor, key=key, changes=[("paid_from", number, None)])
        return None
    see(given.award_id, actor, "award")
    parent = current.get_one(Award, given.award_id)
    clause = envelope.clause_of(parent.case_id)
    if clause is None:
        raise Refused(
            _("Nothing says what the grant %(number)s may pass on. Its clause comes first.", number=parent.number)
        )
    if (stopped := envelope.not_running(parent)) is not None:
        raise Refused(stopped)
    if parent.call_id == call_id or call_id in above(parent.call_id):
        raise Refused(
            _("The grant %(number)s was won in this call, or below it: it would pay for itself.", number=parent.number)
        )
    if found := _faults(given, call, parent, clause):
        raise Invalid(_("The choice cannot be taken as it is."), found)
    rate = given.rate
    values = {
        "award_id": parent.case_id, "activities": list(given.activities), "rate": rate.value if rate else None,
        "rate_on": rate.on if rate else None, "rate_source": rate.source if rate else None,
        "set_by_id": actor.person_id, "set_at": clock.now(),
    }  # fmt: skip
    changes = [("paid_from", number, parent.number), ("activities", lines, values["activities"])]
    changes += [(name, getattr(before, name, None), values[name]) for name in ("rate", "rate_on", "rate_source")]
    row = before or CallFunding(call_id=call_id)
    for name, value in values.items():
        setattr(row, name, value)
    current.add(row)
    current.flush()
    record(call_id, "call_funding", actor=actor, key=key, changes=changes)
    return row


def _faults(given: Chosen, call: Call, parent: Award, clause: RegrantClause) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not given.activities or set(given.activities) - set(clause.activities):
        found["activities"] = _("Choose at least one activity of the clause.")
    if call.currency == parent.currency:
        if given.rate is not None:
            found["rate"] = _("Call and grant count in one currency: leave the rate blank.")
    elif given.rate is None or given.rate.value <= 0:
        found["rate"] = _("Write how much %(of)s is one %(one)s.", of=call.currency, one=parent.currency)
    else:
        if given.rate.on > clock.today(call.zone):
            found["rate_on"] = _("This day has not come yet. Write the day of the rate.")
        if not given.rate.source:
            found["rate_source"] = _("Write whose rate it is, such as the central bank’s.")
    return found


# --------------------------------------------------------------------------------- before publishing
def spoken_for(parent: Award, but: int) -> Money:
    """What a grant's other calls may still take of its envelope: the whole budget of each that is approved, of one that is
    in the archive what its grants hold."""
    calls = session().execute(
        select(Call.case_id, Call.budget_minor, Call.currency, Case.stage, CallFunding.rate)
        .join(CallFunding, CallFunding.call_id == Call.case_id)
        .join(Case, Case.id == Call.case_id)
        .where(CallFunding.award_id == parent.case_id, Call.case_id != but, Case.state != "draft")
    ).all()  # fmt: skip
    done = {row.case_id for row in calls if row.stage in (Stage.CLOSED, Stage.REFUSED)}
    held = envelope.total((c for c in envelope.children_of(parent) if c.call_id in done), parent.currency)
    for row in calls:
        if row.case_id not in done:
            held += envelope.converted(Money(row.budget_minor, row.currency), parent.currency, row.rate)
    return held


def faults(call: Call) -> list[Any]:
    """Every way in which a call goes beyond the clause of the grant that pays for it, a sentence each."""
    funding = envelope.funding_of(call.case_id)
    if funding is None:
        return []
    parent = session().get_one(Award, funding.award_id, populate_existing=True)
    clause = envelope.clause_of(parent.case_id)
    if clause is None:  # the choice asks for one, and none is ever taken away
        raise LookupError(f"award {parent.number} pays for a call without a clause")
    if call.currency != parent.currency and funding.rate is None:
        return [_("The call now counts in %(of)s: choose again what pays for it, with a rate.", of=call.currency)]
    return [said for said in _told(call, funding, parent, clause) if said is not None]


def _told(call: Call, funding: CallFunding, parent: Award, clause: RegrantClause) -> Iterable[Any]:
    terms, currency = terms_by_hash(call.pack_hash), call.currency
    least, most, budget = (
        envelope.converted(Money(minor, currency), parent.currency, funding.rate)
        for minor in (terms.min_ask_minor, terms.max_ask_minor, call.budget_minor)
    )
    yield envelope.not_running(parent)
    if most > clause.maximum:
        yield _("One grant of the call may be %(most)s; the agreement allows %(limit)s to one third party.",
                most=money(most), limit=money(clause.maximum))  # fmt: skip
    if least < clause.minimum:
        yield _("One grant of the call may be as small as %(least)s; the agreement sets %(limit)s as the least.",
                least=money(least), limit=money(clause.minimum))  # fmt: skip
    left = envelope.envelope_of(parent, clause) - spoken_for(parent, call.case_id)
    if budget > left:
        yield _("The budget of the call comes to %(budget)s; of the envelope %(left)s is left for it.",
                budget=money(budget), left=money(max(left, Money(0, parent.currency))))  # fmt: skip
    if parent.starts_on is not None and day_in(call.opens_at, call.zone) < parent.starts_on:
        yield _("The call opens before the grant that pays for it starts, on %(day)s.", day=day(parent.starts_on))
    if parent.ends_on is not None and call.results_on >= parent.ends_on:
        yield _("The results of the call come on %(results)s. The grant that pays for it ends on %(end)s.",
                results=day(call.results_on), end=day(parent.ends_on))  # fmt: skip
    if gone := [line for line in funding.activities if line not in clause.activities]:
        yield _("The clause no longer names: %(lines)s. Choose the activities anew.", lines="; ".join(gone))


@registry.guard(GUARD)
def within_clause(ctx: Context) -> Verdict:
    """Where a grant pays for the call: sums, budget, dates and activities are within the clause of its agreement."""
    funding = envelope.funding_of(ctx.case.id)
    if funding is None:
        return YES
    if not ctx.asking:
        lock(funding.award_id)  # of two calls of one grant the second sees the first's budget
    found = faults(ctx.session.get_one(Call, ctx.case.id))
    return no(Later(lambda: " ".join(map(str, found)))) if found else YES
