"""How a call stands while applications are written: counted beside the saves, told in a fixed number of queries, and
the reminder to those who hold an unfinished draft."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from grantflow import clock
from grantflow.cases.models import Case, Outbox
from grantflow.cases.service import fire
from grantflow.db import session, unit_of_work
from grantflow.errors import Refused
from grantflow.history.models import Event
from grantflow.submissions import health, progress, service
from grantflow.submissions.models import Application, DraftProgress
from grantflow.submissions.rows import call_of
from tests.browsing import counting, field, signed_in, text_of
from tests.factories import organisation, person
from tests.submissions.conftest import CLOSES, World
from tests.together import all_at_once

URL = "/calls/KR-2021/health"


def told(world: World) -> health.Health:
    session().rollback()
    return health.health_of(call_of(world.call))


def stops(found: health.Health) -> dict[str, int]:
    return {stop.code: stop.drafts for stop in found.stops if stop.drafts}


def remind(world: World, who: Any = None, **more: Any) -> Any:
    with unit_of_work():
        return health.remind_unfinished(world.call, actor=who or world.officer, **more)


def reminded() -> list[tuple[int, int]]:
    session().rollback()
    query = select(Outbox.person_id, Outbox.case_id).where(Outbox.notice == "draft_unfinished")
    return [(row.person_id, row.case_id) for row in session().execute(query.order_by(Outbox.case_id, Outbox.person_id))]


def test_drafts_stand_at_their_first_section_that_is_not_complete(world: World) -> None:
    world.draft()
    first = world.draft()
    world.write(first, "plan", {"steps": "From behind."})
    ready = world.complete()
    found = told(world)
    assert (found.drafts, found.blank.drafts, found.uncounted, found.sent) == (3, 1, 2, 0)
    assert progress.count_drafts() == 2 and progress.count_drafts() == 0
    found = told(world)
    assert (found.ready.drafts, found.blank.drafts, found.uncounted) == (1, 1, 0)
    assert stops(found) == {"enterprise": 1}
    world.write(first, "enterprise", _enterprise())
    world.submit(ready)
    assert told(world).uncounted == 1 and progress.count_drafts() == 1
    found = told(world)
    assert stops(found) == {"people": 1} and (found.sent, found.drafts, found.ready.drafts) == (1, 2, 0)


def _enterprise() -> dict[str, Any]:
    from tests.submissions.conftest import ANSWERS

    return ANSWERS["enterprise"]


def test_a_file_taken_away_is_counted_too(world: World) -> None:
    case_id = world.complete()
    progress.count_drafts()
    (paper,) = service.draft_of(service.row_of(case_id)).values["tax_certificate"]
    with unit_of_work():
        service.remove_file(case_id, paper["id"], actor=world.applicant)
    assert progress.count_drafts() == 1 and stops(told(world)) == {"files": 1}


def test_what_was_opened_again_lapsed_or_left_alone_is_told_apart(world: World) -> None:
    sent, quiet = world.submitted(), world.draft(world.stranger, world.stranger_body)
    world.write(quiet, "plan", {"steps": "Then nothing."}, world.stranger)
    with unit_of_work():
        fire(sent, "take_back", actor=world.applicant)
    with clock.at(clock.now() + timedelta(days=8)):
        progress.count_drafts()
        found = told(world)
    assert (found.started, found.sent, found.open_again, found.drafts, found.quiet, found.today) == (2, 1, 1, 1, 1, 0)
    assert [stop.quiet for stop in found.stops if stop.drafts] == [1]
    with clock.at(CLOSES + timedelta(minutes=11)):
        world.close()
    found = told(world)
    assert (found.drafts, found.never_sent, found.sent, found.open_again) == (0, 1, 1, 0)


def test_the_page_costs_the_same_at_any_size(app: Flask, world: World, thorough: bool) -> None:
    many, costs = 10_000 if thorough else 20, []
    first = world.draft()
    world.write(first, "plan", {"steps": "One of many."})
    for more in (0, 0, many):  # twice with one of them, for what is read once only
        _copies(first, more)
        while progress.count_drafts():
            pass
        client = signed_in(app, world.officer)
        with counting() as statements:
            page = client.get(URL)
        costs.append(len(statements))
    assert costs[1] == costs[2] and page.status_code == 200
    assert stops(told(world)) == {"enterprise": many + 1}


def _copies(case_id: int, number: int) -> None:
    """So many drafts like this one, put into the database past every door."""
    cases, rows = Case.__table__, Application.__table__
    one = dict(session().execute(select(cases).where(cases.c.id == case_id)).one()._mapping)
    row = dict(session().execute(select(rows).where(rows.c.case_id == case_id)).one()._mapping)
    del one["id"]
    with unit_of_work() as current:
        for _ in range(number):
            new = current.execute(insert(cases).values(one | {"open_key": None}).returning(cases.c.id)).scalar_one()
            current.execute(insert(rows).values(row | {"case_id": new}))


def test_the_page_shows_figures_and_nothing_of_what_is_written(app: Flask, world: World) -> None:
    case_id = world.draft()
    world.write(case_id, "project", {"title": "Secret name"})
    progress.count_drafts()
    page = text_of(signed_in(app, world.officer).get(URL))
    assert "Where drafts stop" in page and "Nobody was reminded by hand yet" in page and "Secret" not in page
    assert signed_in(app, world.manager).get(URL).status_code == 200
    for who in (world.applicant, world.auditor):
        assert signed_in(app, who).get(URL).status_code in (403, 404)
        assert signed_in(app, who).get(f"{URL}/remind").status_code in (403, 404)


def test_holders_of_drafts_never_sent_are_reminded_each_of_their_own_hour(world: World) -> None:
    mine, theirs = world.draft(), world.draft(world.stranger, world.stranger_body)
    also_mine = world.draft()
    second = person("applicant", organisation_id=world.body)
    body = organisation("Sent and open again")
    other = person("applicant", organisation_id=body)
    sent = world.submitted(other, body)
    until = CLOSES + timedelta(days=1)
    with unit_of_work():
        service.extend_deadline(theirs, until, "Power cut.", actor=world.manager)
        fire(sent, "take_back", actor=other)
    assert not remind(world, key="once").replayed and remind(world, key="once").replayed
    assert reminded() == sorted(
        [(who.person_id, draft) for who in (world.applicant, second) for draft in (mine, also_mine)]
        + [(world.stranger.person_id, theirs)],
        key=lambda pair: (pair[1], pair[0]),
    )
    words = {
        row.case_id: row.params for row in session().scalars(select(Outbox).where(Outbox.notice == "draft_unfinished"))
    }
    assert words[theirs]["due"].startswith("2021-11-02") and words[mine]["due"].startswith("2021-11-01")
    (event,) = session().scalars(select(Event).where(Event.move == "drafts_reminded"))
    assert (event.facts["drafts_reminded"], event.facts["people_reminded"]) == (3, 3)


def test_once_a_day_by_the_calls_clock_and_only_while_the_call_is_open(world: World) -> None:
    with pytest.raises(Refused, match="Nobody holds"):
        remind(world)
    world.draft()
    remind(world)
    with clock.at(clock.now() + timedelta(hours=11)), pytest.raises(Refused, match="reminded today already"):
        remind(world)
    with clock.at(clock.now() + timedelta(hours=12)):
        remind(world, world.manager)
    for who in (world.applicant, world.auditor):
        with pytest.raises(Refused, match="Only officers and managers"):
            remind(world, who)
    with clock.at(CLOSES + timedelta(minutes=11)), pytest.raises(Refused, match="not open"):
        remind(world)


def test_two_officers_at_once_remind_once(world: World, app: Flask) -> None:
    world.draft()
    now = clock.now()

    def act(who: Any) -> Any:
        def run() -> Any:
            with clock.at(now):
                return remind(world, who)

        return run

    got = all_at_once(app, act(world.officer), act(world.second))
    assert sorted(isinstance(one, Refused) for one in got) == [False, True], got
    assert len(reminded()) == 1


def test_the_officer_sees_the_letters_first(app: Flask, world: World) -> None:
    world.draft()
    client, url = signed_in(app, world.officer), f"{URL}/remind"
    first = client.get(url)
    assert "See the letters first" in text_of(first)
    look = client.post(url, data={"key": field(first, "key"), "do": "look"})
    assert look.status_code == 200 and reminded() == [] and "is not submitted yet" in text_of(look)
    sent = {"key": field(look, "key"), "letters": field(look, "letters")}
    world.draft(world.stranger, world.stranger_body)
    other = client.post(url, data=sent)
    assert other.status_code == 409 and "no longer the same" in text_of(other) and reminded() == []
    done = client.post(url, data=sent | {"letters": field(other, "letters")})
    assert done.status_code == 303 and len(reminded()) == 2
    again = client.post(url, data={"key": "another", "do": "look"})
    assert again.status_code == 403 and "reminded today already" in text_of(again)


def test_progress_of_a_draft_saved_meanwhile_is_counted_again(world: World) -> None:
    case_id = world.draft()
    world.write(case_id, "plan", {"steps": "x"})
    progress.count_drafts()
    with unit_of_work() as current:
        current.execute(update(Application).where(Application.case_id == case_id).values(revision=99))
    assert told(world).uncounted == 1 and progress.count_drafts() == 1
    assert session().scalar(select(DraftProgress.revision).where(DraftProgress.case_id == case_id)) == 99
