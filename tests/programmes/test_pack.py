"""A pack is read whole or not at all, and every fault of it is told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantflow.engine.faults import DefinitionFaults
from grantflow.programmes import pack as packs
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.parts import add_period, number_of
from grantflow.programmes.questions import asked, gaps
from grantflow.programmes.terms import Terms, Threshold


def faults_after(text: str, *changes: tuple[str, str]) -> list[str]:
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    with pytest.raises(DefinitionFaults) as caught:
        packs.from_text(text, "prozvet.toml")
    return [str(fault) for fault in caught.value.faults]


def test_the_programme_has_two_regions_and_the_seven_districts_of_its_objective(
    prozvet: ProgrammePack,
) -> None:
    regions = [p for p in prozvet.places if p.kind == "region" and p.code in ("RU-KR", "RU-ZAB")]
    assert len(regions) == 2
    assert len(prozvet.districts) == 7


def test_a_comma_decimal_of_the_statistics_is_read_exactly(prozvet: ProgrammePack) -> None:
    values = {row.code: row.value for row in prozvet.statistics}
    assert values["poverty_karelia"] == Decimal("17.3")
    assert values["poverty_zabaikal"] == Decimal("21.2")
    assert values["poverty_russia"] == Decimal("14.3")


def test_the_contest_moves_from_the_four_districts_of_the_objective_to_its_own_five(
    prozvet: ProgrammePack,
) -> None:
    call = prozvet.call("KR-2021")
    assert set(call.districts) <= set(prozvet.districts)
    assert set(call.amendments[0].districts) == {
        "medvezhegorsky", "suoyarvsky", "pitkyarantsky", "pryazhinsky", "sortavalsky",
    }  # fmt: skip


def test_a_deadline_of_one_minute_to_midnight_lasts_until_midnight(prozvet: ProgrammePack) -> None:
    call = prozvet.call("KR-2021")
    assert call.closes_at < datetime(2021, 11, 1, 21, 0, tzinfo=UTC)
    assert call.closes_at > datetime(2021, 11, 1, 20, 59, 59, tzinfo=UTC)


def test_the_zabaikal_call_keeps_the_codes_and_terms_it_was_copied_from(prozvet: ProgrammePack) -> None:
    assert prozvet.call("ZB-2022").terms.content_hash == prozvet.call("KR-2021").terms.content_hash
    assert prozvet.call("ZB-2022").zone == "Asia/Chita"


def test_terms_read_back_from_their_content_are_the_same_version(prozvet: ProgrammePack) -> None:
    terms = prozvet.call("KR-2021").terms
    assert Terms.from_content(terms.content) == terms
    assert Terms.from_content(terms.content).content_hash == terms.content_hash


def test_another_word_in_a_question_is_another_version(text: str, prozvet: ProgrammePack) -> None:
    other = packs.from_text(text.replace("Какое это предприятие?", "Какое у вас предприятие?"), "x.toml")
    assert other.call("KR-2021").terms.content_hash != prozvet.call("KR-2021").terms.content_hash


def test_a_call_moved_by_whole_days_keeps_its_hours_on_the_wall(prozvet: ProgrammePack) -> None:
    call = prozvet.shifted({"KR-2021": 100}).call("KR-2021")
    assert (call.opens.hour, call.closes.hour, call.closes.minute) == (9, 23, 59)
    assert (call.results - prozvet.call("KR-2021").results).days == 100
    assert call.terms == prozvet.call("KR-2021").terms


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("weight = 20", "weight = 15"), "The weights add up to 95, not to 100"),
        (("percent = 40", "percent = 30"), "The parts add up to 90 %"),
        (
            ('condition = "report_accepted:interim"', 'condition = "report_accepted:middle"'),
            "names no report",
        ),
        (
            ('districts = ["pitkyarantsky", "suoyarvsky"', 'districts = ["pitkyaranta", "suoyarvsky"'),
            "is not among",
        ),
        (
            (
                'districts = ["petrovsk-zabaikalsky", "khiloksky", "chita"]\nbudget',
                'districts = ["olonetsky"]\nbudget',
            ),
            "does not lie in the alliance's region",
        ),
        (("closes = 2021-11-01T23:59:00", "closes = 2021-09-01T23:59:00"), "closes before it opens"),
        (("results = 2022-02-10", "results = 2021-10-10"), "results come before"),
        (('min_ask = "150000"', 'min_ask = "600000"'), "smallest grant is larger"),
        (('question = "registered_on"', 'question = "registered_in"'), 'did you mean "registered_on"?'),
        (('question = "registered_on"\nyears', 'question = "district"\nyears'), "which is of kind district"),
        (('budget = "costs"', 'budget = "own_share"'), "of kind money, not budget"),
        (('strategy = "karelia_2021"', 'strategy = "karelia_2020"'), "has endorsed no strategy"),
        (('terms_of = "KR-2021"', 'terms_of = "KR-2020"'), "a call without terms of its own"),
        (('label = { en = "Legal form", ru = "Правовая форма" }', 'label = { en = "Legal form" }'), "ru"),
        (("max_length = 12", "max_lenght = 12"), "Extra inputs"),
        (('zone = "Asia/Chita"', 'zone = "Asia/Chitta"'), "is no time zone"),
        (('values = ["yes"]', 'values = ["maybe"]'), "cannot be answered with: maybe"),
        (("min = 0\nmax = 10\nstep = 1", "min = 0\nmax = 10\nstep = 3"), "whole steps"),
        (("at_least = { cso = 1", "at_least = { cso = 9"), "seats are fewer"),
        (("counters = { cso = 24", "counters = { cso = 2"), "than its counter says"),
        (("people = true", "people = true # planted\n[planted"), "This is not TOML"),
        (('code = "registered"', 'code = "legal_form"'), "stands here 2 times"),
        (("value = 65", 'value = "sixty"'), "is no number"),
    ],
)
def test_a_planted_fault_is_named_in_its_place(text: str, change: tuple[str, str], said: str) -> None:
    found = faults_after(text, change)
    assert any(said in fault and fault.startswith("prozvet.toml: ") for fault in found), found


def test_all_faults_are_told_at_once_and_tables_are_named_by_their_codes(text: str) -> None:
    found = faults_after(
        text,
        ("weight = 20", "weight = 15"),
        ("percent = 40", "percent = 30"),
        ("results = 2022-02-10", "results = 2021-10-10"),
    )
    assert len([fault for fault in found if "calls.KR-2021." in fault]) == 3


def test_a_question_of_a_wrong_shape_is_named_by_section_and_code(text: str) -> None:
    found = faults_after(text, ('code = "own_share"\nkind = "money"', 'code = "own_share"\nkind = "money"\nabout = 90'))
    assert any("terms.form.budget.questions.own_share" in fault and "has no about" in fault for fault in found)


def test_a_missing_file_is_one_fault(tmp_path: object) -> None:
    from pathlib import Path

    with pytest.raises(DefinitionFaults) as caught:
        packs.read(Path(str(tmp_path)) / "nowhere.toml")
    assert len(caught.value.faults) == 1


def test_a_question_that_hangs_on_one_not_asked_is_not_asked(prozvet: ProgrammePack) -> None:
    terms = prozvet.call("KR-2021").terms
    codes = [q.code for q in asked(terms.questions.values(), {"registered": False, "legal_form": "initiative_group"})]
    assert "sponsor" in codes
    assert "inn" not in codes
    assert "inn" in [q.code for q in asked(terms.questions.values(), {"registered": True})]


def test_an_answer_of_no_and_of_nought_are_answers_and_an_unticked_declaration_is_a_gap(
    prozvet: ProgrammePack,
) -> None:
    terms = prozvet.call("KR-2021").terms
    answers = {"registered": False, "own_share": 0, "true_answers": False, "returned_late": False}
    codes = {q.code for q in gaps(terms.questions.values(), answers)}
    assert not {"registered", "own_share", "returned_late"} & codes
    assert "true_answers" in codes


def test_more_than_half_of_leadership_three_of_five_passes_and_two_of_four_fails() -> None:
    rule = Threshold(operator=">", percent=Decimal(50))
    assert rule.holds(3, 5)
    assert not rule.holds(2, 4)
    assert not rule.holds(0, 0)


def test_the_last_of_january_and_a_month_is_the_last_of_february() -> None:
    assert add_period(date(2022, 1, 31), "P1M") == date(2022, 2, 28)
    assert add_period(date(2024, 1, 31), "P1M") == date(2024, 2, 29)
    assert add_period(date(2021, 12, 31), "P2M1W3D") == date(2022, 3, 10)


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.integers(0, 60), st.integers(0, 400))
def test_a_period_never_leads_backwards_and_days_come_after_months(day: date, months: int, days: int) -> None:
    later = add_period(day, f"P{months}M{days}D")
    assert later >= day
    assert (later - add_period(day, f"P{months}M")).days == days


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9))
def test_a_number_is_read_the_same_with_comma_point_and_blanks(value: Decimal) -> None:
    plain = f"{value:f}"
    assert number_of(plain) == number_of(plain.replace(".", ",")) == number_of(f" {plain}\u00a0")
