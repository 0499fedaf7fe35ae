"""The last minute, with a frozen clock: what is taken, what is refused, what is remembered of it and shown to whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import reminders
from grantflow.cases.deadlines import sweep
from grantflow.cases.models import Outbox
from grantflow.cases.service import fire, get
from grantflow.db import session, unit_of_work
from grantflow.errors import Refused
from grantflow.history.models import Event
from grantflow.programmes.service import extend_closing
from grantflow.submissions import attempts, service
from tests.browsing import counting, field, signed_in, text_of
from tests.submissions.conftest import CLOSES, World

MOSCOW = ZoneInfo("Europe/Moscow")
LAST = datetime(2021, 11, 1, 23, 59, 59, tzinfo=MOSCOW)
MIDNIGHT = datetime(2021, 11, 2, 0, 0, 0, tzinfo=MOSCOW)
END_OF_GRACE = datetime(2021, 11, 2, 0, 9, 59, tzinfo=MOSCOW)
OVER = datetime(2021, 11, 2, 0, 10, 0, tzinfo=MOSCOW)


def events(case_id: int, *moves: str) -> list[Any]:
    session().rollback()
    return list(session().scalars(select(Event).where(Event.case_id == case_id, Event.move.in_(moves))))


def press(app: Flask, world: World, case_id: int, shown_at: datetime, pressed_at: datetime, **more: Any) -> Any:
    """Open the check page at one hour and press Submit at another, as a browser that was left open does."""
    with clock.at(shown_at):
        page = signed_in(app, world.applicant).get(f"/applications/{case_id}/check")
    sent = {name: field(page, name) for name in ("key", "version", "revision")} | {"declared": "y"} | more
    with clock.at(pressed_at):
        return signed_in(app, world.applicant).post(f"/applications/{case_id}/check", data=sent)


@pytest.mark.parametrize(
    ("at", "marked"), [(LAST, ""), (MIDNIGHT, "minutes of grace"), (END_OF_GRACE, "minutes of grace"), (OVER, None)]
)
def test_the_servers_clock_decides_to_the_second(world: World, at: datetime, marked: str | None) -> None:
    case_id = world.complete()
    with clock.at(at):
        if marked is None:
            with pytest.raises(Refused, match="1 November 2021, 23:59, Petrozavodsk and Moscow time"):
                world.submit(case_id)
            assert world.state(case_id) == "draft"
            return
        world.submit(case_id)
    (event,) = events(case_id, "submit")
    assert event.facts.get("after_closing", {"en": ""})["en"].endswith(marked)
    assert ("after_closing" in event.facts) == bool(marked)


@pytest.mark.parametrize(("at", "taken"), [(LAST, True), (MIDNIGHT, True), (OVER, False)])
def test_the_same_in_the_browser_and_a_press_too_late_loses_no_word(
    app: Flask, world: World, at: datetime, taken: bool
) -> None:
    case_id = world.complete()
    reply = press(app, world, case_id, LAST - timedelta(minutes=5), at)
    if taken:
        assert reply.location.endswith("/receipt")
        return
    said = text_of(reply)
    assert (
        reply.status_code == 403 and "The time for applications ended on" in said and "1 November 2021, 23:59" in said
    )
    assert "Felt and linen workshop" in said and events(case_id, "late_attempt")


def test_a_press_after_the_draft_has_lapsed_is_told_and_remembered_and_the_words_stay_readable(
    app: Flask, world: World
) -> None:
    case_id = world.complete()
    with clock.at(LAST - timedelta(minutes=5)):
        page = signed_in(app, world.applicant).get(f"/applications/{case_id}/check")
    sent = {name: field(page, name) for name in ("key", "version", "revision")} | {"declared": "y"}
    with clock.at(OVER + timedelta(minutes=1)):
        sweep()
        assert world.state(case_id) == "lapsed"
        client = signed_in(app, world.applicant)
        for _twice in range(2):
            reply = client.post(f"/applications/{case_id}/check", data=sent)
            assert reply.location.endswith(f"/applications/{case_id}/words")
        words = text_of(client.get(reply.location))
    assert "The time for applications ended" in words and "This was not sent" in words
    assert "Felt and linen workshop" in words and "March: looms. April: training." in words
    assert len(events(case_id, "late_attempt")) == 1
    with clock.at(OVER + timedelta(days=4000)):
        assert "March: looms." in text_of(signed_in(app, world.applicant).get(f"/applications/{case_id}/words"))
        for who in (world.officer, world.manager, world.stranger):
            assert signed_in(app, who).get(f"/applications/{case_id}/words").status_code in (403, 404)


@pytest.mark.parametrize("returned", [False, True])
def test_a_press_after_changes_or_a_correction_were_closed_is_not_shown_the_old_receipt_as_its_own(
    app: Flask, world: World, returned: bool
) -> None:
    case_id = world.submitted()
    if returned:
        world.give_back(case_id, "budget")
    else:
        with unit_of_work():
            fire(case_id, "take_back", actor=world.applicant)
    client = signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/check")
    sent = {name: field(page, name) for name in ("key", "version", "revision")} | {"declared": "y"}
    with clock.at(OVER + timedelta(days=30)):
        sweep()
        client = signed_in(app, world.applicant)
        for _twice in range(2):
            reply = client.post(f"/applications/{case_id}/check", data=sent)
            assert reply.location.endswith("/receipt")
        said = text_of(client.get(reply.location))
    assert "Nothing was sent now." in said and "not sent in time; the" in said
    (event,) = events(case_id, "refused_attempt", "late_attempt")
    assert event.facts["told"]["ru"].startswith("Сейчас ничего не отправлено.")


def test_the_second_press_of_what_was_sent_again_is_shown_its_receipt_and_nothing_else(
    app: Flask, world: World
) -> None:
    case_id = world.submitted()
    for trigger in ("take_back", "leave_as_sent", "take_back"):
        with unit_of_work():
            fire(case_id, trigger, actor=world.applicant)
    client = signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/check")
    sent = {name: field(page, name) for name in ("key", "version", "revision")} | {"declared": "y"}
    for key in (sent["key"], sent["key"], "of another window"):
        reply = client.post(f"/applications/{case_id}/check", data=sent | {"key": key})
        assert reply.location.endswith("/receipt")
        assert "Nothing was sent now" not in text_of(client.get(reply.location))
    assert not events(case_id, "refused_attempt", "late_attempt")


def test_each_refused_press_is_remembered_once_with_what_was_missing(app: Flask, world: World) -> None:
    case_id = world.complete()
    client = signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/check")
    sent = {name: field(page, name) for name in ("key", "version")} | {"declared": "y", "revision": ""}
    world.write(case_id, "plan", {"steps": ""})
    for _twice in range(2):
        sent["version"] = str(get(case_id).version)
        assert client.post(f"/applications/{case_id}/check", data=sent).status_code == 403
    (event,) = events(case_id, "refused_attempt")
    assert event.facts["missing"] == ["steps"] and event.facts["told"]["ru"] != event.facts["told"]["en"]
    unticked = client.post(f"/applications/{case_id}/check", data=sent | {"declared": "", "key": "other"})
    assert unticked.status_code == 400 and len(events(case_id, "refused_attempt")) == 2
    assert "Tried to submit and was refused" in text_of(client.get(f"/cases/{case_id}"))


def test_the_officer_sees_the_attempts_of_the_call_and_not_what_the_drafts_say(app: Flask, world: World) -> None:
    costs = []
    for n in (1, 2):
        for k in range(n):
            case_id = world.draft()
            world.write(case_id, "project", {"title": "Secret name", "summary": "Secret words."})
            with unit_of_work():
                attempts.note_attempt(case_id, "Too <early>.", actor=world.applicant, key=f"{n}/{k}")
        client = signed_in(app, world.officer)
        with counting() as statements:
            page = client.get("/calls/KR-2021/attempts")
        costs.append(len(statements))
    said = text_of(page)
    assert "3 attempts" in said and "Tervo Craft Workshop" in said and "Too <early>." in said and "Secret" not in said
    assert costs[0] == costs[1]
    assert signed_in(app, world.auditor).get("/calls/KR-2021/attempts").status_code == 200
    assert signed_in(app, world.applicant).get("/calls/KR-2021/attempts").status_code in (403, 404)
    elsewhere = text_of(signed_in(app, world.manager).get(f"/cases/{world.call}"))
    assert "Refused attempts to send" in elsewhere and "Exceptions" in elsewhere


def test_an_open_call_is_never_closed_earlier_whatever_the_reason(world: World) -> None:
    with pytest.raises(Refused, match="never made shorter"), unit_of_work():
        fire(world.call, "close", actor=world.manager, reason="Enough applications.")
    with clock.at(OVER), unit_of_work():
        fire(world.call, "close", actor=world.manager)
    assert get(world.call).state == "closed"


def rungs(case_id: int, at: datetime, of: str = "submissions.drafts") -> list[str]:
    """The rungs whose time has come for a draft, or for changes not sent, at an hour."""
    (ladder,) = [one for one in reminders.ladders() if one.of == of]
    with clock.at(at):
        awaited = list(reminders._sources[of](at - timedelta(days=9), at + timedelta(days=400), case_id))
        return [rung for rung, _due in reminders._come(ladder, at, awaited)]


def test_reminders_count_from_ones_own_longer_time_and_none_that_had_passed_comes_late(world: World) -> None:
    case_id, until = world.draft(), CLOSES + timedelta(days=2)
    assert rungs(case_id, CLOSES - timedelta(days=3)) == ["-P3D"]
    with clock.at(CLOSES - timedelta(hours=6)), unit_of_work():
        service.extend_deadline(case_id, until, "Power cut.", actor=world.manager)
    assert rungs(case_id, CLOSES - timedelta(hours=5)) == [], "three days before the new end had passed already"
    assert rungs(case_id, until - timedelta(days=1)) == ["-P1D"]
    assert rungs(case_id, until - timedelta(hours=3)) == ["-PT3H"]


def test_reminders_count_from_the_hour_put_off_for_all(world: World) -> None:
    case_id, until = world.draft(), CLOSES + timedelta(days=2)
    with clock.at(CLOSES - timedelta(hours=6)), unit_of_work():
        extend_closing(world.call, until, "An outage.", world.manager)
    assert rungs(case_id, CLOSES - timedelta(hours=5)) == []
    assert rungs(case_id, until - timedelta(days=1)) == ["-P1D"]


def test_what_was_sent_and_opened_again_is_reminded_of_like_a_draft_until_it_is_sent_anew(world: World) -> None:
    case_id, of = world.submitted(), "submissions.changes"

    def at(**before: int) -> list[list[str]]:
        moment = CLOSES - timedelta(**before)
        return [rungs(case_id, moment), rungs(case_id, moment, of)]

    assert at(days=3) == [[], []], "what is sent waits for nobody"
    with clock.at(CLOSES - timedelta(days=4)), unit_of_work():
        fire(case_id, "take_back", actor=world.applicant)
    assert at(days=7) == [[], []], "that rung had passed when it was opened"
    assert [at(days=3), at(days=1), at(hours=3)] == [[[], ["-P3D"]], [[], ["-P1D"]], [[], ["-PT3H"]]]
    with clock.at(CLOSES - timedelta(days=3)):
        reminders.sweep()
        reminders.sweep()
    query = select(Outbox.person_id).where(Outbox.notice == "changes_unsent", Outbox.case_id == case_id)
    assert session().scalars(query).all() == [world.applicant.person_id]
    with clock.at(CLOSES - timedelta(days=2)):
        world.submit(case_id)
    assert at(days=1) == [[], []]
