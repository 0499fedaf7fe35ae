"""Each benchmark runs, with its smallest counts, and prints its ratio. No time is judged here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.benchmarks.__main__ import PARTS
from tests.benchmarks.ground import server as durable
from tests.benchmarks.table import show

SLOW = ("lists", "moves", "submissions")
"""They build the demo, or start many programs: left to --thorough; the gate runs the last two so beside the suite."""
KINDS = {
    "submissions": ("clients save", "clients send"),
    "engine": ("a step", "reading all"),
    "lists": ("officer /pipeline", "finance /money", "everybody /calls"),
}
"""What must be among the lines of a part; both databases where nothing else is said."""


@pytest.fixture(scope="module")
def server() -> Iterator[str | None]:
    with durable() as url:
        yield url


@pytest.mark.parametrize("part", PARTS)
def test_a_benchmark_runs_and_prints_a_ratio_against_its_floor(
    part: str, server: str | None, thorough: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if part in SLOW and not thorough:
        pytest.skip("run under --thorough")
    title, lines = PARTS[part]
    capsys.readouterr()
    show(title, lines(server, True))
    _blank, head, *printed = capsys.readouterr().out.splitlines()
    assert head == title
    wanted = KINDS.get(part, ("SQLite", "PostgreSQL"))
    for kind in wanted if server else set(wanted) - {"PostgreSQL"}:
        assert any(kind in line for line in printed), kind
    for line in printed:
        ratio = re.search(r" (\d+\.\d\d)(?: |$)", line[44 + 24 + 3 + 32 :])
        assert ratio and float(ratio[1]) > 0, line
