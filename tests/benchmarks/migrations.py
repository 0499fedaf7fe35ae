"""How long an empty database takes to be made by the migrations, beside the same statements said again by the driver.

    python -m tests.benchmarks migrations [--quick]

Making the app is not counted; the floor says the very statements the migrations said, in one transaction, to another
empty database of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, event

from grantflow import create_app, schema
from grantflow.db import db
from tests.benchmarks.ground import place
from tests.benchmarks.table import Line


def made(environ: dict[str, str]) -> tuple[float, list[tuple[str, Any]]]:
    """Seconds the migrations took there, and what they said to the database."""
    said: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        said.append((statement, values))

    app = create_app(environ)
    event.listen(Engine, "before_cursor_execute", hear)
    try:
        start = perf_counter()
        schema.upgrade(app)
        taken = perf_counter() - start
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    with app.app_context():
        db.engine.dispose()
    return taken, said


def again(environ: dict[str, str], said: list[tuple[str, Any]]) -> float:
    """Seconds the same statements take by the driver alone, connecting included."""
    app = create_app(environ)
    with app.app_context():
        start = perf_counter()
        raw = db.engine.raw_connection()
        cursor = raw.cursor()
        for statement, values in said:
            cursor.execute(statement, values)
        raw.commit()
        taken = perf_counter() - start
        raw.close()
        db.engine.dispose()
    return taken


def lines(server: str | None, quick: bool) -> Iterator[Line]:
    """A line for each database."""
    for kind, where in (("SQLite", None), ("PostgreSQL", server)):
        if kind == "PostgreSQL" and server is None:
            continue
        pairs = []
        for _ in range(1 if quick else 5):
            with place(where) as first, place(where) as second:
                taken, said = made(first)
                pairs.append((taken, again(second, said)))
        whole, floor = (median(side) for side in zip(*pairs, strict=True))
        yield Line(
            f"an empty database on {kind}",
            f"{whole:.2f} s",
            f"{len(said)} statements alone {floor:.2f} s",
            median(floor / whole for whole, floor in pairs),
            "2 s",
        )
