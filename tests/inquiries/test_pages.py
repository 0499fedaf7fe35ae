"""The pages of questions about a call: for everybody, for whoever asked, for those who answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from grantflow.db import session, unit_of_work
from grantflow.extensions import limiter
from grantflow.identity import passwords
from grantflow.identity.models import Person
from grantflow.programmes import inquiry_queries
from grantflow.programmes.inquiry_models import Said
from tests.browsing import counting, field, text_of
from tests.inquiries.conftest import ANSWERED, ASKED, WORDED, Desk

CALL, MINE = "/calls/KR-2021", "/calls/KR-2021/questions"


def answer_page(number: int) -> str:
    return f"{MINE}/{number}/answer"


def reply(page: Any, **more: str) -> dict[str, str]:
    """What an officer sends from an answer's page."""
    return {
        "key": field(page, "key"), "seen": field(page, "seen"), "reach": "public", "wording_en": WORDED.en,
        "wording_ru": WORDED.ru, "answer_en": ANSWERED.en, "answer_ru": ANSWERED.ru, **more,
    }  # fmt: skip


def test_everybody_reads_the_answers_for_all_while_the_call_is_open_and_after(desk: Desk, web: Any) -> None:
    desk.answer(desk.ask())
    desk.answer(desk.ask(), "asker", wording=Said(), text=Said(en="For you alone: maybe."))
    desk.ask("Will the third question be answered at all?")
    for state, stage in (("open", "submission"), ("closed", "eligibility")):
        desk.put(state, stage)
        page = text_of(web(None).get(CALL))
        assert WORDED.en in page and ANSWERED.en in page
        assert "Lake Felt" not in page and "For you alone" not in page and "third question" not in page
        assert "Inna" not in page and "Olga" not in page
    assert "Send the question" not in page


def test_a_reader_gets_their_language_or_the_other_with_a_mark(desk: Desk, web: Any) -> None:
    desk.answer(desk.ask())
    desk.answer(desk.ask(), wording=Said(ru="Нужна ли смета?"), text=Said(ru="Да, нужна."))
    english, russian = web(None), web(None)
    russian.get("/language/ru")
    page = english.get(CALL)
    assert ANSWERED.ru not in text_of(page) and "(in Russian only)" in text_of(page)
    assert re.search(r'<span class="gf-words" lang="ru">Да, нужна.</span>', page.get_data(as_text=True))
    page = russian.get(CALL)
    assert ANSWERED.ru in text_of(page) and 'class="gf-words" lang=' not in page.get_data(as_text=True)


def test_a_corrected_answer_says_so_and_keeps_what_it_said_before(desk: Desk, web: Any) -> None:
    number = desk.ask()
    desk.answer(number)
    assert "Corrected on" not in text_of(web(None).get(CALL))
    desk.answer(number, seen=1, text=Said("Only for six months.", "Только на шесть месяцев."))
    page = text_of(web(None).get(CALL))
    assert "Corrected on 20 October 2021" in page and page.index("Only for six months.") < page.index(ANSWERED.en)
    desk.answer(number, "withdrawn", seen=2, text=Said("The rule changed.", "Правило изменилось."))
    page = text_of(web(None).get(CALL))
    assert "This answer is withdrawn." in page and "Withdrawn on 20 October 2021" in page and ANSWERED.en in page


