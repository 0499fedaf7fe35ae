"""Live cases go to a newer version: what the preview says, what is done, what is refused, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import deadlines, queries, service
from grantflow.cases.models import Case, CaseDeadline
from grantflow.db import db, session, unit_of_work
from grantflow.engine import diagram
from grantflow.engine.registry import registry
from grantflow.engine.verdict import Verdict, no
from grantflow.errors import Misconfigured, Refused, Stale
from grantflow.history import verify
from grantflow.history.models import Event, PrivateValue
from tests.amending.conftest import Bench
from tests.cases.machines import move, small

RENAMED = {"first": "second_look"}
MAP = 'first = "second_look"'


def events(case_id: int) -> list[Any]:
    return list(session().execute(select(Event.__table__).where(Event.case_id == case_id).order_by(Event.seq)))


def open_dates(case_id: int) -> list[Any]:
    query = select(CaseDeadline.__table__).where(CaseDeadline.case_id == case_id, CaseDeadline.closed_at.is_(None))
    return list(session().execute(query.order_by(CaseDeadline.id)))


def at_first(bench: Bench) -> Any:
    case = bench.case()
    bench.fire(case, "check", bench.officer)
    return bench.fire(case, "approve", bench.finance).case


def test_each_case_goes_with_one_event_that_says_from_what_to_what_and_why(bench: Bench) -> None:
    kept, moved = bench.case(), at_first(bench)
    new = bench.newer(states=RENAMED)
    done = bench.carry(MAP)
    assert sorted(done.versions) == [kept.id, moved.id]
    for before, state in ((kept, "open"), (moved, "second_look")):
        now, last = service.get(before.id), events(before.id)[-1]
        assert (now.workflow_hash, now.state, now.version) == (new.content_hash, state, before.version + 1)
        assert (last.seq, last.move, last.from_state, last.to_state) == (
            now.version, "definition_changed", before.state, state,
        )  # fmt: skip
        assert last.facts == {
            "changes": [{"field": "definition", "before": small().content_hash, "after": new.content_hash}]
        }
        assert (last.actor_id, last.role) == (bench.manager.person_id, "manager")
        reason = select(PrivateValue.value).filter_by(case_id=before.id, seq=last.seq, name="reason")
        assert session().scalar(reason) == '"By the board\'s decision."'
        assert verify.verify_case(before.id).whole
    assert (service.get(kept.id).since_seq, service.get(moved.id).since_seq) == (1, moved.version + 1)
    assert bench.fire(moved, "approve_second", bench.finance2).case.state == "done"


def test_a_second_run_changes_nothing(bench: Bench) -> None:
    case = at_first(bench)
    bench.newer(states=RENAMED)
    bench.carry(MAP)
    version = service.get(case.id).version
    again = bench.carry(MAP)
    assert (again.going, again.staying, service.get(case.id).version) == ([], [], version)


def test_a_preview_counts_and_changes_nothing(bench: Bench) -> None:
    case, ended = at_first(bench), at_first(bench)
    bench.fire(ended, "approve_second", bench.finance2)
    bench.newer(states=RENAMED)
    seen = bench.plan(MAP)
    assert [(going.case.id, going.case.state, going.state) for going in seen.going] == [
        (case.id, "first", "second_look")
    ]
    assert [(row.id, str(why)) for row, why in seen.staying] == [
        (ended.id, "it has ended and stays with the version it ended under")
    ]
    assert service.get(case.id) == case and len(events(case.id)) == case.version


def test_a_stage_that_fits_is_tried_and_left_until_it_is_carried_out(bench: Bench) -> None:
    case = bench.case()
    bench.fire(case, "check", bench.officer)
    bench.newer()
    text = 'checked = "first"'
    assert not bench.plan(text).blocked
    assert (service.get(case.id).stage, service.get(case.id).state) == ("eligibility", "checked")
    bench.carry(text)
    assert (service.get(case.id).stage, service.get(case.id).state) == ("decision", "first")


def test_the_door_itself_puts_a_case_under_a_version_once(bench: Bench) -> None:
    case, new = bench.case(), bench.newer()
    for event in (2, 2):
        with unit_of_work():
            done = service.change_definition(case.id, new, "open", actor=bench.manager, reason="Once.")
        assert service.get(case.id).version == event
    assert done is None
    with pytest.raises(Stale), unit_of_work():
        service.change_definition(case.id, small(), "open", actor=bench.manager, reason="Late.", version=1)


def test_ended_cases_go_only_when_asked(bench: Bench) -> None:
    ended = at_first(bench)
    bench.fire(ended, "approve_second", bench.finance2)
    new = bench.newer(states=RENAMED | {"done": "finished"})
    bench.carry(MAP)
    assert service.get(ended.id).state == "done"
    bench.carry(MAP + '\ndone = "finished"', ends=True)
    assert (service.get(ended.id).state, service.get(ended.id).workflow_hash) == ("finished", new.content_hash)


def test_votes_count_on_where_the_state_stays_and_begin_anew_where_it_does_not(bench: Bench) -> None:
    stays, goes = bench.case(), bench.case()
    bench.fire(goes, "check", bench.officer)
    for case in (stays, goes):
        bench.fire(case, "refuse", bench.officer, reason="Outside the districts.")
    bench.newer(states={"checked": "looked_at"})
    text = 'checked = "looked_at"'
    assert bench.plan(text).votes == {("refuse", True): 1, ("refuse", False): 1}
    bench.carry(text)
    assert bench.fire(stays, "refuse", bench.officer2, reason="I agree.").case.state == "refused"
    assert bench.fire(goes, "refuse", bench.officer2, reason="I agree.").case.state == "looked_at"


def test_deadlines_are_reckoned_anew_from_when_the_case_came_into_its_state(bench: Bench) -> None:
    day = timedelta(days=1)
    week = {"name": "too_long", "state": "open", "after": "P5D", "trigger": "remark"}
    bench.newer(deadlines=[week])
    kept = bench.case()
    bench.newer(
        deadlines=[week | {"after": "P9D"}, week | {"name": "at_once", "after": "P1D"}, week | {"name": "same"}]
    )
    with clock.at(kept.opened_at + 2 * day):
        seen = bench.plan()
        assert seen.dates == {("too_long", "moves"): 1, ("at_once", "falls at once"): 1, ("same", "begins"): 1}
        bench.carry()
    dates = {row.name: row.due_at - kept.opened_at for row in open_dates(kept.id)}
    assert dates == {"too_long": 9 * day, "at_once": day, "same": 5 * day}
    assert service.get(kept.id).due_at == kept.opened_at + day
    bench.newer(deadlines=[])
    assert bench.plan().dates == {(name, "ends"): 1 for name in ("too_long", "at_once", "same")}
    bench.carry()
    assert open_dates(kept.id) == [] and service.get(kept.id).due_at is None


def test_a_deadline_that_stays_as_it_is_stays_the_same_row_and_a_reminder_comes_once(bench: Bench) -> None:
    day = timedelta(days=1)
    rows = [
        {"name": "remind", "state": "open", "after": "P2D", "trigger": "remark"},
        {"name": "later", "state": "open", "after": "P8D", "trigger": "remark"},
    ]
    bench.newer(deadlines=rows)
    case = bench.case()
    with clock.at(case.opened_at + 3 * day):
        deadlines.sweep()
        before = [row.id for row in open_dates(case.id)]
        bench.newer(deadlines=rows, initial="open", name="small", label={"en": "Newer", "ru": "Новее"})
        assert bench.plan().dates == {}
        bench.carry()
        assert [row.id for row in open_dates(case.id)] == before and len(before) == 1


def test_desks_guards_and_duties_that_change_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlit(ctx: Any) -> Verdict:
        return no(f"No lamp in {ctx.case.state}.")

    monkeypatch.setitem(registry.guards, "tests.unlit", unlit)
    at_first(bench)
    body = small().model_dump(mode="json", by_alias=True)
    states = [{**s, "desk": "finance" if s["name"] == "first" else s["desk"]} for s in body["states"]]
    moves = [m for m in body["moves"] if m["name"] != "approve_second"]
    moves.append(
        move("approve_second", ["first"], "done", ["finance"], distinct_from=["check", "weigh"], guards=["tests.unlit"])
    )
    moves.append(move("weigh", ["checked"], "first", ["finance"]))
    bench.newer(states={}, moves=moves)
    bench.force = bench.force.model_validate(bench.force.model_dump(mode="json", by_alias=True) | {"states": states})
    seen = bench.plan()
    assert seen.desks == {("officer", "finance"): 1}
    assert seen.guards == {("approve_second", "No lamp in first."): 1}
    assert seen.duties == {("approve_second", "weigh"): 1}


def test_a_case_that_went_on_after_the_preview_is_named_and_nothing_moves(bench: Bench) -> None:
    one, other = at_first(bench), bench.case()
    bench.newer(states=RENAMED)
    seen = bench.plan(MAP)
    bench.fire(other, "remark", bench.officer)
    with pytest.raises(Stale, match=f"check/{other.id}") as told:
        bench.carry(MAP, seen=seen.versions)
    assert f"check/{one.id}" not in str(told.value)
    with pytest.raises(Stale, match="no longer what the preview showed"):
        bench.carry(MAP, mark=seen.mark)
    assert service.get(one.id).version == one.version
    assert bench.carry(MAP, mark=bench.plan(MAP).mark).going


def test_a_case_opened_after_the_preview_is_found(bench: Bench) -> None:
    bench.case()
    force, old = bench.newer(), small()
    seen = bench.plan()
    bench.force = old
    late = bench.case()
    bench.force = force
    with pytest.raises(Stale, match=f"check/{late.id}"):
        bench.carry(seen=seen.versions)


def test_one_version_can_be_chosen_by_the_beginning_of_its_hash(bench: Bench) -> None:
    first = bench.case()
    middle = bench.newer(label={"en": "Middle", "ru": "Средняя"})
    second = bench.case()
    new = bench.newer(states=RENAMED)
    bench.carry(MAP, version=middle.content_hash[:10])
    assert service.get(first.id).workflow_hash == small().content_hash
    assert service.get(second.id).workflow_hash == new.content_hash
    with pytest.raises(Misconfigured, match="No older version"):
        bench.plan(MAP, version="zz")
    with pytest.raises(Misconfigured, match="is the version of 'small' that is in force"):
        bench.plan(MAP, version=new.content_hash)


def test_only_the_manager_of_the_cases_moves_them(bench: Bench) -> None:
    case = bench.case()
    bench.newer()
    for nobody in (bench.officer, bench.finance, bench.stranger):
        with pytest.raises(Refused, match="Only the programme manager"):
            bench.carry(actor=nobody)
    assert service.get(case.id).version == 1


def test_one_that_cannot_be_moved_takes_all_others_with_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [bench.case() for _ in range(3)]
    bench.newer()
    real, count = service._write_event, 0

    def breaks(*arguments: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == 3:
            raise RuntimeError("the light went out")
        return real(*arguments, **more)

    monkeypatch.setattr(service, "_write_event", breaks)
    with pytest.raises(RuntimeError, match="the light went out"):
        bench.carry()
    assert {service.get(case.id).workflow_hash for case in cases} == {small().content_hash}
    assert [len(events(case.id)) for case in cases] == [1, 1, 1]


def test_the_time_line_keeps_the_words_of_the_older_version_and_says_what_changed(bench: Bench) -> None:
    case = at_first(bench)
    moves = [
        move("look", ["open"], "second_look", ["officer"]),
        move("end", ["second_look"], "done", ["officer"]),
        move("refuse", ["open"], "refused", ["officer"]),
    ]
    states = [s for s in small().model_dump(mode="json")["states"] if s["name"] not in ("checked", "first")]
    states.insert(1, {**states[0], "name": "second_look", "label": {"en": "Second look", "ru": "Ещё раз"}})
    bench.newer(moves=moves, states=None)
    body = bench.force.model_dump(mode="json", by_alias=True) | {"states": states}
    bench.force = bench.force.model_validate(body)
    bench.carry('first = "second_look"\nchecked = "open"')
    seen = service.get(case.id)
    for language, said, version, state in (
        ("en", "Moved to another version of the workflow", "Version of the workflow", "State"),
        ("ru", "Переход на другую версию процесса", "Версия процесса", "Состояние"),
    ):
        with force_locale(language):
            line = queries.timeline(seen, bench.officer)
            assert str(line.lines[0].say) == said
            assert [str(label(one)) for one in line.lines[1:]] == ["approve done", "check done", opened(language)]
            (field, before, after), (what, left, reached) = line.lines[0].changes
            assert (str(field), str(before), str(after)) == (
                version, small().content_hash[:12], bench.force.content_hash[:12],
            )  # fmt: skip
            assert (str(what), str(left)) == (state, "first")
            assert str(reached) == ("Second look" if language == "en" else "Ещё раз")
            assert [one.en for one in line.earlier] == ["checked", "first"]
            drawn = diagram.svg(bench.force, language, line.path, seen.state)
            assert "Second" in drawn or "Ещё" in drawn


def label(line: Any) -> Any:
    from grantflow import rendering

    return rendering.label(line.say)


def opened(language: str) -> str:
    return "Opened" if language == "en" else "Дело открыто"


def test_a_move_under_way_goes_first_or_afterwards_but_never_half(bench: Bench, house: Any) -> None:
    cases = [bench.case() for _ in range(12)]
    bench.newer(states={"checked": "looked_at"})
    ready, told = threading.Barrier(2, timeout=60), []

    def fires() -> None:
        with house.app_context():
            ready.wait(30)
            for case in reversed(cases):
                try:
                    with unit_of_work():
                        told.append(service.fire(case.id, "check", actor=bench.officer, version=1).case.state)
                except Stale:
                    told.append("stale")
            db.session.remove()

    session().rollback()
    other = threading.Thread(target=fires)
    other.start()
    ready.wait(30)
    done = bench.carry('checked = "looked_at"')
    other.join(60)
    session().rollback()
    rows = session().execute(select(Case.__table__).where(Case.id.in_([c.id for c in cases]))).all()
    assert {row.workflow_hash for row in rows} == {bench.force.content_hash} and len(done.going) == len(cases)
    assert len(told) == len(cases) and set(told) <= {"stale", "checked", "looked_at"}
    for row in rows:
        assert verify.verify_case(row.id).whole
        assert row.state in ("open", "looked_at")
    assert sum(row.state == "looked_at" for row in rows) == sum(word != "stale" for word in told)
