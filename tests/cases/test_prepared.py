"""Statements run on the driver's cursor give, take and raise what the same statements do by SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    create_engine,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from grantflow.db import Id, JsonText, UtcDateTime
from grantflow.prepared import Prepared
from tests import postgres

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Id, primary_key=True),
    Column("key", String(20), unique=True),
    Column("at", UtcDateTime),
    Column("on", Date),
    Column("facts", JsonText),
    Column("active", Boolean),
    Column("salt", LargeBinary),
    Column("minor", BigInteger),
    Column("note", Text),
    Column("tries", Integer, default=0),
)
GIVEN = tuple(column.key for column in THINGS.c if column.key != "id")
FULL: dict[str, Any] = {
    "key": "100 % “ё”", "at": datetime(2022, 2, 10, 12, 0, 0, 7, tzinfo=timezone(timedelta(hours=3))),
    "on": date(2022, 2, 10), "facts": {"b": [1, None, "ё"], "a": True}, "active": True, "salt": b"\x00\xff",
    "minor": 2**53 + 1, "note": ":colon %s ? %(x)s", "tries": 3,
}  # fmt: skip
EMPTY: dict[str, Any] = dict.fromkeys(GIVEN)
ADD = Prepared(insert(THINGS).inline(), *GIVEN)
ALL = Prepared(select(THINGS).order_by(THINGS.c.id))
CHOSEN = Prepared(
    select(THINGS.c.key, THINGS.c.active)
    .where(or_(THINGS.c.key == "a", THINGS.c.key == "b"), THINGS.c.active, THINGS.c.tries == bindparam("tried"))
    .order_by(THINGS.c.key)
)
RETRY = Prepared(
    update(THINGS).where(THINGS.c.key == bindparam("of"), THINGS.c.tries == bindparam("seen")).returning(*THINGS.c),
    "tries",
    "at",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Connection]:
    """A connection to a database of each kind that has the table and nothing in it."""
    if request.param == "postgresql":
        url = postgres.fresh_database(request.getfixturevalue("cluster"))
    else:
        url = f"sqlite:///{tmp_path}/things.db"
    engine = create_engine(url)
    THINGS.create(engine)
    with engine.connect() as made:
        made.begin()
        yield made
    engine.dispose()


def test_values_go_in_and_come_back_as_by_sqlalchemy(connection: Connection) -> None:
    ADD.run(connection, FULL)
    connection.execute(insert(THINGS), FULL | {"key": "other"})
    ADD.run(connection, EMPTY, EMPTY)
    theirs = [tuple(row) for row in connection.execute(select(THINGS).order_by(THINGS.c.id))]
    ours = ALL.all(connection, {})
    assert [tuple(row) for row in ours] == theirs
    assert ours[0]._asdict() | {"id": 0} == FULL | {"id": 0} and ours[0].at.tzinfo is UTC
    assert theirs[0][2:] == theirs[1][2:] and ours[2][1:] == (None,) * len(GIVEN) == ours[3][1:]
    raw = connection.exec_driver_sql('SELECT at, "on", facts, active FROM things ORDER BY id').all()
    assert raw[0] == raw[1]


def test_values_in_the_statement_and_beside_it_both_count(connection: Connection) -> None:
    for key, tries, active in (("b", 1, True), ("a", 1, True), ("c", 1, True), ("d", 1, False)):
        ADD.run(connection, FULL | {"key": key, "tries": tries, "active": active})
    assert CHOSEN.all(connection, {"tried": 1}) == [("a", True), ("b", True)]
    assert CHOSEN.one(connection, {"tried": 2}) is None


def test_an_update_that_finds_nothing_gives_nothing_back(connection: Connection) -> None:
    ADD.run(connection, FULL | {"key": "a"})
    later = {"of": "a", "seen": 3, "tries": 4, "at": datetime(2023, 1, 1, tzinfo=UTC)}
    after = RETRY.one(connection, later)
    assert after is not None and (after.tries, after.at, after.note) == (4, later["at"], FULL["note"])
    assert RETRY.one(connection, later) is None


def test_it_all_belongs_to_the_transaction_of_the_connection(connection: Connection) -> None:
    connection.execute(insert(THINGS), FULL | {"key": "before"})
    ADD.run(connection, FULL, FULL | {"key": "second"})
    assert len(ALL.all(connection, {})) == 3
    connection.rollback()
    with pytest.raises(RuntimeError, match="inside a transaction"):
        ALL.all(connection, {})
    assert connection.execute(select(THINGS)).all() == []


def test_a_fault_is_the_one_that_sqlalchemy_raises(connection: Connection) -> None:
    ADD.run(connection, FULL)
    connection.commit()
    connection.begin()
    with pytest.raises(IntegrityError) as raised:
        ADD.run(connection, FULL)
    connection.rollback()
    connection.begin()
    assert "key" in str(raised.value.orig) and not raised.value.connection_invalidated
    with pytest.raises(ValueError, match="zone"):
        ADD.run(connection, FULL | {"at": datetime(2022, 1, 1)})
    with pytest.raises(KeyError, match="note"):
        ADD.run(connection, {name: value for name, value in FULL.items() if name != "note"})
    assert len(ALL.all(connection, {})) == 1


def test_a_default_is_never_filled_in_unseen(connection: Connection) -> None:
    with pytest.raises(ValueError, match="no defaults"):
        Prepared(insert(THINGS).inline(), "key").run(connection, {"key": "a"})


def test_a_connection_that_broke_is_thrown_away_and_the_next_one_serves(cluster: str) -> None:
    engine = create_engine(postgres.fresh_database(cluster))
    THINGS.create(engine)
    with engine.connect() as first, engine.connect() as second:
        first.begin()
        ADD.run(first, FULL)
        pid = first.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        second.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(OperationalError) as raised:
            for _ in range(2):
                ALL.all(first, {})
        assert raised.value.connection_invalidated and first.invalidated
        first.rollback()
        first.begin()
        assert ALL.all(first, {}) == []
    engine.dispose()


def test_a_locked_file_is_told_as_by_sqlalchemy(app: Flask, tmp_path: Any) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/locked.db")
    THINGS.create(engine)
    with engine.connect() as first, engine.connect() as second:
        first.begin()
        ADD.run(first, FULL)
        second.exec_driver_sql("PRAGMA busy_timeout = 0")
        with pytest.raises(OperationalError, match="database is locked"):
            ADD.run(second, FULL | {"key": "other"})
    engine.dispose()
