"""The words of notices: changed by a manager, judged, versioned, and for ever those that were sent."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from grantflow.cases import letters, service, texts, worker
from grantflow.cases.models import Letter, NoticeText, Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history.models import Event
from tests.factories import person, record_file, signed_in

NAME = "interest_declared"
SAID = {
    "subject": {"en": "Please note: {ref}", "ru": "Обратите внимание: {ref}"},
    "text": {"en": "{person} stands back.", "ru": "Самоотвод: {person}."},
}


class House:
    def __init__(self) -> None:
        self.programme, self.other = record_file("programme", "Prozvet"), record_file("programme", "Another")
        self.manager = person("manager", programme_id=self.programme)
        self.auditor = person("auditor", programme_id=self.programme)
        self.stranger = person("manager", programme_id=self.other)

    def write(
        self, said: Any = SAID, *, seen: int = 0, key: str | None = None, actor: Any = None, name: str = NAME
    ) -> int:
        with unit_of_work():
            return texts.write(self.programme, name, said, actor=actor or self.manager, seen=seen, key=key)

    def tell(self, programme: int | None = None) -> Outbox:
        programme = programme or self.programme
        with unit_of_work():
            told = [(NAME, [self.auditor.person_id], {"person": "A. Example"})]
            service.record(programme, "told", actor=self.manager, notices=told)
        worker.one_round()
        return session().scalars(select(Outbox).where(Outbox.notice == NAME).order_by(Outbox.id.desc()).limit(1)).one()


@pytest.fixture
def house(app: Flask) -> House:
    return House()


def typed(**changed: str) -> dict[str, str]:
    found = {f"{part}_{lang}": SAID[part][lang] for part in SAID for lang in ("en", "ru")}
    return {**found, "seen": "0", "key": "once", **changed}


def test_a_letter_says_for_ever_which_words_it_was(house: House) -> None:
    first = house.tell()
    assert house.write() == 1
    second = house.tell()
    assert house.write(None, seen=1) == 2
    third = house.tell()
    versions = [session().get_one(NoticeText, row.text_id) for row in (first, second, third)]
    assert [(row.origin, row.version) for row in versions] == [("standard", 0), ("manager", 1), ("standard", 0)]
    assert versions[0].id == versions[2].id
    bodies = [row.body for row in session().scalars(select(Letter).order_by(Letter.created_at))]
    assert ["stands back" in body for body in bodies] == [False, True, False]
    told, _total, _unread = letters.inbox(house.auditor, "UTC")
    assert [row.words.text == "A. Example stands back." for row in told] == [False, True, False]


def test_another_programme_keeps_its_words(house: House) -> None:
    house.write()
    assert "stands back" not in session().get_one(NoticeText, house.tell(house.other).text_id).text["en"]


def test_a_change_of_words_stands_in_the_history_once(house: House) -> None:
    assert house.write(key="k") == house.write(key="k") == 1
    (event,) = session().scalars(select(Event).where(Event.move == "notice_text_changed"))
    assert event.case_id == house.programme and event.actor_id == house.manager.person_id


@pytest.mark.parametrize(
    ("part", "language", "text", "why"),
    [
        ("text", "en", "Dear {name}", "{name} has no value in this notice"),
        ("text", "en", "By {due}", "{due} has no value in this notice"),
        ("text", "ru", "Один { знак", "A brace stands alone"),
        ("text", "ru", "Один } знак", "A brace stands alone"),
        ("text", "en", "{person.name}", "has no value in this notice"),
        ("text", "en", "{person!r}", "has no value in this notice"),
        ("text", "en", "{}", "has no value in this notice"),
        ("subject", "ru", "", "both languages"),
        ("subject", "en", "x" * 161, "longer than 160 characters. Shorten it by 1."),
        ("text", "ru", "я" * 2005, "longer than 2000 characters. Shorten it by 5."),
    ],
)
def test_words_that_cannot_be_taken_are_refused_with_a_sentence(
    house: House, part: str, language: str, text: str, why: str
) -> None:
    said = {one: dict(words) for one, words in SAID.items()}
    said[part][language] = text
    with pytest.raises(Invalid) as refused:
        house.write(said)
    assert list(refused.value.fields) == [f"{part}_{language}"]
    assert why in str(refused.value.fields[f"{part}_{language}"])
    assert texts.versions(house.programme, NAME) == []


def test_two_writers_do_not_overwrite_each_other(house: House) -> None:
    house.write()
    with pytest.raises(Refused, match="newer version"):
        house.write({**SAID, "subject": {"en": "x", "ru": "х"}}, seen=0)
    with pytest.raises(Refused, match="count already"):
        house.write(seen=1)


def test_only_a_manager_of_the_programme_writes_and_never_letters_about_accounts(house: House) -> None:
    for actor in (house.stranger, house.auditor):
        with pytest.raises(NotFound):
            house.write(actor=actor)
    for name in ("password_link", "audit_ends", "daily_digest"):
        with pytest.raises(Refused, match="about accounts"):
            house.write(name=name)


def test_the_database_refuses_to_change_a_version(house: House) -> None:
    house.write()
    with pytest.raises(DBAPIError, match="insert-only"), unit_of_work() as current:
        current.execute(NoticeText.__table__.update().values(text={"en": "x", "ru": "x"}))


def test_a_manager_looks_first_then_keeps_and_sends_a_trial_to_oneself(app: Flask, house: House) -> None:
    client = signed_in(app, house.manager)
    here = f"/notices/{house.programme}/{NAME}"
    seen = client.post(f"{here}/words", data=typed(do="look")).get_data(as_text=True)
    assert "A. Example stands back." in seen and "Самоотвод: А. Примерова." in seen
    assert texts.versions(house.programme, NAME) == []
    wrong = client.post(f"{here}/words", data=typed(text_en="Dear {name}"))
    assert wrong.status_code == 400 and "Dear {name}" in wrong.get_data(as_text=True)
    assert client.post(f"{here}/words", data=typed()).status_code == 303
    assert [row.version for row in texts.versions(house.programme, NAME)] == [1]
    late = client.post(f"{here}/words", data=typed(text_en="Later {ref}", key="two"))
    assert late.status_code == 409 and "Later {ref}" in late.get_data(as_text=True)
    for _ in range(2):
        assert client.post(f"{here}/trial", data={"key": "trial"}).status_code == 303
    worker.one_round()
    (letter,) = session().scalars(select(Letter))
    assert letter.person_id == house.manager.person_id
    assert "A. Example stands back." in letter.body and "Самоотвод: А. Примерова." in letter.body
    assert client.post(f"{here}/standard", data={"key": "back"}).status_code == 303
    assert texts.current(NAME, house.programme).version == 0
    assert client.get(f"/notices/{house.programme}/no_such").status_code == 404


def test_an_auditor_finds_every_number_and_changes_nothing(app: Flask, house: House) -> None:
    client = signed_in(app, house.auditor)
    page = client.get("/notices", follow_redirects=True).get_data(as_text=True)
    assert [f'id="N-{number:02}"' in page for number in range(1, 23)] == [True] * 22
    shown = client.get(f"/notices/{house.programme}/{NAME}").get_data(as_text=True)
    assert "/words" not in shown and "/trial" not in shown
    assert client.get(f"/notices/{house.programme}/{NAME}/words").status_code == 403
    assert client.get(f"/notices/{house.other}").status_code == 404
    assert signed_in(app, house.stranger).get(f"/notices/{house.programme}/{NAME}/words").status_code == 404
