"""The same done to many applications: looked over first, each on its own, and taken back before anybody is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.cases import outbox
from grantflow.cases.letters import unread
from grantflow.cases.models import Outbox
from grantflow.cases.service import fire, get
from grantflow.db import db, session, unit_of_work
from grantflow.eligibility import bulk, doing, service, telling
from grantflow.eligibility.models import BulkAct, BulkLine
from grantflow.eligibility.picking import Picked, rows_of
from grantflow.eligibility.restoring import LETTERS_WAIT
from grantflow.errors import Refused
from grantflow.history.models import Event
from grantflow.identity.access import SYSTEM, Actor
from tests.benchmarks.multiplied import Multiplied
from tests.browsing import counting, field, signed_in, text_of
from tests.submissions.conftest import OPEN_DAY, World

WORDS: dict[str, Any] = {"reason": "Not in a district of the call."}
AGAIN: dict[str, Any] = {"reason": "The extract is missing.", "sections": ["plan"]}


def check(*case_ids: int, world: World) -> None:
    for case_id in case_ids:
        with unit_of_work():
            service.run_checks(case_id, actor=world.officer)


def looked(world: World, act: str, actor: Actor | None = None, *ids: int) -> list[bulk.Looked]:
    rows = rows_of(world.call, Picked(ids, not ids), actor or world.officer)
    return bulk.look(act, rows, actor or world.officer)


def do(world: World, act: str, words: dict[str, Any], actor: Actor, *ids: int, key: str = "k") -> dict[str, int]:
    going = [line for line in looked(world, act, actor, *ids) if line.goes]
    return doing.counts_of(doing.begin(world.call, act, going, words, actor=actor, key=f"{act}-{key}"))


def letters(case_id: int, notice: str) -> list[Any]:
    query = select(Outbox.__table__).where(Outbox.case_id == case_id, Outbox.notice == notice)
    return list(session().execute(query))


def test_what_would_happen_is_what_happens_and_one_refusal_stops_no_other(world: World) -> None:
    ready, unchecked, voted, half = (world.submitted() for _ in range(4))
    draft = world.draft()
    check(ready, voted, half, world=world)
    for case_id, who in ((voted, world.officer), (half, world.second)):
        with unit_of_work():
            fire(case_id, "refuse", actor=who, reason="By the rule.")
    said = {line.row.id: line for line in looked(world, "refuse")}
    assert {n: (line.goes, line.last) for n, line in said.items()} == {
        ready: (True, False), unchecked: (False, True), voted: (False, True), half: (True, True),
    } and draft not in said  # fmt: skip
    assert "Run them first" in str(said[unchecked].why) and "voted already" in str(said[voted].why)
    for case_id, line in said.items():  # the moves themselves say the same
        if not line.goes:
            with pytest.raises(Refused) as refused, unit_of_work():
                fire(case_id, "refuse", actor=world.officer, reason="x")
            assert str(refused.value) == str(line.why)
    going = [line for line in said.values() if line.goes]
    with unit_of_work():
        fire(ready, "late", actor=SYSTEM)  # it has gone on since it was looked over
    made = doing.begin(world.call, "refuse", going, WORDS, actor=world.officer, key="k")
    assert doing.counts_of(made) == {"done": 1, "not_done": 1}
    assert (world.state(ready), world.state(half)) == ("submitted", "ineligible")
    line = session().execute(select(BulkLine.said).where(BulkLine.case_id == ready)).scalar_one()
    assert "changed while you were reading" in line["en"] and "изменил" in line["ru"]
    act = session().execute(select(BulkAct.__table__)).one()
    assert act.finished_at and act.words == {}


def test_a_second_officer_agrees_to_all_of_it_at_once(world: World) -> None:
    first, second = world.submitted(), world.submitted()
    check(first, second, world=world)
    assert do(world, "refuse", WORDS, world.officer) == {"voted": 2}
    number = session().scalars(select(BulkAct.id)).one()
    rows = rows_of(world.call, Picked(of=number), world.second)
    assert [row.id for row in rows] == [first, second]
    assert do(world, "refuse", WORDS, world.second, first, second) == {"done": 2}
    assert world.state(first) == "ineligible"


def test_the_same_press_counts_once(world: World) -> None:
    case_id = world.submitted()
    going = looked(world, "return")
    numbers = {doing.begin(world.call, "return", going, AGAIN, actor=world.officer, key="same") for _ in range(2)}
    moves = session().scalar(select(func.count()).where(Event.case_id == case_id, Event.move == "return"))
    assert len(numbers) == 1 and moves == 1


def test_taken_back_before_the_letters_leave_nobody_is_told(world: World) -> None:
    case_id = world.submitted()
    do(world, "return", AGAIN, world.officer)
    (letter,) = letters(case_id, "returned")
    assert letter.due_at - letter.created_at == LETTERS_WAIT
    while outbox.drain():
        pass
    before = unread(world.applicant)
    with clock.at(OPEN_DAY + LETTERS_WAIT):
        assert unread(world.applicant) == before + 1
    with unit_of_work():
        outbox.mark_read(world.applicant.person_id)  # what is not shown yet is not read
    assert letters(case_id, "returned")[0].sent_at is None
    assert do(world, "restore", {"reason": "Wrong list."}, world.second) == {"done": 1}
    assert world.state(case_id) == "submitted"
    assert letters(case_id, "returned")[0].withheld == outbox.LEFT_BEHIND
    assert letters(case_id, "check_taken_back") == []


@pytest.mark.parametrize("act", ["return", "refuse"])
def test_until_it_is_announced_the_applicant_reads_nothing_of_it(app: Flask, world: World, act: str) -> None:
    case_id = world.submitted()
    words, said = (AGAIN, "Returned for correction") if act == "return" else (WORDS, "ineligible")
    mine, hers = signed_in(app, world.applicant), signed_in(app, world.officer)
    where = (f"/cases/{case_id}", "/applications", "/desk", f"/applications/{case_id}")
    check(case_id, world=world)
    if act == "refuse":
        do(world, act, words, world.second)
    do(world, act, words, world.officer)
    for path in where:
        page = text_of(mine.get(path, follow_redirects=True))
        assert "Submitted" in page and words["reason"] not in page, path
        assert said not in page and "corrected" not in page and "rule" not in page.casefold(), path
    assert said in text_of(hers.get(f"/cases/{case_id}"))
    for way in ("withdraw", "appeal", "take_back"):
        assert mine.get(f"/cases/{case_id}/moves/{way}").status_code == 403
    assert mine.get(f"/applications/{case_id}/check").headers["Location"].endswith("/receipt")
    with pytest.raises(Refused):
        world.write(case_id, "plan", {"steps": "Other steps."})
    with pytest.raises(Refused):
        world.submit(case_id)
    with clock.at(OPEN_DAY + LETTERS_WAIT):
        page = text_of(mine.get(f"/cases/{case_id}"))
        assert said in page and (words["reason"] in page or act == "refuse")
        if act == "return":
            assert "Other steps." in str(world.write(case_id, "plan", {"steps": "Other steps."}).draft.values)


def test_taken_back_before_it_was_announced_it_never_was_for_the_applicant(app: Flask, world: World) -> None:
    case_id = world.submitted()
    check(case_id, world=world)
    page = f"/cases/{case_id}"
    before = text_of(signed_in(app, world.applicant).get(page))
    for who in (world.officer, world.second):
        do(world, "refuse", WORDS, who)
    do(world, "restore", {"reason": "Wrong list."}, world.second)
    with clock.at(OPEN_DAY + timedelta(hours=1)):
        assert text_of(signed_in(app, world.applicant).get(page)) == before
        told = text_of(signed_in(app, world.officer).get(page))
        assert "Found ineligible" in told and "taken back" in told


def test_taken_back_later_whoever_was_told_is_told(world: World) -> None:
    case_id = world.submitted()
    check(case_id, world=world)
    do(world, "refuse", WORDS, world.officer)
    do(world, "refuse", WORDS, world.second)
    with clock.at(OPEN_DAY + timedelta(minutes=11)):
        while outbox.drain():
            pass
        assert letters(case_id, "found_ineligible")[0].sent_at is not None
        do(world, "restore", {"reason": "Wrong list."}, world.officer)
        (letter,) = letters(case_id, "check_taken_back")
        assert letter.person_id == world.applicant.person_id and letter.due_at == clock.now()
        # Votes of before do not count: it needs two officers again.
        assert [line.last for line in looked(world, "refuse")] == [False]


def test_once_the_panel_has_begun_nothing_is_taken_back(world: World) -> None:
    case_id = world.submitted()
    world.give_back(case_id, "plan")
    with unit_of_work() as current:
        from grantflow.cases.models import Case

        current.execute(update(Case).where(Case.id == world.call).values(stage="scoring"))
    (line,) = looked(world, "restore")
    assert not line.goes and "panel has begun" in str(line.why)
    with pytest.raises(Refused, match="panel has begun"), unit_of_work():
        fire(case_id, "restore", actor=world.officer, reason="x")


def test_a_large_lot_goes_on_in_the_background(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doing, "AT_ONCE", 1)
    ids = [world.submitted() for _ in range(3)]
    assert do(world, "return", AGAIN, world.officer) == {"waiting": 3}
    calls: list[int] = []
    assert doing.work(lambda: bool(calls) or calls.append(1) is not None) == 0  # asked to stop: all of it waits
    assert doing.work() == 3
    assert {world.state(case_id) for case_id in ids} == {"returned"}


def test_a_fault_in_one_is_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [world.submitted() for _ in range(2)]
    make = telling.make

    def broken(act: str, case_id: int, *given: Any, **more: Any) -> Any:
        if case_id == ids[0]:
            raise ZeroDivisionError
        return make(act, case_id, *given, **more)

    monkeypatch.setattr(doing, "make", broken)
    assert do(world, "return", AGAIN, world.officer) == {"done": 1, "not_done": 1}
    assert [world.state(case_id) for case_id in ids] == ["submitted", "returned"]


def test_only_whoever_may_sees_them_go(world: World) -> None:
    world.submitted()
    assert [line.goes for line in looked(world, "return", world.manager)] == [False]
    assert [line.goes for line in looked(world, "check", world.manager)] == [True]
    assert looked(world, "return", world.stranger) == []


def test_running_the_rules_on_many_is_confirmed_as_it_was_looked_at(app: Flask, world: World) -> None:
    case_id = world.submitted()
    browser, address = signed_in(app, world.manager), "/calls/KR-2021/bulk/check?every=1"
    page = browser.get(address)
    with unit_of_work():
        fire(case_id, "late", actor=SYSTEM)
    sent = {"key": field(page, "key"), "seen": field(page, "seen")}
    changed = browser.post(address, data=sent)
    assert changed.status_code == 409 and service.latest(case_id) is None
    done = browser.post(address, data={**sent, "seen": field(changed, "seen")})
    assert done.status_code == 303 and "1 Done" in text_of(browser.get(done.location))
    run = service.latest(case_id)
    assert run is not None and run.n == 1


def test_the_pages_cost_the_same_for_very_many(app: Flask, world: World, thorough: bool) -> None:
    check(*(world.submitted() for _ in range(3)), world=world)
    browser, costs = signed_in(app, world.officer), []
    for wanted in (3, 10_000 if thorough else 30):
        session().rollback()
        with db.engine.connect() as connection:
            Multiplied(connection).reach(wanted)
        for path in ("bulk/refuse?every=1", "bulk/check?every=1", "pipeline", "pipeline.xlsx"):
            browser.get(f"/calls/KR-2021/{path}")
            with counting() as statements:
                page = browser.get(f"/calls/KR-2021/{path}")
            assert page.status_code == 200
            costs.append(len(statements))
            if path.startswith("bulk"):
                assert f"{wanted:,} applications chosen" in text_of(page).replace("\u00a0", " ") or thorough
    assert costs[:4] == costs[4:]


def test_looking_costs_the_same_for_three_and_for_six(world: World) -> None:
    costs = []
    for _ in range(2):
        check(*(world.submitted() for _ in range(3)), world=world)
        looked(world, "refuse", world.second)  # terms and definitions are read once a process
        session().rollback()
        with unit_of_work():
            for row in rows_of(world.call, Picked(every=True), world.officer):
                if not bulk._voters([row], "refuse")[row.id]:
                    fire(row.id, "refuse", actor=world.officer, reason="x")
        with counting() as statements:
            lines = looked(world, "refuse", world.second)
            telling.letters("refuse", get(world.call), lines, WORDS, world.second, "")
        costs.append((sum(line.goes for line in lines), len(statements)))
    assert [number for number, _ in costs] == [3, 6] and costs[0][1] == costs[1][1]


def test_the_page_does_what_was_looked_at_and_nothing_else(app: Flask, world: World) -> None:
    one, two = world.submitted(), world.submitted(world.stranger, world.stranger_body)
    browser = signed_in(app, world.officer)
    begun = browser.get(f"/calls/KR-2021/bulk?act=return&case={one}&case={two}&case=x")
    assert begun.status_code == 303 and f"ids={one}.{two}" in begun.location
    page = browser.get(begun.location)
    assert "2 applications chosen" in text_of(page)
    empty = browser.post(begun.location, data={"key": field(page, "key"), "reason": " ", "do": "look"})
    assert empty.status_code == 400 and "Tick at least one section" in text_of(empty)
    sent = {"key": field(page, "key"), "reason": AGAIN["reason"], "sections": ["plan"]}
    seen = browser.post(begun.location, data={**sent, "do": "look"})
    said = text_of(seen)
    assert seen.status_code == 200 and "2 Letters" in said and "The extract is missing." in said
    assert world.state(one) == "submitted"
    world.give_back(two, "plan")  # somebody else is quicker
    mark = field(seen, "seen")
    changed = browser.post(begun.location, data={**sent, "seen": mark})
    assert changed.status_code == 409 and "Nothing was done" in text_of(changed) and world.state(one) == "submitted"
    done = browser.post(begun.location, data={**sent, "seen": field(changed, "seen")})
    assert done.status_code == 303 and world.state(one) == "returned"
    assert browser.post(begun.location, data={**sent, "seen": "x"}).location == done.location
    result = browser.get(done.location)
    assert "1 Done" in text_of(result) and "Look over and take back" in text_of(result)
    back = browser.get(f"/calls/KR-2021/bulk/restore?of={done.location.rsplit('/', 1)[1]}")
    assert "1 Go" in text_of(back)
    for who, status in ((world.applicant, 403), (world.auditor, 403)):
        assert signed_in(app, who).get(done.location).status_code == status
    assert signed_in(app, world.manager).get(begun.location).status_code == 404
    nothing = browser.get("/calls/KR-2021/bulk?act=return&q=felt")
    assert nothing.status_code == 303 and "q=felt" in nothing.location
