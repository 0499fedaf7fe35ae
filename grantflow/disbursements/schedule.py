"""Sharing a grant into tranches and counting months: exact to the minor unit, right at the end of a month.

Pure: no database, no clock. Which plan applies, and what then happens on a date, is for `service`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from grantflow.money import Money
from grantflow.programmes.parts import add_period


def shares(total: Money, percents: Sequence[Decimal]) -> tuple[Money, ...]:
    """Share a sum by per cent, in whole minor units; the parts add up to the sum, always.

    Each part is rounded down and the remainder goes to the first, so that what is not yet certain is not
    promised later: 100.00 in three equal parts is 33.34, 33.33, 33.33. Raises ValueError unless the parts are
    positive, add up to 100 (a plan in equal thirds says 33.34, 33.33, 33.33), and every one is at least one
    minor unit.
    """
    if not percents or any(p <= 0 for p in percents) or sum(percents, Decimal(0)) != 100:
        raise ValueError("the parts of a plan are positive and add up to 100 per cent")
    if total.minor <= 0:
        raise ValueError("only a positive sum can be shared")
    scale = max(0, *(-int(p.as_tuple().exponent) for p in percents))
    whole = 100 * 10**scale
    minor = [total.minor * int(p.scaleb(scale)) // whole for p in percents]
    minor[0] += total.minor - sum(minor)
    if any(part <= 0 for part in minor):
        raise ValueError("the sum is too small for this many parts")
    return tuple(Money(part, total.currency) for part in minor)


def equal_shares(total: Money, parts: int) -> tuple[Money, ...]:
    """Share a sum into equal parts, the remainder to the first: 100.00 in three is 33.34 + 33.33 + 33.33."""
    if parts < 1 or total.minor < parts:
        raise ValueError("the sum is too small for this many parts")
    each, rest = divmod(total.minor, parts)
    return tuple(Money(each + (rest if n == 0 else 0), total.currency) for n in range(parts))


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month where it has no such day (31 Jan + 1: end
    of Feb).

    Count every date from the first one, never from the one before: 31 Jan + 2 months is 31 March.
    """
    return add_period(day, f"P{months}M")


def available(awarded: Money, paid: Money, planned: Money) -> Money:
    """What of a grant is neither paid nor planned. Below zero means that more was promised than awarded."""
    return awarded - paid - planned
