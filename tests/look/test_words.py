"""Money, numbers, dates and hours as a reader of either language sees them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from grantflow import clock, rendering
from grantflow.money import Money

Reading = Callable[[str], AbstractContextManager[None]]
CLOSES = datetime(2021, 11, 1, 20, 59, tzinfo=UTC)


def test_money_is_written_in_the_way_of_each_language(reading: Reading) -> None:
    with reading("en"):
        assert rendering.money(Money(33_180_000, "RUB")) == "RUB 331,800.00"
        assert rendering.money(33_180_000, "RUB") == "RUB 331,800.00"
        assert rendering.money(Money(-5, "EUR")) == "EUR −0.05"
    with reading("ru"):
        assert rendering.money(Money(33_180_000, "RUB")) == "331\u00a0800,00\u00a0₽"
        assert rendering.money(Money(100, "EUR"), bare=True) == "1,00"


def test_blank_money_is_blank_and_none_of_it_is_zero(reading: Reading) -> None:
    with reading("en"):
        assert rendering.money(None) == ""
        assert rendering.money(Money(0, "RUB")) == "RUB 0.00"
        assert rendering.number(None) == "" and rendering.number(0) == "0"
    with pytest.raises(TypeError):
        rendering.money(5)


def test_numbers_keep_every_digit_and_take_the_marks_of_the_language(reading: Reading) -> None:
    exact = Decimal("12345678901234.1234567")
    with reading("en"):
        assert rendering.number(exact) == "12,345,678,901,234.1234567"
        assert rendering.number(7, 1) == "7.0"
        assert rendering.percent(12) == "12\u00a0%"
    with reading("ru"):
        assert rendering.number(Decimal("1234.5"), 2) == "1\u00a0234,50"


def test_dates_are_written_out_in_text_and_short_in_tables(reading: Reading) -> None:
    first = date(2021, 11, 1)
    with reading("en"):
        assert rendering.day(first) == "1 November 2021"
        assert rendering.day(first, "short") == "1 Nov 2021"
        assert rendering.day(first, "full") == "Monday 1 November 2021"
        assert rendering.day(None) == ""
    with reading("ru"):
        assert rendering.day(first) == "1 ноября 2021\u00a0г."
        assert rendering.day(first, "full").startswith("понедельник, 1 ноября 2021")
        assert rendering.day(first, "full").endswith("2021\u00a0г.")
        assert rendering.day(first, "short") == "1 нояб. 2021"


def test_an_hour_is_said_with_its_zone_and_falls_on_the_zones_own_day(reading: Reading) -> None:
    with reading("en"):
        assert rendering.moment(CLOSES) == "1 November 2021, 23:59, Petrozavodsk and Moscow time"
        assert rendering.moment(CLOSES, "Asia/Chita") == "2 November 2021, 05:59, Chita time"
        both = rendering.two_zones(CLOSES, "Europe/Moscow", "Asia/Chita")
        assert both.startswith("Monday 1 November 2021, 23:59,") and "(Tuesday 2 November 2021, 05:59, Chita" in both
        assert rendering.two_zones(CLOSES, "Europe/Moscow", "Europe/Moscow").count("2021") == 1
        assert rendering.zone_words("Asia/Chita") == "Chita time, UTC+9"
        assert rendering.zone_words("UTC").startswith("UTC")
        assert "Tbilisi" in rendering.zone_words("Asia/Tbilisi")
        assert rendering.zone_words("Asia/Kolkata").endswith("UTC+5:30")


def test_days_left_count_calendar_days_of_the_zone_and_an_hour_is_late_when_it_is_past(
    reading: Reading,
) -> None:
    with reading("en"), clock.at(CLOSES - timedelta(hours=26)):
        left = rendering.days_left(CLOSES)
        assert left is not None and (left.days, left.late) == (1, False) and str(left) == "1 day left"
        assert str(rendering.days_left(date(2021, 10, 28))) == "3 days late"
        assert rendering.days_left(None) is None
    with reading("en"), clock.at(CLOSES - timedelta(minutes=1)):
        assert str(rendering.days_left(CLOSES)) == "today"
    with reading("en"), clock.at(CLOSES + timedelta(seconds=1)):
        left = rendering.days_left(CLOSES)
        assert left is not None and left.late and "late" in str(left)


def test_files_are_measured_in_the_units_of_the_language(reading: Reading) -> None:
    with reading("en"):
        assert [rendering.file_size(n) for n in (0, 999, 184_300, 1_240_000, 10_000_000)] == [
            "0 bytes", "999 bytes", "184 kB", "1.2 MB", "10 MB"]  # fmt: skip
    with reading("ru"):
        assert rendering.file_size(184_300) == "184 кБ"


def test_a_name_in_two_languages_is_said_in_the_readers(reading: Reading, gallery: object) -> None:
    with reading("ru"):
        assert rendering.label({"en": "Draft", "ru": "Черновик"}) == "Черновик"
        assert rendering.label(None) == "" and rendering.label("x") == "x"
        assert rendering.label(Decimal("75.0")) == "75,0"
        assert rendering.label(Money(100, "RUB")) == "1,00\u00a0₽"
        assert rendering.label(date(2021, 11, 1)) == "1 ноября 2021\u00a0г."
    assert rendering.language() == "en"


def test_a_fingerprint_is_read_in_fours() -> None:
    assert rendering.fours("7d1f03ac95e2") == "7d1f 03ac 95e2"
    assert rendering.fours(None) == ""
