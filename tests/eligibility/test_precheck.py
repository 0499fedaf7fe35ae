"""The check before registration: the few questions the rules need, each rule in plain words, and nothing kept."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from grantflow.cases.service import fire
from grantflow.db import db, unit_of_work
from grantflow.eligibility import precheck
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.questions import Question
from grantflow.submissions.rows import row_of
from tests.browsing import counting, field, signed_in, text_of
from tests.submissions.conftest import World

PATH = "/calls/KR-2021/check"
GOOD = {
    "q-legal_form": "ip", "q-registered": "yes", "q-registered_on": "12.03.2020", "q-district": "suoyarvsky",
    "q-award_type": "female", "q-owner_share": "50,5", "q-leaders-women": "3", "q-leaders-men": "1",
    "q-costs": "300 000", "q-own_share": "45 000", "q-starts_on": "1.3.2022", "q-ends_on": "31.12.2022",
}  # fmt: skip


def wanted(prozvet: ProgrammePack) -> list[Question]:
    call = prozvet.call("KR-2021")
    return precheck.questions(call.terms, call.closes.date())


@pytest.fixture
def answers(prozvet: ProgrammePack) -> dict[str, Any]:
    return {"shown": [question.code for question in wanted(prozvet)], **GOOD}


def test_only_the_questions_that_the_rules_need_are_asked(prozvet: ProgrammePack) -> None:
    asked = {question.code: question for question in wanted(prozvet)}
    assert list(asked) == [
        "legal_form", "registered", "registered_on", "district", "award_type", "owner_share", "leaders", "board",
        "costs", "own_share", "other_funding", "starts_on", "ends_on",
    ]  # fmt: skip
    assert asked["costs"].kind == "money" and not any(q.required for q in asked.values())


def test_a_visitor_reads_what_is_met_and_what_comes_with_the_application(
    app: Flask, world: World, answers: dict[str, Any]
) -> None:
    client = app.test_client()
    assert "You need no account" in text_of(client.get(PATH)) and PATH in client.get("/calls/KR-2021").text
    page = client.post(PATH, data=answers)
    said = text_of(page)
    assert "Nothing stands in the way" in said and "5 rules are met" not in said and "7 rules are met" in said
    assert "Comes with the application" in said and "The tax certificate is attached" in said
    assert "Women own 50.5" in said and "karelia@prozvet.example" in said
    assert ('value="12.03.2020"' in page.text and 'value="50,5"' in page.text) or 'value="50.5"' in page.text


def test_each_rule_that_is_not_met_is_told_in_plain_words_with_whom_to_ask(
    app: Flask, world: World, answers: dict[str, Any]
) -> None:
    bad = {"q-registered_on": "1.1.2015", "q-owner_share": "10", "q-leaders-women": "1", "q-leaders-men": "3"}
    client = app.test_client()
    said = text_of(client.post(PATH, data=answers | bad))
    assert "By your answers 2 rules are not met" in said
    assert "This call is for young enterprises." in said and "You may still apply as a social enterprise." in said
    assert "Call document of the demo contest, § 3.2" in said and "ask: PROZVET office" in said
    client.get("/language/ru")
    russian = text_of(client.post(PATH, data=answers | bad))
    assert "По вашим ответам" in russian and "не выполнено 2 правила" in russian
    some = text_of(client.post(PATH, data={"shown": answers["shown"], "q-legal_form": "ip"}))
    assert "Пока ничто не мешает" in some


def test_what_cannot_be_read_is_told_and_nothing_typed_is_lost(
    app: Flask, world: World, answers: dict[str, Any]
) -> None:
    page = app.test_client().post(PATH, data=answers | {"q-registered_on": "last spring", "q-owner_share": "101"})
    said = text_of(page)
    assert page.status_code == 400 and "2 things to correct" in said and 'value="last spring"' in page.text
    assert "Write 100 or less" in said and "rules are met" not in said


def test_a_check_writes_nothing_and_sets_no_cookie(app: Flask, world: World, answers: dict[str, Any]) -> None:
    client, wrote = app.test_client(), []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.split()[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            wrote.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        page = client.post(PATH, data=answers | {"q-owner_share": "0"})
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert page.status_code == 200 and wrote == [] and "Set-Cookie" not in page.headers


def test_who_applies_takes_the_answers_into_the_blanks_of_the_draft(
    app: Flask, world: World, answers: dict[str, Any]
) -> None:
    client = signed_in(app, world.applicant)
    away = client.post(PATH, data=answers | {"carry": "1"})
    assert away.status_code == 303 and away.location.endswith("/calls/KR-2021/apply")
    page = client.get("/calls/KR-2021/apply")
    assert "Take over the 11 answers" in text_of(page)
    sent = {"key": field(page, "key"), "csrf_token": "", "organisation": str(world.body), "carry": "1"}
    begun = client.post("/calls/KR-2021/apply", data=sent)
    row = row_of(int(begun.location.rsplit("/", 1)[1]))
    assert row.answers["registered_on"] == "2020-03-12" and row.answers["owner_share"] == "50.5"
    assert row.answers["leaders"] == {"women": 3, "men": 1, "not_stated": 0} and "costs" not in row.answers
    assert "Take over" not in text_of(client.get("/calls/KR-2021/apply"))


def test_another_site_can_plant_no_answers(app: Flask, world: World, answers: dict[str, Any]) -> None:
    client = signed_in(app, world.applicant)
    client.post(PATH, data=answers | {"carry": "1"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert "Take over" not in text_of(client.get("/calls/KR-2021/apply"))


def test_a_call_nobody_may_read_yet_has_no_check_and_a_cancelled_one_offers_no_application(
    app: Flask, world: World, answers: dict[str, Any]
) -> None:
    client = app.test_client()
    assert client.get("/calls/ZB-2022/check").status_code == 404 and client.get("/calls/XX-1/check").status_code == 404
    with unit_of_work():
        fire(world.call, "cancel", actor=world.manager, reason="No money.")
    assert "Apply with these answers" not in text_of(client.post(PATH, data=answers))


def test_the_check_is_throttled_and_keeps_what_was_typed(
    app: Flask, world: World, answers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    for _ in range(60):
        client.post("/calls/XX-1/check", data={})
    page = client.post(PATH, data=answers)
    assert page.status_code == 429 and "Too many attempts in a row" in text_of(page) and "12.03.2020" in page.text
    assert int(page.headers["Retry-After"]) > 0


def test_the_check_costs_the_same_queries_whatever_is_answered(
    app: Flask, world: World, answers: dict[str, Any]
) -> None:
    client, counts = app.test_client(), []
    for data in ({"shown": answers["shown"], "q-legal_form": "ip"}, answers):
        client.post(PATH, data=data)
        with counting() as seen:
            client.post(PATH, data=data)
        counts.append(len(seen))
    assert counts[0] == counts[1]
