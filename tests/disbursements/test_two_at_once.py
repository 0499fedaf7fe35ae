"""Two people at one moment, from threads on a real database: exactly one wins, and the other is told so."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import Flask

from grantflow.cases import service
from grantflow.db import session, unit_of_work
from grantflow.disbursements.queries import ledger
from grantflow.disbursements.service import ledger_sum
from grantflow.errors import GrantFlowError, Refused, Stale
from tests.awards.scene import Scene
from tests.together import all_at_once


def at_once(app: Flask, *moves: dict[str, Any]) -> list[Any]:
    """Make each move in a thread of its own, all starting together; what each got, an outcome or an error."""

    def made(given: dict[str, Any]) -> Any:
        with unit_of_work():
            return service.fire(given.pop("case_id"), given.pop("trigger"), **given)

    got = all_at_once(app, *(partial(made, dict(move)) for move in moves))
    assert all(isinstance(one, service.Outcome | GrantFlowError) for one in got), got
    session().rollback()  # this thread saw the world as it was before
    return got


def rounds(thorough: bool) -> range:
    return range(200 if thorough else 4)


def the_one(got: list[Any]) -> tuple[Any, list[Any]]:
    won = [g for g in got if isinstance(g, service.Outcome) and not g.replayed]
    lost = [g for g in got if g not in won]
    assert len(won) == 1, got
    return won[0], lost


def test_of_two_second_approvers_one_wins_and_the_other_is_told(app: Flask, scene: Scene, thorough: bool) -> None:
    for _ in rounds(thorough):
        award_id = scene.active()
        one = scene.first_approved(award_id)
        version = scene.row(one.case_id).version
        move = {"case_id": one.case_id, "trigger": "approve_second", "version": version}
        got = at_once(app, {**move, "actor": scene.finance2}, {**move, "actor": scene.finance3})
        won, (lost,) = the_one(got)
        assert won.case.state == "ready"
        assert isinstance(lost, Stale | Refused) and str(lost)
        winner = scene.tranche(award_id, 1).second_by_id
        assert winner in (scene.finance2.person_id, scene.finance3.person_id)


def test_of_two_first_approvers_without_a_version_one_wins(app: Flask, scene: Scene, thorough: bool) -> None:
    for _ in rounds(thorough):
        one = scene.prepared(scene.active())
        move = {
            "case_id": one.case_id,
            "trigger": "approve_first",
            "payload": {"amount_minor": one.amount_minor},
        }
        _won, (lost,) = the_one(at_once(app, {**move, "actor": scene.finance}, {**move, "actor": scene.finance2}))
        assert isinstance(lost, Refused) and "First approval" in str(lost)


@pytest.mark.parametrize("keys", [("same", "same"), ("one", "two")])
def test_a_payment_marked_twice_at_once_is_booked_once(
    app: Flask, scene: Scene, thorough: bool, keys: tuple[str, str]
) -> None:
    for _ in rounds(thorough):
        award_id = scene.active()
        one = scene.ready(award_id)
        move = {"case_id": one.case_id, "trigger": "pay", "actor": scene.finance, "payload": scene.payment()}
        got = at_once(app, *({**move, "key": key} for key in keys))
        the_one(got)
        assert len(ledger(award_id=award_id)) == 1
        assert scene.award(award_id).paid_minor == ledger_sum(award_id) == one.amount_minor
