"""Reading changes of bank details: what waits in quarantine, what became of earlier ones, and to which account a payment
went. It changes nothing; whoever shows a row has asked `cases.access` before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from grantflow.awards.models import Award
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.disbursements.models import CHANGE_WAITS, AccountChange, Payment
from grantflow.errors import NotFound
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation

MOST_SHOWN = 50
"""So many changes a page lists."""


@dataclass(frozen=True)
class Place:
    """An account money went to before it was changed, with the words an award has for its own."""

    bank_account: str
    bank_name: str
    bank_code: str
    payee: Any

    @property
    def account_end(self) -> str:
        """The last four characters."""
        return self.bank_account[-4:]


def change(change_id: int) -> AccountChange:
    """One change; NotFound where there is none."""
    found = session().get(AccountChange, change_id)
    if found is None:
        raise NotFound
    return found


def changes_of(award_id: int) -> list[AccountChange]:
    """Every change of a grant's account, the first one first."""
    query = select(AccountChange).where(AccountChange.award_id == award_id).order_by(AccountChange.id)
    return list(session().scalars(query))


def waiting_of(award_ids: Iterable[int]) -> dict[int, AccountChange]:
    """By grant, the change that stands in quarantine. One query for all."""
    query = select(AccountChange).where(
        AccountChange.award_id.in_(list(award_ids)), AccountChange.state.in_(CHANGE_WAITS)
    )
    return {row.award_id: row for row in session().scalars(query)}


@dataclass(frozen=True)
class Waiting:
    """A change in quarantine with its grant and grantee."""

    change: AccountChange
    case: Any
    organisation: Organisation


def waiting(actor: Actor, limit: int | None = None) -> list[Waiting]:
    """What stands in quarantine of all grants this actor may see, the oldest first."""
    query = (
        select(AccountChange, Case, Organisation)
        .join(Case, Case.id == AccountChange.award_id)
        .join(Organisation, Organisation.id == Case.organisation_id)
        .where(visible_to(actor), AccountChange.state.in_(CHANGE_WAITS))
        .order_by(AccountChange.asked_at, AccountChange.id)
    )
    return [Waiting(*row) for row in session().execute(query if limit is None else query.limit(limit))]


def went_to(
    award: Award, changes: Sequence[AccountChange], paid_on: date, paid_at: datetime, zone: str
) -> Award | Place:
    """The account a payment went to: the one that was valid when it was noted and on the day the bank booked it.

    `changes` are the grant's, the first one first; only confirmed ones count. What was paid stays paid to the account of
    its day, whatever is confirmed later.
    """
    for one in changes:
        if one.state != "confirmed" or one.settled_at is None:
            continue
        if paid_at < one.settled_at or paid_on < one.settled_at.astimezone(ZoneInfo(zone)).date():
            return Place(one.old_account, one.old_bank, one.old_code, one.old_payee)
    return award


def ends_of(award: Award, changes: Sequence[AccountChange], ledger: Sequence[Payment], zone: str) -> dict[int, str]:
    """By line of the ledger, how the account it names ends. A return bears the account its payment had gone to."""
    paid = {one.id: one for one in ledger}
    found = {}
    for line in ledger:
        first = paid.get(line.reverses_id or 0, line)
        found[line.id] = went_to(award, changes, first.booked_on, first.at, zone).account_end
    return found
