"""A database that is locked, full, read-only, old or new: a clear sentence, and nothing half done."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, func, select

from grantflow import create_app, schema
from grantflow import db as database
from grantflow.cases import service
from grantflow.cases.models import Outbox
from grantflow.cases.worker import EmbeddedWorker
from grantflow.db import db, session
from grantflow.errors import Misconfigured
from grantflow.history import verify
from tests.factories import signed_in
from tests.faults.house import House
from tests.faults.test_stopping import another_writer


@pytest.fixture
def house(build: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0)
    return build()


class Page:
    """The officer at the page of a move, in this process."""

    def __init__(self, house: House, case_id: int, app: Flask | None = None) -> None:
        self.house, self.case_id, self.app = house, case_id, app or house.app
        self.app.config.update(WTF_CSRF_ENABLED=False, TESTING=False)

    def press(self, version: int = 1) -> Any:
        """Make the move."""
        with self.app.app_context():
            client = signed_in(self.app, self.house.officer)
            data = {"key": f"press-{version}", "version": str(version), "reason": "Typed with care."}
            trigger = "go" if version % 2 else "come"
            answer = client.post(f"/cases/{self.case_id}/moves/{trigger}", data=data)
            db.session.remove()
            return answer

    def stands(self) -> tuple[str, int, int]:
        """State, version and the number of notices, after a verification."""
        with self.house.inside():
            row = service.get(self.case_id)
            assert verify.verify_case(self.case_id).whole
            notices = session().scalar(select(func.count()).where(Outbox.case_id == self.case_id)) or 0
            return row.state, row.version, notices


@pytest.fixture
def page(house: House) -> Iterator[Page]:
    made = Page(house, house.case())
    yield made
    with made.app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_a_database_locked_for_long_is_told_the_words_are_given_back_and_nothing_is_half_done(
    page: Page,
) -> None:
    with another_writer(page.house.home):
        answer = page.press()
    assert answer.status_code == 503
    assert "waits for its database" in answer.text and "Typed with care." in answer.text
    assert page.stands() == ("here", 1, 0)
    assert page.press().status_code == 303
    assert page.stands() == ("there", 2, 1)


def test_a_connection_that_breaks_after_the_work_was_done_spoils_no_answer_and_no_round(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[str] = []

    def breaks(self: Any, connection: Any) -> None:
        broken.append("once more")
        raise sqlite3.OperationalError("the server closed the connection")

    began: list[bool] = []
    worker = EmbeddedWorker(page.app)
    with page.app.app_context():
        client = signed_in(page.app, page.house.officer)
        dialect = type(db.engine.dialect)
    with monkeypatch.context() as patched:
        patched.setattr(dialect, "do_rollback", breaks)
        assert client.get(f"/cases/{page.case_id}/moves/go").status_code == 200
        assert broken

        def round_(stop: Any, *, remind: bool) -> None:
            began.append(remind)
            session().execute(select(1))  # and the connection breaks

        def wait(seconds: float) -> None:
            if len(began) != 1:
                worker._stopping.set()

        patched.setattr("grantflow.cases.worker.one_round", round_)
        patched.setattr("grantflow.cases.bell.wait", wait)
        worker._run()
    assert began == [True, False], "a second round comes after the one that broke; it need not look for reminders"
    assert page.press().status_code == 303


def test_a_full_disk_is_told_and_nothing_is_half_done(page: Page) -> None:
    def no_room(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        (used,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {used}")

    event.listen(Engine, "connect", no_room)
    done = 0
    try:
        while page.press(done + 1).status_code == 303:
            done += 1
        answer = page.press(done + 1)
        assert answer.status_code == 503 and "Typed with care." in answer.text
    finally:
        event.remove(Engine, "connect", no_room)
        with page.app.app_context():
            db.engine.dispose()
    state = "there" if done % 2 else "here"
    assert page.stands() == (state, 1 + done, done)
    assert page.press(done + 1).status_code == 303, "and with room again it goes on"


def test_a_read_only_database_can_be_read_and_says_so_when_written(page: Page) -> None:
    home = page.house.home
    url = f"sqlite:///file:{home / 'grantflow.db'}?mode=ro&uri=true"
    reader = create_app({"GRANTFLOW_HOME": str(home), "DATABASE_URL": url, "GRANTFLOW_WORKER": "no"})
    second = Page(page.house, page.case_id, reader)
    try:
        with reader.app_context():
            shown = signed_in(reader, page.house.officer).get(f"/cases/{page.case_id}/moves/go")
            assert shown.status_code == 200
            db.session.remove()
        answer = second.press()
        assert answer.status_code == 503 and "Typed with care." in answer.text
    finally:
        with reader.app_context():
            db.session.remove()
            db.engine.dispose()
    assert page.stands() == ("here", 1, 0)


def test_a_database_older_newer_or_without_tables_is_refused_with_what_to_do(page: Page) -> None:
    file = page.house.home / "grantflow.db"
    schema.require_current(page.app)
    for number, sentence in (
        ("0000", "python3 run.py db upgrade"),
        ("9999", "Install the GrantFlow that made it"),
    ):
        connection = sqlite3.connect(file)
        connection.execute("UPDATE alembic_version SET version_num = ?", (number,))
        connection.commit()
        connection.close()
        with pytest.raises(Misconfigured, match=sentence) as told:
            schema.require_current(page.app)
        assert re.search(rf"migration {number}\b", str(told.value))
    connection = sqlite3.connect(file)
    connection.execute("DROP TABLE alembic_version")
    connection.commit()
    connection.close()
    with pytest.raises(Misconfigured, match="no tables yet"):
        schema.require_current(page.app)
