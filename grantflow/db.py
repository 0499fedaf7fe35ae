"""The database as every package sees it: the declarative base, column types and the unit of work, the only committer.

Tables belong to the stages. SQLite and PostgreSQL are both first-class: whatever differs between them stands here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    DDL,
    BigInteger,
    Connection,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    event,
    func,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.types import TypeDecorator

from grantflow import prepared
from grantflow.errors import Refused

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = BigInteger().with_variant(Integer, "sqlite")
"""A surrogate key: SQLite only counts up an INTEGER."""


def schema_statement(text: str) -> Any:
    """A statement of the schema as it stands: DDL reads % as its own."""
    return DDL(text.replace("%", "%%"))  # type: ignore[no-untyped-call]


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Refuses a naive value, stores UTC, gives back an aware one on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Any) -> Callable[[datetime | None], Any]:
        """SQLite keeps text without a zone. Written here at once: by way of the driver's type it takes four times as long."""
        return _instant_as_text if dialect.name == "sqlite" else _instant

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], datetime | None]:
        """The way back."""
        return _instant_of_text if dialect.name == "sqlite" else _instant


def _instant(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return value.astimezone(UTC)


def _instant_as_text(value: datetime | None) -> str | None:
    instant = _instant(value)
    return None if instant is None else instant.isoformat(" ", "microseconds")[: -len("+00:00")]


def _instant_of_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text + "+00:00")


# An encoder of its own: json.dumps() makes a new one each time it is given these.
_written = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class JsonText(TypeDecorator[Any]):
    """JSON kept as text, so that what is read back is what was written, on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        if value is None:
            return None
        return _written(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        return None if value is None else json.loads(value)


class Base(DeclarativeBase):
    """Every table's base: one metadata, named constraints."""

    if TYPE_CHECKING:
        # Every class here is a table, never a join.
        __table__: ClassVar[Table]
    # A registry of our own: Flask-SQLAlchemy derives a class from this one, which a bare annotation map forbids.
    registry = registry(metadata=MetaData(naming_convention=NAMING), type_annotation_map={datetime: UtcDateTime()})


db = SQLAlchemy(model_class=Base)


PATIENCE_SECONDS = 20
"""How long a statement waits for another writer of an SQLite file before it gives up: "database is locked"."""


