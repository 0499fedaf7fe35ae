"""The closing hour of a call is put off for everybody: who is told what, what hangs on it, and the manager's page."""

from __future__ import annotations

import contextlib
import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.cases import worker
from grantflow.cases.deadlines import sweep
from grantflow.cases.models import CaseDeadline, Letter, Outbox
from grantflow.cases.service import fire, get
from grantflow.db import session, unit_of_work
from grantflow.errors import Refused, Stale
from grantflow.history.canonical import stamp
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.identity.models import Person, RoleAssignment
from grantflow.programmes import service as programmes
from grantflow.programmes.models import Call
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.service import extend_closing, load_pack
from grantflow.submissions import extension, service
from grantflow.submissions.rows import call_of
from grantflow.submissions.sending import due_after
from tests.browsing import counting, field, signed_in, text_of
from tests.factories import organisation, person
from tests.submissions.conftest import CLOSES, OPEN_DAY, World
from tests.together import all_at_once

WEEK = timedelta(days=7)
URL = "/calls/KR-2021/closing"
WHY = "The post stood still for a week."


def put_off(world: World, by: timedelta = WEEK, **more: Any) -> Any:
    with unit_of_work():
        return extend_closing(world.call, CLOSES + by, WHY, world.manager, **more)


def told() -> list[tuple[int, int | None]]:
    """Who was told of it, and the draft that the letter leads to."""
    session().rollback()
    query = select(Outbox.person_id, Outbox.case_id).where(Outbox.notice == "closing_put_off")
    return [(row.person_id, row.case_id) for row in session().execute(query.order_by(Outbox.person_id))]


def events(case_id: int, move: str = "closing_put_off") -> list[Any]:
    session().rollback()
    query = select(Event.__table__).where(Event.case_id == case_id, Event.move == move)
    return list(session().execute(query.order_by(Event.seq)))


def hour(world: World) -> datetime:
    session().rollback()
    return session().execute(select(Call.closes_at).where(Call.case_id == world.call)).scalar_one()


def further(n: int) -> tuple[Actor, int]:
    """Somebody else who may begin a draft."""
    body = organisation(f"Further body {n}")
    return person("applicant", organisation_id=body), body


def in_russian(actor: Actor) -> None:
    with unit_of_work() as current:
        current.execute(update(Person).where(Person.id == actor.person_id).values(language="ru"))


# ------------------------------------------------------------------------------------------------------------ service
def test_whoever_holds_a_draft_is_told_once_of_both_hours_in_the_calls_zone_and_of_the_reason(world: World) -> None:
    mine, other = world.draft(), world.draft(world.stranger, world.stranger_body)
    second = person("applicant", organisation_id=world.body)
    with unit_of_work() as current:  # a reader far to the east is told the call's hour all the same
        current.execute(update(Person).where(Person.id == second.person_id).values(language="ru", zone="Asia/Chita"))
    worker.one_round()
    put_off(world)
    people = {world.applicant.person_id: mine, second.person_id: mine, world.stranger.person_id: other}
    assert told() == sorted(people.items())
    worker.one_round()
    letters = {one.person_id: one for one in session().scalars(select(Letter)) if "23:59" in one.body}
    english, russian = letters[world.applicant.person_id], letters[second.person_id]
    for words in ("1 November 2021, 23:59", "8 November 2021, 23:59", "Moscow time", WHY, f"/cases/{mine}"):
        assert words in english.body, words
    for words in ("1 ноября 2021", "8 ноября 2021", "23:59", "петрозаводское и московское", WHY):
        assert words in russian.body, words
    assert "Чит" not in russian.body and "Приём заявок продлён" in russian.subject


def test_who_has_sent_or_dropped_theirs_is_not_told_nor_whose_role_has_ended(world: World) -> None:
    world.submitted()
    lost = world.draft(world.stranger, world.stranger_body)
    with unit_of_work() as current:
        current.execute(
            update(RoleAssignment)
            .where(RoleAssignment.person_id == world.stranger.person_id)
            .values(revoked_at=clock.now())
        )
    put_off(world)
    assert told() == [] and world.state(lost) == "draft"


