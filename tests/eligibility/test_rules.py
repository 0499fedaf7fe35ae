"""Each rule of a call on answers that meet it, answers that miss it, and answers that are not there."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantflow.eligibility.finding import Facts, Known
from grantflow.eligibility.rules import judge, sentence
from grantflow.programmes.parts import Prose
from grantflow.programmes.terms import Terms, Threshold
from grantflow.submissions.answers import final
from tests.submissions.test_answers import full, terms

__all__ = ["terms"]
FACTS = Facts(frozenset({"suoyarvsky", "pitkyarantsky"}), date(2021, 11, 1), known=Known())


def found(terms: Terms, code: str, **changes: Any) -> tuple[str, str]:
    """The word of one rule, and its sentence."""
    answers = final(terms, full(terms, **changes))
    finding = next(f for f in judge(terms, answers, FACTS) if f.code == code)
    rule = next(r for r in terms.eligibility if r.code == code)
    places = {"suoyarvsky": Prose(en="Suoyarvi", ru="Суоярвский район")}
    return finding.verdict, sentence(rule, terms, finding.verdict, finding.params, places, "en")


def leaders(women: int, men: int, unknown: int = 0) -> dict[str, str]:
    return {"women": str(women), "men": str(men), "not_stated": str(unknown)}


def test_a_good_application_meets_every_rule_that_concerns_it(terms: Terms) -> None:
    words = {f.code: f.verdict for f in judge(terms, final(terms, full(terms)), FACTS)}
    assert words.pop("social") == "unknown" and set(words.values()) == {"ok"}


@pytest.mark.parametrize(
    ("code", "changes", "word", "says"),
    [
        ("district", {}, "ok", "Suoyarvi"),
        ("district", {"district": "olonetsky"}, "fail", "olonetsky"),
        ("district", {"district": ""}, "fail", "Not answered: “District where you work”"),
        ("legal_form", {"legal_form": "public_body"}, "fail", "State or municipal institution"),
        ("age", {"registered_on": "1.11.2018"}, "ok", "3 years old at most"),
        ("age", {"registered_on": "31.10.2018"}, "fail", "31 October 2018"),
        ("age", {"registered_on": "29.2.2020"}, "ok", "29 February 2020"),
        ("age", {"registered": "no", "registered_on": ""}, "unknown", "Not answered"),
        ("women", {"owner_share": "50", "leaders": leaders(0, 5)}, "ok", "Women own 50"),
        ("women", {"owner_share": "49,99", "leaders": leaders(0, 5)}, "fail", "49.99"),
        (
            "women",
            {"owner_share": "", "leaders": leaders(3, 1)},
            "ok",
            "3 of 4 leading posts are held by women",
        ),
        (
            "women",
            {"owner_share": "", "leaders": leaders(2, 2)},
            "fail",
            "2 of 4 leading posts are held by women; more than half",
        ),
        ("women", {"owner_share": "", "leaders": leaders(2, 1, 1)}, "fail", "2 of 4"),
        (
            "women",
            {"legal_form": "roo", "owner_share": "", "leaders": leaders(3, 1), "board": leaders(1, 2)},
            "fail",
            "1 of 3 seats",
        ),
        (
            "women",
            {"legal_form": "roo", "owner_share": "", "leaders": leaders(3, 1), "board": leaders(2, 1)},
            "ok",
            "2 of 3 seats",
        ),
        (
            "women",
            {"owner_share": "", "leaders": leaders(3, 1), "board": leaders(1, 2)},
            "ok",
            "leading posts",
        ),  # no board
        (
            "women",
            {"award_type": "social", "owner_share": "0", "leaders": leaders(0, 4)},
            "unknown",
            "does not concern",
        ),
        ("social", {"award_type": "social", "social_basis": "Meals for the old."}, "ok", "there"),
        ("social", {"award_type": "both", "social_basis": ""}, "fail", "What makes it social?"),
        ("asked", {"own_share": "118272,50"}, "ok", "RUB 150,000.00"),
        ("asked", {"own_share": "118272,51"}, "fail", "Asked: RUB 149,999.99"),
        ("own_share", {"own_share": "26827,25"}, "ok", "10"),
        ("own_share", {"own_share": "26827,24"}, "fail", "9.99"),
        ("dates", {"starts_on": "1.3.2022", "ends_on": "1.3.2023"}, "ok", "at most 12 months"),
        ("dates", {"starts_on": "1.3.2022", "ends_on": "2.3.2023"}, "fail", "2 March 2023"),
        ("dates", {"starts_on": "1.3.2022", "ends_on": "1.3.2022"}, "fail", "1 March 2022"),
        ("declared", {"no_double": ""}, "fail", "No cost is paid twice"),
    ],
)
def test_each_rule_says_its_word_with_the_values(
    terms: Terms, code: str, changes: dict[str, Any], word: str, says: str
) -> None:
    verdict, text = found(terms, code, **changes)
    assert verdict == word and says in text


def test_a_share_that_misses_the_limit_by_a_hair_is_not_shown_as_the_limit(terms: Terms) -> None:
    assert ", 10" not in found(terms, "own_share", own_share="26827,24")[1]


@given(women=st.integers(0, 50), men=st.integers(0, 50))
def test_more_than_half_is_never_exactly_half(women: int, men: int) -> None:
    more, least = Threshold(operator=">", percent=50), Threshold(operator=">=", percent=50)
    assert more.holds(women, women + men) == (women > men)
    assert least.holds(women, women + men) == (women >= men and women + men > 0)
