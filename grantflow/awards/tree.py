"""A grant with everything that was passed on from it, at any depth, counted once in its own currency.

What a grant passes on is inside it: a line keeps what its own children do not hold, and the kept parts of all lines add up
to the grant at the top, awarded and paid alike. Nothing is written; the number of queries does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, literal, or_, select

from grantflow.awards.envelope import converted, envelope_of
from grantflow.awards.funding import DEEPEST
from grantflow.awards.models import Award
from grantflow.awards.queries import card
from grantflow.awards.regrant_models import CallFunding, RegrantClause
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.money import Money
from grantflow.programmes.models import Call

INSIDE = {"officer", "finance", "manager", "auditor", "admin", "system"}
READERS = INSIDE | {"applicant"}


@dataclass
class Line:
    """A grant in the tree. `awarded`, `paid` and all below are in the currency of the grant at the top."""

    award: Award
    case: Any
    depth: int
    grantee: Any
    call: Any
    rate: Decimal | None
    rate_on: date | None
    rate_source: str | None
    factor: Decimal | None
    """How much of its own currency is one of the top's, through every rate between; None where they are the same."""
    top: str
    parent_currency: str = ""
    state: Any = None
    seen: bool = False
    """Whether this reader may open the grant."""
    sealed: bool = False
    """Decided and not announced, for a reader who may not know for whom."""
    clause: RegrantClause | None = None
    children: list[Line] = field(default_factory=list)

    def _top(self, minor: int) -> Money:
        return converted(Money(minor, self.award.currency), self.top, self.factor)

    @property
    def awarded(self) -> Money:
        """What it holds: the whole sum, or after its end what was paid."""
        return self._top(self.award.committed.minor)

    @property
    def paid(self) -> Money:
        """What was paid to it and not returned."""
        return self._top(self.award.paid_minor)

    @property
    def passed_on(self) -> Money:
        """What its own children hold."""
        return Money.total((child.awarded for child in self.children), self.top)

    @property
    def kept(self) -> Money:
        """What it holds and has not passed on."""
        return self.awarded - self.passed_on

    @property
    def paid_on(self) -> Money:
        """What was paid to its own children."""
        return Money.total((child.paid for child in self.children), self.top)

    @property
    def kept_paid(self) -> Money:
        """What was paid to it and not paid on."""
        return self.paid - self.paid_on

    @property
    def envelope(self) -> Money | None:
        """What it may pass on, in its own currency; None where nothing says so."""
        return None if self.clause is None else envelope_of(self.award, self.clause)

    @property
    def passed_on_own(self) -> Money:
        """What its own children hold, in its own currency, as the rule at a decision counts it."""
        return Money.total(
            (converted(child.award.committed, self.award.currency, child.rate) for child in self.children),
            self.award.currency,
        )

    @property
    def left(self) -> Money | None:
        """What is left of its envelope, below zero where the children stand beyond it."""
        return None if self.envelope is None else self.envelope - self.passed_on_own


@dataclass(frozen=True)
class Tree:
    """The grant at the top, every line in the order of the tree, and what all of them come to, each counted once."""

    root: Line
    lines: tuple[Line, ...]

    @property
    def deepest(self) -> int:
        """How many grants lie one under another below the top."""
        return max(line.depth for line in self.lines)

    @property
    def grantees(self) -> int:
        """How many organisations hold a grant of the tree, each counted once."""
        return len({line.award.organisation_id for line in self.lines})

    @property
    def kept(self) -> Money:
        """The kept parts of all lines: the grant at the top, once."""
        return Money.total((line.kept for line in self.lines), self.root.top)

    @property
    def kept_paid(self) -> Money:
        """The same of what was paid."""
        return Money.total((line.kept_paid for line in self.lines), self.root.top)


def may_read(case: Any, actor: Actor) -> bool:
    """Whether this actor reads the tree of a grant they see: staff of the programme, and whoever acts for its grantee."""
    return case.kind == "award" and bool(actor.roles_on(case) & READERS)


