"""Whether an enterprise stands: ceased, sustainable or at risk, from its answers; and how many still do,
month by month.

Pure: no database, no clock. A way counts only with evidence; what the evidence is worth an officer judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Verdict = Literal["sustainable", "at_risk", "ceased"]
VERDICTS: tuple[Verdict, ...] = ("sustainable", "at_risk", "ceased")


@dataclass(frozen=True)
class Way:
    """One of the ways an enterprise can last: held or not (None: not answered), what shows it, its share of
    income."""

    held: bool | None
    evidence: str = ""
    share: Decimal | None = None

    @property
    def evidenced(self) -> bool:
        """Whether it counts: held, and something written that shows it."""
        return self.held is True and any(character.isalnum() for character in self.evidence)


def classify(operating: bool | None, ways: Mapping[str, Way]) -> Verdict:
    """The verdict that follows from the answers.

    Ceased is not operating, whatever the ways say; sustainable is operating with at least one evidenced way;
    at risk is operating with none. Raises ValueError while it is not answered whether the enterprise
    operates.
    """
    if operating is None:
        raise ValueError("whether the enterprise operates is not answered")
    if not operating:
        return "ceased"
    return "sustainable" if any(way.evidenced for way in ways.values()) else "at_risk"


def evidenced(ways: Mapping[str, Way]) -> tuple[str, ...]:
    """The codes of the ways that count, in their order."""
    return tuple(code for code, way in ways.items() if way.evidenced)


def ways_of(kept: Mapping[str, Mapping[str, object]] | None) -> dict[str, Way]:
    """The ways as they are kept in a check's row, read back."""
    found = {}
    for code, raw in (kept or {}).items():
        held, share = raw.get("held"), raw.get("share")
        found[code] = Way(
            held if isinstance(held, bool) else None,
            str(raw.get("evidence") or ""),
            None if share in (None, "") else Decimal(str(share)),
        )
    return found


@dataclass(frozen=True)
class Standing:
    """How a cohort stands at one check: how many were asked and settled, how many of them answered what."""

    months: int
    settled: int
    sustainable: int
    at_risk: int
    ceased: int
    no_answer: int

    @property
    def answered(self) -> int:
        """Those who answered: who did not is not counted as standing nor as fallen."""
        return self.sustainable + self.at_risk + self.ceased

    @property
    def operating(self) -> int:
        """Those that still worked."""
        return self.sustainable + self.at_risk

    def share(self, number: int) -> Decimal | None:
        """`number` in per cent of those who answered, to one decimal; None where nobody did."""
        return None if not self.answered else (Decimal(number * 100) / self.answered).quantize(Decimal("0.1"))


def standing(checks: Iterable[tuple[int, str]], months: Sequence[int] = ()) -> list[Standing]:
    """Settled checks (months, verdict) counted by month, in the order of months; months without any are
    kept."""
    counted: dict[int, dict[str, int]] = {month: {} for month in months}
    for month, verdict in checks:
        row = counted.setdefault(month, {})
        row[verdict] = row.get(verdict, 0) + 1
    return [
        Standing(
            month,
            sum(row.values()),
            row.get("sustainable", 0),
            row.get("at_risk", 0),
            row.get("ceased", 0),
            row.get("no_answer", 0),
        )
        for month, row in sorted(counted.items())
    ]


@dataclass(frozen=True)
class Survival:
    """How much of a cohort is left after a check: of so many watched, so many ceased; shares of all at the
    start."""

    months: int
    watched: int
    ceased: int
    working: Decimal
    """Per cent of all that work, by the product of what each check left over."""
    lasting: Decimal
    """Per cent of all that work on at least one evidenced way."""
    low: Decimal
    high: Decimal
    """Between which `working` lies nine times in ten, judged by those watched at this check."""


def survival(histories: Iterable[Sequence[tuple[int, str]]]) -> list[Survival]:
    """Survival from each enterprise's settled checks (months, verdict), in the order of months.

    An enterprise is watched at a check it answered, unless it had ceased before. One that did not answer, or
    is not so far yet, leaves the watch without having fallen (Kaplan and Meier): so a young cohort does not
    pull an old one up.
    """
    watched: dict[int, list[str]] = {}
    for history in histories:
        for months, verdict in sorted(history):
            if verdict == "no_answer":
                continue
            watched.setdefault(months, []).append(verdict)
            if verdict == "ceased":
                break
    found, left = [], Decimal(100)
    tenth = Decimal("0.1")
    for months, verdicts in sorted(watched.items()):
        ceased = verdicts.count("ceased")
        standing_now = len(verdicts) - ceased
        left = left * standing_now / len(verdicts)
        lasting = left * verdicts.count("sustainable") / standing_now if standing_now else Decimal(0)
        low, high = interval(left / 100, len(verdicts)) or (Decimal(0), Decimal(100))
        found.append(Survival(months, len(verdicts), ceased, left.quantize(tenth), lasting.quantize(tenth), low, high))
    return found


def interval(share: Decimal, of: int, z: Decimal = Decimal("1.645")) -> tuple[Decimal, Decimal] | None:
    """Between which per cent a share (0 to 1) seen on so many lies nine times in ten (Wilson); None of
    nothing."""
    if of <= 0:
        return None
    n, p, z2 = Decimal(of), share, z * z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * (p * (1 - p) / n + z2 / (4 * n * n)).sqrt()
    tenth = Decimal("0.1")
    low, high = max(Decimal(0), (middle - half) * 100), min(Decimal(100), (middle + half) * 100)
    return low.quantize(tenth), high.quantize(tenth)
