"""The numbers by which registers know a body, each read by the rule of its country; where no rule is known, a length.

Pure: it reads what was typed and says what is wrong with it. Whether a number is taken, `organisations` asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from stdnum.dk import cvr
from stdnum.ee import registrikood
from stdnum.exceptions import ValidationError
from stdnum.fi import ytunnus
from stdnum.it import codicefiscale
from stdnum.lv import pvn
from stdnum.no import orgnr as norwegian
from stdnum.pl import nip
from stdnum.ru import inn as russian
from stdnum.ru import ogrn
from stdnum.se import orgnr as swedish

NATURAL = ("ip", "self_employed")
"""Legal forms whose name and number are a person's: their changes enter the chain as digests."""
LONGEST = 20
_KPP = re.compile(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}")
_FIRST, _SECOND = tuple(range(1, 12)), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)


def digits(text: str) -> bool:
    """Whether it consists of the figures 0 to 9 alone, those of no other script."""
    return text.isascii() and text.isdigit()


def bare(text: str | None) -> str:
    """A number as it is kept and compared: without blanks, dashes, dots and slashes, in capitals."""
    return re.sub(r"[\s.\-/\u2010-\u2015]", "", text or "").upper()


def kazakh(number: str) -> bool:
    """Whether the check digit of a BIN or IIN fits: 12 digits, a month in the third and fourth.

    The sum of the first eleven by the weights 1 to 11, modulo 11; where that gives 10, once more by 3 to 11, 1, 2; a
    number that gives 10 again is never allotted. Source: the tax identification numbers of Kazakhstan as told to the
    OECD, and Decree No. 565 of the Government of the Republic, 11 June 2003.
    """
    if not digits(number) or len(number) != 12 or not 1 <= int(number[2:4]) <= 12:
        return False
    for weights in (_FIRST, _SECOND):
        rest = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False)) % 11
        if rest < 10:
            return rest == int(number[-1])
    return False


def _length(*lengths: int) -> Callable[[str], bool]:
    """Digits alone, so many: a rule for countries whose check digit is not made public."""
    return lambda number: digits(number) and len(number) in lengths


def _by(module: Any) -> Callable[[str], bool]:
    def fits(number: str) -> bool:
        try:
            module.validate(number)
        except ValidationError:
            return False
        return True

    return fits


@dataclass(frozen=True)
class Rule:
    """What a country's number is called, whether one fits, and what to write where it does not."""

    name: str
    fits: Callable[[str], bool]
    told: Any


RULES = {
    "FI": Rule(
        "Y-tunnus", _by(ytunnus), _("A Y-tunnus has 8 digits, the last one a check digit, for example 2077474-0.")
    ),
    "SE": Rule(
        "organisationsnummer", _by(swedish), _("An organisationsnummer has 10 digits, for example 123456-7897.")
    ),
    "NO": Rule(
        "organisasjonsnummer", _by(norwegian), _("An organisasjonsnummer has 9 digits, the last a check digit.")
    ),
    "DK": Rule("CVR", _by(cvr), _("A CVR number has 8 digits that fit each other.")),
    "EE": Rule("registrikood", _by(registrikood), _("A registrikood has 8 digits, the last one a check digit.")),
    "LV": Rule("reģistrācijas numurs", _by(pvn), _("A Latvian register number has 11 digits that fit each other.")),
    "PL": Rule("NIP", _by(nip), _("A NIP has 10 digits, the last one a check digit.")),
    "IT": Rule(
        "codice fiscale", _by(codicefiscale), _("A codice fiscale of a body has 11 digits, of a person 16 characters.")
    ),
    "KZ": Rule("BIN", kazakh, _("A BIN, or the IIN of a person, has 12 digits, the last one a check digit.")),
    "KG": Rule("INN", _length(14), _("An INN of Kyrgyzstan has 14 digits.")),
    "TJ": Rule("INN", _length(9), _("An INN of Tajikistan has 9 digits.")),
    "UZ": Rule("STIR", _length(9, 14), _("A STIR has 9 digits; a person’s PINFL has 14.")),
}
"""Each country's rule. FI, SE, NO, DK, EE, LV, PL, IT: python-stdnum, which names the registers. KZ: see `kazakh`.
KG: the State Tax Service allots 14 digits; TJ: the Tax Committee 9 (org-id.guide, list TJ-TIN); UZ: the State Tax
Committee 9, and persons are known by their PINFL of 14. Of these three no check digit is published, so the length
alone decides. Other countries: letters and digits up to a length."""


def inn_fault(text: str, country: str = "RU", legal_form: str = "other", *, copied: bool = False) -> Any:
    """What is wrong with a tax number, as a sentence; None where nothing is. Russian ones: 10 digits, of a person 12,
    with their check digits (python-stdnum, after the Federal Tax Service's order). `copied`: it stands so in somebody's
    register abroad, whose rule may be older than ours, and nobody here can correct it; only its length is looked at.
    """
    if country in RULES and not copied:
        return None if RULES[country].fits(text) else RULES[country].told
    if country != "RU":
        fits = len(text) <= LONGEST and text.isalnum()
        return None if fits else _("Write at most %(count)s letters and digits.", count=LONGEST)
    if not digits(text) or len(text) not in (10, 12):
        return _("An INN has 10 digits, that of a person 12. This one has %(count)s characters.", count=len(text))
    if legal_form in NATURAL and len(text) != 12:
        return _("The INN of a sole trader or self-employed person has 12 digits.")
    if not _by(russian)(text):
        return _("The last digits do not fit the others. Compare the INN with the certificate.")
    return None


def ogrn_fault(text: str, country: str = "RU") -> Any:
    """What is wrong with a number of the register of bodies; None where nothing is. Russian ones: 13 or 15 digits."""
    if country == "RU" and not _by(ogrn)(text):
        return _("The last digit does not fit the others. Write the 13 or 15 digits of the certificate.")
    return _("Write at most 15 characters.") if len(text) > 15 else None


def kpp_fault(text: str, country: str = "RU", legal_form: str = "other") -> Any:
    """What is wrong with a KPP; None where nothing is. Nine characters, the fifth and sixth may be Latin capitals; only
    Russian bodies have one, never a person (order of the Federal Tax Service of 29 June 2012, No. ММВ-7-6/435@).
    """
    if country != "RU" or legal_form in (*NATURAL, "initiative_group"):
        return _("Only registered Russian bodies have a KPP. Leave it empty.")
    if not _KPP.fullmatch(text):
        return _("A KPP has 9 characters, for example 100101001.")
    return None
