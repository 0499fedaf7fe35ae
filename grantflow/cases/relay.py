"""The relay: a thread of this process that carries the bell's rings to the queue and knows how the queue stands.

Nobody who rings waits for Redis: a ring that finds no Redis is dropped, because the scheduler's sweep finds the same
rows. What the jobs do is in `grantflow.jobs`, what staff are told in `lateness`.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import structlog

if TYPE_CHECKING:
    from redis import Redis

log = structlog.get_logger(__name__)
MAIL, CLOCK, LONG = "grantflow-mail", "grantflow-clock", "grantflow-long"
"""The queues: a mail server that is slow must not hold up deadlines, nor work of minutes any of both."""
SEND, LONG_WORK = "grantflow.jobs.send", "grantflow.jobs.long_work"
OPTIONS: dict[str, Any] = {"result_ttl": 0, "failure_ttl": 86_400, "job_timeout": 600}
"""For every job: nothing of it is kept but a failure, for a day; ten minutes are more than a lot of mail can take."""
LONG_OPTIONS: dict[str, Any] = {**OPTIONS, "job_timeout": 3600}
"""Work of minutes is not cut off half way."""
_RUNG: dict[str, tuple[str, dict[str, Any]]] = {SEND: (MAIL, OPTIONS), LONG_WORK: (LONG, LONG_OPTIONS)}
"""What can be rung for, in which queue."""
TRY_SECONDS = 1.0
"""How long the relay tries to reach Redis, or waits for its answer."""
FRESH_SECONDS = 5.0
"""How long an answer about the queue's standing is believed."""
GLANCE_SECONDS = 0.25
"""How long the one who asks for a fresh answer waits for it, before the old one is taken."""
ENOUGH = 32
"""So many rings wait for a worker already: each will look into the outbox, one more changes nothing."""


class Standing(StrEnum):
    """How the queue stands."""

    FINE = "ok"
    AWAY = "away"
    NO_WORKER = "no worker"
    NO_SCHEDULER = "no scheduler"


def connect(url: str, **options: Any) -> Redis:
    """A client that gives up soon: it tries a connection once, and a second time where an old one was cut."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(url, retry=Retry(NoBackoff(), 1), socket_connect_timeout=TRY_SECONDS, **options)


class Relay:
    """One a process and Redis. Rings and questions are marked here and done by its thread, begun with the first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.begin()
        _relays.add(self)

    def begin(self) -> None:
        """Begin with nothing: in a forked process there is no thread, and a lock may be held by nobody."""
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._redis: Redis | None = None
        self._rung = self._carried = self._asked = self._looked = 0
        self._jobs: set[str] = set()
        self._standing, self._looked_at = Standing.FINE, -FRESH_SECONDS

    def ring(self, job: str = SEND) -> None:
        """Ask that a worker look into the outbox, or for the work that takes minutes. Comes back at once."""
        with self._change:
            self._rung += 1
            self._jobs.add(job)
            self._wake()

    def standing(self) -> Standing:
        """How the queue stands, some seconds old at most; of those who ask at once, one waits a moment for it."""
        with self._change:
            if self._asked == self._looked and time.monotonic() - self._looked_at >= FRESH_SECONDS:
                self._asked += 1
                self._wake()
                self._change.wait_for(lambda: self._asked == self._looked, GLANCE_SECONDS)
            return self._standing

    def settle(self, seconds: float = 2 * TRY_SECONDS) -> bool:
        """Wait until every ring so far was carried or dropped; whether that was so in time."""
        with self._change:
            return self._change.wait_for(lambda: self._carried >= self._rung, seconds)

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="grantflow-relay", daemon=True)
            self._thread.start()
            atexit.register(self.settle)
        self._change.notify_all()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._carried < self._rung or self._looked < self._asked)
                rung, asked = self._rung, self._asked
                ring, look = self._carried < rung, self._looked < asked
                wanted, self._jobs = self._jobs, set()
                standing = self._standing
            try:
                if ring:
                    self._carry(wanted)
                if look:
                    standing = self._look()
            except Exception as error:  # whatever is wrong with the queue, the database has the rows
                if standing is not Standing.AWAY:
                    log.error("the queue cannot be reached", error=f"{type(error).__name__}: {error}"[:300])
                standing, look = Standing.AWAY, True
            with self._change:
                if look:
                    self._standing, self._looked_at = standing, time.monotonic()
                self._carried, self._looked = rung, asked
                self._change.notify_all()

    def _client(self) -> Redis:
        if self._redis is None:
            self._redis = connect(self.url, socket_timeout=TRY_SECONDS)
        return self._redis

    def _carry(self, wanted: set[str]) -> None:
        from rq import Queue

        for job in sorted(wanted):
            name, options = _RUNG[job]
            queue = Queue(name, connection=self._client())
            if queue.count < ENOUGH:
                queue.enqueue(job, **options)

    def _look(self) -> Standing:
        """Ask for the signs of life of workers and schedulers, which end by themselves soon after their holder."""
        from rq import Worker
        from rq.cron_scheduler_registry import get_keys

        redis = self._client()
        workers = Worker.all_keys(redis)
        if not workers or not redis.exists(*workers):
            return Standing.NO_WORKER
        schedulers = [f"rq:cron_scheduler:{name}" for name in get_keys(redis)]
        if not schedulers or not redis.exists(*schedulers):
            return Standing.NO_SCHEDULER
        return Standing.FINE


_relays: WeakSet[Relay] = WeakSet()
"""The relays of this process, to begin anew in a forked one."""


def _after_fork() -> None:
    for relay in list(_relays):
        relay.begin()


os.register_at_fork(after_in_child=_after_fork)
