"""Days off: what the clocks of working days do not count, and lists that are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from grantflow.programmes.days_off import DaysOff, working_days_after
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.terms import Terms
from grantflow.programmes.versions import differences

SOURCE = {
    "document": {"en": "Code", "ru": "Кодекс"}, "article": {"en": "1", "ru": "1"}, "date": "2012-04-23",
}  # fmt: skip


def listed(**days: Any) -> DaysOff:
    return DaysOff.model_validate({"label": {"en": "Off", "ru": "Отдых"}, "source": SOURCE} | days)


@pytest.mark.parametrize(
    ("start", "days", "lists", "last"),
    [
        ("2021-10-22T12:00", 5, [], "2021-10-29"),
        ("2021-10-22T20:59", 1, [], "2021-10-25"),
        ("2021-10-22T21:00", 1, [], "2021-10-25"),  # it is Saturday already in Moscow
        ("2021-12-30T12:00", 1, [{"every_year": ["01-01", "01-02", "01-03", "01-04"]}], "2021-12-31"),
        ("2021-12-31T12:00", 1, [{"every_year": ["01-01", "01-02", "01-03", "01-04"]}], "2022-01-05"),
        ("2021-12-30T12:00", 1, [{"days": ["2021-12-31"]}, {"every_year": ["01-03"]}], "2022-01-04"),
    ],
)
def test_neither_the_weekend_nor_a_day_off_is_counted(
    start: str, days: int, lists: list[dict[str, Any]], last: str
) -> None:
    found = working_days_after(
        datetime.fromisoformat(start).replace(tzinfo=UTC), days, "Europe/Moscow", [listed(**one) for one in lists]
    )
    assert found.astimezone(UTC) == datetime.fromisoformat(f"{last}T20:59:59+00:00")


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ({}, "names days, each once"),
        ({"every_year": ["01-01", "01-01"]}, "names days, each once"),
        ({"every_year": ["02-30"]}, '"02-30" is no day of a year'),
        ({"every_year": ["1 January"]}, "should match pattern"),
        ({"days": ["2021-02-30"]}, "valid date"),
        ({"days": ["2021-12-31"], "source": None}, "Source"),
    ],
)
def test_a_list_without_days_or_source_or_with_impossible_ones_is_none(days: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        listed(**days)


def test_the_days_off_of_a_call_are_part_of_its_terms_and_change_them_in_words(prozvet: ProgrammePack) -> None:
    terms = prozvet.call("KR-2021").terms
    without = terms.model_copy(update={"days_off": ()})
    assert without.content_hash != terms.content_hash and "days_off" not in without.content
    assert Terms.from_content(terms.content).days_off == terms.days_off
    ((code, label),) = differences(without, terms)["other_terms"]
    assert (code, label.ru) == ("days_off", "Нерабочие дни")
