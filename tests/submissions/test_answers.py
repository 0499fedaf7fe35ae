"""The form without a database: what is read, what is kept, what it adds up to. Nothing typed is ever lost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st

from grantflow import clock
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import Terms
from grantflow.submissions import budget
from grantflow.submissions.answers import (
    Draft,
    Sums,
    across,
    all_faults,
    changed,
    facts,
    final,
    save,
    sealed,
    sections,
)
from grantflow.submissions.reading import read, to_type
from tests.submissions.conftest import ANSWERS, OPEN_DAY

TODAY = date(2021, 10, 20)
LABEL = {"en": "x", "ru": "х"}


def question(kind: str, **more: Any) -> Question:
    return Question.model_validate({"code": "q", "kind": kind, "label": LABEL} | more)


@pytest.fixture(scope="session")
def terms(prozvet: ProgrammePack) -> Terms:
    return prozvet.call("KR-2021").terms


def full(terms: Terms, **changes: Any) -> Draft:
    typed = {code: value for section in ANSWERS.values() for code, value in section.items()} | changes
    draft, _ = save(Draft(), terms.questions.values(), typed, "RUB", "ru")
    files = {
        code: [{"id": 1, "name": "x.pdf", "size": 3, "sha256": "0", "type": "application/pdf"}]
        for code in ("tax_certificate", "register_extract")
    }
    return Draft({**draft.values, **files}, draft.raw)


def test_a_complete_form_has_no_fault_and_adds_up(terms: Terms) -> None:
    draft = full(terms)
    assert all_faults(terms, draft, TODAY) == []
    sums = Sums.of(terms, draft)
    assert (sums.total, sums.own, sums.asked) == (26_827_250, 4_525_000, 22_302_250)
    assert sums.own_percent == Decimal("16.9")
    assert {state.state for state in sections(terms, draft, TODAY)} == {"ok"}


def test_an_empty_form_names_each_needed_answer_once(terms: Terms) -> None:
    faults = all_faults(terms, Draft(), TODAY)
    assert {fault.kind for fault in faults} == {"missing"}
    assert len({fault.question for fault in faults}) == len(faults)
    assert "inn" not in {fault.question for fault in faults}, "it hangs on an answer that is not there yet"
    assert [state.state for state in sections(terms, Draft(), TODAY)] == [""] * 8


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"inn": "123"}, "inn", "in figures"),
        ({"inn": "100100000135"}, "inn", "do not fit"),
        ({"registered_on": "32.13.2020"}, "registered_on", "no such day"),
        ({"registered_on": "1.1.2030"}, "registered_on", "not come yet"),
        ({"owner_share": "101"}, "owner_share", "100 or less"),
        ({"owner_share": "-5"}, "owner_share", "not below zero"),
        ({"owner_share": "half"}, "owner_share", "figures only"),
        ({"leaders": {"women": "0", "men": "0", "not_stated": ""}}, "leaders", "add up to 1"),
        ({"leaders": {"women": "two", "men": "", "not_stated": ""}}, "leaders", "figures only"),
        ({"title": "x" * 134}, "title", "120 characters: it has 134"),
        ({"needs": ["income", "children", "elders", "health", "food"]}, "needs", "at most 4"),
        ({"needs": []}, "needs", "at least one"),
        ({"legal_form": "monarchy"}, "legal_form", "Choose one"),
        ({"contact_phone": "call me"}, "contact_phone", "with its code"),
        ({"ends_on": "1.2.2022"}, "ends_on", "before the first"),
        ({"own_share": "9 999 999"}, "own_share", "more than the whole"),
        ({"own_share": "1.234.5"}, "own_share", "two ways"),
        ({"true_answers": ""}, "true_answers", "tick it"),
        ({"costs": []}, "costs", "at least one line"),
        ({"costs": [{"item": "", "quantity": "1", "price": "1", "unit": ""}]}, "costs", "what it is"),
        ({"costs": [{"item": "Loom", "quantity": "0", "price": "1", "unit": ""}]}, "costs", "above zero"),
        (
            {"costs": [{"item": "L", "quantity": "9999999", "price": "9999999999", "unit": ""}]},
            "costs",
            "too large",
        ),
    ],
)
def test_each_slip_is_told_where_it_is_with_what_to_write(
    terms: Terms, changes: dict[str, Any], where: str, words: str
) -> None:
    found = [fault for fault in all_faults(terms, full(terms, **changes), TODAY) if fault.question == where]
    assert found and words in " ".join(str(fault.sentence) for fault in found)


def test_limits_are_silent_while_writing_and_exact_when_sent(terms: Terms) -> None:
    questions = terms.questions.values()
    _, told = save(Draft(), questions, {"title": "x" * 500, "needs": list(terms.questions["needs"].values)}, "RUB")
    assert told == []
    states = {s.section.code: s.state for s in sections(terms, full(terms, title="x" * 500), TODAY)}
    assert states["project"] == "go"


def test_a_line_that_is_not_understood_is_kept_and_not_counted(terms: Terms) -> None:
    lines = [
        {"item": "Loom", "unit": "", "quantity": "2", "price": "64 000"},
        {"item": "Rent", "unit": "month", "quantity": "6", "price": "14 000 r"},
        {"item": "Trips", "unit": "", "quantity": "", "price": "6200"},
    ]
    draft = full(terms, costs=lines)
    sums = Sums.of(terms, draft)
    assert (sums.total, sums.waiting, sums.lines) == (12_800_000, 2, (12_800_000, None, None))
    assert [line["price"] for line in draft.raw["costs"]] == ["64000", "14 000 r", "6200"]
    assert {f.part for f in all_faults(terms, draft, TODAY)} == {"1-price", "2-quantity"}


def test_the_other_answer_of_a_fork_is_not_asked_and_not_sent(terms: Terms) -> None:
    draft = full(terms, registered="no", sponsor="Warm Hands", sponsor_inn="100100000134")
    answers = final(terms, draft)
    assert "sponsor" in answers and not {"inn", "registered_on", "register_extract"} & answers.keys()


def test_the_seal_is_the_same_however_the_answers_are_ordered(terms: Terms) -> None:
    answers = final(terms, full(terms))
    assert sealed(answers) == sealed(dict(reversed(list(answers.items()))))
    assert sealed(answers)[1] != sealed(answers | {"title": "Felt and linen workshop."})[1]


def test_what_changed_and_the_key_facts_are_told(terms: Terms) -> None:
    with clock.at(OPEN_DAY):
        before, after = final(terms, full(terms)), final(terms, full(terms, own_share="50 000"))
    assert changed(terms.questions.values(), before, after) == ["own_share"]
    assert facts(terms, after)["asked"] == 21_827_250 and facts(terms, after)["files"] == 2


def test_two_answers_that_cannot_both_be_true_are_named(terms: Terms) -> None:
    assert [f.question for f in across(terms, full(terms, ends_on="1.2.2022"))] == ["ends_on"]


def test_half_a_kopeck_is_rounded_up_as_on_a_till() -> None:
    assert budget.line_sum(Decimal("0.5"), 1) == 1 and budget.line_sum(Decimal("1.5"), 33) == 50


money = st.integers(0, 10**12)
TEXTS = st.text(max_size=60)
LINES = st.lists(st.fixed_dictionaries(dict.fromkeys(budget.COLUMNS, TEXTS)), max_size=5)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_value_reads_back_from_what_the_form_is_filled_with(app: Flask, language: str) -> None:
    @given(
        minor=money,
        places=st.decimals(0, 10**6, places=3),
        day=st.dates(date(1900, 1, 1), date(2100, 12, 31)),
    )
    def holds(minor: int, places: Decimal, day: date) -> None:
        with force_locale(language):
            for asked, value in (
                (question("money"), minor),
                (question("number", decimals=4), format(places.normalize(), "f") if places else "0"),
                (question("date"), day.isoformat()),
            ):
                assert read(asked, to_type(asked, value, "RUB"), "RUB").value == value

    holds()


@given(typed=TEXTS, kind=st.sampled_from(["text", "number", "money", "date", "long_text"]))
def test_nothing_typed_is_lost_whatever_it_is(typed: str, kind: str) -> None:
    from grantflow.rendering import clean_text

    asked = question(kind, **({"about": 100} if kind == "long_text" else {}))
    draft, faults = save(Draft(), [asked], {"q": typed}, "RUB", "en")
    assert clean_text(typed) == "" or draft.written("q")
    assert ("q" in draft.raw) == any(f.kind == "unreadable" for f in faults)
    again, _ = save(draft, [asked], {"q": draft.shown(asked, "RUB")}, "RUB", "en")
    assert again == draft, "saving what the page shows changes nothing"


@given(lines=LINES)
def test_a_budget_keeps_every_line_that_holds_anything(lines: list[dict[str, str]]) -> None:
    from grantflow.rendering import clean_text

    sheet = budget.read(lines, "RUB", 40, "en")
    written = [line for line in lines if any(clean_text(text) for text in line.values())]
    assert len(sheet.sums) == len(sheet.typed) == len(written)
    assert sheet.total == budget.total(sheet.values) and sheet.waiting + len(sheet.values) == len(written)


@given(women=st.integers(0, 500), men=st.integers(0, 500))
def test_people_are_never_counted_without_their_split(women: int, men: int) -> None:
    found = read(question("counter"), {"women": str(women), "men": str(men), "not_stated": ""}, "RUB", "en")
    assert found.value == {"women": women, "men": men, "not_stated": 0}
