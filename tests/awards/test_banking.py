"""Accounts as people copy them, and their check digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantflow.awards.banking import read_account, read_bank_code, russian_account, russian_account_fits
from grantflow.rendering import Unreadable
from tests.awards.scene import ACCOUNT, BIK


def test_an_account_is_read_with_its_blanks() -> None:
    assert read_account(" 4070 2810 5000 0001 2345 ".replace(" ", "\u00a0")) == "40702810500000012345"


@pytest.mark.parametrize("typed", ["", " ", None, "123", "4" * 21, "GB00BARC20201530093459", "=1+1", "счёт 12"])
def test_what_is_no_account_is_refused_in_a_sentence(app: object, typed: str | None) -> None:
    with pytest.raises(Unreadable) as told:
        read_account(typed)
    assert str(told.value).endswith(".")


@pytest.mark.parametrize("code", ["", "1", "148602001", "04860200x"])
def test_a_russian_account_needs_a_bik_of_nine_digits(app: object, code: str) -> None:
    with pytest.raises(Unreadable, match="9 digits"):
        read_bank_code(code, ACCOUNT)


def test_an_iban_needs_no_bik() -> None:
    assert read_bank_code("whatever", "FI2112345600000785") == ""


@given(st.text("0123456789", min_size=8, max_size=8), st.text("0123456789", min_size=11, max_size=11), st.data())
def test_a_check_digit_finds_every_single_wrong_digit(start: str, end: str, data: st.DataObject) -> None:
    account = russian_account(start, end, BIK)
    place = data.draw(st.integers(0, 19))
    wrong = str((int(account[place]) + data.draw(st.integers(1, 9))) % 10)
    assert not russian_account_fits(account[:place] + wrong + account[place + 1 :], BIK)
