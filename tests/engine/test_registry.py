"""Names and verdicts: one function to a name, one sentence to a no."""

from __future__ import annotations

import pytest

from grantflow.engine.registry import Registry
from grantflow.engine.verdict import YES, Verdict, no


def test_a_name_belongs_to_one_function() -> None:
    known = Registry()

    @known.guard("scoring.quorum_met")
    def quorum_met(ctx: object) -> Verdict:
        return YES

    assert known.guards == {"scoring.quorum_met": quorum_met}
    with pytest.raises(ValueError, match="registered twice"):
        known.guard("scoring.quorum_met")(lambda ctx: YES)
    known.guard("scoring.quorum_met")(quorum_met)  # the same module read anew


@pytest.mark.parametrize(
    "name", ["quorum_met", "scoring.", ".x", "Scoring.x", "a.b.c", "scoring.x y", "os.path:join", ""]
)
@pytest.mark.parametrize("kind", ["guard", "effect", "deadline_source"])
def test_a_name_is_of_the_form_package_and_thing(kind: str, name: str) -> None:
    with pytest.raises(ValueError, match=r'"package\.thing"'):
        getattr(Registry(), kind)(name)


def test_the_system_is_a_role_from_the_start_and_the_rest_is_made_known() -> None:
    known = Registry()
    known.role("officer", "chair")
    known.notice("returned", to=("applicant",))
    known.form("scoring.award", dict)
    assert known.roles == {"system", "officer", "chair"}
    assert known.notices == {"returned": ("applicant",)}
    assert known.forms == {"scoring.award": dict}


def test_two_registries_share_nothing() -> None:
    one, other = Registry(), Registry()
    one.effect("awards.offer")(lambda ctx: None)
    assert other.effects == {}


def test_a_verdict_is_true_when_it_is_a_yes_and_has_its_sentence_when_it_is_a_no() -> None:
    assert YES
    assert YES.sentence == ""
    refused = no("The minutes are not signed yet.")
    assert not refused
    assert (refused.ok, refused.sentence) == (False, "The minutes are not signed yet.")


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_a_no_without_a_sentence_is_refused(nothing: object) -> None:
    with pytest.raises(ValueError, match="needs a sentence"):
        no(nothing)


def test_a_lazy_sentence_is_read_only_when_somebody_reads_it() -> None:
    class Lazy:
        language = "en"

        def __str__(self) -> str:
            return {"en": "Corrections ended.", "ru": "Исправления завершены."}[self.language]

    lazy = Lazy()
    refused = no(lazy)
    lazy.language = "ru"
    assert refused.sentence == "Исправления завершены."
