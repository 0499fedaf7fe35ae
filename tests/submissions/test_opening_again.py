"""A call that closed during an outage is opened again for everybody: its drafts, its letters, who may, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.deadlines import sweep
from grantflow.cases.models import Outbox
from grantflow.cases.service import fire, get
from grantflow.db import session, unit_of_work
from grantflow.eligibility.exceptions import exceptions_of
from grantflow.engine.definition import Workflow
from grantflow.errors import Refused, Stale
from grantflow.history.canonical import stamp
from grantflow.history.verify import verify_case
from grantflow.programmes.service import extend_closing
from grantflow.scoring import panels
from grantflow.submissions import service
from grantflow.submissions.rows import CASES, call_of
from tests.browsing import field, signed_in, text_of
from tests.factories import person
from tests.submissions.conftest import CLOSES, World
from tests.submissions.test_putting_off import URL, events, further, hour, told, typed

LATER = CLOSES + timedelta(days=3)
NEXT_DAY = CLOSES + timedelta(hours=12)
WHY = "The platform was out of reach across the closing hour."


def open_again(world: World, closes_at: datetime = LATER, actor: Any = None, **more: Any) -> Any:
    with unit_of_work():
        return extend_closing(world.call, closes_at, WHY, actor or world.manager, **more)


def outage(minutes: int = 11) -> None:
    """The platform comes back when the hour and its grace are over: what fell due is done."""
    with clock.at(CLOSES + timedelta(minutes=minutes)):
        sweep()


def test_what_lapsed_is_a_draft_again_word_for_word_and_can_be_sent(world: World) -> None:
    sent = world.submitted(*further(1))
    mine = world.complete()
    other = world.draft(world.stranger, world.stranger_body)
    before = service.row_of(mine).answers
    with unit_of_work():  # a longer time of one's own that has ended does not let it lapse a second time
        service.extend_deadline(other, CLOSES + timedelta(hours=2), "Power cut.", actor=world.manager)
    outage()
    outage(130)
    assert [world.state(one) for one in (sent, mine, other)] == ["submitted", "lapsed", "lapsed"]
    with clock.at(NEXT_DAY):
        open_again(world, key="once")
        assert open_again(world, key="once").replayed
        sweep()
        assert [world.state(one) for one in (sent, mine, other)] == ["submitted", "draft", "draft"]
        assert get(world.call).state == "open" and hour(world) == LATER
        assert get(world.call).due_at == LATER + timedelta(minutes=10)
        assert told() == sorted({world.applicant.person_id: mine, world.stranger.person_id: other}.items())
        assert service.row_of(mine).answers == before and service.row_of(other).extension_until is None
        world.write(other, "plan", {"steps": "April."}, world.stranger)
        world.submit(mine)
    (event,) = events(world.call, "open_again")
    assert event.facts["changes"] == [{"field": "closes_at", "before": stamp(CLOSES), "after": stamp(LATER)}]
    assert event.facts["drafts_taken_up"] == 2 and (event.from_state, event.to_state) == ("closed", "open")
    (line, _extension), _page = exceptions_of(call_of(world.call))
    assert (line.kind, line.reason, line.until) == ("open_again", WHY, LATER)
    assert all(verify_case(one).whole for one in (world.call, mine, other))
    with clock.at(LATER + timedelta(minutes=11)):
        sweep()
        assert (get(world.call).state, world.state(mine), world.state(other)) == ("closed", "submitted", "lapsed")


def test_whose_changes_fell_shut_is_told_that_they_can_open_them_again(world: World) -> None:
    sent = world.submitted()
    with unit_of_work():
        fire(sent, "take_back", actor=world.applicant)
    world.write(sent, "plan", {"steps": "May: looms."})
    outage()
    with clock.at(NEXT_DAY):
        assert world.state(sent) == "submitted"
        open_again(world)
        query = select(Outbox.person_id, Outbox.case_id).where(Outbox.notice == "changes_welcome_again")
        assert [tuple(row) for row in session().execute(query)] == [(world.applicant.person_id, sent)]
        assert told() == []
        with unit_of_work():
            fire(sent, "take_back", actor=world.applicant)
        assert world.state(sent) == "reopened"


@pytest.mark.parametrize(
    ("at", "closes_at", "says"),
    [
        (NEXT_DAY, NEXT_DAY - timedelta(minutes=1), "hour has passed"),
        (NEXT_DAY, CLOSES, "never brought forward"),
        (NEXT_DAY, CLOSES + timedelta(days=365), "The results come on"),
        (CLOSES + timedelta(days=15), CLOSES + timedelta(days=16), "could be opened again until"),
    ],
)
def test_a_wrong_hour_and_a_closing_long_past_are_refused(
    world: World, at: datetime, closes_at: datetime, says: str
) -> None:
    mine = world.draft()
    outage()
    with clock.at(at), pytest.raises(Refused, match=says):
        open_again(world, closes_at)
    with clock.at(NEXT_DAY), pytest.raises(Refused, match="Write the later closing hour"), unit_of_work():
        fire(world.call, "open_again", actor=world.manager, reason=WHY)
    assert (get(world.call).state, world.state(mine), hour(world), told()) == ("closed", "lapsed", CLOSES, [])


def test_it_is_the_managers_once_and_not_after_the_panel_was_composed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = world.draft()
    outage()
    with clock.at(NEXT_DAY):
        for actor in (world.officer, world.applicant, person("manager", programme_id=world.body)):
            with pytest.raises(Refused, match="manager"):
                open_again(world, actor=actor)
        with monkeypatch.context() as patch:
            patch.setattr(panels, "panel_of", lambda call_id: object())
            with pytest.raises(Refused, match="panel of this call has been composed"):
                open_again(world)
        with unit_of_work() as current:
            current.execute(
                update(CASES).where(CASES.c.id == world.call).values(state="in_evaluation", stage="scoring")
            )
        with pytest.raises(Refused, match="closed already"):
            open_again(world)
        with unit_of_work() as current:
            current.execute(update(CASES).where(CASES.c.id == world.call).values(state="closed", stage="eligibility"))
        assert (world.state(mine), told()) == ("lapsed", [])
        open_again(world, seen=stamp(CLOSES))
        with pytest.raises(Stale, match="4 November 2021, 23:59"):
            open_again(world, LATER + timedelta(days=1), seen=stamp(CLOSES))
    assert len(events(world.call, "open_again")) == 1 and len(told()) == 1


def test_drafts_under_a_version_in_which_they_have_ended_are_brought_to_the_newest_first(world: World) -> None:
    mine, today = world.draft(), definitions.current("application")
    table = today.model_dump(by_alias=True)
    table["moves"] = [move for move in table["moves"] if move["trigger"] != "take_up"]
    table["states"] = [state | {"final": state["final"] or state["name"] == "lapsed"} for state in table["states"]]
    here = update(CASES).where(CASES.c.id == mine)
    with unit_of_work() as current:
        current.execute(here.values(workflow_hash=definitions.pin(Workflow.model_validate(table))))
    outage()
    with clock.at(NEXT_DAY):
        with pytest.raises(Refused, match="newest version first"):
            open_again(world)
        with unit_of_work() as current:
            current.execute(here.values(workflow_hash=today.content_hash))
        open_again(world)
        assert world.state(mine) == "draft"


def test_the_manager_sees_the_letters_first_and_opens_it_with_one_press(app: Flask, world: World) -> None:
    mine = world.draft()
    world.draft(world.stranger, world.stranger_body)
    outage()
    with clock.at(NEXT_DAY):
        client = signed_in(app, world.manager)
        assert "Open the call again for everybody" in text_of(client.get(f"/cases/{world.call}"))
        first = client.get(URL)
        assert "The call has closed" in text_of(first)
        look = client.post(URL, data=typed(first, day="4.11.2021", do="look"))
        words = text_of(look)
        assert "Open the call again for everybody and send 2 letters" in words and "N-04" in words
        assert get(world.call).state == "closed" and told() == []
        sent = typed(look, day="4.11.2021")
        assert [client.post(URL, data=sent).status_code for _ in range(2)] == [303, 303]
        assert len(told()) == 2 and len(events(world.call, "open_again")) == 1
        words = text_of(client.get(f"/cases/{world.call}"))
        assert "Call opened again after its closing" in words and "Put off the closing hour" in words
        assert "Call opened again after its closing" in text_of(client.get("/calls/KR-2021/exceptions"))
        writer = signed_in(app, world.applicant)
        assert writer.get(f"/applications/{mine}/edit/plan").status_code == 200
        assert "4 Nov" in text_of(writer.get(f"/applications/{mine}"))
        assert field(client.get(URL), "day") == "04.11.2021"
