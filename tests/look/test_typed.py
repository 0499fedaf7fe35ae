"""What a person types is read one way or refused with a sentence."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantflow.money import Money
from grantflow.typed import Unreadable, clean_text, parse_date, parse_decimal, parse_money


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("17,3", "17.3"),
        ("17.3", "17.3"),
        (" 17,30\u00a0", "17.30"),
        ("1 234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1\u2009234.50", "1234.50"),
        ("1\u202f234\u202f567", "1234567"),
        ("1,234,567", "1234567"),
        ("0,5", "0.5"),
        ("007", "7"),
        ("0", "0"),
    ],
)
def test_numbers_are_read_as_people_write_them_in_either_language(typed: str, value: str, lang: str) -> None:
    assert parse_decimal(typed, places=2, lang=lang) == Decimal(value)


def test_a_comma_before_three_digits_is_a_thousand_in_english_and_refused_in_russian() -> None:
    assert parse_decimal("64,000", places=2, lang="en") == 64000
    for lang, typed in (("ru", "64,000"), ("ru", "64.000"), ("en", "64.000"), ("", "64,000")):
        with pytest.raises(Unreadable, match="two ways"):
            parse_decimal(typed, places=2, lang=lang)
    assert parse_decimal("1,234", places=3, lang="ru") == Decimal("1.234")


@pytest.mark.parametrize(
    "typed",
    ["", "  ", None, "x", "1e5", "NaN", "inf", "-", "--5", "12 34", "1,2,3", "1,234,56", "5,", ".", "1_000", "１２", "٣",
     "5\x00", "5\n6", "0x10", "1 000 r", "+5", "½", "9" * 30, "0,500", "1,234.567"],
)  # fmt: skip
def test_what_is_no_number_is_refused_with_a_sentence_that_says_what_to_write(typed: str | None) -> None:
    with pytest.raises(Unreadable) as told:
        parse_decimal(typed, places=2, lang="en")
    assert isinstance(told.value, ValueError)
    assert "rite" in str(told.value)


def test_a_number_below_zero_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(Unreadable, match="below zero"):
        parse_decimal("-5")
    assert parse_decimal("−5,5", allow_negative=True) == Decimal("-5.5")
    assert str(parse_decimal("-0", allow_negative=True)) == "0"


def test_decimals_beyond_those_allowed_are_refused() -> None:
    with pytest.raises(Unreadable, match="whole number"):
        parse_decimal("1.5", places=0)
    with pytest.raises(Unreadable, match="at most 1"):
        parse_decimal("1.55", places=1)


@pytest.mark.parametrize(
    "typed",
    [
        "132000",
        "132 000,00",
        "132,000.00",
        "132 000,00 ₽",
        "RUB 132,000.00",
        "132\u202f000 руб.",
        "132000 р.",
    ],
)
def test_an_amount_reads_the_same_however_it_is_written(typed: str) -> None:
    assert parse_money(typed, "RUB", lang="en") == Money(13_200_000, "RUB")


@pytest.mark.parametrize(
    "typed", ["14 000 r", "$5", "5 €", "=1+1", "five", "-1", "99999999999999999", "10,505", "1.005"]
)
def test_another_currency_letters_or_kopecks_of_kopecks_are_no_amount(typed: str) -> None:
    with pytest.raises(Unreadable):
        parse_money(typed, "RUB", lang="ru")


@given(
    st.integers(min_value=0, max_value=10**14),
    st.sampled_from([" ", "\u00a0", "\u202f", ""]),
    st.sampled_from(".,"),
)
def test_every_amount_written_with_spaces_and_two_decimals_comes_back(minor: int, space: str, mark: str) -> None:
    whole, rest = divmod(minor, 100)
    written = f"{whole:,}".replace(",", space) + f"{mark}{rest:02}"
    for lang in ("en", "ru", ""):
        assert parse_money(written, "RUB", lang=lang).minor == minor


@given(st.text(max_size=30))
def test_no_text_at_all_breaks_the_readers(text: str) -> None:
    for read in (parse_decimal, parse_date, lambda t: parse_money(t, "EUR")):
        try:
            read(text)
        except Unreadable as told:
            assert str(told)
    assert clean_text(clean_text(text)) == clean_text(text)


@pytest.mark.parametrize(
    "typed",
    ["2021-11-01", "01.11.2021", "1.11.2021", "1 November 2021", "1 Nov 2021", "1 ноября 2021 г.", "1 нояб. 2021",
     "1\u00a0ноября\u00a02021\u00a0г."],
)  # fmt: skip
def test_a_date_is_read_in_the_ways_people_write_it(typed: str) -> None:
    assert parse_date(typed) == date(2021, 11, 1)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1/11/2021",
        "31.02.2021",
        "1.11.21",
        "13.13.2021",
        "ноябрь",
        "1 Foo 2021",
        "1\n11\n2021",
        "١.١١.٢٠٢١",
    ],
)
def test_a_date_that_is_no_date_or_two_dates_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable):
        parse_date(typed)
    assert parse_date("13/11/2021") == date(2021, 11, 13)


def test_a_date_outside_its_limits_is_told_the_limits() -> None:
    with pytest.raises(Unreadable, match=r"01\.10\.2021 and 01\.11\.2021"):
        parse_date("2.11.2021", earliest=date(2021, 10, 1), latest=date(2021, 11, 1))


def test_text_is_stored_without_control_characters_and_in_one_form() -> None:
    assert clean_text("  a\x00b\u202ec\r\nd\x07\te\u0301 ") == "abc\nd\t\u00e9"
    assert clean_text(None) == ""


def test_of_all_characters_only_controls_halves_and_turners_are_taken_out() -> None:
    for start in range(0, 0x110000, 0x1000):
        letters = [chr(code) for code in range(start, start + 0x1000)]
        kept = {letter for letter in letters if clean_text(f"a{letter}b") != "ab"}
        gone = {letter for letter in letters if unicodedata.category(letter) in ("Cc", "Cs")} - {"\n", "\t", "\r"}
        assert kept == set(letters) - gone - set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
