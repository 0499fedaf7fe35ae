"""One head, up and down on both databases, nothing left out, and the refusals of the database found after each way up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from grantflow import create_app, schema
from grantflow.db import Base, db
from grantflow.errors import Misconfigured
from tests import postgres

WANTED = sorted(name for name, table in Base.metadata.tables.items() if table.info.get("insert_only"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app on an empty database of each kind."""
    environ = {"GRANTFLOW_HOME": str(tmp_path), "GRANTFLOW_WORKER": "no"}
    if request.param == "postgresql":
        environ["DATABASE_URL"] = postgres.fresh_database(request.getfixturevalue("cluster"))
    app = create_app(environ)
    yield app
    with app.app_context():
        db.engine.dispose()


def triggers(app: Flask) -> set[str]:
    """The names of all triggers there are."""
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            return set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars())
        return set(connection.execute(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")).scalars())


def test_there_is_one_line_of_migrations_in_the_order_of_their_numbers() -> None:
    files = sorted((schema.MIGRATIONS / "versions").glob("*.py"))
    pairs = [
        (re.search(r'^revision = "(\d{4})"', body, re.M), re.search(r'^down_revision = (?:"(\d{4})"|None)', body, re.M))
        for body in (path.read_text(encoding="utf-8") for path in files)
    ]
    for number, (path, (own, before)) in enumerate(zip(files, pairs, strict=True), 1):
        assert own and own[1] == f"{number:04}" and path.name.startswith(own[1])
        assert before and before[1] == (f"{number - 1:04}" if number > 1 else None)
    assert schema.newest() == f"{len(files):04}"


def test_up_down_and_up_again(empty: Flask) -> None:
    schema.upgrade(empty)
    first = triggers(empty)
    assert schema.present(empty) == schema.newest()
    schema.downgrade(empty, "base")
    with empty.app_context():
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
    schema.upgrade(empty)
    assert triggers(empty) == first
    for table in WANTED:
        assert any(name.startswith(f"{table}_") for name in first), f"{table} can be rewritten"
    assert "private_values_erase_only" in first


def test_the_migrations_make_what_the_models_say(empty: Flask) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    schema.upgrade(empty)
    with empty.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": connection.dialect.name == "postgresql"})
        assert compare_metadata(context, Base.metadata) == []


def test_every_key_and_check_has_a_name_of_its_own(empty: Flask) -> None:
    schema.upgrade(empty)
    with empty.app_context():
        found = inspect(db.engine)
        for table in found.get_table_names():
            if table == "alembic_version":
                continue
            for kind in (
                found.get_foreign_keys(table),
                found.get_check_constraints(table),
                found.get_unique_constraints(table),
            ):
                assert all(row["name"] for row in kind), (table, kind)


def test_a_database_that_does_not_fit_the_code_is_refused_with_what_to_do(empty: Flask) -> None:
    with pytest.raises(Misconfigured, match="no tables yet"):
        schema.require_current(empty)
    schema.upgrade(empty)
    schema.require_current(empty)
    for number, what in (("0000", "needs"), ("9999", "newer than this GrantFlow")):
        with empty.app_context(), db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": number})
        with pytest.raises(Misconfigured, match=what):
            schema.require_current(empty)
