"""A finance officer's desk goes to another person; what was approved stays who approved it."""

from __future__ import annotations

import pytest
from flask import Flask

from grantflow.db import session, unit_of_work
from grantflow.errors import Refused
from grantflow.identity import succession
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Person
from tests.awards.scene import Scene
from tests.factories import person


def looked(app: Flask, scene: Scene, leaver: Actor, to: Actor) -> succession.Handing:
    with app.test_request_context():
        return succession.look(scene.manager, leaver.person_id or 0, to.person_id or 0)


def hand(app: Flask, scene: Scene, leaver: Actor, to: Actor) -> None:
    with app.test_request_context():
        seen = succession.look(scene.manager, leaver.person_id or 0, to.person_id or 0).seen
        with unit_of_work():
            succession.hand_over(scene.manager, leaver.person_id or 0, to.person_id or 0, reason="Leaves", seen=seen)


def again(actor: Actor) -> Actor:
    session().rollback()
    return actor_for(session().get_one(Person, actor.person_id))


def test_a_first_approval_stays_and_the_second_is_the_successors_to_give(app: Flask, scene: Scene) -> None:
    one = scene.due(scene.active(), 1)
    scene.fire(one.case_id, "prepare", scene.finance)
    new = person(name="New")
    waiting = looked(app, scene, scene.finance2, new)
    assert [thing.url for thing in waiting.moves] == [f"/cases/{one.case_id}"]
    scene.fire(one.case_id, "approve_first", scene.finance2, payload={"amount_minor": one.amount_minor})
    shown = looked(app, scene, scene.finance2, new)
    assert shown.moves == []
    (stays,) = shown.stays
    assert "Approved by the first person" in str(stays.why) and "second person" in str(stays.why)
    hand(app, scene, scene.finance2, new)
    second = {"payload": {"amount_minor": one.amount_minor}}
    with pytest.raises(Refused, match="Only"):
        scene.fire(one.case_id, "approve_second", again(scene.finance2), **second)
    scene.fire(one.case_id, "approve_second", again(new), **second)
    assert scene.state(one.case_id) == "ready"


def test_what_the_successor_did_themselves_does_not_become_theirs_to_approve(app: Flask, scene: Scene) -> None:
    one = scene.due(scene.active(), 1)
    payload = {"amount_minor": one.amount_minor}
    scene.fire(one.case_id, "prepare", scene.finance2)
    scene.fire(one.case_id, "approve_first", scene.finance, payload=payload)
    leaver, to = scene.finance3, scene.finance2
    shown = looked(app, scene, leaver, to)
    assert shown.moves == []
    (stays,) = shown.stays
    assert stays.url == f"/cases/{one.case_id}" and "needs a second person" in str(stays.why)
    hand(app, scene, leaver, to)
    with pytest.raises(Refused, match="second person"):
        scene.fire(one.case_id, "approve_second", again(to), payload=payload)


def test_steps_of_cases_that_are_over_bind_nobody(app: Flask, scene: Scene) -> None:
    award_id = scene.active()
    scene.paid(award_id, 1)
    for leaver in (scene.finance, scene.finance2):
        assert [t for t in looked(app, scene, leaver, person()).stays if "Approved" in str(t.why)] == []