def test_a_longer_time_of_ones_own_counts(world: World) -> None:
    """Told is whose last moment changes; a time that ends before the new hour is theirs no more and lapses nothing."""
    writers = [further(n)[0] for n in range(3)]
    longer, equal, shorter = (world.draft(one, one.held[0].organisation_id) for one in writers)
    for case_id, until in (
        (longer, CLOSES + 2 * WEEK),
        (equal, CLOSES + WEEK),
        (shorter, CLOSES + timedelta(days=1)),
    ):
        with unit_of_work():
            service.extend_deadline(case_id, until, "Power cut.", actor=world.manager)
    put_off(world)
    assert [case_id for _person, case_id in told()] == [shorter]
    assert service.row_of(shorter).extension_until is None and service.row_of(equal).extension_until is None
    assert service.row_of(longer).extension_until == CLOSES + 2 * WEEK
    assert get(shorter).due_at is None and get(longer).due_at == CLOSES + 2 * WEEK
    with clock.at(CLOSES + timedelta(days=2)):
        sweep()
        assert world.state(shorter) == "draft", "its own time is over, the call's is not"
        assert service.may_write(get(shorter), service.row_of(shorter), writers[2])
    with clock.at(CLOSES + WEEK + timedelta(minutes=11)):
        sweep()
        assert [world.state(one) for one in (longer, equal, shorter)] == ["draft", "lapsed", "lapsed"]
        assert get(world.call).state == "closed"


def test_somebody_with_two_drafts_is_told_once(world: World) -> None:
    _own, body = further(1)
    with unit_of_work() as current:
        current.add(
            RoleAssignment(
                person_id=world.applicant.person_id, role="applicant", organisation_id=body, granted_at=clock.now()
            )
        )
    first = world.draft()
    second = world.draft(_own, body)
    put_off(world)
    assert dict(told()) == {world.applicant.person_id: first, _own.person_id: second}


def test_dates_that_hang_on_the_closing_move_with_it(world: World) -> None:
    sent = world.submitted()
    assert get(sent).due_at == due_after(CLOSES, call_of(world.call))
    put_off(world)
    assert get(sent).due_at == due_after(CLOSES + WEEK, call_of(world.call)) > due_after(CLOSES, call_of(world.call))
    assert get(world.call).due_at == CLOSES + WEEK + timedelta(minutes=10)
    open_rows = select(func.count()).select_from(CaseDeadline).where(CaseDeadline.closed_at.is_(None))
    assert session().scalar(open_rows.where(CaseDeadline.case_id == sent)) == 1
    with clock.at(CLOSES + timedelta(hours=1)):
        sweep()
        late = world.draft(world.stranger, world.stranger_body)
    assert (get(world.call).state, world.state(late)) == ("open", "draft")


def test_one_event_tells_the_hours_and_the_reason(world: World) -> None:
    before = get(world.call).version
    put_off(world, key="once")
    assert put_off(world, timedelta(days=9), key="once").replayed, "the same key, whatever else is sent with it"
    (event,) = events(world.call)
    assert get(world.call).version == before + 1 and hour(world) == CLOSES + WEEK
    assert event.facts["changes"] == [{"field": "closes_at", "before": stamp(CLOSES), "after": stamp(CLOSES + WEEK)}]


@pytest.mark.parametrize(
    ("by", "reason", "says"),
    [
        (timedelta(), WHY, "never brought forward"),
        (-WEEK, WHY, "never brought forward"),
        (WEEK, " \n", "Write the reason"),
        (timedelta(days=365), WHY, "The results come on"),
    ],
)
def test_what_is_refused_changes_nothing(world: World, by: timedelta, reason: str, says: str) -> None:
    world.draft()
    with pytest.raises(Refused, match=says), unit_of_work():
        extend_closing(world.call, CLOSES + by, reason, world.manager)
    assert hour(world) == CLOSES and events(world.call) == [] and told() == []


def test_it_is_refused_on_the_day_of_the_results_and_allowed_the_day_before(world: World) -> None:
    results = session().execute(select(Call.results_on).where(Call.case_id == world.call)).scalar_one()
    last = clock.local(results - timedelta(days=1), 23, 59, "Europe/Moscow")
    with pytest.raises(Refused, match="earlier day"), unit_of_work():
        extend_closing(world.call, last + timedelta(minutes=1), WHY, world.manager)
    with unit_of_work():
        extend_closing(world.call, last, WHY, world.manager)
    assert hour(world) == last


