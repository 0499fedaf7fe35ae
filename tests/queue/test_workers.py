"""Workers and schedulers as processes: they stop in good order, share the work, and wait where Redis is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq import Queue, Worker
from rq.cron import CronScheduler
from sqlalchemy import func, insert, select

from grantflow import clock, jobs, workers
from grantflow.cases import definitions, outbox, service
from grantflow.cases.models import Case, CaseDeadline, Installation, Letter
from grantflow.cases.relay import MAIL, Relay, Standing
from grantflow.db import session, unit_of_work
from grantflow.demo import home
from grantflow.engine.definition import Workflow
from grantflow.history import verify
from grantflow.history.models import Checkpoint, Event
from tests import valkey
from tests.cases.machines import label, move
from tests.faults.house import PATIENCE, ROOT, wait_for
from tests.post import Post
from tests.queue.house import Works

NOBODY = "redis://127.0.0.1:9/0"
"""An address at which nothing listens."""


def fading() -> Workflow:
    """A case that the system closes after a day, with a notice."""
    states = [("here", "submission"), ("gone", "closed")]
    return Workflow.model_validate(
        {
            "name": "fading",
            "label": label("Fading"),
            "initial": "here",
            "states": [
                {
                    "name": name, "label": label(name), "tone": "move", "stage": stage, "desk": "officer",
                    "final": name == "gone",
                }
                for name, stage in states
            ],
            "moves": [move("fade", ["here"], "gone", ["system"], notices=["tranche_awaits"])],
            "deadlines": [{"name": "a_day", "state": "here", "after": "P1D", "trigger": "fade"}],
        }
    )  # fmt: skip


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command of GrantFlow in an environment of its own."""
    command = [sys.executable, "-m", "grantflow", *words]
    env = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_without_a_queue_they_say_in_one_sentence_what_to_do(name: str, tmp_path: Path) -> None:
    told = run(name, GRANTFLOW_HOME=str(tmp_path))
    assert told.returncode == 1 and told.stdout == ""
    assert told.stderr.count("\n") == 1 and "set REDIS_URL" in told.stderr and "`grantflow serve`" in told.stderr


def test_an_address_that_is_no_redis_is_refused_by_every_command(tmp_path: Path) -> None:
    told = run("worker", GRANTFLOW_HOME=str(tmp_path), REDIS_URL="localhost:6379")
    assert told.returncode == 1 and told.stderr.startswith("REDIS_URL is no address of a Redis")


@pytest.mark.parametrize("how", [{}, {"REDIS_URL": NOBODY}])
def test_what_serves_and_shows_needs_no_queue_at_its_start(how: dict[str, str], tmp_path: Path) -> None:
    ask = (
        "import sys; from grantflow import create_app, server; from grantflow.demo import command; import grantflow.cli;"
        "create_app(); print(sorted({'rq', 'redis', 'croniter'} & set(sys.modules)))"
    )
    env = {"PATH": os.environ["PATH"], "GRANTFLOW_HOME": str(tmp_path), **how}
    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert told.stdout == "[]\n", told.stderr


@pytest.mark.parametrize("build", ["SQLite"], indirect=True)
def test_the_server_sends_nothing_itself_where_there_is_a_queue(build: Callable[..., Works]) -> None:
    house = build()
    house.tell(3)
    house.start()
    wait_for(lambda: "left to `grantflow worker`" in house.log.read_text())
    assert house.caller(house.case()).post() == 303
    assert house.stop(signal.SIGTERM) == 0
    assert house.waiting() == 4
    with house.inside():
        assert session().scalars(select(Letter.message_id)).all() == []
    assert Queue(MAIL, connection=Redis.from_url(house.environ["GRANTFLOW_REDIS_URL"])).count


def test_asked_to_stop_a_worker_sends_what_is_in_its_hands_and_gives_the_rest_back(
    build: Callable[..., Works], post: tuple[Post, int]
) -> None:
    handler, port = post
    house = build(smtp_host="127.0.0.1", smtp_port=str(port))
    worker = house.program("worker").ready()
    handler.go.clear()
    house.tell(12)
    wait_for(lambda: handler.asked == 1)
    for pid in (*worker.horses(), worker.process.pid):  # as a service manager does: to all of them
        os.kill(pid, signal.SIGTERM)
    handler.go.set()
    assert worker.process.wait(PATIENCE) == 0, worker.log.read_text()
    told = house.told()
    assert [row.sent_at is not None for row in told] == [True] + [False] * 11
    assert all(row.lease_until is None and row.attempts == 0 for row in told[1:]), "others may take them at once"
    with house.inside():
        assert outbox.drain() == 11
    assert Counter(handler.numbers) == Counter(row.message_id for row in house.told())


