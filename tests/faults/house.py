"""A GrantFlow of its own: its database, a case that swings to and fro, and the real server to start and kill.

The server is `python -m grantflow serve` with its embedded worker. Whoever asks it is signed in by a session
made here with the house's own key.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask

from grantflow import create_app
from grantflow.cases import definitions, service
from grantflow.db import db, session, unit_of_work
from grantflow.engine.definition import Workflow
from tests.cases.machines import label, move
from tests.factories import person, record_file, signed_in

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


def swing() -> Workflow:
    """To and fro, each time with a notice; no guard, so that a server needs nothing from the tests."""
    states = [("here", "submission"), ("there", "eligibility")]
    return Workflow.model_validate(
        {
            "name": "swing",
            "label": label("Swing"),
            "initial": "here",
            "states": [
                {"name": n, "label": label(n), "tone": "move", "stage": s, "desk": "officer"} for n, s in states
            ],
            "moves": [
                move("go", ["here"], "there", ["officer"], notices=["tranche_awaits"]),
                move("come", ["there"], "here", ["officer"], notices=["tranche_awaits"]),
            ],
        }
    )


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class House:
    """The folder, its people and its cases; and the server, as often as it is started."""

    def __init__(self, home: Path, database: Path | None, **settings: str) -> None:
        """On a copy of an SQLite file, or (None) on the database the settings name."""
        home.mkdir()
        if database is not None:
            shutil.copy(database, home / "grantflow.db")
        self.home, self.port = home, free_port()
        self.settings = {f"GRANTFLOW_{name.upper()}": value for name, value in settings.items()}
        self.process: subprocess.Popen[bytes] | None = None
        self.one_at_a_time = threading.RLock()
        # A file and no pipe: nobody reads while the tests drive it, and a full pipe would stop the server.
        self.log = home / f"serve-{self.port}.log"
        self.app = create_app({**self.environ, "GRANTFLOW_WORKER": "no"})
        with self.inside():
            programme = record_file("programme")
            self.officer = person("officer", programme_id=programme)
            self.reader = person("finance", programme_id=programme)
            self.programme = programme

    @property
    def environ(self) -> dict[str, str]:
        """The settings of this house and nothing else of the tests' own environment."""
        return {"GRANTFLOW_HOME": str(self.home), **self.settings}

    @contextmanager
    def inside(self) -> Iterator[Flask]:
        """The app's context on the house's database, in this process: for one thread at a time, since whoever leaves
        ends all connections."""
        with self.one_at_a_time, self.app.app_context():
            try:
                yield self.app
            finally:
                db.session.remove()
                db.engine.dispose()

    def case(self) -> int:
        """A case that swings."""
        real = definitions.current
        definitions.current = lambda name: swing() if name == "swing" else real(name)  # type: ignore[assignment]
        try:
            with self.inside(), unit_of_work():
                return int(
                    service.open_case(
                        "check",
                        workflow="swing",
                        actor=self.officer,
                        title="Swing",
                        programme_id=self.programme,
                    ).id
                )
        finally:
            definitions.current = real

    def caller(self, case_id: int) -> Caller:
        """The officer, signed in, at the page of that case's moves."""
        with self.inside() as app:
            client = signed_in(app, self.officer)
            page = client.get(f"/cases/{case_id}/moves/go")
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
            cookie = client.get_cookie("session")
            session().rollback()
        assert page.status_code == 200 and token and cookie
        return Caller(self, case_id, token[1], cookie.value)

    def start(self) -> None:
        """Start the server and wait until it says that it serves."""
        with self.log.open("wb") as out:
            self.process = process = subprocess.Popen(
                [sys.executable, "-m", "grantflow", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **self.environ},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        wait_for(lambda: "GrantFlow serves" in self.log.read_text() or process.poll() is not None)
        if process.poll() is not None:
            raise RuntimeError(self.log.read_text())

    def stop(self, how: signal.Signals) -> int:
        """Send it a signal, wait for its end and give back its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        code, self.process = self.process.wait(PATIENCE), None
        return code


class Caller:
    """A browser with a signed-in officer, who repeats a request word for word until it is answered."""

    def __init__(self, house: House, case_id: int, token: str, cookie: str) -> None:
        self.house, self.case_id, self.token, self.cookie = house, case_id, token, cookie
        self.version = 1

    def post(self, timeout: float = 30) -> int:
        """Ask for the next move once; gives back the status. Raises OSError where the server is gone."""
        trigger = "go" if self.version % 2 else "come"
        fields = {
            "csrf_token": self.token, "key": f"press-{self.case_id}-{self.version}", "version": str(self.version),
            "reason": "",
        }  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=timeout)
        try:
            connection.request(
                "POST",
                f"/cases/{self.case_id}/moves/{trigger}",
                urlencode(fields),
                {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"session={self.cookie}"},
            )
            answer = connection.getresponse()
            answer.read()
        except http.client.HTTPException as error:
            raise OSError("cut off") from error
        finally:
            connection.close()
        if answer.status == 303:
            self.version += 1
        return answer.status


def wait_for(what: Any, seconds: float = PATIENCE) -> None:
    """Wait until `what()` is true."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)
