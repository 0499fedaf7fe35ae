"""A call on one page: everything one is asked and held to, for anybody, in both languages, open and closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from grantflow import clock
from grantflow.cases.service import fire
from grantflow.db import unit_of_work
from grantflow.identity.access import SYSTEM
from grantflow.programmes import queries, whole
from grantflow.programmes.models import Call
from grantflow.programmes.parts import Prose
from grantflow.programmes.rows import Loaded
from grantflow.programmes.terms import Terms
from tests.browsing import counting, signed_in, text_of
from tests.factories import person

URL = "/calls/KR-2021/to-read"
OPEN = datetime(2021, 10, 20, 9, tzinfo=UTC)
CLOSED = datetime(2021, 11, 5, 9, tzinfo=UTC)


@pytest.fixture
def call_id(loaded: Loaded) -> int:
    manager = person("manager", programme_id=loaded.programme_id)
    with clock.at(datetime(2021, 10, 1, 6, tzinfo=UTC)), unit_of_work():
        for trigger in ("approve", "schedule", "open"):
            fire(loaded.calls["KR-2021"], trigger, actor=manager)
    return loaded.calls["KR-2021"]


def read(app: Flask, language: str = "en") -> str:
    client = app.test_client()
    page = client.get(URL, headers={"Accept-Language": language})
    assert page.status_code == 200
    return text_of(page)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_question_rule_criterion_and_sum_stands_there_before_and_after_closing(
    app: Flask, call_id: int, language: str
) -> None:
    terms = queries.call_pack(queries.call_by_code("KR-2021"))
    wanted: list[Any] = [section.title for section in terms.form]
    for question in terms.questions.values():
        wanted += [question.label, *(option.label for option in question.options)]
        wanted += [text for text in (question.help, question.text) if text]
    assert terms.appeal_days and terms.days_off
    for days in terms.days_off:
        wanted += [days.label, days.source.document, days.source.article]
    for rule in terms.eligibility:
        wanted += [rule.label, rule.refusal]
    for criterion in terms.rubric.criteria:
        wanted += [criterion.label, criterion.help, *(anchor.text for anchor in criterion.anchors)]
    wanted += [tranche.label for tranche in terms.tranches]
    for at in (OPEN, CLOSED):
        with clock.at(at):
            if at == CLOSED:
                with unit_of_work():
                    fire(call_id, "close", actor=SYSTEM)
            page = read(app, language)
        for text in wanted:
            assert " ".join(text.in_(language).split()) in page, text
    assert ("may appeal within 5 working days" if language == "en" else "в течение 5 рабочих дней") in page
    assert ("Only if you answered" if language == "en" else "Только если") in page


def test_of_a_rule_the_version_that_counts_is_told_with_its_source_and_of_a_section_its_checks(
    app: Flask, call_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.loads(queries.call_pack(queries.call_by_code("KR-2021")).content)
    rule = next(rule for rule in body["eligibility"] if rule["code"] == "age")
    earlier = {**rule, "label": {"en": "An earlier limit", "ru": "Прежний предел"}, "valid_to": "2021-10-30"}
    rule["valid_from"] = "2021-10-31"
    body["eligibility"].append(earlier)
    say = {"en": "Say how many jobs.", "ru": "Скажите, сколько мест."}
    body["form"][-1]["checks"] = [{"rule": "answered(jobs)", "say": say}]
    terms = Terms.from_content(json.dumps(body))
    monkeypatch.setattr(queries, "call_pack", lambda _call: terms)
    with clock.at(OPEN):
        page, russian = read(app), read(app, "ru")
    assert rule["label"]["en"] in page and "An earlier limit" not in page
    assert f"{rule['source']['document']['en']}, {rule['source']['article']['en']}" in page
    assert say["en"] in page and say["ru"] in russian
    assert "one line, 120 characters at most" in page and "От 0 до 100." in russian and "Tick at most 4." in page


def test_a_text_that_is_missing_in_ones_language_is_shown_in_the_other_and_marked(app: Flask, call_id: int) -> None:
    with unit_of_work() as current:
        current.get_one(Call, call_id).summary = Prose.model_construct(en="  ", ru="Только по-русски.")
    with clock.at(OPEN):
        page = read(app)
    assert "Только по-русски." in page and "(only in Russian)" in page
    with app.test_request_context(headers={"Accept-Language": "ru"}):
        assert whole.both(Prose.model_construct(en="English", ru="")) == ("English", "en")


def test_a_call_not_announced_yet_is_read_by_nobody_but_those_who_prepare_it(app: Flask, loaded: Loaded) -> None:
    assert app.test_client().get(URL).status_code == 404
    manager = person("manager", programme_id=loaded.programme_id)
    assert signed_in(app, manager).get(URL).status_code == 200


def test_the_call_leads_to_it_and_it_costs_a_few_queries(app: Flask, call_id: int) -> None:
    with clock.at(OPEN):
        assert URL in app.test_client().get("/calls/KR-2021").get_data(as_text=True)
        with counting() as statements:
            read(app)
    assert len(statements) < 12
