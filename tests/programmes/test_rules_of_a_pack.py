"""Rules in a pack: a source each, versions whose days join, and terms of before that stay what they were."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from grantflow.engine.faults import DefinitionFaults
from grantflow.programmes import pack as packs
from grantflow.programmes.terms import Terms

BEFORE = Path(__file__).with_name("terms_of_before.json")
"""The content of terms as a database kept it before rules had sources, versions and limits of their own."""
SOURCE = 'source = { document = { en = "Call document'
SECOND = """
[[calls.terms.eligibility]]
code = "legal_form"
kind = "legal_form_in"
source = { document = { en = "New document", ru = "Новый документ" }, article = { en = "1", ru = "1" }, date = 2022-01-01 }
question = "legal_form"
values = ["ip"]
valid_from = %s
label = { en = "Is a sole trader", ru = "ИП" }
refusal = { en = "Only sole traders.", ru = "Только ИП." }

# Rubric
"""


def faults(text: str) -> list[str]:
    with pytest.raises(DefinitionFaults) as caught:
        packs.from_text(text, "prozvet.toml")
    return [str(fault) for fault in caught.value.faults]


def test_terms_kept_before_read_as_they_are_and_keep_their_hash() -> None:
    content = BEFORE.read_text("utf-8")
    terms = Terms.from_content(content)
    assert terms.content == content
    assert terms.content_hash == hashlib.sha256(content.encode()).hexdigest()
    assert terms.eligibility[0].source is None and terms.appeal_days is None and terms.days_off == ()


def test_a_rule_without_a_source_does_not_load(text: str) -> None:
    at = text.index(SOURCE)
    found = faults(text[:at] + text[text.index("\n", at) + 1 :])
    assert len(found) == 2 and all("eligibility.district" in one and "names its source" in one for one in found)


@pytest.mark.parametrize("day", ["2022-01-02", "2021-12-31", None])
def test_two_rules_of_one_code_whose_days_do_not_join_do_not_load(text: str, day: str | None) -> None:
    ends = 'code = "legal_form"\nkind = "legal_form_in"\n'
    begun = SECOND % day if day else SECOND.replace("valid_from = %s\n", "")
    found = faults(text.replace(ends, ends + "valid_to = 2021-12-31\n").replace("# Rubric\n", begun, 1))
    assert any('The rule "legal_form" stands here twice.' in fault for fault in found)


def test_two_rules_of_one_code_whose_days_join_are_versions(text: str) -> None:
    ends = 'code = "legal_form"\nkind = "legal_form_in"\n'
    pack = packs.from_text(
        text.replace(ends, ends + "valid_to = 2021-12-31\n").replace("# Rubric\n", SECOND % "2022-01-01", 1), "x.toml"
    )
    terms = pack.call("KR-2021").terms
    both = [rule for rule in terms.eligibility if rule.code == "legal_form"]
    assert len(both) == 2 and both[0].valid_to and both[1].valid_from
    assert [r for r in terms.rules_on(both[0].valid_to) if r.code == "legal_form"] == both[:1]
    assert [r for r in terms.rules_on(both[1].valid_from) if r.code == "legal_form"] == both[1:]
    assert Terms.from_content(terms.content) == terms


def test_a_limit_in_another_currency_needs_its_rate(text: str) -> None:
    own = 'code = "own_share"\nkind = "own_share_min"\n'
    limit = 'code = "own_share"\nkind = "de_minimis"\noperator = "<="\nvalue = 300000\nunit = "EUR"\nyears = 3\n'
    assert any("a limit in EUR needs a rate" in fault for fault in faults(text.replace(own, limit)))
    packs.from_text(text.replace(own, limit + "rate = 90\n"), "x.toml")
