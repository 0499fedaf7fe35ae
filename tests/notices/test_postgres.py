"""Reminders, words, the switch and letters that gather on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock, create_app, schema
from grantflow.cases import outbox, reminders, service, stops, texts, worker
from grantflow.cases.models import Outbox
from grantflow.db import db, session, unit_of_work
from tests import postgres
from tests.factories import person, record_file


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with postgres.server() as url:
        environ = {"GRANTFLOW_HOME": str(tmp_path), "GRANTFLOW_WORKER": "no"}
        made = create_app(environ | {"DATABASE_URL": postgres.fresh_database(url)})
        schema.upgrade(made)
        with made.app_context():
            yield made
            db.session.remove()
            db.engine.dispose()


def test_postgres_does_the_same(app: Flask) -> None:
    for ladder in reminders.ladders():
        for case_id in (None, 1):
            assert [*reminders._dates(ladder.of, clock.now(), clock.now() + timedelta(days=30), case_id)] == []
    programme = record_file("programme")
    manager = person("manager", programme_id=programme)
    ends_on = clock.today("Europe/Moscow") + timedelta(days=3)
    auditor = person("auditor", programme_id=programme, ends_on=ends_on)
    with unit_of_work():
        told = [(name, [auditor.person_id], {}) for name in ("found_eligible", "tranche_awaits")]
        service.record(programme, "told", actor=manager, notices=told)
    worker.one_round()
    said = {"subject": {"en": "a", "ru": "б"}, "text": {"en": "a", "ru": "б"}}
    with unit_of_work():
        assert texts.write(programme, "offered", said, actor=manager, seen=0) == 1
        switched = [
            stops.switch(auditor.person_id or 0, "N-02", on, actor=auditor) for on in (False, False, True, True)
        ]
    assert switched == [True, False, True, False]
    assert list(texts.changed(programme)) == ["offered"]
    with clock.at(clock.local(ends_on - timedelta(days=2), 12, 0, "Europe/Moscow")):
        for _ in range(2):
            worker.one_round()
    rows = session().execute(select(Outbox.notice, Outbox.withheld).order_by(Outbox.notice)).all()
    assert [tuple(row) for row in rows] == [
        ("audit_ends", None),
        ("daily_digest", None),
        ("found_eligible", outbox.GATHERED),
        ("morning_digest", None),
        ("tranche_awaits", None),
    ]
