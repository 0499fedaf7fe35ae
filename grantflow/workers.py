"""Keeping an RQ worker and RQ's scheduler running whatever Redis does: both wait for it and go on when it is back.

What they run is in `jobs`. Any number of workers and schedulers may run, on any number of hosts.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
from redis import RedisError
from rq import Queue, Worker
from rq.cron import CronJob, CronScheduler
from rq.exceptions import SchedulerNotFound, StopRequested
from rq.job import Job

from grantflow import jobs
from grantflow.cases.relay import CLOCK, LONG, LONG_OPTIONS, MAIL, OPTIONS, connect
from grantflow.db import db

log = structlog.get_logger(__name__)
ALIVE_SECONDS = 60
"""How long a worker waits for a job before it gives the next sign of life; also how soon it notices a silent Redis."""
PAUSE_SECONDS = 1.0
"""Between two attempts to reach Redis."""
TELL_SECONDS = 60.0
"""Between two lines that say that Redis is away."""
_BOTH = {signal.SIGTERM, signal.SIGINT}


class _Worker(Worker):
    """RQ's worker, whose horses end their turn early when it is asked to stop, and which takes no orders over Redis."""

    max_connection_wait_time = 5.0

    def subscribe(self) -> None:
        """Listen to no commands: who can write to Redis shall not stop a worker."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Remember it: Redis may be away, and RQ's own way to the end is then cut short."""
        jobs.stop(signum)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def check_for_suspension(self, burst: bool) -> None:
        """Before each job: was it asked to stop before RQ's own handlers were in place?"""
        if jobs.stopping():
            raise StopRequested
        super().check_for_suspension(burst)

    def handle_warm_shutdown_request(self) -> None:
        """Let the horse know; it ends after the notice under way."""
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork with the signals held back: a new horse would take them for its worker's."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _BOTH)
        try:
            super().fork_work_horse(job, queue)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _BOTH)

    def setup_work_horse_signals(self) -> None:
        """The horse's own signals: asked to stop, by its worker or with the whole service, it ends in good order."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, jobs.stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _BOTH)


class _Scheduler(CronScheduler):
    """RQ's scheduler, which remembers that it was asked to stop."""

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        jobs.stop(signum)
        super()._request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def enqueue_jobs(self) -> list[CronJob]:
        """Before each round: was it asked to stop before RQ's own handlers were in place?"""
        if jobs.stopping():
            raise StopRequested
        return super().enqueue_jobs()


def work(url: str, say: Callable[[str], None]) -> None:
    """Be a worker until asked to stop. The application is made here, so that each horse finds it ready."""
    with jobs.house().app_context():
        db.engine.dispose()  # a connection to the database must not be shared with the horses

    def once() -> None:
        redis = connect(url)
        worker = _Worker([CLOCK, MAIL, LONG], connection=redis, worker_ttl=ALIVE_SECONDS, log_job_description=False)
        worker.work(logging_level="WARNING")

    _keep(once, say, "This worker waits for work.")


def schedule(url: str, say: Callable[[str], None]) -> None:
    """Ring for the jobs of the schedule until asked to stop. Two schedulers ring twice; the rows see to the rest."""

    def once() -> None:
        scheduler = _Scheduler(connect(url, socket_timeout=10), logging_level="WARNING")
        for ring in jobs.SCHEDULE:
            # A ring that nobody heard by the time of the next is forgotten: the next asks for the same.
            kept = LONG_OPTIONS if ring.queue == LONG else OPTIONS
            options: dict[str, Any] = {**kept, "ttl": ring.seconds * 2}
            scheduler.register(ring.job, ring.queue, interval=ring.seconds, **options)
        scheduler.start()  # type: ignore[no-untyped-call]

    _keep(once, say, "This scheduler rings for what is due.")


def _keep(once: Callable[[], None], say: Callable[[str], None], began: str) -> None:
    """Do it, and begin anew after Redis was away, until asked to stop."""
    for which in _BOTH:
        signal.signal(which, jobs.stop)
    say(f"{began}  (Ctrl+C stops it)")
    told = -TELL_SECONDS
    while not jobs.stopping():
        try:
            once()
        except StopRequested:
            break
        except (RedisError, OSError, SchedulerNotFound) as error:
            if not jobs.stopping() and time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                log.error("Redis cannot be reached; trying again", error=f"{type(error).__name__}: {error}"[:300])
        for which in _BOTH:
            signal.signal(which, jobs.stop)
        _reap()
        until = time.monotonic() + PAUSE_SECONDS
        while not jobs.stopping() and time.monotonic() < until:
            time.sleep(0.1)


def _reap() -> None:
    """Take note of horses that ended while nobody watched them."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