def test_a_call_that_is_over_by_the_clock_or_cancelled_is_not_put_off(world: World) -> None:
    world.draft()
    with clock.at(CLOSES + timedelta(minutes=5)), pytest.raises(Refused, match="hour has passed"), unit_of_work():
        extend_closing(world.call, CLOSES + timedelta(minutes=1), WHY, world.manager)
    # Nobody has closed it yet, but its drafts can no longer be sent.
    with clock.at(CLOSES + timedelta(minutes=11)), pytest.raises(Refused, match="closed already"):
        put_off(world)
    with clock.at(CLOSES + timedelta(minutes=11)):
        with unit_of_work():
            fire(world.call, "cancel", actor=world.manager, reason="No money.")
        with pytest.raises(Refused, match="closed already"):
            put_off(world)
    assert hour(world) == CLOSES and told() == []


def test_only_its_manager_may_and_only_what_they_saw(world: World) -> None:
    elsewhere = person("manager", programme_id=world.body)
    for actor in (world.officer, world.auditor, world.applicant, elsewhere):
        with pytest.raises(Refused, match="manager"), unit_of_work():
            extend_closing(world.call, CLOSES + WEEK, WHY, actor)
    put_off(world, seen=stamp(CLOSES))
    with pytest.raises(Stale, match="8 November 2021, 23:59"):
        put_off(world, 2 * WEEK, seen=stamp(CLOSES))
    assert hour(world) == CLOSES + WEEK


def test_a_pack_that_puts_off_an_open_call_tells_the_drafts_too(world: World, prozvet: ProgrammePack) -> None:
    mine, call = world.draft(), prozvet.call("KR-2021")
    with unit_of_work():
        service.extend_deadline(mine, CLOSES + timedelta(days=1), "Power cut.", actor=world.manager)
        later = call.model_copy(update={"closes": call.closes + timedelta(days=2)})
        load_pack(prozvet.model_copy(update={"calls": (later,)}), world.manager)
    assert told() == [(world.applicant.person_id, mine)] and service.row_of(mine).extension_until is None


def test_it_costs_the_same_however_many_drafts_there_are(world: World) -> None:
    costs: dict[int, int] = {}
    for round_, more in enumerate((1, 0, 2), 1):  # twice with one of them, for what is read once only; then with three
        for n in range(more):
            case_id = world.draft(*further(n))
            with unit_of_work():
                until = CLOSES + timedelta(days=round_ + 1) - timedelta(hours=1)
                service.extend_deadline(case_id, until, "Power cut.", actor=world.manager)
        before = len(told())
        with counting() as statements:
            put_off(world, timedelta(days=round_ + 1))
        costs[len(told()) - before] = len(statements)
    assert costs.keys() == {1, 3} and costs[1] == costs[3] > 0


