"""Notices are written with the move, sent once, kept when the mail server is away, and found again after a kill."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock, create_app
from grantflow.cases import outbox, service, worker
from grantflow.cases.models import Letter, Outbox
from grantflow.db import db, session, unit_of_work
from grantflow.identity.access import Actor
from tests.factories import also, person, record_file
from tests.post import Post


def tell(reader: Actor, **params: Any) -> None:
    programme = record_file("programme", "Карелия & <b>")
    manager = person("manager", programme_id=programme)
    with unit_of_work():
        service.record(programme, "told", actor=manager, notices=[("role_granted", [reader.person_id], params)])


def letters() -> list[Letter]:
    return list(session().scalars(select(Letter).order_by(Letter.created_at)))


def test_without_a_mail_server_the_letter_is_kept_in_the_readers_language(app: Flask) -> None:
    reader = person(language="ru")
    tell(reader, role={"en": "auditor", "ru": "аудитор"})
    assert worker.one_round() == 1
    (letter,) = letters()
    assert letter.subject == "У вас новая роль"
    assert "У вас новая роль в GrantFlow: аудитор." in letter.body
    assert worker.one_round() == 0 and len(letters()) == 1


def test_a_move_that_fails_leaves_no_notice(app: Flask) -> None:
    reader = person()
    programme = record_file("programme")
    with pytest.raises(ZeroDivisionError), unit_of_work():
        service.record(programme, "told", actor=reader, notices=[("role_granted", [reader.person_id], {})])
        raise ZeroDivisionError
    assert session().scalars(select(Outbox)).all() == []


def test_nothing_is_sent_before_the_commit(app: Flask) -> None:
    reader = person()
    programme = record_file("programme")
    with unit_of_work():
        service.record(programme, "told", actor=reader, notices=[("role_granted", [reader.person_id], {})])
        assert session().info["after_commit"] != []
        assert letters() == []


def with_mail_server(installation: dict[str, str], port: int) -> Flask:
    settings = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "MAIL_FROM": "House <a@example.org>"}
    return create_app(installation | {f"GRANTFLOW_{name}": value for name, value in settings.items()})


def test_mail_goes_out_by_smtp_in_the_readers_language_with_a_message_id_of_its_own(
    app: Flask, installation: dict[str, str], post: tuple[Post, int]
) -> None:
    handler, port = post
    reader = person(language="ru", email="Reader@example.org")
    tell(reader, role="аудитор")
    with with_mail_server(installation, port).app_context():
        worker.one_round()
        db.engine.dispose()
    (message,) = handler.kept
    assert message["To"] == "Reader@example.org" and message["From"] == "House <a@example.org>"
    assert message["Subject"] == "У вас новая роль" and "аудитор" in message.get_content()
    row = session().scalars(select(Outbox)).one()
    assert row.message_id == message["Message-ID"] and row.sent_at is not None
    assert letters() == []


def test_a_mail_server_that_is_away_delays_mail_and_loses_none(
    app: Flask, installation: dict[str, str], post: tuple[Post, int]
) -> None:
    handler, port = post
    handler.refuse = True
    tell(person())
    with with_mail_server(installation, port).app_context():
        assert outbox.drain() == 0
        row = session().scalars(select(Outbox)).one()
        assert (row.attempts, row.sent_at, row.lease_until) == (1, None, None) and "451" in row.last_error
        handler.refuse = False
        assert outbox.drain() == 0, "it waits before the next try"
        with clock.at(clock.now() + timedelta(minutes=3)):
            assert outbox.drain() == 1
        db.engine.dispose()
    assert len(handler.kept) == 1


def test_a_notice_whose_sender_was_killed_is_found_when_its_lease_ends(app: Flask) -> None:
    tell(person())
    assert len(outbox.claim()) == 1  # claimed, and then nothing: the process is gone
    assert outbox.drain() == 0
    with clock.at(clock.now() + outbox.LEASE + timedelta(seconds=1)):
        assert outbox.drain() == 1
    assert len(letters()) == 1


def test_staff_are_not_told_of_what_they_did_themselves_and_nobody_twice(app: Flask, desk: Any) -> None:
    twice = also(desk.officer2, "finance", programme_id=desk.programme)
    left = person("officer", programme_id=desk.programme, ends_on=clock.today() - timedelta(days=1))
    case = desk.case()
    with unit_of_work():
        service.record(
            case.id, "told", actor=desk.officer, notices=[("role_granted", [desk.finance.person_id] * 2, {})]
        )
    assert len(session().scalars(select(Outbox)).all()) == 1

    class Told:
        notices = ("submission_received",)

    from grantflow.cases.context import Context

    with unit_of_work() as current:
        ctx = Context(current, case, None, Told(), desk.officer, clock.now())  # type: ignore[arg-type]
        people = outbox._recipients(ctx, service.get(case.id), ctx.move.notices)["submission_received"]
    assert twice.person_id in people and desk.officer.person_id not in people and left.person_id not in people
    assert desk.stranger.person_id not in people
