"""A house with a queue: its workers and schedulers as real processes to start, stop and kill.

The web server and the cases are those of `tests.faults.house`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.cases import service
from grantflow.cases.models import Outbox
from grantflow.db import session, unit_of_work
from tests.faults.house import PATIENCE, ROOT, House, wait_for


class Program:
    """A worker or a scheduler of a house."""

    def __init__(self, house: House, name: str, number: int) -> None:
        self.log = house.home / f"{name}-{number}.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "grantflow", name],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **house.environ},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> Program:
        """Wait until it says that it works."""
        wait_for(lambda: "stops it" in self.log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        return self

    def horses(self) -> list[int]:
        """The work-horses it has at this moment."""
        try:
            found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except OSError:
            return []
        return [int(pid) for pid in found if _lives(int(pid))]

    def kill(self) -> None:
        """kill -9, its horse left running where there is one."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        """Ask it to stop, and wait; gives back its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Works(House):
    """A house whose background work is done by workers."""

    def __init__(self, home: Path, database: Path, **settings: str) -> None:
        super().__init__(home, database, **settings)
        self.programs: list[Program] = []

    def program(self, name: str) -> Program:
        """Start a worker or a scheduler."""
        self.programs.append(Program(self, name, len(self.programs)))
        return self.programs[-1]

    def run(self, *names: str) -> list[Program]:
        """Start several at once, and wait until all work."""
        return [program.ready() for program in [self.program(name) for name in names]]

    def end(self) -> None:
        """Kill whatever still runs."""
        for program in self.programs:
            for horse in program.horses():
                os.kill(horse, signal.SIGKILL)
            if program.process.poll() is None:
                program.kill()
        if self.process is not None:
            self.stop(signal.SIGKILL)

    def tell(self, number: int) -> None:
        """Write so many notices to the reader, in one unit of work."""
        with self.inside(), unit_of_work():
            for n in range(number):
                told = [("role_granted", [self.reader.person_id], {"number": n})]
                service.record(self.programme, "told", actor=self.officer, notices=told)

    def waiting(self) -> int:
        """How many notices are not sent."""
        with self.inside():
            return session().scalar(select(func.count()).where(Outbox.sent_at.is_(None))) or 0

    def told(self) -> list[Any]:
        """Every notice, in its order."""
        with self.inside():
            return list(session().execute(select(Outbox.__table__).order_by(Outbox.id)))

    def let_leases_of_the_dead_end(self) -> int:
        """What time would do: the lease of a killed sender is over. Gives back how many notices it had left behind."""
        left = 0
        with self.inside():
            held = session().execute(select(Outbox.id, Outbox.leased_by).where(Outbox.lease_until.is_not(None))).all()
            for row in held:
                if not _lives(int(row.leased_by.split("/")[1])):
                    with unit_of_work() as current:
                        ended = update(Outbox).where(Outbox.id == row.id, Outbox.leased_by == row.leased_by)
                        current.execute(ended.values(lease_until=clock.now() - timedelta(seconds=1)))
                    left += 1
        return left
