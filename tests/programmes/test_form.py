"""Conditions, checks and computed questions of a form: what is asked, what is known, and which faults a pack has."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from grantflow.engine.faults import DefinitionFaults
from grantflow.programmes import check_form
from grantflow.programmes import pack as packs
from grantflow.programmes.hearing import Heard
from grantflow.programmes.questions import Question, Section, asked, gaps
from grantflow.programmes.terms import Terms

KEPT = Path(__file__).with_name("terms_of_2021.json")
KEPT_HASH = "c87deb5e04c789f519a70bc970c023ec635e204420e95ec54eb20aad927b1f5e"
LABEL = {"en": "x", "ru": "х"}


def question(code: str, kind: str = "number", **more: Any) -> Question:
    return Question.model_validate({"code": code, "kind": kind, "label": LABEL} | more)


def states(questions: list[Question], **answers: Any) -> str:
    """Where each question stands, in one word: s shown, h hidden, u not known yet."""
    return "".join(standing.state[0] for standing in Heard(questions, answers).standings.values())


def test_terms_kept_by_an_earlier_version_read_the_same_and_keep_their_hash() -> None:
    content = KEPT.read_text("utf-8").rstrip("\n")
    terms = Terms.from_content(content)
    assert terms.content == content and terms.content_hash == KEPT_HASH
    assert {q.code for q in asked(terms.questions.values(), {"registered": False})} >= {"sponsor"}
    assert all(q.condition is None or q.is_simple for q in terms.questions.values())


def test_a_question_is_shown_hidden_or_not_known_yet() -> None:
    form = [
        question("people", "counter"),
        question("grown", "yes_no", required=False),
        question("why", "text", when="people.total > 5 and grown"),
        question("after", "text", when="answered(why)"),
    ]
    assert states(form) == "ssuh"
    assert Heard(form, {}).standings["why"].waits == ("people", "grown")
    few, many = {"women": 1, "men": 1, "not_stated": 0}, {"women": 9, "men": 0, "not_stated": 0}
    assert states(form, people=few) == "sshh", "whatever the other answer is"
    assert Heard(form, {"people": many}).standings["why"].waits == ("grown",)
    assert states(form, people=many, grown=True) == "sssh"
    assert states(form, people=many, grown=True, why="we grew") == "ssss"
    assert states(form, people=few, grown=True, why="we grew") == "sshh", "words of a hidden question count for nothing"


def test_what_hangs_on_a_question_that_is_hidden_is_hidden_and_not_awaited() -> None:
    form = [question("a", "yes_no"), question("b", when="a"), question("c", when="b > 1"), question("d", when="c > 1")]
    assert states(form) == "suuu"
    assert Heard(form, {}).standings["d"].waits == ("a",)
    assert states(form, a=False) == "shhh" and states(form, a=True) == "ssuu" and states(form, a=True, b="2") == "sssu"


def test_the_simple_form_of_a_condition_says_the_same_as_the_long_one() -> None:
    options = [{"value": v, "label": LABEL} for v in ("one", "two", "three")]
    for kind, given in (("choice", ["one", "two", None]), ("choices", [["one"], ["two", "three"], [], None])):
        first = question("first", kind, options=options)
        short = [first, question("q", applies_when={"question": "first", "values": ["one", "three"]})]
        long = [first, question("q", when="first in ('one', 'three')")]
        for answer in given:
            assert states(short, first=answer) == states(long, first=answer), answer
    yes = [question("y", "yes_no"), question("q", applies_when={"question": "y", "values": ["yes"]})]
    assert [states(yes, y=answer) for answer in (True, False)] == ["ss", "sh"] and states(yes) == "su"


def test_a_section_is_asked_where_its_condition_holds_and_its_questions_then_on_their_own() -> None:
    section = Section.model_validate({
        "code": "s", "title": LABEL, "minutes": 1, "when": "a > 1",
        "questions": [{"code": "b", "kind": "yes_no", "label": LABEL},
                      {"code": "c", "kind": "text", "label": LABEL, "applies_when": {"question": "b", "values": ["yes"]}}],
    })  # fmt: skip
    form = [question("a"), *section.questions]
    assert states(form) == "suu" and states(form, a="1", b=True) == "shh" and states(form, a="2", b=True) == "sss"
    assert [q.code for q in gaps(form, {"a": "2"})] == ["b"]
    assert not section.questions[1].is_simple


def test_computed_answers_come_from_what_is_asked_and_from_each_other() -> None:
    form = [
        question("whole", "computed", value="parts + fees", money=True),
        question("parts", "money"),
        question("with_fees", "yes_no"),
        question("fees", "money", when="with_fees"),
        question("share", "computed", value="default(fees, 0) * 100 / whole", decimals=1, when="answered(whole)"),
    ]
    assert Heard(form, {"parts": 1000}).computed() == {}
    full = {"parts": 1000, "with_fees": True, "fees": 500}
    assert Heard(form, full).computed() == {"whole": 1500, "share": "33.3"}
    assert Heard(form, full | {"with_fees": False}).computed() == {}, "a sum with a hidden part is not known"
    assert "required" not in {q.code for q in gaps(form, {})} and not form[0].required
    assert Heard(form, full | {"whole": 7}).computed()["whole"] == 1500, "nobody types it"


def test_checks_speak_only_where_they_are_false() -> None:
    say = {"en": "Too few.", "ru": "Мало."}
    form = [question("a", checks=[{"rule": "a > b", "say": say}]), question("b")]
    for answers, broken in (({}, 0), ({"a": "1"}, 0), ({"a": "1", "b": "2"}, 1), ({"a": "3", "b": "2"}, 0)):
        assert len(Heard(form, answers).failing(form[0].checks)) == broken


EXTRA = """
[[form]]
code = "extra"
title = { en = "More", ru = "Ещё" }
minutes = 1
%s
[[form.questions]]
code = "one"
kind = "%s"
label = { en = "One", ru = "Раз" }
%s
[[form.questions]]
code = "two"
kind = "number"
label = { en = "Two", ru = "Два" }
%s
"""


@pytest.mark.parametrize(
    ("section", "kind", "one", "two", "where", "said"),
    [
        ("", "number", "", 'when = "one >"', "questions.two.when", "needs an answer or a value"),
        ("", "number", "", 'when = "won > 1"', "form.two", 'names "won", which is no question here'),
        ("", "number", "", 'when = "one + 1"', "form.two", "comes to a number, not to true or false"),
        ("", "number", 'when = "two > 1"', "", "form.one", 'hangs on "two", which is no earlier question'),
        ("", "computed", 'value = "two + 1"', 'when = "one > 1"', "form.two", 'hangs on "two", which is no earlier'),
        ("", "computed", 'value = "one + 1"', "", "form.one", "hangs on itself"),
        ("", "computed", 'value = "registered"', "", "form.one", "comes to true or false, not to a number"),
        ("", "computed", "", "", "questions.one", "needs value"),
        ("", "computed", 'value = "two"\nrequired = true', "", "questions.one", "computed cannot be required"),
        ('when = "one > 1"', "number", "", "", "form.extra", 'hangs on "one", which is no earlier question'),
        ('when = "total(costs) > x"', "number", "", "", "form.extra", 'names "x"'),
        ('checks = [{ rule = "one > district", say = { en = "a", ru = "б" } }]', "number", "", "", "form.extra.checks.1",
         "compares a number with words"),
        ("", "number", 'checks = [{ rule = "one", say = { en = "a", ru = "б" } }]', "", "form.one.checks.1", "comes to a"),
        ("", "number", 'checks = [{ rule = "one > 1", say = { en = "a" } }]', "", "checks.1.say.ru", "Field required"),
        ("", "table", "", "", "questions.one", "needs columns"),
        ("", "table", 'columns = [{ code = "id", kind = "year", label = { en = "a", ru = "б" } }]', "", "questions.one.",
         "cannot be called"),
        ("", "table", 'columns = [{ code = "a", kind = "text", past = true, label = { en = "a", ru = "б" } }]', "",
         "questions.one.", "column of kind text has no past"),
        ("", "table", 'columns = [{ code = "a", kind = "choice", label = { en = "a", ru = "б" } }]', "", "questions.one.",
         "needs options"),
        ("", "table", "columns = []", "", "questions.one", "table has columns"),
        ("", "long_text", "about = 200\nlimit = 100", "", "questions.one", "imit is smaller than about"),
        ("", "consent", 'version = "1"', "", "questions.one", "needs text"),
        ("", "number", "limit = 100", "", "questions.one", "has no limit"),
    ],
)  # fmt: skip
def test_a_planted_fault_of_a_form_is_named_in_its_place(
    section: str, kind: str, one: str, two: str, where: str, said: str
) -> None:
    raw = tomllib.loads(EXTRA % (section, kind, one, two), parse_float=Decimal)["form"][0]
    form = Terms.from_content(KEPT.read_text("utf-8").rstrip("\n")).form
    try:
        found = [
            f"{table}: {text}" for table, text, _kind in check_form.form([*form, Section.model_validate(raw)], "form")
        ]
    except ValidationError as error:
        found = [str(fault) for fault in packs.faults_of(error, raw, "form.extra")]
    assert any(where in fault and said in fault for fault in found), found


def test_a_rule_of_eligibility_may_have_a_condition_of_its_own(text: str) -> None:
    rule = 'applies_when = { question = "award_type", values = ["female", "both"] }\nowner_share'
    assert rule in text
    with pytest.raises(DefinitionFaults, match=r"eligibility\.women: when names"):
        packs.from_text(text.replace(rule, "when = \"award_tipe in ('female')\"\nowner_share"), "x.toml")
    whole = packs.from_text(text.replace(rule, "when = \"award_type in ('female', 'both')\"\nowner_share"), "x.toml")
    women = next(one for one in whole.call("KR-2021").terms.eligibility if one.code == "women")
    kept = json.loads(whole.call("KR-2021").terms.content)
    assert women.condition is not None and "when" in next(r for r in kept["eligibility"] if r["code"] == "women")
