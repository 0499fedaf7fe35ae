"""Owns where the demo lives: which database is there, whose it is, the locks, and putting a build in its place.

Leaves building to `build` and talking to the person at the shell to `command`. A database that is not marked as a
demo is never touched.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

from grantflow.config import Settings
from grantflow.errors import Misconfigured

DATABASE, FILES = "grantflow.db", "files"
PARTIAL = ".demo.partial"
MARK = "demo"
"""The name under which `installation` says that a database is a demo; beside its files it is the name of a file."""


@dataclass(frozen=True)
class Mark:
    """What a demo database says of itself: how far its story is told, as of which day, from which content."""

    until: str
    day: date
    content: str
    schema: str = ""
    """The migration the database stands at; read from its own table, not part of the mark."""

    def text(self) -> str:
        """The mark as `installation` keeps it."""
        return json.dumps({"until": self.until, "day": self.day.isoformat(), "content": self.content})


def mark_of(text: str, schema: str = "") -> Mark:
    """A mark as it was kept, read back."""
    raw = json.loads(text)
    return Mark(raw["until"], date.fromisoformat(raw["day"]), raw["content"], schema)


def own_database(settings: Settings) -> Path:
    """Where the demo's database lies. Misconfigured where the settings name another database."""
    path = settings.home / DATABASE
    if settings.database_url != f"sqlite:///{path}":
        raise Misconfigured(
            "The demo keeps an SQLite database of its own in GRANTFLOW_HOME, but DATABASE_URL names another database. "
            "Take DATABASE_URL and GRANTFLOW_DATABASE_URL out of the environment and start the demo again."
        )
    return path


def present(settings: Settings) -> Mark | None:
    """The mark of the demo that is here; None where nothing is.

    Misconfigured for a database or a folder of files that is no demo's: those stay as they are.
    """
    path = own_database(settings)
    elsewhere = "GRANTFLOW_HOME=/tmp/grantflow-demo python3 run.py demo"
    if not path.exists() or path.stat().st_size == 0:
        files = settings.home / FILES
        if files.is_dir() and any(files.iterdir()) and not (files / MARK).exists():
            raise Misconfigured(
                f"{files} holds files that belong to no demo. Choose another folder for the demo: {elsewhere}"
            )
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=20)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables:
                return None
            mark = _one(connection, tables, "installation", "SELECT value FROM installation WHERE name = 'demo'")
            schema = _one(connection, tables, "alembic_version", "SELECT version_num FROM alembic_version")
    except sqlite3.DatabaseError as error:
        raise Misconfigured(
            f"{path} cannot be read as a database ({error}). Choose another folder: {elsewhere}"
        ) from None
    if mark is None:
        raise Misconfigured(
            f"{path} is not a demo database, so it is left alone. Choose another folder for the demo: {elsewhere}"
        )
    return mark_of(mark, schema or "")


def _one(connection: sqlite3.Connection, tables: set[str], table: str, query: str) -> str | None:
    if table not in tables:
        return None
    row = connection.execute(query).fetchone()
    return None if row is None else str(row[0])


# ------------------------------------------------------------------------------------------------------------- locks
def _held(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a")


@contextmanager
def building(settings: Settings, wait: Callable[[], None]) -> Iterator[None]:
    """Only one start at a time looks and builds; `wait` is called once where another is at it."""
    with _held(settings.home / ".demo.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def serving(settings: Settings) -> IO[str]:
    """Say that a server uses the demo, until what is given back is closed or the process ends."""
    lock = _held(settings.home / ".demo.serving")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def require_unserved(settings: Settings) -> None:
    """Misconfigured while a server still uses the demo that is about to be replaced."""
    with _held(settings.home / ".demo.serving") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured(
                f"The demo in {settings.home} is being served; it cannot be built anew under its visitors. "
                "Stop that server first (Ctrl+C in its window), then start the demo again."
            ) from None


# ------------------------------------------------------------------------------------------------------------- places
def fresh_partial(settings: Settings) -> Path:
    """An empty folder beside the database to build in; what a killed build left there is removed."""
    folder = settings.home / PARTIAL
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def throw_away(partial: Path) -> None:
    """Remove what a build that failed has left."""
    shutil.rmtree(partial, ignore_errors=True)


def put_in_place(settings: Settings, partial: Path) -> None:
    """Replace the demo by a finished build. Killed in between, there is no database and the next start builds anew."""
    target = own_database(settings)
    for path in (target, target.with_name(f"{DATABASE}-wal"), target.with_name(f"{DATABASE}-shm")):
        path.unlink(missing_ok=True)
    files = settings.home / FILES
    shutil.rmtree(files, ignore_errors=True)
    (partial / FILES).mkdir(exist_ok=True)
    (partial / FILES / MARK).write_text("These files belong to the demo and go with it.\n")
    (partial / FILES).rename(files)
    with (partial / DATABASE).open("rb+") as database:
        os.fsync(database.fileno())
    (partial / DATABASE).rename(target)
    shutil.rmtree(partial, ignore_errors=True)
