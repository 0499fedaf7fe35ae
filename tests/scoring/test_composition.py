"""Who must sit on a panel before it may start."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import Babel

from grantflow.programmes.terms import PanelRule
from grantflow.scoring.composition import Seat, lacking, sentence

RULE = PanelRule(
    seats=5,
    at_least={"cso": 1, "local_authority": 1, "other": 1},
    max_percent_of_one_organisation=Decimal(50),
)
WHOLE = [Seat("cso", 1, chair=True), Seat("local_authority", 2), Seat("other", 3), Seat("other", None)]


@pytest.fixture(autouse=True)
def _words():
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def said(seats, quorum=3):
    return [str(item) for item in lacking(seats, RULE, quorum)]


def test_a_panel_of_three_kinds_with_a_chair_may_start():
    assert said(WHOLE) == []


def test_a_panel_without_a_local_authority_cannot_start_and_says_so():
    assert said([WHOLE[0], WHOLE[2], WHOLE[3]]) == ["a member from a local authority"]
    assert "a member from a local authority" in str(sentence(lacking([*WHOLE[::2]], RULE, 1)))


@pytest.mark.parametrize("kind", ["cso", "local_authority", "other"])
def test_each_kind_is_asked_for(kind):
    seats = [Seat(s.kind, s.organisation, True) for s in WHOLE if s.kind != kind]
    assert len(said(seats, quorum=1)) == 1


def test_a_panel_needs_a_chair_and_enough_members_for_its_quorum():
    seats = [Seat("cso", 1), Seat("local_authority", 2), Seat("other", 3)]
    assert said(seats, quorum=5) == ["a chair", "2 more members for the quorum"]


def test_half_from_one_organisation_is_allowed_and_more_is_not():
    half = [Seat("cso", 7, True), Seat("local_authority", 7), Seat("other", 3), Seat("other", 4)]
    assert said(half) == []
    more = [Seat("cso", 7, True, "Kindness"), Seat("local_authority", 7, False, "Kindness"), Seat("other", 3)]
    assert said(more) == ["balance: 2 of 3 members come from one organisation, Kindness"]


def test_members_of_no_organisation_are_not_one_organisation():
    assert said([Seat("cso", None, True), Seat("local_authority"), Seat("other"), Seat("other")]) == []


def test_an_empty_panel_lacks_everything():
    assert len(said([])) == 5
