"""Server, workers and horses killed at random moments: every move stands or not, every notice arrives, none twice but for
one exception."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.faults.driving import drive, whole
from tests.faults.house import wait_for
from tests.post import Post
from tests.queue.house import Program, Works


class Killer:
    """Kills a horse at work, or its worker; starts another worker in place of a killed one."""

    def __init__(self, house: Works, workers: int, seed: int) -> None:
        self.house, self.chance = house, random.Random(seed)
        *self.workers, self.scheduler = house.run(*["worker"] * workers, "scheduler")
        self.horses = self.hosts = 0

    @property
    def both(self) -> bool:
        """Whether it killed horses and workers."""
        return bool(self.horses and self.hosts)

    def strike(self, horse: bool) -> None:
        """Wait for somebody at work, a moment more, and kill."""
        found: list[tuple[Program, int]] = []

        def at_work() -> bool:
            found[:] = [(worker, pid) for worker in self.workers for pid in worker.horses()]
            return bool(found) or self.house.waiting() == 0

        wait_for(at_work)
        if not found:
            return
        time.sleep(self.chance.uniform(0, 0.25))
        worker, pid = self.chance.choice(found)
        if horse:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return  # it was done before
            self.horses += 1
            return
        worker.kill()
        self.hosts += 1
        self.workers.remove(worker)
        self.workers.append(self.house.program("worker"))


def test_server_workers_and_horses_killed_while_moves_are_made_leave_none_half_done_and_no_notice_lost(
    build: Callable[..., Works], post: tuple[Post, int], thorough: bool
) -> None:
    moves, kills = (1000, 50) if thorough else (60, 2)
    handler, port = post
    house = build(smtp_host="127.0.0.1", smtp_port=str(port))
    handler.slow = 0.05  # so there is always somebody at work
    killer, done, failed = Killer(house, workers=2, seed=moves), threading.Event(), list[BaseException]()

    def strike() -> None:
        try:
            # When all moves are made, there is still mail on its way for a killer who came to few.
            while not done.wait(killer.chance.uniform(0, 0.5)) or (not killer.both and house.waiting()):
                killer.strike(horse=killer.horses <= killer.hosts)
        except BaseException as error:
            failed.append(error)

    beside = threading.Thread(target=strike)
    beside.start()
    try:
        caller, _cut = drive(house, moves, kills, seed=moves)
    finally:
        done.set()
        beside.join()
    assert not failed, failed
    killer.scheduler.kill()
    house.program("scheduler").ready()

    def settled() -> bool:
        house.let_leases_of_the_dead_end()
        return house.waiting() == 0

    wait_for(settled, 180)
    numbers, arrived = whole(house, caller.case_id, moves), Counter(handler.numbers)
    assert killer.both, "nobody was at work when the killer came"
    assert set(arrived) == set(numbers)
    assert sum(arrived.values()) - len(numbers) <= killer.horses + killer.hosts
