"""The switch stops mail and nothing else; letters that gather come once a morning, in the reader's zone and language."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases import digest, letters, outbox, service, stops, worker
from grantflow.cases.models import Letter, Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import NotFound, Refused
from grantflow.history.models import Event
from grantflow.identity.models import Person
from tests.factories import person, record_file, signed_in
from tests.notices.conftest import at_once

ZONE = "Asia/Chita"


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo(ZONE))


@pytest.fixture
def reader(app: Flask) -> Any:
    made = person(language="ru")
    with unit_of_work() as current:
        current.execute(update(Person).where(Person.id == made.person_id).values(zone=ZONE))
    return made


def tell(reader: Any, notice: str, title: str = "Felt") -> int:
    programme, somebody = record_file("programme", title), person()
    with unit_of_work():
        service.record(programme, "told", actor=somebody, notices=[(notice, [reader.person_id], {"ref": title})])
    return programme


def mail() -> list[Letter]:
    return list(session().scalars(select(Letter).order_by(Letter.created_at, Letter.message_id)))


def test_what_moved_comes_once_a_morning_in_ones_own_zone_and_language(reader: Any) -> None:
    with clock.at(local(2, 12)):
        tell(reader, "found_eligible", "KR-1")
        tell(reader, "completed", "KR-2")
        worker.one_round()
    with clock.at(local(3, 7, 59)):
        worker.one_round()
    assert mail() == []
    with clock.at(local(3, 8, 1)):
        for _ in range(3):
            worker.one_round()
        tell(reader, "found_eligible", "KR-3")
        worker.one_round()
    (letter,) = mail()
    assert letter.subject == "Что изменилось: 2"
    assert "– Заявка KR-1 допущена к оценке\n– Завершён: KR-2" in letter.body and "KR-3" not in letter.body
    shown, _total, _unread = letters.inbox(reader, ZONE)
    assert len(shown) == 3, "what was gathered stands among the notices, the letter that gathers does not"
    with clock.at(local(4, 9)):
        worker.one_round()
    assert ["KR-3" in one.body for one in mail()] == [False, True]


def test_schedulers_at_once_write_one_morning_letter(app: Flask, reader: Any) -> None:
    with clock.at(local(2, 12)):
        tell(reader, "found_eligible")
        worker.one_round()
    assert at_once(app, local(3, 9), digest.sweep) == [0, 0, 0, 1]


def test_what_waits_for_approval_comes_at_once_and_each_morning_until_it_moves(reader: Any) -> None:
    with clock.at(local(2, 12)):
        programme = tell(reader, "tranche_awaits")
        worker.one_round()
    assert len(mail()) == 1
    for day in (3, 4):
        with clock.at(local(day, 9)):
            worker.one_round()
    assert [one.subject for one in mail()[1:]] == ["Транши ещё ждут согласования: 1"] * 2
    from grantflow.cases.models import Case

    with unit_of_work() as current:
        current.execute(update(Case).where(Case.id == programme).values(since_at=local(4, 12)))
    with clock.at(local(5, 9)):
        worker.one_round()
    assert len(mail()) == 3


def test_a_stopped_kind_stays_among_the_notices_and_the_rest_comes(reader: Any) -> None:
    with unit_of_work():
        assert stops.switch(reader.person_id, "N-15", False, actor=reader)
        assert not stops.switch(reader.person_id, "N-15", False, actor=reader)
    tell(reader, "tranche_awaits")
    tell(reader, "paid")
    worker.one_round()
    assert [one.subject.startswith("Выплачено") for one in mail()] == [True]
    assert letters.unread(reader) == 2
    assert set(session().scalars(select(Outbox.withheld))) == {None, outbox.STOPPED}
    with unit_of_work():
        assert stops.switch(reader.person_id, "N-15", True, actor=reader)
    moves = session().scalars(select(Event.move).where(Event.case_id == reader.person_id, Event.move != "open"))
    assert list(moves) == ["notices_stopped", "notices_wanted"]


@pytest.mark.parametrize("code", ["N-01", "N-09", "N-13", "N-16", "N-21"])
def test_what_would_harm_somebody_cannot_be_stopped(reader: Any, code: str) -> None:
    with pytest.raises(Refused, match="cannot be stopped"), unit_of_work():
        stops.switch(reader.person_id, code, False, actor=reader)
    with pytest.raises(NotFound), unit_of_work():
        stops.switch(reader.person_id, "N-77", False, actor=reader)


def test_the_link_of_a_letter_opens_a_page_and_only_its_button_stops(app: Flask, reader: Any) -> None:
    tell(reader, "tranche_awaits")
    tell(reader, "paid")
    worker.one_round()
    links = [re.search(r"/notices/stop/\S+", one.body) for one in mail()]
    (way,) = [found[0] for found in links if found]
    client = app.test_client()
    assert client.get(way).status_code == 200
    assert stops.stopped_codes(reader.person_id) == set()
    assert client.post(way, data={"do": "stop"}).status_code == 200
    assert stops.stopped_codes(reader.person_id) == {"N-15"}
    assert client.post(way, data={"do": "want"}).status_code == 200
    assert stops.stopped_codes(reader.person_id) == set()
    assert client.get(way[:-1] + ("A" if way[-1] != "A" else "B")).status_code == 404


def test_one_switches_ones_own_letters_in_the_profile(app: Flask, reader: Any) -> None:
    client = signed_in(app, reader)
    page = client.get("/notices/mail").get_data(as_text=True)
    assert "N-08" in page and "N-13" not in page
    assert client.post("/notices/mail", data={"code": "N-08", "do": "stop"}).status_code == 303
    assert stops.stopped_codes(reader.person_id) == {"N-08"}
    assert client.post("/notices/mail", data={"code": "N-13", "do": "stop"}).status_code == 403
