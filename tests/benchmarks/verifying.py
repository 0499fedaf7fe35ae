"""How many events a second `history verify` walks, beside hashing the same events with nothing around it.

    python -m tests.benchmarks verifying [--quick]

The floor has the event objects and the private values in memory already: it writes each in its canonical form, hashes
it and compares. What is above it is reading the rows and looking whether chain, case and values fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import select

from grantflow.db import session
from grantflow.history import verify
from grantflow.history.canonical import digest, event_hash
from grantflow.history.models import Event, PrivateValue
from grantflow.history.store import as_object
from tests.benchmarks.ground import house, place
from tests.benchmarks.moves import CASES, Door, cast
from tests.benchmarks.table import Line


def in_memory() -> tuple[list[tuple[dict[str, Any], str]], list[tuple[bytes, Any, str]]]:
    """Every event object with its hash, and every private value with its salt and digest."""
    from grantflow.cases.models import Case

    names = {row.id: f"{row.kind}/{row.id}" for row in session().execute(select(Case.__table__))}
    events, digests = [], {}
    for row in session().execute(select(Event.__table__)).mappings():
        events.append((as_object(names[row["case_id"]], row), row["hash"]))
        digests |= {(row["case_id"], row["seq"], name): written for name, written in row["private"].items()}
    values = [
        (row.salt, json.loads(row.value), digests[row.case_id, row.seq, row.name])
        for row in session().execute(select(PrivateValue.__table__))
    ]
    session().rollback()
    return events, values


def hashed(events: list[tuple[dict[str, Any], str]], values: list[tuple[bytes, Any, str]]) -> None:
    """The bare hashing."""
    if not all(event_hash(event) == written for event, written in events):
        raise RuntimeError("an event does not fit its hash")
    if not all(digest(salt, value) == written for salt, value, written in values):
        raise RuntimeError("a value does not fit its digest")


def lines(server: str | None, quick: bool) -> Iterator[Line]:
    """A line for each database."""
    import tests.cases.machines  # noqa: F401  the guard is registered there

    for kind, where in (("SQLite", None), ("PostgreSQL", server)):
        if kind == "PostgreSQL" and server is None:
            continue
        with place(where) as environ, house(environ):
            officer, pairs = cast(1)
            Door(pairs[0][0], officer).move(2 * CASES if quick else 200 * CASES, CASES)
            events, values = in_memory()
            rounds = []
            for _ in range(1 if quick else 5):
                start = perf_counter()
                report = verify.verify_all()
                between = perf_counter()
                hashed(events, values)
                rounds.append((between - start, perf_counter() - between))
                if not report.whole or report.events != len(events):
                    raise RuntimeError(f"the history is not whole: {report.breaks[:1]}")
            whole, bare = (len(events) / median(side) for side in zip(*rounds, strict=True))
            yield Line(
                f"{len(events):,} events on {kind}",
                f"{whole:,.0f} events/s",
                f"hashing alone {bare:,.0f} events/s",
                median(floor / walk for walk, floor in rounds),
            )
