"""All benchmarks, or those named, as one table.

    python -m tests.benchmarks [--quick] [part …]

Each line stands beside a floor measured in the same run: plain work that does the same without GrantFlow. The
ratio says how much of the floor is reached. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import os

from tests.benchmarks import engine, lists, migrations, moves, submissions, verifying
from tests.benchmarks.ground import server
from tests.benchmarks.table import HEAD, show

PARTS = {
    "moves": ("Moves through the one door, with history and notices", moves.lines),
    "submissions": ("Answers saved and applications submitted, over HTTP", submissions.lines),
    "lists": ("Lists and desks as applications grow", lists.lines),
    "verifying": ("Walking the history: history verify", verifying.lines),
    "engine": ("The engine, apart from any database", engine.lines),
    "migrations": ("Making an empty database by the migrations", migrations.lines),
}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="small counts: to see that it runs")
    options.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=f"of: {', '.join(PARTS)}")
    asked = options.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start")
    print(HEAD)
    with server() as url:
        for name in asked.parts or PARTS:
            title, lines = PARTS[name]
            show(title, lines(url, asked.quick))


if __name__ == "__main__":
    main()
