"""A ring in which two do the same thing at the same moment: threads on an SQLite file, processes on PostgreSQL.

What they do are plain functions of this module, so that a process started anew can be handed them. Each gives
back one word; a refusal, with its sentence, is a result like any other. Whatever else is raised fails the race.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import Flask

from grantflow import clock
from grantflow.cases import deadlines, outbox, service
from grantflow.db import db, unit_of_work
from grantflow.errors import Refused, Stale
from grantflow.identity.access import Actor

PATIENCE = 60
Call = Callable[[Any], Any]


class Told(NamedTuple):
    """What one was told: "moved", "stayed", "replayed", "refused", "stale" or "broken", and the sentence."""

    what: str
    sentence: str = ""
    value: Any = None


# what they do
def fire(case_id: int, *, trigger: str, actor: Actor, key: str | None = None, **more: Any) -> Told:
    """One move. A key is made the case's own by its number."""
    with unit_of_work():
        done = service.fire(case_id, trigger, actor=actor, key=f"{key}/{case_id}" if key else None, **more)
    return Told(
        "replayed" if done.replayed else "moved" if done.moved else "stayed",
        value=done.event["seq"] if isinstance(done.event, dict) else done.event.seq,
    )


def submit(case_id: int, *, actor: Actor, key: str) -> Told:
    """Send a draft."""
    from grantflow.submissions import service as submissions

    with unit_of_work():
        done = submissions.submit(case_id, actor=actor, key=f"{key}/{case_id}")
    return Told("replayed" if done.replayed else "moved", value=done.case.ref)


def record(case_id: int, *, actor: Actor, key: str) -> Told:
    """An event without a move."""
    with unit_of_work():
        row = service.record(case_id, "looked", actor=actor, key=f"{key}/{case_id}")
    return Told("moved", value=row["seq"] if isinstance(row, dict) else row.seq)


def allot(call_id: int) -> Told:
    """The next number of a call."""
    from grantflow.programmes.service import allot_number

    with unit_of_work():
        return Told("moved", value=allot_number(call_id))


def open_once(key: str, *, actor: Actor, **scope: Any) -> Told:
    """A case under a key of its opening."""
    with unit_of_work():
        return Told("moved", value=service.open_case("programme", actor=actor, title="Once", key=key, **scope).id)


def other(_subject: Any, *, case_id: int, call: Call) -> Any:
    """The call on a case of one's own: contenders who meet in something else than the case."""
    return call(case_id)


def sweep(_subject: Any) -> Told:
    """Fire whatever has fallen due."""
    return Told("moved", value=deadlines.sweep())


def drain(_subject: Any) -> Told:
    """Send whatever waits."""
    sent = 0
    while more := outbox.drain():
        sent += more
    return Told("moved", value=sent)


def attempt(call: Call, subject: Any, at: datetime | None) -> Told:
    """Do it, and put into words what came of it."""
    try:
        if at is None:
            return call(subject)  # type: ignore[no-any-return]
        with clock.at(at):
            return call(subject)  # type: ignore[no-any-return]
    except Refused as refusal:
        return Told("refused", str(refusal))
    except Stale as late:
        return Told("stale", str(late))
    except Exception as error:  # a locked database, a deadlock, a slip: the test prints it
        return Told("broken", f"{type(error).__name__}: {error}"[:600])


def _rounds(subjects: Sequence[Any], call: Call, at: datetime | None, barrier: Any) -> list[Told]:
    told = []
    for subject in subjects:
        barrier.wait(PATIENCE)
        told.append(attempt(call, subject, at))
    db.session.remove()
    return told


# who does it
class Threads:
    """Each contender is a thread with a session of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def race(self, subjects: Sequence[Any], *calls: Call, at: datetime | None = None) -> list[tuple[Told, ...]]:
        """For each subject all calls at the same moment; what each was told."""
        barrier, told = threading.Barrier(len(calls), timeout=60), {}

        def run(number: int, call: Call) -> None:
            with self.app.app_context():
                told[number] = _rounds(subjects, call, at, barrier)

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
        db.session.rollback()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        db.session.expire_all()
        return list(zip(*(told[number] for number in range(len(calls))), strict=True))


def _contend(pipe: Any, environ: dict[str, str], barrier: Any) -> None:
    import tests.cases.machines  # noqa: F401  its guards are known by their names
    from grantflow import create_app

    app = create_app(environ)
    pipe.send("ready")
    while (work := pipe.recv()) is not None:
        with app.app_context():
            pipe.send(_rounds(*work, barrier))
    with app.app_context():
        db.engine.dispose()


class Processes:
    """Pairs of contenders, each a process of its own, as hosts would be: the pairs race beside each other."""

    def __init__(self, environ: dict[str, str], pairs: int = 1) -> None:
        spawn = multiprocessing.get_context("spawn")
        barriers = [spawn.Barrier(2) for _ in range(pairs)]
        self.pipes, self.processes = [], []
        for number in range(2 * pairs):
            here, there = spawn.Pipe()
            process = spawn.Process(target=_contend, args=(there, environ, barriers[number // 2]), daemon=True)
            process.start()
            self.pipes.append(here)
            self.processes.append(process)
        for pipe in self.pipes:
            if not pipe.poll(PATIENCE):
                raise TimeoutError("a contender did not start")
            pipe.recv()

    def race(self, subjects: Sequence[Any], *calls: Call, at: datetime | None = None) -> list[tuple[Told, ...]]:
        """For each subject both calls at the same moment; what each was told. The subjects are dealt out to the pairs."""
        db.session.rollback()
        first, second = calls
        pairs = len(self.pipes) // 2
        told: list[Any] = [None] * len(subjects)
        for number, pipe in enumerate(self.pipes):
            pipe.send((list(subjects[number // 2 :: pairs]), second if number % 2 else first, at))
        answers = []
        for pipe in self.pipes:
            if not pipe.poll(3 * PATIENCE):
                raise TimeoutError("a contender does not answer")
            answers.append(pipe.recv())
        for pair in range(pairs):
            told[pair::pairs] = zip(answers[2 * pair], answers[2 * pair + 1], strict=True)
        db.session.expire_all()
        return told

    def stop(self) -> None:
        """Let all go home."""
        for pipe in self.pipes:
            pipe.send(None)
        for process in self.processes:
            process.join(PATIENCE)
            if process.is_alive():
                process.kill()
