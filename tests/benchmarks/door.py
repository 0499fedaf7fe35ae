"""What `fire()` costs, as a ratio to bare SQL that does the same durable work in the same run.

    python tests/benchmarks/door.py [--rounds N]

The floor writes the same rows by the driver's cursor alone: it reads the case, judges a guard, inserts the
event with its chain hash, the digest of the actor's name with its value, and the outbox row, updates the case
where the version still fits, and commits. Ratio 1 would mean that the door costs nothing; 0.5 that it doubles
the work. Each line is the median over rounds in which both ran one after the other. SQLite stands on a real
file; PostgreSQL is the tests' own (`GRANTFLOW_TEST_PG` names another) and is left out where there is none.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from flask import Flask
from sqlalchemy import Engine, event

MOVES = 200
"""Moves measured in one go."""


def swing() -> Any:
    """A machine that goes to and fro, so that every move changes the state: one role, one guard, one notice."""
    from grantflow.engine.definition import Workflow
    from tests.cases.machines import label, move

    states = [("here", "submission"), ("there", "eligibility")]
    return Workflow.model_validate(
        {
            "name": "swing",
            "label": label("Swing"),
            "initial": "here",
            "states": [
                {"name": n, "label": label(n), "tone": "move", "stage": s, "desk": "officer"} for n, s in states
            ],
            "moves": [
                move("go", ["here"], "there", ["officer"], guards=["tests.lamp_on"], notices=["tranche_awaits"]),
                move(
                    "come",
                    ["there"],
                    "here",
                    ["officer"],
                    guards=["tests.lamp_on"],
                    notices=["tranche_awaits"],
                ),
            ],
        }
    )


class Bench:
    """One database with a case for the door and one for the floor."""

    def __init__(self, app: Flask) -> None:
        from grantflow.cases import definitions, service
        from grantflow.db import db, unit_of_work
        from tests.factories import person, record_file

        real = definitions.current
        definitions.current = lambda name: swing() if name == "swing" else real(name)  # type: ignore[assignment]
        self.app, self.fire, self.unit_of_work = app, service.fire, unit_of_work
        self.officer = person("officer", programme_id=record_file("programme"))
        programme = self.officer.held[0].programme_id
        self.reader = person("finance", programme_id=programme).person_id
        with unit_of_work():
            self.cases = [
                service.open_case("check", workflow="swing", actor=self.officer, title=t, programme_id=programme).id
                for t in ("door", "floor")
            ]
        definitions.current = real
        self.swung = False
        self.postgres = db.engine.dialect.name == "postgresql"
        self.raw = db.engine.raw_connection()
        self.raw.driver_connection.rollback()

    def door(self, a_commit: int) -> None:
        """So many moves by `fire()`, this many to a commit."""
        for _ in range(0, MOVES, a_commit):
            with self.unit_of_work():
                for _ in range(a_commit):
                    self.swung = not self.swung
                    self.fire(
                        self.cases[0],
                        "go" if self.swung else "come",
                        actor=self.officer,
                        payload={"lamp": "on"},
                    )

    def floor(self, a_commit: int) -> None:
        """The same moves by bare SQL."""
        from grantflow import clock
        from grantflow.history.canonical import canonical, digest, event_hash, sha256, stamp

        cursor = self.raw.cursor()
        mark = "%s" if self.postgres else "?"

        def run(sql: str, *values: Any) -> Any:
            cursor.execute(sql.replace("?", mark), values)
            return cursor

        case_id, officer = self.cases[1], self.officer
        for _ in range(0, MOVES, a_commit):
            run("BEGIN" if self.postgres else "BEGIN IMMEDIATE")
            for _ in range(a_commit):
                lock = " FOR UPDATE" if self.postgres else ""
                state, version, head, programme = run(
                    f"SELECT state, version, head_hash, programme_id FROM cases WHERE id = ?{lock}", case_id
                ).fetchone()
                if not any(held.role == "officer" and held.programme_id == programme for held in officer.held):
                    raise PermissionError
                to, now, salt = "there" if state == "here" else "here", clock.now(), os.urandom(16)
                at = now if self.postgres else now.replace(tzinfo=None).isoformat(" ")
                private = {"actor": digest(salt, officer.name)}
                event = {
                    "v": 1, "case": f"check/{case_id}", "seq": version + 1, "at": stamp(now), "actor": officer.person_id,
                    "role": "officer", "for": None, "trigger": "go", "move": "go", "from": state, "to": to, "facts": {},
                    "private": private, "key": None, "prev": head,
                }  # fmt: skip
                hashed = event_hash(event)
                run(
                    "INSERT INTO events (case_id, seq, v, at, actor_id, role, trigger, move, from_state, to_state, facts,"
                    " private, prev_hash, hash) VALUES (?, ?, 1, ?, ?, 'officer', 'go', 'go', ?, ?, ?, ?, ?, ?)",
                    case_id, version + 1, at, officer.person_id, state, to, "{}", json.dumps(private), head, hashed,
                )  # fmt: skip
                run(
                    "INSERT INTO private_values (case_id, seq, name, person_id, salt, value) VALUES (?, ?, ?, ?, ?, ?)",
                    case_id, version + 1, "actor", officer.person_id, salt, canonical(officer.name),
                )  # fmt: skip
                changed = run(
                    "UPDATE cases SET state = ?, stage = ?, version = ?, head_hash = ?, since_at = ?, since_seq = ? "
                    "WHERE id = ? AND version = ?",
                    to, "eligibility" if to == "there" else "submission", version + 1, hashed, at, version + 1,
                    case_id, version,
                )  # fmt: skip
                if changed.rowcount != 1:
                    raise RuntimeError("stale")
                dedupe = f"{case_id}/{version + 1}/tranche_awaits/{self.reader}"
                run(
                    "INSERT INTO outbox (dedupe, notice, person_id, case_id, params, created_at, due_at, attempts,"
                    " last_error, message_id) VALUES (?, 'tranche_awaits', ?, ?, ?, ?, ?, 0, '', ?)",
                    dedupe, self.reader, case_id, json.dumps({"ref": "", "title": "floor", "state": {"en": to, "ru": to}}),
                    at, at, f"<{sha256((hashed + dedupe).encode())[:40]}@grantflow>",
                )  # fmt: skip
            run("COMMIT")
        cursor.close()

    def ratio(self, a_commit: int, rounds: int) -> tuple[float, float, float]:
        """Microseconds of a move by the door and by the floor, and floor over door."""
        pairs = []
        for _ in range(rounds):
            pairs.append((seconds(lambda: self.door(a_commit)), seconds(lambda: self.floor(a_commit))))
        door, floor = (median(times) / MOVES * 1e6 for times in zip(*pairs, strict=True))
        return door, floor, median(floor / door for door, floor in pairs)


def seconds(work: Callable[[], None]) -> float:
    """How long it took."""
    start = perf_counter()
    work()
    return perf_counter() - start


def no_sync(connection: Any, _record: Any) -> None:
    """Leave the disk out of it: what is left is what the processor does."""
    connection.cursor().execute("PRAGMA synchronous = OFF")


@contextmanager
def bench(url: str, home: str) -> Iterator[Bench]:
    """The bench on a fresh database."""
    from grantflow import create_app
    from grantflow.db import db

    app = create_app({"GRANTFLOW_HOME": home, "DATABASE_URL": url, "GRANTFLOW_WORKER": "no"})
    with app.app_context():
        db.create_all()
        db.session.remove()
        made = Bench(app)
        yield made
        made.raw.close()
        db.session.remove()
        db.engine.dispose()


def show(where: str, made: Bench, rounds: int) -> None:
    """Two lines for one database: one move a commit, a hundred moves a commit."""
    made.door(1), made.floor(1)  # whatever is compiled once is compiled now
    for a_commit in (1, 100):
        door, floor, ratio = made.ratio(a_commit, rounds)
        what = f"{where}, {a_commit:3} a commit"
        print(f"{what:44} fire() {door:8.0f} µs   bare SQL {floor:8.0f} µs   ratio {ratio:.2f}", flush=True)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=9)
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory() as home:
        with bench(f"sqlite:///{home}/full.db", home) as made:
            show("SQLite, waiting for the disk", made, rounds)
        event.listen(Engine, "connect", no_sync)
        with bench(f"sqlite:///{home}/off.db", home) as made:
            show("SQLite, not waiting for the disk", made, rounds)
        event.remove(Engine, "connect", no_sync)
    import pytest

    from tests import postgres

    try:
        with (
            postgres.server() as server,
            tempfile.TemporaryDirectory() as home,
            bench(postgres.fresh_database(server), home) as made,
        ):
            show("PostgreSQL", made, rounds)
    except pytest.skip.Exception as reason:
        print(f"PostgreSQL left out: {reason}")


if __name__ == "__main__":
    main()
