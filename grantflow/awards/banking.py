"""Accounts a grant can be paid to: Russian accounts of 20 digits with the bank's BIK, and IBANs, each with
its check digits.

Pure: it reads what somebody typed and says what is wrong with it. Whose account it is, people must confirm.
"""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _
from stdnum import iban
from stdnum.exceptions import ValidationError

from grantflow.rendering import Unreadable, clean_text

_WEIGHTS = (7, 1, 3)
_BIK = re.compile(r"0\d{8}")


def russian_account_fits(account: str, bank_code: str) -> bool:
    """Whether the check digit of a 20-digit account agrees with the last three digits of its bank's BIK."""
    digits = bank_code[-3:] + account
    return sum(int(digit) * _WEIGHTS[place % 3] % 10 for place, digit in enumerate(digits)) % 10 == 0


def russian_account(start: str, end: str, bank_code: str) -> str:
    """An account of 8 digits, its check digit and 11 digits that fits a BIK: for examples and the demo."""
    for digit in "0123456789":
        account = f"{start}{digit}{end}"
        if len(account) == 20 and russian_account_fits(account, bank_code):
            return account
    raise ValueError("an account has 8 digits before its check digit and 11 after it")


def read_account(typed: str | None) -> str:
    """The account without blanks, in capitals. Raises Unreadable with a sentence that says what to write."""
    account = re.sub(r"[\s\u00a0\u202f-]", "", clean_text(typed)).upper()
    if not account:
        raise Unreadable(_("Write the account: 20 digits, or an IBAN."))
    if re.fullmatch(r"[0-9]+", account):
        if len(account) != 20:
            raise Unreadable(_("An account has 20 digits; here are %(num)s.", num=len(account)))
        return account
    try:
        return str(iban.validate(account))
    except ValidationError:
        raise Unreadable(
            _("This is neither an account of 20 digits nor an IBAN. Copy it from the bank’s own paper.")
        ) from None


def read_bank_code(typed: str | None, account: str | None) -> str:
    """The BIK that a Russian account needs; empty for an IBAN. Raises Unreadable where the two do not fit."""
    code = re.sub(r"\s", "", clean_text(typed))
    if account is None or not account.isdigit():
        return ""
    if not _BIK.fullmatch(code):
        raise Unreadable(_("Write the bank’s BIK: 9 digits, the first is 0."))
    if not russian_account_fits(account, code):
        raise Unreadable(
            _("Account and BIK do not fit each other: one digit is wrong. Compare both with the bank’s paper.")
        )
    return code
