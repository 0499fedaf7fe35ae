"""The databases the benchmarks stand on: fresh, made by the migrations, and as careful of the disk as in production."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from grantflow import create_app, schema
from grantflow.db import db
from tests import postgres

SECRET = "b" * 40
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "128MB"}


@contextmanager
def server() -> Iterator[str | None]:
    """A PostgreSQL that waits for the disk at every commit; None, with a printed reason, where there is none."""
    try:
        with postgres.server(**DURABLE) as url:
            yield url
    except pytest.skip.Exception as reason:
        print(f"PostgreSQL is left out: {reason}")
        yield None


@contextmanager
def place(server: str | None) -> Iterator[dict[str, str]]:
    """The environment of an empty database: SQLite on a real file, or one of the server's."""
    with tempfile.TemporaryDirectory(prefix="gf-bench-") as home:
        environ = {"GRANTFLOW_HOME": home, "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": SECRET}
        if server:
            environ["DATABASE_URL"] = postgres.fresh_database(server)
        yield environ


@contextmanager
def house(environ: dict[str, str], *, made: bool = False) -> Iterator[Flask]:
    """The app's context there, with every table; `made` where another process made them."""
    app = create_app(environ)
    if not made:
        schema.upgrade(app)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()