def test_answers_come_newest_first_and_page_by_page_or_all_at_once(desk: Desk, web: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(inquiry_queries, "PAGE", 2)
    for n in range(1, 4):
        desk.answer(desk.ask(), wording=Said(f"Wording {n}?", f"Вопрос {n}?"))
    browser = web(None)

    def shown(**asked: Any) -> list[int]:
        page = text_of(browser.get(CALL, query_string=asked))
        return [int(n) for n in re.findall(r"Wording (\d)", page)]

    assert shown() == [3, 2] and shown(page=2) == [1] and shown(page="all") == [3, 2, 1]
    for hostile in ("0", "-1", "x", "9" * 300):
        assert shown(page=hostile) in ([3, 2], [1])


def test_one_asks_and_reads_the_answer_on_ones_own_page(desk: Desk, web: Any) -> None:
    browser = web(desk.asker)
    page = browser.get(MINE)
    sent = {"key": field(page, "key"), "question": ASKED}
    answers = [browser.post(MINE, data=sent) for _twice in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location == f"{MINE}/1"
    assert "Ответа пока нет" in text_of(browser.get(MINE)) and ASKED in text_of(browser.get(MINE))
    desk.answer(1, "asker", wording=Said(), text=Said(ru="Да, можно."))
    for path in (MINE, f"{MINE}/1"):
        assert "Да, можно." in text_of(browser.get(path)) and ASKED in text_of(browser.get(path))


@pytest.mark.parametrize("typed", ["", "  ", "\x00\x07", "я" * 2001, "Why?"])
def test_a_question_that_cannot_be_taken_keeps_its_words(desk: Desk, web: Any, typed: str) -> None:
    answer = web(desk.asker).post(MINE, data={"key": "k", "question": typed})
    assert answer.status_code == 400 and inquiry_queries.asked_by(desk.call, desk.asker.person_id) == 0
    assert typed.strip("\x00\x07 ") in answer.get_data(as_text=True)


def test_a_refused_question_keeps_its_words(desk: Desk, web: Any) -> None:
    desk.put("closed", "eligibility")
    answer = web(desk.stranger).post(MINE, data={"key": "k", "question": ASKED})
    assert answer.status_code == 403 and ASKED in text_of(answer)
    assert "Questions can be asked while the call takes applications." in text_of(answer)


def test_markup_is_text_on_every_page(desk: Desk, web: Any) -> None:
    hostile = '<script>alert("x")</script><b>bold</b> & "quoted"'
    said = Said(hostile, hostile)
    desk.answer(desk.ask(hostile), wording=said, text=said)
    for actor, path in (
        (None, CALL), (desk.asker, MINE), (desk.asker, f"{MINE}/1"), (desk.officer, MINE), (desk.officer, answer_page(1)),
    ):  # fmt: skip
        page = web(actor).get(path).get_data(as_text=True)
        assert "<script>alert" not in page and "<b>bold" not in page and "&lt;script&gt;" in page, path


def test_whoever_signs_in_on_the_way_finds_the_typed_question_again(desk: Desk, web: Any) -> None:
    with unit_of_work() as current:
        current.execute(
            update(Person)
            .where(Person.id == desk.stranger.person_id)
            .values(password_hash=passwords.hashed("four wet boots"))
        )
    email = session().get_one(Person, desk.stranger.person_id).email
    browser = web(None)
    form = browser.get(CALL)
    answer = browser.post(MINE, data={"key": field(form, "key"), "question": ASKED})
    assert answer.status_code == 303 and "/sign-in" in answer.location
    door = text_of(browser.get(answer.location))
    assert "what you typed is kept" in door and "session has ended" not in door
    answer = browser.post(answer.location, data={"email": email, "password": "four wet boots"})
    assert answer.location.endswith(MINE)
    page = browser.get(answer.location)
    assert ASKED in text_of(page)
    assert browser.post(MINE, data={"key": field(page, "key"), "question": ASKED}).location == f"{MINE}/1"


def test_who_may_read_and_answer_what(desk: Desk, web: Any) -> None:
    desk.ask()
    single, paper = f"{MINE}/1", answer_page(1)
    for actor, path, status in (
        (desk.asker, single, 200), (desk.stranger, single, 404), (desk.foreign, single, 404), (None, single, 302),
        (desk.officer, single, 302), (desk.officer, paper, 200), (desk.manager, paper, 200), (desk.foreign, paper, 404),
        (desk.asker, paper, 403), (desk.officer, answer_page(2), 404), (desk.asker, f"{MINE}/2", 404),
        (desk.asker, "/calls/XX-1/questions", 404), (desk.asker, "/calls/ZB-2022/questions", 404),
    ):  # fmt: skip
        found = web(actor).get(path).status_code
        assert found == status or (status == 302 and found == 303), (path, found)
        if actor is not None and path == paper and status != 200:
            assert web(actor).post(path, data={"reach": "asker", "answer_en": "No."}).status_code == status
    desk.answer(1)
    page = text_of(web(desk.stranger).get(single))
    assert WORDED.en in page and "Lake Felt" not in page
    assert "Lake Felt" not in text_of(web(desk.stranger).get(MINE))


def test_staff_see_what_waits_first_and_answer_it(desk: Desk, web: Any) -> None:
    for n in range(3):
        desk.ask(f"Number {n} asks: may a loom be rented?")
    desk.answer(1)
    browser = web(desk.officer)
    page = text_of(browser.get(MINE))
    assert page.index("Number 1") < page.index("Number 2") < page.index("Number 0") and "2 wait for an answer" in page
    form = browser.get(answer_page(2))
    assert "Inna Asker asked on 20 October 2021" in text_of(form)
    answer = browser.post(answer_page(2), data=reply(form))
    assert answer.status_code == 303
    assert "1 waits for an answer" in text_of(browser.get(MINE)) and WORDED.en in text_of(web(None).get(CALL))
    assert "(1 waits)" in text_of(browser.get(f"/cases/{desk.call}"))
    assert "Questions about the call" not in text_of(web(desk.stranger).get("/desk"))


def test_of_two_windows_the_second_sees_the_first_answer_and_keeps_its_words(desk: Desk, web: Any) -> None:
    desk.ask()
    first, second = web(desk.officer), web(desk.second)
    forms = first.get(answer_page(1)), second.get(answer_page(1))
    assert first.post(answer_page(1), data=reply(forms[0])).status_code == 303
    clash = second.post(answer_page(1), data=reply(forms[1], answer_en="No, never."))
    said = text_of(clash)
    assert clash.status_code == 409 and "Somebody else answered" in said
    assert ANSWERED.en in said and "No, never." in said
    again = second.post(answer_page(1), data=reply(clash, answer_en="No, never."))
    assert again.status_code == 303 and [one.text.en for one in desk.of(1).versions] == [ANSWERED.en, "No, never."]


def test_an_answer_that_is_not_whole_keeps_its_words_and_says_what_to_write(desk: Desk, web: Any) -> None:
    desk.ask()
    browser = web(desk.officer)
    form = browser.get(answer_page(1))
    answer = browser.post(answer_page(1), data=reply(form, wording_ru="", reach=""))
    said = text_of(answer)
    assert answer.status_code == 400 and "Say for whom the answer is." in said and ANSWERED.ru in said
    for seen in ("x", "-1", "", "9" * 40):
        assert browser.post(answer_page(1), data=reply(form, seen=seen)).status_code == 409
    assert browser.post(answer_page(1), data=reply(form, key="k" * 200)).status_code == 400
    assert desk.of(1).latest is None


def test_asking_too_often_is_told_with_the_words_kept(app: Flask, desk: Desk, web: Any) -> None:
    app.config["RATELIMIT_ENABLED"] = limiter.enabled = True
    try:
        browser = web(desk.stranger)
        for _n in range(20):
            browser.post(MINE, data={"key": "k", "question": ""})
        answer = browser.post(MINE, data={"key": "k", "question": ASKED})
        assert answer.status_code == 429 and ASKED in text_of(answer) and int(answer.headers["Retry-After"]) > 0
        assert web(desk.asker).post(MINE, data={"key": "k", "question": ASKED}).status_code == 303
    finally:
        limiter.enabled = False
        limiter.reset()


def test_a_notice_leads_to_the_question(desk: Desk, web: Any) -> None:
    desk.answer(desk.ask())
    page = web(desk.asker).get("/inbox").get_data(as_text=True)
    assert f'href="{MINE}/1"' in page


@pytest.mark.parametrize("reader", ["nobody", "asker", "officer", "desk"])
def test_a_page_costs_the_same_queries_with_one_question_and_with_three(desk: Desk, web: Any, reader: str) -> None:
    path = {"nobody": CALL, "desk": "/desk"}.get(reader, MINE)
    browser = web({"nobody": None, "asker": desk.asker}.get(reader, desk.officer))
    counted = []
    for n in (1, 2):
        for _ in range(n):
            number = desk.ask(actor=desk.asker)
            desk.ask(actor=desk.stranger)
            desk.answer(number)
            desk.answer(number, seen=1, text=Said("Other.", "Иначе."))
        browser.get(path)
        with counting() as statements:
            assert browser.get(path).status_code == 200
        counted.append(len(statements))
    assert counted[0] == counted[1], counted
