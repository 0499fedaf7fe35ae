"""Answers that nobody gave can be sent, and sample profiles say of each rule where its limit lies."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from grantflow.eligibility.rules import judge
from grantflow.programmes import pack as packs
from grantflow.programmes.terms import Terms
from grantflow.rehearsals import copied, invented, papers, profiles
from grantflow.submissions import files
from grantflow.submissions.answers import Draft, all_faults
from tests.rehearsals.conftest import PACKS
from tests.submissions.extra import with_extra


@cache
def read(file: str) -> packs.ProgrammePack:
    return packs.read(PACKS / file)


def with_call(file: str, code: str) -> tuple[Terms, invented.Setting]:
    whole = read(file)
    setting = copied.setting_of(whole.model_copy(update={"calls": (whole.call(code),)}))
    return whole.call(code).terms, setting


@pytest.mark.parametrize(
    ("file", "code"), [("prozvet.toml", "KR-2021"), ("prozvet.toml", "ZB-2022"), ("rcn_2012.toml", "RCN-5164"),
                       ("published_grants.toml", "GIV-2020")]
)  # fmt: skip
def test_the_invented_answers_to_a_shipped_form_can_be_sent_and_meet_its_rules(file: str, code: str) -> None:
    terms, setting = with_call(file, code)
    answers = profiles.meeting(terms, setting)
    assert all_faults(terms, Draft(answers), setting.today) == []
    assert [one.code for one in judge(terms, answers, setting.facts) if one.verdict == "fail"] == []
    assert answers == profiles.meeting(terms, setting)


def test_they_fit_every_kind_of_question_and_what_hangs_on_others() -> None:
    terms, setting = with_call("prozvet.toml", "KR-2021")
    whole = with_extra(terms)
    answers = profiles.meeting(whole, setting)
    assert all_faults(whole, Draft(answers), setting.today) == []


def test_each_profile_misses_its_own_rule_alone_and_none_misses_one_at_the_limits() -> None:
    terms, setting = with_call("prozvet.toml", "KR-2021")
    tried, untried = profiles.profiles(terms, setting)
    assert [one.kind for one in tried[:2]] == ["meets", "limits"]
    assert not tried[0].failing and not tried[1].failing and tried[1].changed
    missing = {one.rule.code: [found.code for found in one.failing] for one in tried[2:] if one.rule}
    assert missing == {code: [code] for code in missing}
    assert {rule.code for rule in terms.rules_on(setting.closes_on)} == set(missing) | {rule.code for rule in untried}
    assert [rule.code for rule in untried] == ["double", "returned"]


def test_the_profile_that_stands_on_a_limit_is_a_day_and_a_kopek_away_from_missing_it() -> None:
    terms, setting = with_call("prozvet.toml", "KR-2021")
    edge = profiles.profiles(terms, setting)[0][1].answers

    def failing(**changed: Any) -> set[str]:
        return {one.code for one in judge(terms, {**edge, **changed}, setting.facts) if one.verdict == "fail"}

    day = invented.date.fromisoformat(edge["registered_on"]) - timedelta(days=1)
    assert failing() == set() and failing(registered_on=day.isoformat()) == {"age"}
    day = invented.date.fromisoformat(edge["ends_on"]) + timedelta(days=1)
    assert failing(ends_on=day.isoformat()) == {"dates"}
    assert "asked" in failing(own_share=edge["own_share"] + 100)


def test_answers_that_no_bending_makes_right_are_given_back_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invented, "TRIES", 6)
    terms, setting = with_call("prozvet.toml", "KR-2021")
    body = json.loads(terms.content)
    body["form"][0]["questions"][0]["checks"] = [{"rule": "1 > 2", "say": {"en": "Never.", "ru": "Никогда."}}]
    odd = Terms.from_content(json.dumps(body))
    assert [fault.kind for fault in all_faults(odd, Draft(profiles.meeting(odd, setting)), setting.today)] == ["check"]


@pytest.mark.parametrize("kind", ["pdf", "docx", "xlsx", "jpg", "png"])
def test_every_paper_is_by_its_content_what_a_question_asks_for(kind: str) -> None:
    assert files.kind_of(papers.paper(kind, "Rehearsal")) == kind
