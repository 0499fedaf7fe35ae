"""What the engine costs, beside plain Python work done in the same run.

    python -m tests.benchmarks engine [--quick]

A step is compared with looking it up in a dict of (state, move); reading all definitions with parsing their
TOML alone; the first picture of a workflow with every further one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from grantflow.engine import diagram
from grantflow.engine.loader import read
from grantflow.engine.machine import Lifecycle
from tests.benchmarks.table import Line

FOLDER = Path(__file__).parents[2] / "workflows"


def seconds(work: Callable[[], object], times: int, rounds: int = 7) -> float:
    """The median over rounds of the time of one call."""
    taken = []
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(times):
            work()
        taken.append((perf_counter() - start) / times)
    return median(taken)


def line(what: str, floor: str, measured: float, least: float) -> Line:
    """One line: the work, its floor, both times and how much of the floor is reached."""
    return Line(what, f"{measured * 1e6:,.1f} µs", f"{floor} {least * 1e6:,.1f} µs", least / measured)


def lines(server: str | None, quick: bool) -> Iterator[Line]:
    """A line for each of the engine's works."""
    times = 10 if quick else 1
    workflow = read(FOLDER / "application.toml")
    submit, withdraw = workflow.move("submit"), workflow.move("withdraw")
    table = {(state, move.name): move.to or state for move in workflow.moves for state in move.source}
    lifecycle = Lifecycle(workflow)
    floor = seconds(lambda: table["draft", submit.name], 20_000 // times)
    known = seconds(lambda: lifecycle.advance("draft", submit), 5_000 // times)
    yield line("a step", "a look-up in a dict", known, floor)
    first = seconds(lambda: Lifecycle(workflow), 20 // times)
    both = seconds(lambda: Lifecycle(workflow).advance("reserve", withdraw), 20 // times)
    yield line("a machine and its first step", "a machine alone", both, first)
    files = sorted(FOLDER.glob("*.toml"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    parsing = seconds(lambda: [tomllib.loads(text) for text in texts], 1)
    yield line("reading all definitions", "their TOML alone", seconds(lambda: [read(p) for p in files], 1), parsing)

    def drawn() -> str:
        diagram._plans.clear()
        return diagram.svg(workflow, "ru", ["draft", "submitted"], "eligible")

    again = seconds(lambda: diagram.svg(workflow, "ru", ["draft", "submitted"], "eligible"), 20 // times)
    yield line("the first picture of a workflow", "every further one", seconds(drawn, 1), again)
