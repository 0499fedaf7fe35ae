"""Questions about a call: who may ask and answer, what stays as it was, and what the history holds of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DatabaseError

from grantflow import clock
from grantflow.cases import desk as desks
from grantflow.cases import outbox
from grantflow.cases.models import Letter, Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history.models import Event, PrivateValue
from grantflow.history.verify import verify_case
from grantflow.identity.access import Actor
from grantflow.programmes import inquiry_queries
from grantflow.programmes.inquiry_models import Inquiry, InquiryAnswer, Said
from tests.inquiries.conftest import ANSWERED, ASKED, NOW, WORDED, Desk
from tests.together import all_at_once


def count(model: type) -> int:
    session().rollback()
    return int(session().scalar(select(func.count()).select_from(model.__table__)) or 0)  # type: ignore[attr-defined]


def events(desk: Desk) -> list[Event]:
    return list(session().scalars(select(Event).where(Event.case_id == desk.call).order_by(Event.seq)))


def test_a_question_stays_as_it_was_asked_and_everybody_reads_the_officers_words(desk: Desk) -> None:
    number = desk.ask("  " + ASKED.replace(" ", "\u202e ", 1) + "\x00\r\n")
    desk.answer(number)
    found = desk.of(number)
    assert found.asked == ASKED and found.asker_id == desk.asker.person_id
    shown, page = inquiry_queries.published(desk.call, 1)
    assert page.total == 1 and (shown[0].latest.wording, shown[0].latest.text) == (WORDED, ANSWERED)
    assert shown[0].asked is None and shown[0].asker == ""


def test_no_word_of_a_person_stands_in_the_chain(desk: Desk) -> None:
    number = desk.ask()
    desk.answer(number, "asker", wording=Said(), text=Said(en="Your loom may be rented, Inna."))
    told = events(desk)[-2:]
    assert [event.trigger for event in told] == ["question_asked", "question_answered"]
    for event in told:
        written = f"{event.facts} {event.private}"
        assert "loom" not in written and "Inna" not in written
        assert {"question:after", "answer:after"} & event.private.keys()
    assert verify_case(desk.call).whole
    with unit_of_work() as current:  # what an erasure on request does
        current.execute(
            update(PrivateValue)
            .where(PrivateValue.person_id == desk.asker.person_id, PrivateValue.case_id == desk.call)
            .values(salt=None, value=None)
        )
    found = desk.of(number)
    assert found.asked is None and not found.latest.text and verify_case(desk.call).whole


def test_what_all_may_read_is_not_erased_with_the_person_who_asked(desk: Desk) -> None:
    desk.answer(desk.ask())
    with unit_of_work() as current:
        current.execute(
            update(PrivateValue).where(PrivateValue.person_id == desk.asker.person_id).values(salt=None, value=None)
        )
    assert inquiry_queries.published(desk.call, 1)[0][0].latest.text == ANSWERED


@pytest.mark.parametrize("model", [Inquiry, InquiryAnswer])
def test_the_database_refuses_to_change_what_was_asked_or_answered(desk: Desk, model: type) -> None:
    desk.answer(desk.ask())
    for statement in (update(model).values(seq=1), delete(model)):
        with pytest.raises(DatabaseError), unit_of_work() as current:
            current.execute(statement)
    with pytest.raises(DatabaseError), unit_of_work() as current:
        current.execute(text("UPDATE private_values SET value = '\"other\"' WHERE name = 'question:after'"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "sentence"), (" \n\t\x07 ", "sentence"), ("Why?", "sentence"), ("x" * 2001, "Write at most 2000")],
)
def test_an_empty_or_huge_question_is_refused_with_a_sentence(desk: Desk, typed: str, said: str) -> None:
    with pytest.raises(Invalid) as told:
        desk.ask(typed)
    assert said in str(told.value.fields["question"]) and count(Inquiry) == 0


def test_one_asks_while_the_call_takes_applications_and_questions(desk: Desk) -> None:
    with clock.at(datetime(2021, 10, 25, 20, tzinfo=UTC)):
        desk.ask()  # the last day, by the clock of the call
    with clock.at(datetime(2021, 10, 25, 21, 5, tzinfo=UTC)), pytest.raises(Refused, match="until 25 October 2021"):
        desk.ask()
    desk.put("closed", "eligibility")
    with pytest.raises(Refused, match="while the call takes applications"):
        desk.ask()
    assert desk.answer(1) == 1  # what was asked in time is answered


def test_those_who_answer_do_not_ask_and_nobody_else_answers(desk: Desk) -> None:
    for actor in (desk.officer, desk.manager):
        with pytest.raises(Refused, match="those who answer"):
            desk.ask(actor=actor)
    number = desk.ask()
    for actor in (desk.asker, desk.stranger, desk.foreign):
        with pytest.raises(Refused, match="Only an officer or the manager"):
            desk.answer(number, actor=actor)
    with pytest.raises(NotFound):
        desk.answer(number + 1)
    assert desk.answer(number, actor=desk.manager) == 1


def test_so_many_questions_may_wait_and_no_more(desk: Desk) -> None:
    for n in range(5):
        desk.ask(f"{ASKED} ({n})")
    with pytest.raises(Refused, match="5 questions of yours wait"):
        desk.ask()
    desk.ask(actor=desk.stranger)
    desk.answer(1)
    assert desk.ask() == 7


def test_the_same_press_counts_once(desk: Desk) -> None:
    assert desk.ask(key="one") == desk.ask(key="one") == 1
    assert desk.ask(key="one", actor=desk.stranger) == 2
    assert desk.answer(1, key="two") == desk.answer(1, key="two") == 1
    assert (count(Inquiry), count(InquiryAnswer)) == (2, 1)


def test_the_same_press_at_the_same_moment_counts_once(app: Flask, desk: Desk) -> None:
    def press() -> int:
        with clock.at(NOW):
            return desk.ask(key="one press")

    session().rollback()
    assert all_at_once(app, press, press, press) == [1, 1, 1]
    assert count(Inquiry) == 1


def test_of_two_officers_the_later_is_told_and_nothing_is_lost(desk: Desk) -> None:
    number = desk.ask()
    desk.answer(number)
    with pytest.raises(Stale, match="Somebody else answered"):
        desk.answer(number, actor=desk.second, text=Said("No.", "Нет."))
    assert desk.of(number).latest.text == ANSWERED
    assert desk.answer(number, actor=desk.second, text=Said("No.", "Нет."), seen=1) == 2


def test_a_corrected_answer_stands_beside_the_first_and_the_same_words_are_no_correction(desk: Desk) -> None:
    number = desk.ask()
    desk.answer(number)
    assert desk.answer(number, seen=1) == 1
    assert desk.answer(number, seen=1, text=Said("Only for six months.", "Только на шесть месяцев.")) == 2
    found = desk.of(number)
    assert [one.text.en for one in found.versions] == [ANSWERED.en, "Only for six months."]
    assert [one.text for one in found.earlier] == [ANSWERED]
    assert [event.trigger for event in events(desk)][-2:] == ["question_answered", "answer_corrected"]


def test_what_all_have_read_is_never_taken_from_them_in_silence(desk: Desk) -> None:
    number = desk.ask()
    with pytest.raises(Invalid):
        desk.answer(number, "withdrawn")
    desk.answer(number)
    with pytest.raises(Invalid):
        desk.answer(number, "asker", seen=1)
    desk.answer(number, "withdrawn", seen=1, text=Said("The rule has changed.", "Правило изменилось."))
    shown = inquiry_queries.published(desk.call, 1)[0][0]
    assert shown.latest.reach == "withdrawn" and shown.earlier[0].text == ANSWERED


def test_an_answer_to_one_may_be_published_later_and_only_then_do_all_read_it(desk: Desk) -> None:
    number = desk.ask()
    desk.answer(number, "asker", wording=Said(), text=Said(en="Only you: yes."))
    assert inquiry_queries.published(desk.call, 1)[0] == []
    desk.answer(number, "public", seen=1)
    shown = inquiry_queries.published(desk.call, 1)[0][0]
    assert [one.text for one in shown.versions] == [ANSWERED], "what was told to one is not told to all"


@pytest.mark.parametrize(
    ("reach", "wording", "text_", "faults"),
    [
        ("", WORDED, ANSWERED, {"reach"}),
        ("everybody", WORDED, ANSWERED, {"reach"}),
        ("public", WORDED, Said(), {"answer_en", "answer_ru"}),
        ("public", Said(), ANSWERED, {"wording_en", "wording_ru"}),
        ("public", Said(ru="Можно?"), ANSWERED, {"wording_en"}),
        ("public", WORDED, Said(ru="Да."), {"answer_en"}),
        ("asker", Said(), Said(" \x00"), {"answer_en", "answer_ru"}),
        ("asker", Said("q" * 2001), Said("a" * 4001), {"answer_en", "wording_en"}),
    ],
)
def test_an_answer_is_whole_or_says_what_is_missing(
    desk: Desk, reach: str, wording: Said, text_: Said, faults: set[str]
) -> None:
    number = desk.ask()
    with pytest.raises(Invalid) as told:
        desk.answer(number, reach, wording=wording, text=text_)
    assert set(told.value.fields) == faults and count(InquiryAnswer) == 0


def test_whoever_asked_is_told_at_once_in_their_language_with_the_answer_and_the_way_to_it(desk: Desk) -> None:
    number = desk.ask()
    desk.answer(number, "asker", wording=Said(), text=Said(en="Only in English: yes."))
    desk.answer(number, "public", seen=1)
    desk.answer(number, "withdrawn", seen=2, text=Said("It changed.", "Изменилось."))
    rows = session().execute(select(Outbox.notice, Outbox.person_id).order_by(Outbox.id)).all()
    assert [row.notice for row in rows] == ["question_answered", "answer_corrected", "answer_withdrawn"]
    assert {row.person_id for row in rows} == {desk.asker.person_id}
    assert outbox.drain() == 3
    session().rollback()
    bodies = {letter.subject: letter.body for letter in session().scalars(select(Letter))}
    first, second, third = (
        next(body for subject, body in bodies.items() if word in subject)
        for word in ("Ответ на ваш вопрос: ", "исправлен", "отозван")
    )
    assert "Only in English: yes." in first and ANSWERED.ru in second and "Изменилось." in third
    assert all(f"/calls/KR-2021/questions/{number}\n" in body for body in bodies.values())


def test_a_question_lies_on_the_desks_of_those_who_answer_until_it_is_answered(app: Flask, desk: Desk) -> None:
    def lying(actor: Actor) -> list[Any]:
        with app.test_request_context():
            return [item for item in desks.items(actor) if "/questions/" in item.url]

    first, second = desk.ask(), desk.ask(actor=desk.stranger)
    for actor in (desk.officer, desk.manager):
        mine = lying(actor)
        assert [item.url.rsplit("/", 2)[1] for item in mine] == [str(first), str(second)]
        assert "20 October 2021" in str(mine[0].why)
    desk.answer(first, "asker", wording=Said())
    assert len(lying(desk.officer)) == 1
    for actor in (desk.foreign, desk.asker):
        assert lying(actor) == []