def watches(award_id: int, actor: Actor) -> bool:
    """Whether this actor is the national partner of this grant: then its own children are shown, and nothing below them."""
    calls = actor.watched_calls
    paid = select(CallFunding.call_id).where(CallFunding.award_id == award_id, CallFunding.call_id.in_(calls))
    return bool(calls) and session().scalar(paid.limit(1)) is not None


def tree(award_id: int, actor: Actor, *, deepest: int = DEEPEST) -> Tree:
    """The tree under a grant, down to a depth. Whoever shows it has asked `may_read` or `watches` before. Four queries."""
    root, child = Award.__table__.alias("root"), Award.__table__.alias("child")
    first = select(root.c.case_id.label("award_id"), literal(0).label("depth")).where(root.c.case_id == award_id)
    below = first.cte("below", recursive=True)
    below = below.union(
        select(child.c.case_id, below.c.depth + 1)
        .join(CallFunding, CallFunding.call_id == child.c.call_id)
        .join(below, below.c.award_id == CallFunding.award_id)
        .where(below.c.depth < deepest)
    )
    rows = session().execute(
        select(Award, Case, Organisation, Call, CallFunding, below.c.depth)
        .join(below, below.c.award_id == Award.case_id)
        .join(Case, Case.id == Award.case_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .join(Call, Call.case_id == Award.call_id)
        .outerjoin(CallFunding, CallFunding.call_id == Award.call_id)
        .order_by(below.c.depth, Call.code, Award.number)
    ).all()  # fmt: skip
    ids = [row[0].case_id for row in rows]
    shown = set(session().scalars(select(Case.id).where(Case.id.in_(ids), visible_to(actor))))
    clauses = _clauses(ids)
    lines: dict[int, Line] = {}
    for award, case, grantee, call, funding, depth in rows:
        above = lines.get(funding.award_id) if funding is not None and depth else None
        line = Line(
            award, case, depth, grantee, call, *_rate(funding, above), factor=_factor(funding, above),
            top=above.top if above else award.currency,
            parent_currency=above.award.currency if above else "", state=card(case), seen=case.id in shown,
            sealed=case.stage == Stage.PREPARATION and not actor.roles_on(case) & INSIDE, clause=clauses.get(award.case_id),
        )  # fmt: skip
        lines[award.case_id] = line
        if above is not None:
            above.children.append(line)
    return Tree(lines[award_id], tuple(_in_order(lines[award_id])))


def _rate(funding: CallFunding | None, above: Line | None) -> tuple[Any, Any, Any]:
    return (funding.rate, funding.rate_on, funding.rate_source) if funding is not None and above else (None, None, None)


def _factor(funding: CallFunding | None, above: Line | None) -> Decimal | None:
    if above is None or funding is None or funding.rate is None:
        return above.factor if above is not None else None
    return funding.rate * (above.factor or 1)


def _in_order(line: Line) -> Iterable[Line]:
    yield line
    for child in line.children:
        yield from _in_order(child)


def _clauses(award_ids: list[int]) -> dict[int, RegrantClause]:
    newest = (
        select(func.max(RegrantClause.id)).where(RegrantClause.award_id.in_(award_ids)).group_by(RegrantClause.award_id)
    )
    return {row.award_id: row for row in session().scalars(select(RegrantClause).where(RegrantClause.id.in_(newest)))}


def parents(actor: Actor) -> list[tuple[Award, Organisation, bool]]:
    """The grants with a clause whose tree this actor reads, by number, each with its grantee and whether it is a child too."""
    watched = actor.watched_calls
    paid = select(CallFunding.award_id).where(CallFunding.call_id.in_(watched))
    rows = session().execute(
        select(Award, Organisation, Case, CallFunding.call_id.is_not(None))
        .join(Case, Case.id == Award.case_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .outerjoin(CallFunding, CallFunding.call_id == Award.call_id)
        .where(
            Award.case_id.in_(select(RegrantClause.award_id)),
            or_(visible_to(actor), Award.case_id.in_(paid)),
        )
        .order_by(Award.number)
    )  # fmt: skip
    mine = [(award, body, case, child) for award, body, case, child in rows]
    own = set(session().scalars(paid)) if watched else set()
    return [(award, body, child) for award, body, case, child in mine if may_read(case, actor) or award.case_id in own]
