"""Registration numbers by the rule of their country: what fits, and what does not, each with its sentence."""

import pytest
from flask import Flask

from grantflow.identity.numbers import bare, inn_fault, kazakh, kpp_fault, ogrn_fault


@pytest.mark.parametrize(
    ("country", "right", "wrong"),
    [
        ("FI", "2077474-0", "2077474-1"),
        ("SE", "123456-7897", "123456-7891"),
        ("NO", "988 077 917", "988 077 918"),
        ("DK", "13585628", "13585627"),
        ("EE", "12345678", "12345679"),
        ("LV", "40003521600", "40003521601"),
        ("PL", "8567346215", "8567346216"),
        ("IT", "00743110157", "00743110158"),
        ("KZ", "060640001713", "060640001714"),
        ("KG", "01234567890123", "0123456789012"),
        ("TJ", "020025789", "02002578"),
        ("UZ", "201234567", "20123456"),
        ("DE", "HRB12345", "HRB/12345/TOO-LONG-FOR-A-NUMBER"),
    ],
)
def test_a_number_is_checked_by_the_rule_of_its_country(app: Flask, country: str, right: str, wrong: str) -> None:
    assert inn_fault(bare(right), country) is None
    said = inn_fault(bare(wrong), country)
    with app.test_request_context():
        assert str(said).endswith(".")


@pytest.mark.parametrize("number", ["061340001715", "06064000171", "0606400017181", "٠٦٠٦٤٠٠٠١٧١٨", "abcdefghijkl"])
def test_a_bin_has_a_month_twelve_figures_and_its_check_digit(number: str) -> None:
    assert not kazakh(number)


def test_a_bin_whose_first_sum_gives_ten_is_summed_by_the_second_weights() -> None:
    found = [
        number
        for serial in range(200)
        for digit in range(10)
        if kazakh(number := f"0606400{serial:04}{digit}")
        and sum(int(d) * w for d, w in zip(number, range(1, 12), strict=False)) % 11 == 10
    ]
    assert found


@pytest.mark.parametrize(
    ("kpp", "country", "form", "wrong"),
    [
        ("100101001", "RU", "ano", False),
        ("7707AB001", "RU", "ooo", False),
        ("7707ab001", "RU", "ooo", True),
        ("10010100", "RU", "ano", True),
        ("100101001", "RU", "ip", True),
        ("100101001", "RU", "initiative_group", True),
        ("100101001", "NO", "other", True),
    ],
)
def test_a_kpp_is_for_registered_russian_bodies_alone(kpp: str, country: str, form: str, wrong: bool) -> None:
    assert bool(kpp_fault(kpp, country, form)) is wrong


def test_an_ogrn_has_thirteen_or_fifteen_figures_that_fit(app: Flask) -> None:
    assert ogrn_fault("1022600000092") is None and ogrn_fault("1022600000093")
    assert ogrn_fault("CHE-123456789", "CH") is None and ogrn_fault("1" * 16, "CH")
