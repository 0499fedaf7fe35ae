"""How reading ends on PostgreSQL: what the database has prepared is kept, and nothing is stored by the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import literal, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from grantflow.cases.models import Case
from grantflow.db import db, let_go, session, unit_of_work
from tests.factories import record_file

PREPARED = text("SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, :mark) > 0")
OFTEN = 8
"""The driver has a statement prepared once it has been sent five times."""


@pytest.fixture
def reader(hosts: Any) -> Iterator[None]:
    """The app's context with one connection, which nobody has used yet."""
    with hosts.app.app_context():
        db.engine.dispose()
        yield
        db.session.remove()


def an_empty_unit() -> None:
    with unit_of_work():
        pass


def test_a_statement_stays_prepared_from_one_request_to_the_next(reader: None) -> None:
    statement = select(Case.id, literal("over and over")).limit(1)
    for _ in range(OFTEN):
        session().execute(statement).all()
        let_go()
    assert session().scalar(PREPARED, {"mark": "cases.id"}) == 1


def test_a_unit_of_work_keeps_what_the_reading_before_it_has_prepared(reader: None) -> None:
    for _ in range(OFTEN):
        session().execute(select(Case.state).limit(1)).all()
        an_empty_unit()
    assert session().scalar(PREPARED, {"mark": "cases.state"}) == 1


def test_what_was_written_outside_a_unit_of_work_is_gone(reader: None) -> None:
    case_id = record_file("programme")
    for end in (let_go, an_empty_unit):
        session().execute(update(Case).where(Case.id == case_id).values(title="By the way"))
        end()
        assert session().scalar(select(Case.title).where(Case.id == case_id)) != "By the way"


def test_after_a_reading_that_failed_the_next_one_serves(reader: None) -> None:
    for end in (let_go, an_empty_unit):
        with pytest.raises(SQLAlchemyError):
            session().execute(text("SELECT nothing FROM nowhere"))
        end()
        assert session().scalar(select(literal(1))) == 1
