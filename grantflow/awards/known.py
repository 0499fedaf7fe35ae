"""Tells the rules of eligibility which grants a body has had: when the right arose, how much, what is to be returned.

What a rule makes of it is `eligibility`'s.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from grantflow.awards.models import Award
from grantflow.db import session
from grantflow.eligibility.finding import Granted
from grantflow.eligibility.knowledge import grants_provider


@grants_provider
def granted(bodies: Collection[int], besides: int) -> list[Granted]:
    """Grants that were offered to these bodies, but for that of one application. One that was terminated counts with
    what was paid, and that is to be returned; a decision that is still sealed is nobody's to know."""
    rows = session().scalars(
        select(Award)
        .where(Award.organisation_id.in_(bodies), Award.application_id != besides, Award.offered_at.is_not(None))
        .order_by(Award.case_id)
    )
    return [
        Granted(
            row.number,
            row.signed_on or row.decided_at.date(),
            row.committed.minor,
            row.currency,
            owed_minor=row.paid_minor if row.terminated_at is not None else 0,
        )
        for row in rows
        if row.committed.minor
    ]
