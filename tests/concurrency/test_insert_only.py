"""What may never be changed is refused by PostgreSQL itself, as the migrations made it, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from grantflow.db import Base, session, unit_of_work
from tests.factories import person

STATEMENTS = ("UPDATE {table} SET {key} = {key}", "DELETE FROM {table}", "TRUNCATE {table} CASCADE")
PROTECTED = sorted(t.name for t in Base.metadata.tables.values() if "insert_only" in t.info)


@pytest.fixture
def filled(hosts: Any) -> Any:
    """The database with an event, a private value and a checkpoint in it."""
    from grantflow.history import checkpoints

    with hosts.app.app_context():
        person("officer", programme_id=_programme())
        checkpoints.lodge()
        yield
        session().rollback()


def _programme() -> int:
    from tests.factories import record_file

    return record_file("programme")


@pytest.mark.parametrize("table", ["events", "checkpoints", "checkpoint_heads"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_history_refuses_update_delete_and_truncate(filled: Any, table: str, statement: str) -> None:
    key = next(iter(Base.metadata.tables[table].primary_key)).name
    with pytest.raises(DBAPIError, match=f"{table} is insert-only"), unit_of_work() as current:
        current.execute(text(statement.format(table=table, key=key)))


def test_truncating_the_cases_does_not_take_the_history_along(filled: Any) -> None:
    with pytest.raises(DBAPIError, match=r"is insert-only|can only be erased"), unit_of_work() as current:
        current.execute(text("TRUNCATE cases CASCADE"))


def test_a_private_value_can_be_erased_and_nothing_else(filled: Any) -> None:
    for statement in (
        "UPDATE private_values SET value = '\"Another\"'",
        "DELETE FROM private_values",
        "TRUNCATE private_values",
    ):
        with (
            pytest.raises(DBAPIError, match="private_values can only be erased"),
            unit_of_work() as current,
        ):
            current.execute(text(statement))
    with unit_of_work() as current:
        current.execute(text("UPDATE private_values SET value = NULL, salt = NULL"))


def test_every_protected_table_has_its_triggers_after_the_migrations(hosts: Any) -> None:
    with hosts.app.app_context():
        found = set(session().scalars(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'")))
        session().rollback()
    wanted = {f"{table}_{name}" for table in PROTECTED for name in ("insert_only", "no_truncate")}
    assert wanted <= found and {"private_values_erase_only", "private_values_no_truncate"} <= found
