"""The bell and the queue: a ring follows the commit, waits for nobody, and staff are told while the queue is away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from rq import Queue, Worker
from rq.cron import CronScheduler

from grantflow import clock
from grantflow.cases import bell, outbox, relay, service
from grantflow.cases.relay import MAIL, Relay, Standing
from grantflow.config import read_settings
from grantflow.db import session, unit_of_work
from tests import valkey
from tests.factories import organisation, person, record_file, signed_in

EN = {
    Standing.AWAY: "The queue cannot be reached. Mail, reminders and what a deadline sets in motion are late;",
    Standing.NO_WORKER: "No worker is running. Mail, reminders and what a deadline sets in motion wait",
    Standing.NO_SCHEDULER: "No scheduler is running. Reminders and what a deadline sets in motion wait",
}
RU = {
    Standing.AWAY: "Очередь недоступна.",
    Standing.NO_WORKER: "Ни один обработчик не запущен.",
    Standing.NO_SCHEDULER: "Планировщик не запущен.",
}


def tell(reader: Any, programme: int) -> None:
    """A notice, inside a unit of work."""
    service.record(programme, "told", actor=reader, notices=[("role_granted", [reader.person_id], {})])


def bells(redis: valkey.Server) -> int:
    """How many rings wait for a worker, once all are carried."""
    bell.settle()
    return Queue(MAIL, connection=redis.client).count


def test_a_ring_reaches_the_queue_after_the_commit_and_none_after_a_failure(app: Flask, redis: valkey.Server) -> None:
    reader, programme = person(), record_file("programme")
    with pytest.raises(ZeroDivisionError), unit_of_work():
        tell(reader, programme)
        raise ZeroDivisionError
    assert bells(redis) == 0
    with unit_of_work():
        tell(reader, programme)
        assert bells(redis) == 0, "not before the commit"
    assert bells(redis) == 1
    (job,) = Queue(MAIL, connection=redis.client).jobs
    assert (job.func_name, job.args, job.kwargs) == ("grantflow.jobs.send", (), {}), "a bell carries nothing"


def test_rings_that_nobody_hears_do_not_pile_up(app: Flask, redis: valkey.Server) -> None:
    for _ in range(relay.ENOUGH + 5):
        bell.ring()
        bell.settle()
    assert bells(redis) == relay.ENOUGH


def test_a_ring_is_carried_again_after_redis_was_away(app: Flask, redis: valkey.Server) -> None:
    bell.ring()
    assert bells(redis) == 1
    redis.stop()
    bell.ring()
    bell.settle()
    redis.start()
    bell.ring()
    assert bells(redis) == 1


@contextmanager
def silent() -> Iterator[str]:
    """The address of a host that takes connections and never answers: worse than one that refuses."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def test_nobody_waits_for_a_redis_that_does_not_answer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "TRY_SECONDS", 3600.0)  # who waited for it would wait for ever
    programme = record_file("programme", "Craft")
    officer = person("officer", programme_id=programme)
    answered: list[int] = []

    def visit() -> None:
        with app.app_context():
            with unit_of_work():
                tell(officer, programme)
            answered.append(signed_in(app, officer).get("/desk").status_code)
            answered.append(app.test_client().get("/healthz").status_code)
            session().close()

    with silent() as url:
        app.extensions["relay"] = Relay(url)
        for _ in range(3):
            visitor = threading.Thread(target=visit, daemon=True)
            visitor.start()
            visitor.join(60)
            assert not visitor.is_alive(), "the page waits for Redis"
        assert not app.extensions["relay"].settle(0), "the relay still waits"
    assert answered == [200] * 6


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer about the queue is asked for anew each time, and waited for."""
    monkeypatch.setattr(relay, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(relay, "GLANCE_SECONDS", 60.0)


@pytest.fixture
def here(redis: valkey.Server) -> Iterator[dict[str, Callable[[], None]]]:
    """A worker and a scheduler give signs of life when called."""
    worker = Worker([MAIL], connection=redis.client)
    scheduler = CronScheduler(redis.client, logging_level="ERROR")
    yield {"worker": worker.register_birth, "scheduler": scheduler.register_birth}


def shown(app: Flask, who: Any) -> str:
    """The page of a desk, as this person reads it."""
    answer = signed_in(app, who).get("/desk")
    assert answer.status_code == 200
    session().rollback()
    return answer.text


def test_staff_read_what_is_late_in_their_language_and_others_do_not(
    app: Flask, redis: valkey.Server, at_once: None, here: dict[str, Callable[[], None]]
) -> None:
    programme = record_file("programme")
    officer, auditor = (
        person("officer", programme_id=programme),
        person("auditor", language="ru", programme_id=programme),
    )
    others = person("applicant", organisation_id=organisation()), person()

    def judge(standing: Standing) -> None:
        assert app.test_client().get("/healthz").json["queue"] == standing  # type: ignore[index]
        english, russian = shown(app, officer), shown(app, auditor)
        for kind in EN:
            assert (EN[kind] in english, RU[kind] in russian) == (kind is standing,) * 2, kind
        for other in others:
            assert "gf-banner" not in shown(app, other)

    judge(Standing.NO_WORKER)
    here["worker"]()
    judge(Standing.NO_SCHEDULER)
    here["scheduler"]()
    judge(Standing.FINE)
    redis.stop()
    judge(Standing.AWAY)
    redis.start()
    judge(Standing.NO_WORKER)  # it came back empty: whoever lives will give a sign


def test_a_worker_killed_long_ago_counts_no_more(
    redis: valkey.Server, at_once: None, here: dict[str, Callable[[], None]]
) -> None:
    for begin in here.values():
        begin()
    standing = Relay(redis.url).standing
    assert standing() is Standing.FINE
    (worker,) = Worker.all_keys(redis.client)
    redis.client.delete(worker)  # what Redis does when the sign of life is over
    assert standing() is Standing.NO_WORKER


def test_an_answer_about_the_queue_is_kept_for_some_seconds(
    app: Flask, redis: valkey.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "GLANCE_SECONDS", 60.0)
    monkeypatch.setattr(relay, "FRESH_SECONDS", 3600.0)
    app.extensions["relay"] = Relay(redis.url)
    assert bell.standing() is Standing.NO_WORKER
    redis.stop()
    assert bell.standing() is Standing.NO_WORKER


def test_without_a_queue_nothing_is_said_of_one(template_database: Any, tmp_path: Any, redis: valkey.Server) -> None:
    from grantflow import create_app

    plain = create_app({"GRANTFLOW_HOME": str(tmp_path)})
    with plain.app_context():
        assert bell.standing() is None
        bell.ring()
        bell.settle()
    assert Queue(MAIL, connection=redis.client).count == 0


def test_the_server_works_its_outbox_itself_only_where_there_is_no_queue(tmp_path: Any) -> None:
    home = {"GRANTFLOW_HOME": str(tmp_path)}
    assert read_settings(home).embedded_worker
    assert not read_settings({**home, "GRANTFLOW_WORKER": "no"}).embedded_worker
    assert not read_settings({**home, "REDIS_URL": "redis://queue.example:6379/0"}).embedded_worker
    ours = read_settings({**home, "REDIS_URL": "redis://b/0", "GRANTFLOW_REDIS_URL": "redis://a/0"})
    assert ours.redis_url == "redis://a/0" and not ours.embedded_worker


def test_asked_to_stop_a_sender_gives_back_what_it_has_not_begun(app: Flask) -> None:
    reader, programme = person(), record_file("programme")
    with unit_of_work():
        for _ in range(5):
            tell(reader, programme)
    asked = iter([False, False, False, True])
    assert outbox.drain(stop=lambda: next(asked)) == 2
    assert outbox.drain(stop=lambda: True) == 0
    with clock.at(clock.now() + timedelta(seconds=1)):
        assert len(outbox.claim()) == 3
