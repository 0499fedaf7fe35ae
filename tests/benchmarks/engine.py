"""What the engine costs, as ratios to plain Python work done in the same run.

    python tests/benchmarks/engine.py

A step is compared with looking it up in a dict of (state, move); reading all definitions with parsing their
TOML alone; the first picture of a workflow with every further one.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from grantflow.engine import diagram
from grantflow.engine.loader import read
from grantflow.engine.machine import Lifecycle

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


def show(what: str, floor: str, measured: float, least: float) -> None:
    """One line: the work, its floor, both times and their ratio."""
    left, right = f"{what:32} {measured * 1e6:10.1f} µs", f"{floor:26} {least * 1e6:10.1f} µs"
    print(f"{left}   {right}   ratio {measured / least:8.1f}")


def main() -> None:
    """Measure and print."""
    workflow = read(FOLDER / "application.toml")
    lifecycle = Lifecycle(workflow)
    submit, withdraw = workflow.move("submit"), workflow.move("withdraw")
    table = {(state, move.name): move.to or state for move in workflow.moves for state in move.source}
    floor = seconds(lambda: table["draft", submit.name], 20_000)
    show("a step", "a look-up in a dict", seconds(lambda: lifecycle.advance("draft", submit), 5_000), floor)
    last = seconds(lambda: lifecycle.advance("reserve", withdraw), 5_000)
    show("a step from the last of 7 sources", "a look-up in a dict", last, floor)
    files = sorted(FOLDER.glob("*.toml"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    parsing = seconds(lambda: [tomllib.loads(text) for text in texts], 2)
    show(
        "reading all definitions",
        "parsing their TOML alone",
        seconds(lambda: [read(p) for p in files], 2),
        parsing,
    )

    def first() -> str:
        diagram._plans.clear()
        return diagram.svg(workflow, "ru", ["draft", "submitted"], "eligible")

    again = seconds(lambda: diagram.svg(workflow, "ru", ["draft", "submitted"], "eligible"), 20)
    show("the first picture of a workflow", "every further one", seconds(first, 1), again)


if __name__ == "__main__":
    main()