@event.listens_for(Engine, "connect")
def _prepare(dbapi_connection: Any, _record: Any) -> None:
    """SQLite: real foreign keys, a write-ahead log, patience with other writers, and BEGIN in our own hands."""
    if type(dbapi_connection).__module__.startswith("sqlite3"):
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    """A writer takes SQLite's lock at once: a read that turns into a write fails with "database is locked"."""
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("grantflow_writes")
        prepared.word(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")


def session() -> Session:
    """The session of this request, job or command."""
    return db.session()


_WROTE_NOTHING = prepared.Prepared(select(func.pg_current_xact_id_if_assigned().is_(None).label("so")))


def end_reading(current: Session) -> None:
    """End the transaction in which the session has read, and forget what it read; what was written is rolled back.

    After a ROLLBACK the driver of PostgreSQL forgets which statements the database has prepared, and in every request
    each would be parsed and planned anew. So a transaction that wrote nothing, and was given no number therefore, is
    ended by COMMIT.
    """
    if current.in_transaction() and current.get_bind().dialect.name == "postgresql":
        try:
            reading = current.connection()
            if _WROTE_NOTHING.one(reading, {}).so:  # type: ignore[union-attr]
                prepared.word(reading, "COMMIT")
        except SQLAlchemyError:
            pass  # it had failed, or the connection broke: rolled back as ever
    current.rollback()


def let_go(_error: BaseException | None = None) -> None:
    """End what the session reads and give its connection back; one that broke meanwhile is thrown away, without a word.

    At the end of a request all is stored and said: a database that goes down then must not turn the answer into a fault.
    """
    if not db.session.registry.has():
        return
    current = db.session()
    try:
        end_reading(current)
    except SQLAlchemyError:
        current.invalidate()


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """Everything or nothing, and the only place that commits.

    Ends the read transaction that loading the signed-in person opened, then begins a writing one. Objects loaded
    before are reloaded when touched. Units do not nest: RuntimeError. What `after_commit` was given runs only once
    everything is safely stored; what `after_refusal` was given, once a Refused has taken everything back.
    """
    current = session()
    if current.info.get("unit"):
        raise RuntimeError("units of work do not nest")
    end_reading(current)
    current.info["unit"] = True
    current.info["after_commit"] = []
    current.info["after_refusal"] = []
    after: list[Callable[[], None]] = []
    refusal: Refused | None = None
    try:
        current.info["unit"] = current.connection(execution_options={"grantflow_writes": True})
        yield current
        current.commit()
        after = current.info["after_commit"]
    except Refused as told:
        current.rollback()
        after, refusal = current.info["after_refusal"], told
    except BaseException:
        current.rollback()
        raise
    finally:
        for name in ("unit", "after_commit", "after_refusal"):
            current.info.pop(name, None)
    for call in after:
        call()
    if refusal is not None:
        raise refusal


def writing() -> Session:
    """The session of the unit of work that is under way; RuntimeError where there is none."""
    current = session()
    if not current.info.get("unit"):
        raise RuntimeError("this needs a unit of work around it")
    return current


def unit_connection() -> Connection:
    """The connection of the unit of work that is under way; RuntimeError where there is none."""
    unit = session().info.get("unit")
    if not isinstance(unit, Connection):
        raise RuntimeError("this needs a unit of work around it")
    return unit


def connection() -> Connection:
    """The connection of the unit of work under way, else of what the session reads: for statements declared once.

    The session itself would first look up, each time, which connection a statement is for.
    """
    current = session()
    unit = current.info.get("unit")
    return unit if isinstance(unit, Connection) else current.connection()


def after_commit(call: Callable[[], None]) -> None:
    """Run `call` once the present unit of work is stored; never if it fails. The same call runs once."""
    waiting = writing().info["after_commit"]
    if call not in waiting:
        waiting.append(call)


def after_refusal(call: Callable[[], None]) -> None:
    """Run `call`, which needs a unit of work of its own, if a refusal takes back the present one: whom a rule tells of
    what it refused is told although nothing else of it is kept."""
    writing().info["after_refusal"].append(call)


def insert_if_new(table: Any) -> Any:
    """An INSERT that does nothing where a unique key is taken: of two writers at once the second then reads the first's.

    Such an INSERT waits for a writer of the same key on PostgreSQL; on SQLite there is only one writer at a time.
    """
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = {"postgresql": postgresql, "sqlite": sqlite}[writing().get_bind().dialect.name]
    return dialect.insert(table).on_conflict_do_nothing()


def insert_only(table: str, keys: tuple[tuple[str, ...], ...]) -> dict[str, list[str]]:
    """The statements, by dialect, that make the database refuse UPDATE, DELETE, replacement and TRUNCATE of a table.

    `keys` are the unique keys of the table: SQLite's INSERT OR REPLACE deletes the old row without firing a delete
    trigger, so an INSERT over an existing key is refused before it happens.
    """
    say = f"{table} is insert-only"
    sqlite = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{say}'); END"
        for verb in ("UPDATE", "DELETE")
    ]
    same = " OR ".join("(" + " AND ".join(f"{column} = NEW.{column}" for column in key) + ")" for key in keys)
    sqlite.append(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608  names are ours
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN SELECT RAISE(ABORT, '{say}'); END"
    )
    function = (
        "CREATE OR REPLACE FUNCTION grantflow_insert_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    postgresql = [
        function,
        f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
    ]
    return {"sqlite": sqlite, "postgresql": postgresql}


def protect(table: Any, *keys: tuple[str, ...]) -> None:
    """Declare a mapped table insert-only: it is made so wherever the table is created, and `rules` tests find it."""
    table.info["insert_only"] = keys

    @event.listens_for(table, "after_create")
    def _create(target: Any, connection: Connection, **_: Any) -> None:
        for statement in insert_only(target.name, keys)[connection.dialect.name]:
            connection.execute(schema_statement(statement))
