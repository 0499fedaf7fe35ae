"""The fund: what the grants of each call hold, in each currency: awarded, paid, planned, and what is neither.

It only reads, and only what this reader may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from grantflow.awards.models import Award
from grantflow.awards.queries import HELD
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.disbursements.models import Tranche
from grantflow.identity.access import Actor
from grantflow.money import Money
from grantflow.programmes.models import Call, Programme


@dataclass(frozen=True)
class Fund:
    """What one call's grants hold, in one currency: awarded, paid, planned, and what is neither."""

    programme: Any
    call: Any
    call_id: int
    budget: Money
    grants: int
    awarded: Money
    paid: Money
    planned: Money

    @property
    def available(self) -> Money:
        """Available = awarded − paid − planned and not cancelled."""
        return self.awarded - self.paid - self.planned


def funds(actor: Actor) -> list[Fund]:
    """The fund by programme and call, as far as this reader sees the grants. Two queries."""
    planned = {
        row[0]: row[1]
        for row in session().execute(
            select(Award.call_id, func.sum(Tranche.amount_minor))
            .join(Tranche, Tranche.award_id == Award.case_id)
            .join(Case, Case.id == Tranche.case_id)
            .where(visible_to(actor), Case.stage.not_in(("closed", "refused")))
            .group_by(Award.call_id)
        )
    }
    rows = (
        session()
        .execute(
            select(
                Programme.name,
                Call.name,
                Call.case_id,
                Call.budget_minor,
                Award.currency,
                func.count(),
                func.sum(HELD),
                func.sum(Award.paid_minor),
            )
            .select_from(Award)
            .join(Case, Case.id == Award.case_id)
            .join(Call, Call.case_id == Award.call_id)
            .join(Programme, Programme.id == Award.programme_id)
            .where(visible_to(actor))
            .group_by(
                Programme.id,
                Programme.name,
                Call.name,
                Call.case_id,
                Call.budget_minor,
                Call.code,
                Award.currency,
            )
            .order_by(Programme.id, Call.code, Award.currency)
        )
        .all()
    )
    return [
        Fund(
            programme,
            call,
            call_id,
            Money(budget, currency),
            count,
            Money(int(held), currency),
            Money(int(paid), currency),
            Money(int(planned.get(call_id, 0)), currency),
        )
        for programme, call, call_id, budget, currency, count, held, paid in rows
    ]
