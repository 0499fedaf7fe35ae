"""Workers and their horses killed at random moments: every notice arrives, and none twice but for one exception."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from tests.faults.house import wait_for
from tests.queue.house import Post, Program, Works


class Killer:
    """Kills a horse at work, or its worker; starts another worker in place of a killed one."""

    def __init__(self, house: Works, workers: int, seed: int) -> None:
        self.house, self.chance = house, random.Random(seed)
        *self.workers, self.scheduler = house.run(*["worker"] * workers, "scheduler")
        self.horses = self.hosts = 0

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


def test_killed_at_random_moments_workers_and_horses_lose_no_notice_and_double_none_but_those_in_their_hands(
    build: Callable[..., Works], post: tuple[Post, int], thorough: bool
) -> None:
    notices, kills = (1000, 50) if thorough else (80, 4)
    handler, port = post
    house = build(smtp_host="127.0.0.1", smtp_port=str(port))
    killer = Killer(house, workers=2, seed=notices)
    struck = 0
    # Where the work was done before the killer came, he comes again: a fast machine must not make the proof empty.
    while struck < kills or (not (killer.horses and killer.hosts) and struck < 10 * kills):
        house.tell(notices // kills)
        killer.strike(horse=bool(struck % 2))
        struck += 1
    assert killer.horses and killer.hosts, "nobody was at work when the killer came"
    killer.scheduler.kill()
    house.program("scheduler").ready()

    def settled() -> bool:
        house.let_leases_of_the_dead_end()
        return house.waiting() == 0

    wait_for(settled, 180)
    told = [row.message_id for row in house.told()]
    assert len(told) == notices // kills * struck
    arrived = Counter(handler.numbers)
    assert set(arrived) == set(told)
    # A kill between the mail server's yes and the mark repeats the one message that was in these hands.
    assert sum(arrived.values()) - len(told) <= killer.horses + killer.hosts
