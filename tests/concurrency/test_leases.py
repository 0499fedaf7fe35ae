"""A lease on a notice is one sender's at a time, however slow the mail server is."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from grantflow import clock, create_app
from grantflow.cases import mail, outbox, service
from grantflow.db import db, unit_of_work
from grantflow.history import checkpoints, verify
from tests.concurrency.ring import Told
from tests.factories import person, record_file


def test_who_was_too_slow_leaves_the_mail_to_the_next_sender(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, programme = person(), record_file("programme")
    with unit_of_work():
        for number in range(3):
            told = [("role_granted", [reader.person_id], {"number": number})]
            service.record(programme, "told", actor=reader, notices=told)
    home = str(app.config["GRANTFLOW"].home)
    posting = create_app({"GRANTFLOW_HOME": home, "GRANTFLOW_SMTP_HOST": "127.0.0.1", "GRANTFLOW_WORKER": "no"})
    sent: list[str] = []

    def slow(row: Any, *_: Any) -> None:
        sent.append(row.message_id)
        if len(sent) == 1:  # while the first goes out, the lease on the other two ends, and another takes them
            with clock.at(clock.now() + 2 * outbox.LEASE):
                other = threading.Thread(target=_another, args=(posting, clock.now()))
                other.start()
                other.join()

    monkeypatch.setattr(mail, "_smtp", slow)
    with posting.app_context():
        outbox.drain()
        db.session.remove()
        db.engine.dispose()
    assert len(sent) == 4 and len(set(sent)) == 3, "only the mail that was out already may come twice"


def _another(app: Flask, at: Any) -> None:
    with app.app_context(), clock.at(at):
        outbox.drain()
        db.session.remove()


def lodge(_subject: Any) -> Told:
    """A checkpoint, unless the last one is young."""
    return Told("moved", value=checkpoints.lodge_if_older(timedelta(microseconds=1)))


def test_two_workers_that_lodge_checkpoints_at_once_keep_them_in_one_chain(ring: Any, desk: Any) -> None:
    told = ring.race(range(8), lodge, lodge)
    assert all(answer.what == "moved" for answers in told for answer in answers), told
    assert any(answer.value for answers in told for answer in answers)
    report = verify.verify_all()
    assert report.checkpoints and not [b for b in report.breaks if "checkpoint" in b.where], report.breaks
