"""Each kind of rule: what it accepts and refuses, and the sentence of each in both languages."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale

from grantflow.eligibility.finding import Facts, Granted, Known, Other
from grantflow.eligibility.rules import judge, sentence
from grantflow.programmes.parts import Prose
from grantflow.programmes.rule_kinds import RULE_KEYS
from grantflow.programmes.terms import Rule, Terms
from grantflow.submissions.answers import final
from tests.submissions.test_answers import full, terms

__all__ = ["terms"]
CLOSES = date(2021, 11, 1)
SCOPE, PLACES = frozenset({"suoyarvsky"}), {"suoyarvsky": Prose(en="Suoyarvi", ru="Суоярвский район")}
NOBODY = Known()
MORE = {"operator": ">", "value": "50", "unit": "%"}
LEAST = {"operator": ">=", "value": "51", "unit": "%"}
THREE = {"operator": "<=", "value": "3", "unit": "years", "question": "registered_on"}
HALF_YEAR = {"operator": ">=", "value": "6", "unit": "months", "question": "registered_on"}
MOST = {"operator": "<=", "value": "400000", "unit": "RUB"}
YEAR = {"before": "starts_on", "after": "ends_on", "operator": "<=", "value": "12", "unit": "months"}
ONE = {"operator": "<=", "value": "1", "unit": "applications"}
AID = {"operator": "<=", "value": "300000", "unit": "EUR", "rate": "90", "years": 3, "question": "income_last_year"}
SPONSOR = {"question": "registered", "values": ["no"], "questions": ["sponsor", "sponsor_inn"]}
UNREGISTERED = {"registered": "no", "inn": "", "registered_on": ""}


def other(ref: str, **more: Any) -> Other:
    given: dict[str, Any] = {"call": "ZB-2022", "case_id": 9, "own": True, "same_call": True, "same_programme": True}
    return Other(ref, **(given | {"going": True} | more))


def granted(on: date, minor: int, currency: str = "RUB", owed: int = 0) -> Granted:
    return Granted("KU-0001-G", on, minor, currency, owed)


def seats(women: int, men: int) -> dict[str, Any]:
    """A board, of a body that has one."""
    return {"legal_form": "roo", "board": people(women, men)}


def people(women: int, men: int) -> dict[str, str]:
    return {"women": str(women), "men": str(men), "not_stated": ""}


OWN, LEAD = {"question": "owner_share"}, {"leadership": "leaders", "board": "board"}
HALF = {"operator": ">", "percent": 50}
WOMEN = LEAD | {"leaders": HALF}
OWNERS = {"owner_share": "owner_share"}
FORMS = {"question": "legal_form", "values": ["ip", "ooo"]}
DAYS = {"before": "starts_on", "after": "ends_on"}
TABLE: list[tuple[str, dict[str, Any], dict[str, Any], Known | None, str, str, str]] = [
    ("district_in_scope", {"question": "district"}, {}, NOBODY, "ok", "District: Suoyarvi.", "Район: Суоярвский район."),
    ("district_in_scope", {"question": "district"}, {"district": "olonetsky"}, NOBODY, "fail", "District: olonetsky.",
     "Район: olonetsky."),
    ("district_in_scope", {"question": "district"}, {"district": ""}, NOBODY, "fail",
     "Not answered: “District where you work”", "Нет ответа: «Район, в котором вы работаете»"),
    ("legal_form_in", FORMS, {}, NOBODY, "ok", "Legal form: Individual entrepreneur (IP).", "Правовая форма: ИП."),
    ("legal_form_in", FORMS, {"legal_form": "public_body"}, NOBODY, "fail", "State or municipal institution",
     "Государственное или муниципальное учреждение"),
    ("max_age_years", {"question": "registered_on", "years": 3}, {"registered_on": "1.11.2018"}, NOBODY, "ok",
     "Registered on 1 November 2018; on the closing day, 1 November 2021", "1 ноября 2018"),
    ("max_age_years", {"question": "registered_on", "years": 3}, {"registered_on": "31.10.2018"}, NOBODY, "fail",
     "3 years old at most", "31 октября 2018"),
    ("women_majority", WOMEN | OWNERS | {"owners": HALF}, {"owner_share": "50,5", "leaders": people(0, 5)}, NOBODY, "ok",
     "Women own 50.5 %; more than half is needed.", "50,5 %; нужно больше половины"),
    ("women_majority", WOMEN | OWNERS | {"owners": {"operator": ">=", "percent": 51}},
     {"owner_share": "50,5", "leaders": people(0, 5)}, NOBODY, "fail", "Women own 50.5 %; at least 51 % is needed.",
     "50,5 %; нужно не меньше 51 %"),
    ("women_majority", WOMEN | OWNERS | {"owners": HALF}, {"owner_share": "50", "leaders": people(2, 2)}, NOBODY, "fail",
     "2 of 4 leading posts are held by women; more than half", "2 из 4"),
    ("women_majority", WOMEN, {"leaders": people(3, 1)} | seats(2, 1), NOBODY, "ok", "2 of 3 seats", "2 из 3"),
    ("women_majority", WOMEN, {"leaders": people(3, 1)} | seats(1, 2), NOBODY, "fail", "1 of 3 seats", "1 из 3"),
    ("asked_within", {}, {"own_share": "118272,50"}, NOBODY, "ok", "Asked: RUB 150,000.00; from RUB 150,000.00 to",
     "Запрошено 150 000,00 ₽"),
    ("asked_within", {}, {"own_share": "118272,51"}, NOBODY, "fail", "Asked: RUB 149,999.99", "Запрошено 149 999,99 ₽"),
    ("own_share_min", {}, {"own_share": "26827,25"}, NOBODY, "ok", "10 %; at least 10 % is needed",
     "10 %; нужно не меньше 10 %"),
    ("own_share_min", {}, {"own_share": "26827,24"}, NOBODY, "fail", "9.99 %; at least 10 %", "9,99 %; нужно не меньше 10 %"),
    ("declaration_yes", {"questions": ["no_double"]}, {}, NOBODY, "ok", "All declarations are ticked.", "Отмечены все"),
    ("declaration_yes", {"questions": ["no_double"]}, {"no_double": ""}, NOBODY, "fail",
     "Not answered: “No cost is paid twice”", "Нет ответа: «Ни одна трата не оплачивается дважды»"),
    ("answered", {"questions": ["risks"]}, {}, NOBODY, "ok", "It is there.", "Есть."),
    ("answered", {"questions": ["risks"]}, {"risks": ""}, NOBODY, "fail", "What could go wrong", "Что может пойти не так"),
    ("date_order", DAYS | {"max_months": 12}, {"starts_on": "1.3.2022", "ends_on": "1.3.2023"}, NOBODY, "ok",
     "From 1 March 2022 to 1 March 2023; at most 12 months.", "1 марта 2022"),
    ("date_order", DAYS | {"max_months": 12}, {"starts_on": "1.3.2022", "ends_on": "2.3.2023"}, NOBODY, "fail",
     "2 March 2023; at most 12 months", "2 марта 2023"),
    ("date_order", DAYS, {"starts_on": "1.3.2022", "ends_on": "1.3.2022"}, NOBODY, "fail",
     "From 1 March 2022 to 1 March 2022.", "1 марта 2022"),
    ("date_order", DAYS, {"starts_on": "1.3.2022", "ends_on": "2.3.2022"}, NOBODY, "ok",
     "From 1 March 2022 to 2 March 2022.", "2 марта 2022"),
    ("women_own", OWN | MORE, {"owner_share": "50,5"}, NOBODY, "ok", "more than 50 % is needed", "нужно больше 50 %"),
    ("women_own", OWN | LEAST, {"owner_share": "50,5"}, NOBODY, "fail", "Women own 50.5 %; at least 51 %", "не меньше 51 %"),
    ("women_own", OWN | MORE, {"owner_share": "50"}, NOBODY, "fail", "Women own 50 %", "больше 50 %"),
    ("women_own", OWN | LEAST, {"owner_share": "51"}, NOBODY, "ok", "Women own 51 %", "51 %"),
    ("women_own", OWN | LEAST, {"owner_share": ""}, NOBODY, "fail", "Not answered", "Доля, которая принадлежит женщинам"),
    ("women_lead", LEAD | MORE, {"leaders": people(3, 2)}, NOBODY, "ok", "3 of 5 leading posts", "3 из 5"),
    ("women_lead", LEAD | MORE, {"leaders": people(2, 2)}, NOBODY, "fail", "2 of 4 leading posts", "2 из 4"),
    ("women_lead", LEAD | MORE, {"leaders": people(3, 1)} | seats(1, 2), NOBODY, "fail", "1 of 3 seats", "1 из 3"),
    ("women_lead", LEAD | MORE | {"operator": ">=", "value": "30"}, {"leaders": people(3, 7)}, NOBODY, "ok", "at least 30 %",
     "не меньше 30 %"),
    ("age", THREE, {"registered_on": "1.11.2018"}, NOBODY, "ok", "at most 3 years is possible", "не больше 3 лет"),
    ("age", THREE, {"registered_on": "31.10.2018"}, NOBODY, "fail", "31 October 2018", "31 октября 2018"),
    ("age", HALF_YEAR, {"registered_on": "1.5.2021"}, NOBODY, "ok", "at least 6 months is needed", "не меньше 6 месяцев"),
    ("age", HALF_YEAR, {"registered_on": "2.5.2021"}, NOBODY, "fail", "2 May 2021", "2 мая 2021"),
    ("amount", MOST, {"own_share": "45 250"}, NOBODY, "ok", "at most RUB 400,000.00", "не больше 400 000,00 ₽"),
    ("amount", MOST | {"value": "200000"}, {"own_share": "45 250"}, NOBODY, "fail", "Asked: RUB", "Запрошено: "),
    ("term", YEAR, {"starts_on": "1.3.2022", "ends_on": "1.3.2023"}, NOBODY, "ok", "at most 12 months", "12 месяцев"),
    ("term", YEAR, {"starts_on": "1.3.2022", "ends_on": "2.3.2023"}, NOBODY, "fail", "2 March 2023", "2 марта 2023"),
    ("term", YEAR, {"starts_on": "1.3.2022", "ends_on": "1.3.2022"}, NOBODY, "fail", "1 March 2022", "1 марта 2022"),
    ("co_funding", MORE | {"value": "10"}, {"own_share": "26827,26"}, NOBODY, "ok", "more than 10 %", "больше 10 %"),
    ("co_funding", MORE | {"value": "10"}, {"own_share": "26827,25"}, NOBODY, "fail", "10 %; more", "10 %; нужно больше"),
    ("concurrent", ONE, {}, NOBODY, "ok", "this one included: 1", "вместе с этой: 1"),
    ("concurrent", ONE, {}, Known((other("KR-0002"),)), "fail", "The others: KR-0002", "Остальные: KR-0002"),
    ("concurrent", ONE, {}, Known((other("KR-0002", own=False),)), "ok", "included: 1", "вместе с этой: 1"),
    ("concurrent", ONE, {}, Known((other("ZB-0002", same_call=False),)), "ok", "included: 1", "вместе с этой: 1"),
    ("concurrent", ONE | {"within": "programme"}, {}, Known((other("ZB-0002", same_call=False),)), "fail", "ZB-0002",
     "ZB-0002"),
    ("concurrent", ONE | {"within": "programme"}, {}, Known((other("ZB-0002", going=False),)), "ok", "1", "1"),
    ("concurrent", ONE, {}, None, "unknown", "once it is known who applies", "когда известно, кто подаёт"),
    ("double_funding", {"question": "other_funding"}, {}, NOBODY, "ok", "No other money", "ничего не известно"),
    ("double_funding", {"question": "other_funding"}, {"other_funding": "yes"}, NOBODY, "warn", "was declared", "Заявлены"),
    ("double_funding", {}, {}, Known((other("ZB-2", alike=("inn", "period")),)), "warn", "another call", "другой конкурс"),
    ("double_funding", {}, {}, Known((other("ZB-2", alike=("period",)),)), "ok", "No other money", "ничего не известно"),
    ("de_minimis", AID, {"income_last_year": "26 758 977,50"}, NOBODY, "ok", "EUR 300,000.00", "300 000,00 €"),
    ("de_minimis", AID, {"income_last_year": "26 776 977,51"}, NOBODY, "fail", "at most EUR", "не больше 300 000,00 €"),
    ("de_minimis", AID, {"income_last_year": "0"}, Known(grants=(granted(date(2018, 11, 2), 2_700_000_000),)), "fail",
     "granted here", "получено здесь 27 000 000,00 ₽"),
    ("de_minimis", AID, {"income_last_year": "0"}, Known(grants=(granted(date(2018, 11, 1), 2_700_000_000),)), "ok",
     "RUB 0.00 granted here", "за 3 года по"),
    ("de_minimis", AID, {"income_last_year": "0"}, Known(grants=(granted(date(2021, 1, 1), 30_000_000, "EUR"),)), "fail",
     "RUB 27,000,000.00 granted here", "27 000 000,00 ₽"),
    ("de_minimis", AID, {"income_last_year": "0"}, Known(grants=(granted(date(2021, 1, 1), 5, "USD"),)), "warn",
     "another currency: KU-0001-G", "в другой валюте: KU-0001-G"),
    ("unreturned", {}, {}, NOBODY, "ok", "No money is known", "ничего не известно"),
    ("unreturned", {"question": "returned_late"}, {"returned_late": "yes"}, NOBODY, "fail", "By the answers", "По ответам"),
    ("unreturned", {}, {}, Known(grants=(granted(CLOSES, 5, owed=500),)), "fail", "terminated, and RUB 5.00",
     "не возвращено 5,00 ₽"),
    ("unreturned", {}, {}, None, "unknown", "who applies", "кто подаёт"),
    ("training", {"question": "course"}, {"course": "yes"}, NOBODY, "ok", "is completed", "Обучение пройдено"),
    ("training", {"question": "course"}, {"course": "no"}, NOBODY, "fail", "not completed", "не пройдено"),
    ("training", {"question": "course", "questions": ["partners"]}, {"course": "yes"}, NOBODY, "fail", "Which partners",
     "Какие партнёры"),
    ("fiscal_sponsor", SPONSOR, {}, NOBODY, "unknown", "does not concern", "не относится"),
    ("fiscal_sponsor", SPONSOR, UNREGISTERED, NOBODY, "fail", "Sponsor who receives", "Организация, которая примет"),
    ("fiscal_sponsor", SPONSOR, UNREGISTERED | {"sponsor": "Foundation, Suoyarvi", "sponsor_inn": "1001000014"}, NOBODY,
     "ok", "The sponsor is named", "названа"),
]  # fmt: skip


def rule(kind: str, keys: dict[str, Any]) -> Rule:
    text = {"en": "x", "ru": "х"}
    return Rule.model_validate({"code": "r", "kind": kind, "label": text, "refusal": text} | keys)


NEVER_REFUSES = {"double_funding"}
"""What it finds is for an officer to look at."""


@pytest.mark.parametrize("kind", RULE_KEYS)
def test_every_kind_is_accepted_and_refused_in_the_table_and_its_sentence_stands_there_in_both_languages(
    kind: str,
) -> None:
    rows = [row for row in TABLE if row[0] == kind]
    words = {row[4] for row in rows}
    assert {"ok", "warn" if kind in NEVER_REFUSES else "fail"} <= words
    for word in words:
        told = [row[5:] for row in rows if row[4] == word]
        assert any(re.search("[a-z]", english, re.IGNORECASE) for english, _ in told), f"{kind}, {word}: English"
        assert any(re.search("[а-яё]", russian, re.IGNORECASE) for _, russian in told), f"{kind}, {word}: Russian"


def test_a_half_and_a_little_is_more_than_half_and_not_yet_51_per_cent() -> None:
    shares = {(row[1]["operator"], row[1]["value"]): row[4] for row in TABLE if row[2] == {"owner_share": "50,5"}}
    assert shares == {(">", "50"): "ok", (">=", "51"): "fail"}


@pytest.mark.parametrize(("kind", "keys", "changes", "known", "word", "english", "russian"), TABLE)
def test_each_kind_accepts_and_refuses_and_says_so(
    app_of_words: Flask, terms: Terms, kind: str, keys: dict[str, Any], changes: dict[str, Any], known: Known | None,
    word: str, english: str, russian: str,
) -> None:  # fmt: skip
    one = rule(kind, keys)
    own = terms.model_copy(update={"eligibility": (one,)})
    answers = final(own, full(own, **({"grant_kind": "growing"} | changes)))
    (finding,) = judge(own, answers, Facts(SCOPE, CLOSES, None, known))
    assert ("warn" if finding.params.get("warn") else finding.verdict) == word
    for lang, said in (("en", english), ("ru", russian)):
        with app_of_words.test_request_context(), force_locale(lang):
            text = (
                sentence(one, own, finding.verdict, finding.params, PLACES, lang)
                .replace("\xa0", " ")
                .replace("\u202f", " ")
            )
        assert said in text, text


@pytest.mark.parametrize(
    ("kind", "keys", "says"),
    [
        ("women_own", OWN, "needs operator, unit, value"),
        ("women_own", OWN | MORE | {"unit": "years"}, "counts in %"),
        ("women_own", OWN | MORE | {"value": "101"}, "outside"),
        ("age", THREE | {"value": "2.5"}, "whole years"),
        ("age", THREE | {"unit": "%"}, "counts in months or years"),
        ("amount", MOST | {"unit": "%"}, "counts in a currency"),
        ("amount", MOST | {"question": "course"}, "has no question"),
        ("amount", MOST | {"operator": "about"}, "Input should be"),
        ("unreturned", {"valid_from": date(2022, 1, 1), "valid_to": date(2021, 1, 1)}, "before valid_from"),
    ],
)
def test_a_rule_of_a_wrong_shape_is_no_rule(kind: str, keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rule(kind, keys)


def test_of_two_versions_the_one_that_holds_on_the_closing_day_judges(terms: Terms) -> None:
    old = rule("women_own", OWN | LEAST | {"valid_to": date(2021, 10, 31)})
    new = rule("women_own", OWN | MORE | {"valid_from": date(2021, 11, 1)})
    own = terms.model_copy(update={"eligibility": (old, new)})
    answers = final(own, full(own, owner_share="50,5"))
    words = [
        [(f.verdict, f.params.get("since")) for f in judge(own, answers, Facts(frozenset(), day))]
        for day in (date(2021, 10, 31), CLOSES)
    ]
    assert words == [[("fail", None)], [("ok", "2021-11-01")]]
