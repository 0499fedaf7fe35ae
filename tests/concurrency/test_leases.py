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


def test_who_was_too_slow_leaves_the_mail_to_the_next_sender(
    app: Flask, installation: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, programme = person(), record_file("programme")
    with unit_of_work():
        for number in range(3):
            told = [("role_granted", [reader.person_id], {"number": number})]
            service.record(programme, "told", actor=reader, notices=told)
    posting = create_app({**installation, "GRANTFLOW_SMTP_HOST": "127.0.0.1"})
    sent: list[str] = []
    other = Other(posting)

    def slow(row: Any, *_: Any) -> None:
        sent.append(row.message_id)
        if len(sent) == 1:  # while the first goes out, the leases of all three end, and another takes them
            other.start()
            assert other.claimed.wait(30)

    monkeypatch.setattr(mail, "_smtp", slow)
    with posting.app_context():
        outbox.drain()
        assert len(sent) == 1, "the other two belong to the other sender now"
        other.may_send.set()
        other.join(30)
        db.session.remove()
        db.engine.dispose()
    assert len(set(sent)) == 3 and len(sent) == 3


class Other(threading.Thread):
    """A second sender, some time later: it takes the leases, and sends when it is told to."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.app, self.claimed, self.may_send = app, threading.Event(), threading.Event()

    def run(self) -> None:
        with self.app.app_context(), clock.at(clock.now() + 2 * outbox.LEASE):
            rows = outbox.claim()
            self.claimed.set()
            self.may_send.wait(30)
            for row_id in rows:
                mail.deliver(row_id)
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


def daily(_subject: Any) -> Told:
    """The checkpoint of a day."""
    return Told("moved", value=checkpoints.lodge_if_older(timedelta(days=1)))


def test_two_schedulers_that_ring_for_a_checkpoint_at_once_get_one(ring: Any, desk: Any) -> None:
    for days in range(2, 42, 2):
        (told,) = ring.race([days], daily, daily, at=clock.now() + timedelta(days=days))
        assert sorted(answer.value for answer in told) == [False, True], told
