"""What a move by `fire()` costs, beside bare SQL that does the same durable work in the same run.

    python -m tests.benchmarks moves [--quick]

Both read and lock the case, judge a role and a guard, insert the event with its chain hash and the digest of the
actor's name with its value, update the case where the version still fits, ask who is to be told, and insert the notice:
six statements between BEGIN and COMMIT, on the same database with the same care of the disk. The floor runs them by
the driver's cursor alone. Workers are processes, each with a hundred cases of its own for each of the two, moved in
turn: a hundred moves to a commit are one of each case. Moves per second are by the wall clock,
door and floor in turns; beside them the processor time of a move in the worker itself, where PostgreSQL's own does not
count.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter, process_time
from typing import Any

from grantflow.identity.access import Actor
from tests.benchmarks.ground import house, place
from tests.benchmarks.table import Line

PATIENCE = 300
CASES, FEW = 100, 20
"""Of each worker; few where it is only to be seen that it runs."""
Pair = tuple[list[int], list[int]]
"""The cases of a worker: those of the door, those of the floor."""


def swing() -> Any:
    """A machine that goes to and fro, so that every move changes the state: one role, one guard, one notice."""
    from grantflow.engine.definition import Workflow
    from tests.cases.machines import label, move

    states = [("here", "submission"), ("there", "eligibility")]
    both = {"roles": ["officer"], "guards": ["tests.lamp_on"], "notices": ["tranche_awaits"]}
    return Workflow.model_validate(
        {
            "name": "swing",
            "label": label("Swing"),
            "initial": "here",
            "states": [
                {"name": n, "label": label(n), "tone": "move", "stage": s, "desk": "officer"} for n, s in states
            ],
            "moves": [move("go", ["here"], "there", **both), move("come", ["there"], "here", **both)],
        }
    )


def cast(workers: int, cases: int = CASES) -> tuple[Actor, list[Pair]]:
    """An officer who moves, somebody of finance who is told, and the cases of each worker."""
    from grantflow.cases import definitions, service
    from grantflow.db import unit_of_work
    from tests.factories import person, record_file

    real = definitions.current
    definitions.current = lambda name: swing() if name == "swing" else real(name)  # type: ignore[assignment]
    try:
        programme = record_file("programme")
        officer = person("officer", programme_id=programme)
        person("finance", programme_id=programme)
        with unit_of_work():
            more = {"workflow": "swing", "actor": officer, "programme_id": programme}
            rows = [
                [service.open_case("check", title="A case", **more).id for _ in range(cases)]
                for _ in range(2 * workers)
            ]
    finally:
        definitions.current = real
    return officer, list(zip(rows[::2], rows[1::2], strict=True))


class Door:
    """Moves by `fire()`."""

    def __init__(self, cases: list[int], officer: Actor) -> None:
        self.next = itertools.cycle([(c, trigger) for trigger in ("go", "come") for c in cases])
        self.officer = officer

    def move(self, moves: int, a_commit: int) -> None:
        """So many moves, this many to a commit."""
        from grantflow.cases.service import fire
        from grantflow.db import unit_of_work

        for _ in range(0, moves, a_commit):
            with unit_of_work():
                for _ in range(a_commit):
                    case_id, trigger = next(self.next)
                    fire(case_id, trigger, actor=self.officer, payload={"lamp": "on"})


class Floor:
    """The same moves by bare SQL."""

    def __init__(self, cases: list[int], officer: Actor) -> None:
        from grantflow.db import db

        self.next, self.officer = itertools.cycle(cases), officer
        self.postgres = db.engine.dialect.name == "postgresql"
        self.raw = db.engine.raw_connection()
        self.raw.driver_connection.rollback()
        self.lock, self.event, self.beside, self.update, self.told, self.notice = (
            text.replace("?", "%s") if self.postgres else text for text in self.statements()
        )

    def statements(self) -> Iterator[str]:
        """The six."""
        lock = " FOR UPDATE" if self.postgres else ""
        yield (
            "SELECT state, version, head_hash, programme_id, alliance_id, panel_id, organisation_id, due_at FROM cases "
            f"WHERE id = ?{lock}"
        )
        yield (
            "INSERT INTO events (case_id, seq, v, at, actor_id, role, for_id, trigger, move, from_state, to_state, "
            "facts, private, key, prev_hash, hash) "
            "VALUES (?, ?, 1, ?, ?, 'officer', NULL, ?, ?, ?, ?, ?, ?, NULL, ?, ?)"
        )
        yield (
            "INSERT INTO private_values (case_id, seq, name, person_id, salt, value) VALUES (?, ?, 'actor', ?, ?, ?)"
        )
        yield (
            "UPDATE cases SET state = ?, stage = ?, version = ?, head_hash = ?, since_at = ?, since_seq = ?, "
            "due_at = NULL WHERE id = ? AND version = ? RETURNING title, ref"
        )
        yield (
            "SELECT roles.person_id FROM roles JOIN people ON people.id = roles.person_id WHERE roles.role = 'finance' "
            "AND roles.revoked_at IS NULL AND people.active AND (starts_on IS NULL OR starts_on <= ?) "
            "AND (ends_on IS NULL OR ends_on >= ?) AND (programme_id IS NULL OR programme_id = ?) "
            "AND (alliance_id IS NULL OR alliance_id = ?) AND (panel_id IS NULL OR panel_id = ?) "
            "AND (organisation_id IS NULL OR organisation_id = ?) ORDER BY roles.person_id"
        )
        yield (
            "INSERT INTO outbox (dedupe, notice, person_id, case_id, params, created_at, due_at, attempts, last_error, "
            "message_id) VALUES (?, 'tranche_awaits', ?, ?, ?, ?, ?, 0, '', ?)"
        )

    def move(self, moves: int, a_commit: int) -> None:
        """So many moves, this many to a commit."""
        from grantflow import clock
        from grantflow.history.canonical import canonical, digest_of_written, event_hash, sha256, stamp

        cursor = self.raw.cursor()
        run, officer = cursor.execute, self.officer
        for _ in range(0, moves, a_commit):
            if not self.postgres:  # there the driver begins with the first statement
                run("BEGIN IMMEDIATE")
            for _ in range(a_commit):
                case_id = next(self.next)
                state, version, head, programme, alliance, panel, body, _due = run(self.lock, (case_id,)).fetchone()
                if not any(held.role == "officer" and held.programme_id == programme for held in officer.held):
                    raise PermissionError
                there = state == "here"
                to, move = ("there", "go") if there else ("here", "come")
                now, salt, name, seq = clock.now(), os.urandom(16), canonical(officer.name), version + 1
                at = now if self.postgres else now.replace(tzinfo=None).isoformat(" ")
                day = now.date() if self.postgres else now.date().isoformat()
                private = {"actor": digest_of_written(salt, name)}
                event = {
                    "v": 1, "case": f"check/{case_id}", "seq": seq, "at": stamp(now), "actor": officer.person_id,
                    "role": "officer", "for": None, "trigger": move, "move": move, "from": state, "to": to, "facts": {},
                    "private": private, "key": None, "prev": head,
                }  # fmt: skip
                hashed, person = event_hash(event), officer.person_id
                run(
                    self.event,
                    (case_id, seq, at, person, move, move, state, to, "{}", json.dumps(private), head, hashed),
                )
                run(self.beside, (case_id, seq, person, salt, name))
                stage = "eligibility" if there else "submission"
                changed = run(self.update, (to, stage, seq, hashed, at, seq, case_id, version)).fetchone()
                if changed is None:
                    raise RuntimeError("stale")
                params = json.dumps({"ref": "", "title": changed[0], "reason": "", "state": {"en": to, "ru": to}})
                for (reader,) in run(self.told, (day, day, programme, alliance, panel, body)).fetchall():
                    dedupe = f"{case_id}/{seq}/tranche_awaits/{reader}"
                    message = f"<{sha256((hashed + dedupe).encode())[:40]}@grantflow>"
                    run(self.notice, (dedupe, reader, case_id, params, at, at, message))
            self.raw.commit()
        cursor.close()


def work(environ: dict[str, str], pair: Pair, officer: Actor, orders: Any) -> None:
    """A worker: does what it is told until told to stop, and says how long it took by the wall and by the processor."""
    import tests.cases.machines  # noqa: F401  the guard is registered there

    with house(environ, made=True):
        does = {"door": Door(pair[0], officer), "floor": Floor(pair[1], officer)}
        for mover in does.values():
            mover.move(2 * len(pair[0]), len(pair[0]))  # whatever is compiled once is compiled now
        orders.send(None)
        while (order := orders.recv()) is not None:
            who, moves, a_commit = order
            start, spent = perf_counter(), process_time()
            does[who].move(moves, a_commit)
            orders.send((start, perf_counter(), process_time() - spent))
        does["floor"].raw.close()  # type: ignore[union-attr]


@contextmanager
def crew(environ: dict[str, str], officer: Actor, pairs: list[Pair]) -> Iterator[list[Any]]:
    """So many workers, ready; their ends of the line."""
    spawn = multiprocessing.get_context("spawn")
    lines, processes = [], []
    try:
        for pair in pairs:
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=work, args=(environ, pair, officer, theirs), daemon=True)
            process.start()
            theirs.close()
            lines.append(ours)
            processes.append(process)
        for line in lines:
            hear(line)
        yield lines
    finally:
        for line, process in zip(lines, processes, strict=True):
            try:
                line.send(None)
            except OSError:
                process.terminate()
            process.join(PATIENCE)


def hear(line: Any) -> Any:
    """What a worker says; its death is an EOFError."""
    if not line.poll(PATIENCE):
        raise TimeoutError("a worker does not answer")
    return line.recv()


def once(lines: list[Any], who: str, moves: int, a_commit: int) -> tuple[float, float]:
    """So many moves by each worker at once: moves per second by the wall clock, and seconds of processor a move."""
    for line in lines:
        line.send((who, moves, a_commit))
    told = [hear(line) for line in lines]
    wall = max(end for _, end, _ in told) - min(start for start, _, _ in told)
    return moves * len(lines) / wall, sum(spent for *_, spent in told) / moves / len(lines)


def lines(server: str | None, quick: bool) -> Iterator[Line]:
    """A line for each database, number of workers and moves to a commit."""
    workers, rounds, cases = ((2,), 1, FEW) if quick else ((1, 2, 4, 8), 3, CASES)
    for kind, where in (("SQLite", None), ("PostgreSQL", server)):
        if kind == "PostgreSQL" and server is None:
            continue
        with place(where) as environ:
            with house(environ):
                officer, pairs = cast(max(workers), cases)
            for number in workers:
                with crew(environ, officer, pairs[:number]) as ends:
                    for a_commit in (1, cases):
                        yield measured(kind, ends, a_commit, rounds, cases if quick or number > 2 else 2 * cases)


def measured(kind: str, ends: list[Any], a_commit: int, rounds: int, moves: int) -> Line:
    """Door and floor in turns; the medians."""
    pairs = [(once(ends, "door", moves, a_commit), once(ends, "floor", moves, a_commit)) for _ in range(rounds)]
    door, floor = (median(rate for rate, _ in side) for side in zip(*pairs, strict=True))
    door_cpu, floor_cpu = (median(spent for _, spent in side) * 1e6 for side in zip(*pairs, strict=True))
    ratio = median(door[0] / floor[0] for door, floor in pairs)
    cpu = median(floor[1] / door[1] for door, floor in pairs)
    aim = 0.5 if a_commit > 1 or kind == "PostgreSQL" else 0.4
    return Line(
        f"{kind}, {len(ends)} worker{'s'[: len(ends) > 1]}, {a_commit} a commit",
        f"{door:,.0f} moves/s",
        f"bare SQL {floor:,.0f} moves/s",
        ratio,
        f"{aim}",
        f"processor: {door_cpu:,.0f} and {floor_cpu:,.0f} µs a move, ratio {cpu:.2f}",
    )
