"""A contest that can be carried to its announcement: the one of the tests of scoring."""

from __future__ import annotations

import pytest

from tests.scoring.conftest import contest, prepared, prozvet, web

__all__ = ["contest", "decided", "prepared", "prozvet", "web"]


@pytest.fixture
def decided(contest):
    """Five ranked applications with every outcome, the call decided and not announced."""
    made = contest(5, started=True).ranked(6, 9, 8, 7, 5)
    made.award(1)
    made.award(2, payload={"amount_minor": 35_000_050})
    made.fire(made.applications[3], "hold_in_reserve", made.chair)
    made.fire(made.applications[0], "hold_in_reserve", made.chair)
    made.fire(made.applications[4], "decline", made.chair, reason="A weak plan.")
    made.fire(made.call, "decide", made.chair)
    return made
