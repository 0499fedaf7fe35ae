"""Money as an integer count of minor units with its currency; in Python a Decimal, never a float.

Wording and parsing are in `rendering`; rules of sharing and rounding belong to the pure modules of the stages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

MINOR_DIGITS = {
    "RUB": 2, "EUR": 2, "USD": 2, "NOK": 2, "DKK": 2, "SEK": 2, "GBP": 2,
    "KZT": 2, "KGS": 2, "TJS": 2, "TMT": 2, "UZS": 2,
}  # fmt: skip
LARGEST_MINOR = 10**15
"""No sum is larger: it fits a BIGINT many times over and a typed one beyond it is a slip."""


@dataclass(frozen=True, order=False)
class Money:
    """A sum in minor units (kopecks, cents) of one currency. Adding two currencies raises ValueError."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("money is counted in whole minor units")
        if self.currency not in MINOR_DIGITS:
            raise ValueError(f"unknown currency {self.currency!r}")

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Money:
        """From a decimal amount; raises ValueError where it has more digits than the currency."""
        scaled = Decimal(amount).scaleb(MINOR_DIGITS[currency])
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more digits than {currency} counts")
        return cls(int(scaled), currency)

    @classmethod
    def total(cls, values: Iterable[Money], currency: str) -> Money:
        """What these come to, nothing where there are none; raises ValueError where one is in another currency."""
        return sum(values, cls(0, currency))

    @property
    def amount(self) -> Decimal:
        """The sum in whole units, exact."""
        return Decimal(self.minor).scaleb(-MINOR_DIGITS[self.currency])

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added up")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __bool__(self) -> bool:
        return self.minor != 0
