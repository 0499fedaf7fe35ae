"""The lines the benchmarks print: what was measured, what it stands beside, and the ratio of the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One result. `ratio` is how much of its floor it reaches: 1 would be all of it. `aim` is what is aimed for."""

    what: str
    measured: str
    floor: str
    ratio: float
    aim: str = ""
    note: str = ""

    def __str__(self) -> str:
        told = f"{self.what:44} {self.measured:>24}   {self.floor:>32}   {self.ratio:6.2f}   {self.aim:10}"
        return f"{told} {self.note}".rstrip()


HEAD = f"{'what':44} {'measured':>24}   {'its floor, in the same run':>32}   {'ratio':>6}   {'to aim for':10}"


def show(title: str, lines: Iterator[Line]) -> None:
    """Print a part of the table, each line as soon as it is known."""
    print(f"\n{title}", flush=True)
    for line in lines:
        print(line, flush=True)
