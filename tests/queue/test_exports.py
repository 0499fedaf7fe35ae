"""Exports made by workers: begun by the bell alone, begun anew after a kill, never finished by two."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.faults.exports import Wanted
from tests.faults.house import wait_for
from tests.queue.house import Works


def test_a_worker_makes_it_at_the_press_without_a_scheduler(build: Callable[..., Works]) -> None:
    house = build()
    house.run("worker")
    wanted = Wanted(house, events=40)
    wait_for(lambda: wanted.row().state == "ready")
    assert wanted.row().attempts == 1
    wanted.judge()


def test_a_worker_and_its_horse_killed_half_way_leave_one_file_and_one_notice(build: Callable[..., Works]) -> None:
    house = build()
    (worker,) = house.run("worker")
    wanted = Wanted(house, events=1500)
    wait_for(wanted.half_made)
    horses = worker.horses()
    worker.kill()
    for horse in horses:
        os.kill(horse, signal.SIGKILL)
    assert wanted.row().state == "being_made" and len(wanted.files()) == 1
    wanted.let_the_lease_end()
    house.run("worker", "worker", "scheduler")  # nobody rings again but the scheduler; two look for it at once
    wait_for(lambda: wanted.row().state == "ready", 120)
    assert wanted.row().attempts == 2
    wanted.judge()


@pytest.mark.parametrize("build", ["SQLite"], indirect=True)
def test_asked_to_stop_a_worker_gives_the_export_back_and_the_next_makes_it(build: Callable[..., Works]) -> None:
    house = build()
    (worker,) = house.run("worker")
    wanted = Wanted(house, events=1500)
    wait_for(wanted.half_made)
    assert worker.stop() == 0
    left = wanted.row()
    assert (left.state, left.attempts, left.lease_until) == ("waiting", 0, None) and wanted.files() == []
    house.run("worker", "scheduler")
    wait_for(lambda: wanted.row().state == "ready", 120)
    wanted.judge()


def test_the_bell_finds_every_job_it_rings_for() -> None:
    from grantflow import jobs
    from grantflow.cases import relay

    assert {f"{ring.job.__module__}.{ring.job.__name__}" for ring in jobs.SCHEDULE} >= {relay.SEND, relay.LONG_WORK}