@pytest.mark.parametrize("build", ["SQLite"], indirect=True)
def test_with_nothing_to_do_they_end_at_once_when_asked(build: Callable[..., Works], redis: valkey.Server) -> None:
    house = build()
    programs = house.run("worker", "scheduler")
    wait_for(lambda: Relay(redis.url).standing() is Standing.FINE)
    for program in programs:
        assert program.stop() == 0
        assert "Traceback" not in program.log.read_text()
    assert Worker.all_keys(redis.client) == [] and CronScheduler.all(redis.client) == [], "nobody is left on the list"


@pytest.mark.parametrize("begin", [workers.work, workers.schedule])
def test_asked_while_they_begin_they_end_too(
    begin: Callable[..., None], app: Flask, redis: valkey.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_stop", [])
    monkeypatch.setattr(jobs, "house", lambda: app)
    connect, mine = workers.connect, {which: signal.getsignal(which) for which in (signal.SIGTERM, signal.SIGINT)}

    def asked(*words: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)  # before RQ listens to it
        return connect(*words, **options)

    monkeypatch.setattr(workers, "connect", asked)
    try:
        begin(redis.url, lambda _line: None)
    finally:
        for which, handler in mine.items():
            signal.signal(which, handler)
    assert Worker.all_keys(redis.client) == [] and CronScheduler.all(redis.client) == []


@pytest.mark.parametrize("build", ["SQLite"], indirect=True)
def test_while_redis_is_away_they_wait_and_end_when_asked(build: Callable[..., Works], redis: valkey.Server) -> None:
    house = build()
    redis.stop()
    for program in house.run("worker", "scheduler"):
        wait_for(lambda log=program.log: "Redis cannot be reached" in log.read_text())  # type: ignore[misc]
        assert program.process.poll() is None
        assert program.stop() == 0
        assert "Traceback" not in program.log.read_text()


def test_two_schedulers_and_two_workers_fire_each_deadline_once_and_lodge_one_checkpoint(
    build: Callable[..., Works], monkeypatch: pytest.MonkeyPatch, thorough: bool
) -> None:
    house, number = build(), 200 if thorough else 40
    real = definitions.current
    monkeypatch.setattr(definitions, "current", lambda name: fading() if name == "fading" else real(name))
    with house.inside(), clock.at(clock.now() - timedelta(days=2)), unit_of_work():
        for n in range(number):
            service.open_case(
                "check", workflow="fading", actor=house.officer, title=f"Case {n}", programme_id=house.programme
            )
    started = house.run("worker", "worker", "scheduler", "scheduler")

    def done() -> bool:
        with house.inside():
            open_ones = session().scalar(select(func.count()).where(CaseDeadline.closed_at.is_(None)))
            lodged = session().scalar(select(func.count()).select_from(Checkpoint))
        return open_ones == 0 and bool(lodged) and house.waiting() == 0

    wait_for(done)
    for program in started:
        assert program.stop() == 0, program.log.read_text()
    with house.inside():
        rows = session().execute(select(CaseDeadline.outcome, func.count()).group_by(CaseDeadline.outcome)).all()
        assert [tuple(row) for row in rows] == [("fired", number)]
        cases = session().scalars(select(Case.id).where(Case.kind == "check")).all()
        events = select(Event.case_id, func.count()).where(Event.case_id.in_(cases)).group_by(Event.case_id)
        assert {count for _case, count in session().execute(events)} == {2}, "its opening and one fading"
        told = [row for row in house_told() if row.case_id in set(cases)]
        assert len(told) == number and {row.attempts for row in told} == {1}
        letters = Counter(session().scalars(select(Letter.message_id)))
        assert set(letters.values()) == {1} and {row.message_id for row in told} <= set(letters)
        assert session().scalar(select(func.count()).select_from(Checkpoint)) == 1
        assert verify.verify_all().whole


def house_told() -> list[outbox.Outbox]:
    """Every notice of the house whose context is pushed."""
    return list(session().scalars(select(outbox.Outbox)))


def test_a_worker_knows_a_demo_whose_letters_are_never_mailed(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work() as current:
        mark = home.Mark("open", clock.today(), "")
        current.execute(insert(Installation.__table__), {"name": home.MARK, "value": mark.text()})
    monkeypatch.setenv("GRANTFLOW_HOME", str(tmp_path))
    jobs.house.cache_clear()
    try:
        assert jobs.house().config["DEMO"]["until"] == "open"
    finally:
        jobs.house.cache_clear()