def together_inside(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Whoever comes to this function waits there for a second one, or until it is clear that nobody else gets in."""
    met, run = threading.Barrier(2, timeout=1), getattr(module, name)

    def wait(*given: Any, **more: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            met.wait()
        return run(*given, **more)

    monkeypatch.setattr(module, name, wait)


def test_of_two_managers_at_once_one_is_told_that_the_hour_was_changed(
    world: World, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.draft()
    together_inside(monkeypatch, programmes, "put_off")

    def act(by: timedelta, key: str) -> Any:
        def run() -> Any:
            with clock.at(OPEN_DAY):
                return put_off(world, by, key=key, seen=stamp(CLOSES))

        return run

    got = all_at_once(app, act(WEEK, "one"), act(2 * WEEK, "two"))
    assert sorted(isinstance(one, Stale) for one in got) == [False, True], got
    assert len(events(world.call)) == 1 and len(told()) == 1
    assert hour(world) in (CLOSES + WEEK, CLOSES + 2 * WEEK)


def test_the_same_act_at_once_counts_once(world: World, app: Flask) -> None:
    world.draft()

    def act() -> Any:
        with clock.at(OPEN_DAY):
            return put_off(world, key="once", seen=stamp(CLOSES)).replayed

    assert sorted(all_at_once(app, act, act, act)) == [False, True, True]
    assert len(events(world.call)) == 1 and len(told()) == 1


def test_more_time_for_one_and_for_all_at_once_never_ends_before_the_call(
    world: World, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = world.draft()
    together_inside(monkeypatch, extension, "record")
    together_inside(monkeypatch, programmes, "put_off")

    def for_one() -> Any:
        with clock.at(OPEN_DAY), unit_of_work():
            return service.extend_deadline(mine, CLOSES + timedelta(days=1), "Power cut.", actor=world.manager)

    def for_all() -> Any:
        with clock.at(OPEN_DAY):
            return put_off(world)

    got = all_at_once(app, for_one, for_all)
    assert not isinstance(got[1], Exception), got
    assert service.row_of(mine).extension_until is None
    with clock.at(CLOSES + timedelta(days=2)):
        sweep()
    assert world.state(mine) == "draft"


# -------------------------------------------------------------------------------------------------------------- pages
def typed(page: Any, **more: str) -> dict[str, str]:
    """What a browser would send from this page, with what somebody writes."""
    shown = page.get_data(as_text=True)
    names = ["seen", "key", *(["letters"] if 'name="letters"' in shown else [])]
    return {name: field(page, name) for name in names} | {"day": "8.11.2021", "hour": "23:59", "reason": WHY} | more


def test_the_manager_sees_the_letters_first_and_then_puts_it_off(app: Flask, world: World) -> None:
    mine, _other = world.draft(), world.draft(world.stranger, world.stranger_body)
    in_russian(world.stranger)
    client = signed_in(app, world.manager)
    assert URL in client.get(f"/cases/{world.call}").get_data(as_text=True)
    first = client.get(URL)
    assert field(first, "day") == "01.11.2021" and field(first, "hour") == "23:59"
    assert "See the letters first" in text_of(first) and "and send" not in text_of(first)
    look = client.post(URL, data=typed(first, do="look"))
    assert look.status_code == 200 and told() == [] and hour(world) == CLOSES
    words = text_of(look)
    assert "Put off the closing hour and send 2 letters" in words and "N-04" in words
    assert [int(n) for n in re.findall(r'<span class="v">(\d+)</span>', look.get_data(as_text=True))] == [2, 2, 1, 1, 2]
    assert "More time to apply" in words and "Приём заявок продлён" in words and WHY in words
    assert field(look, "day") == "8.11.2021" and WHY in look.get_data(as_text=True).split("</textarea>")[0]
    sent = typed(look)
    done = [client.post(URL, data=sent) for _ in range(3)]
    assert [one.status_code for one in done] == [303] * 3
    assert len(told()) == 2 and len(events(world.call)) == 1 and hour(world) == CLOSES + WEEK
    page = client.get(done[0].location)
    words = text_of(page)
    assert "The call now closes on 8 November 2021, 23:59" in words
    assert "Closing put off" in words and WHY in words and "1 November 2021" in words
    public = text_of(app.test_client().get("/calls/KR-2021"))
    assert "8 November 2021" in public and "1 November 2021" not in public
    writer = signed_in(app, world.applicant)
    for path in (f"/applications/{mine}", f"/applications/{mine}/edit/plan", "/applications"):
        words = text_of(writer.get(path))
        assert "8 Nov" in words and "1 Nov 2021" not in words, path
    inbox = writer.get("/inbox").get_data(as_text=True)
    assert f'href="/cases/{mine}"' in inbox and writer.get(f"/cases/{mine}").status_code == 200


def test_the_page_in_russian(app: Flask, world: World) -> None:
    world.draft()
    in_russian(world.manager)
    client = signed_in(app, world.manager)
    first = client.get(URL)
    words = text_of(first)
    assert "Продлить приём заявок" in words and "The" not in words.replace("The Alliance", "")
    look = client.post(URL, data=typed(first, do="look"))
    assert "Продлить приём заявок и отправить 1 письмо" in text_of(look)
    for more, says in (
        ({"day": "30.10.2021"}, "раньше"),
        ({"day": "8.11.2031"}, "Итоги"),
        ({"reason": "  "}, "причину"),
        ({"hour": "24:00"}, "23:59"),
    ):
        page = client.post(URL, data=typed(first, **more))
        assert page.status_code in (400, 409) and says in text_of(page), more


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ({"day": "", "hour": "", "reason": ""}, 400, "Write the day"),
        ({"day": "31.2.2022"}, 400, "no such day"),
        ({"day": "1.1.0001"}, 400, "between"),
        ({"day": "9" * 9000}, 400, "day, month, year"),
        ({"day": "11/12/2021"}, 400, "two ways"),
        ({"hour": "24:00"}, 400, "23:59"),
        ({"hour": "\u0661\u0662:30"}, 400, "23:59"),
        ({"reason": "x" * 1001}, 400, "1,000"),
        ({"reason": "\u202e\u0000 "}, 400, "Write the reason"),
        ({"day": "31.12.2100"}, 409, "The results come on"),
        ({"day": "1.11.2021"}, 409, "never brought forward"),
        ({"day": "1.10.2021"}, 409, "never brought forward"),
        ({"seen": "<script>"}, 409, "Somebody was quicker"),
        ({"letters": "1.0000"}, 409, "Look at them as they are now"),
        ({"letters": "\u0000" * 5000}, 200, "See the letters again"),
    ],
)
def test_every_wrong_word_gets_a_sentence_and_stays(
    app: Flask, world: World, more: dict[str, str], status: int, says: str
) -> None:
    world.draft()
    client = signed_in(app, world.manager)
    page = client.post(URL, data=typed(client.get(URL), **({"reason": WHY} | more)))
    assert page.status_code == status and says in text_of(page), text_of(page)[-600:]
    assert "<script>" not in page.get_data(as_text=True).split("<main", 1)[1]
    if more.get("day"):
        assert field(page, "day") == more["day"] and WHY in page.get_data(as_text=True)
    assert hour(world) == CLOSES and told() == []


def test_a_stale_page_says_so_keeps_what_was_typed_and_can_be_sent_again(app: Flask, world: World) -> None:
    world.draft()
    client = signed_in(app, world.manager)
    late = client.post(URL, data=typed(client.get(URL), day="15.11.2021", do="look"))
    put_off(world)
    page = client.post(URL, data=typed(late, day="15.11.2021"))
    words = text_of(page)
    assert page.status_code == 409 and "Somebody was quicker" in words and "8 November 2021, 23:59" in words
    assert field(page, "day") == "15.11.2021" and "and send" not in words and len(told()) == 1
    look = client.post(URL, data=typed(page, day="15.11.2021", do="look"))
    assert client.post(URL, data=typed(look, day="15.11.2021")).status_code == 303
    assert hour(world) == CLOSES + 2 * WEEK


def test_letters_that_became_others_are_looked_at_again(app: Flask, world: World) -> None:
    world.draft()
    client = signed_in(app, world.manager)
    look = client.post(URL, data=typed(client.get(URL), do="look"))
    world.draft(world.stranger, world.stranger_body)
    again = client.post(URL, data=typed(look))
    assert again.status_code == 409 and "Letters you looked at: 1. Letters now: 2." in text_of(again)
    assert told() == [] and hour(world) == CLOSES
    assert client.post(URL, data=typed(again)).status_code == 303 and len(told()) == 2


def test_without_drafts_nobody_is_written_to(app: Flask, world: World) -> None:
    client = signed_in(app, world.manager)
    look = client.post(URL, data=typed(client.get(URL), do="look"))
    assert "Nobody would be written to." in text_of(look)
    assert client.post(URL, data=typed(look)).status_code == 303 and hour(world) == CLOSES + WEEK


def test_a_closed_call_shows_why_and_keeps_what_was_typed(app: Flask, world: World) -> None:
    client = signed_in(app, world.manager)
    data = typed(client.get(URL))
    with clock.at(CLOSES + timedelta(minutes=11)):
        client = signed_in(app, world.manager)
        for page in (client.get(URL), client.post(URL, data=data)):
            assert page.status_code == 403 and "The call has closed already." in text_of(page)
        assert field(page, "day") == "8.11.2021" and "See the letters" not in text_of(page)
        assert URL not in client.get(f"/cases/{world.call}").get_data(as_text=True)


def test_others_find_no_such_page_or_are_told_whose_it_is(app: Flask, world: World) -> None:
    elsewhere = person("manager", programme_id=world.body)
    for actor, status in (
        (world.officer, 403),
        (world.auditor, 403),
        (world.applicant, 403),
        (elsewhere, 404),
    ):
        client = signed_in(app, actor)
        assert client.get(URL).status_code == status
        answer = client.post(URL, data={"day": "8.11.2021", "hour": "23:59", "reason": WHY, "do": "look"})
        assert answer.status_code == status and "N-04" not in text_of(answer)
    assert signed_in(app, None).get(URL).location.startswith("/sign-in")
    assert signed_in(app, world.manager).get("/calls/NO-SUCH/closing").status_code == 404
    assert hour(world) == CLOSES


def test_presses_at_once_put_it_off_once(app: Flask, world: World) -> None:
    world.draft()
    client = signed_in(app, world.manager)
    data = typed(client.post(URL, data=typed(client.get(URL), do="look")))

    def press() -> int:
        with clock.at(OPEN_DAY):
            return int(signed_in(app, world.manager).post(URL, data=data).status_code)

    assert all_at_once(app, *[press] * 3) == [303] * 3
    assert len(events(world.call)) == 1 and len(told()) == 1
