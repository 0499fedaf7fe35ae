"""Loading a pack twice changes nothing; what changes stands in a history; people's trust in an open call is
kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.exc import DatabaseError

from grantflow import clock
from grantflow.cases.service import fire, get
from grantflow.db import db, session, unit_of_work
from grantflow.errors import NotFound, Refused
from grantflow.history.models import Event
from grantflow.identity.access import SYSTEM
from grantflow.programmes import measures, models, queries, results
from grantflow.programmes import pack as packs
from grantflow.programmes import service as programmes
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.parts import Prose
from grantflow.programmes.rows import Loaded
from tests import factories
from tests.together import all_at_once

BEFORE = datetime(2021, 9, 1, 8, 0, tzinfo=UTC)


def moves(case_id: int) -> list[str]:
    return list(session().scalars(select(Event.move).where(Event.case_id == case_id).order_by(Event.seq)))


def manager(loaded: Loaded) -> Any:
    return factories.person("manager", programme_id=loaded.programme_id)


def bring_to(call_id: int, actor: Any, *triggers: str) -> None:
    for trigger in triggers:
        with unit_of_work():
            fire(call_id, trigger, actor=actor)


def test_the_second_load_of_the_same_pack_changes_nothing(loaded: Loaded, prozvet: ProgrammePack) -> None:
    before = session().scalar(select(func.count()).select_from(Event))
    with unit_of_work():
        again = programmes.load_pack(prozvet, SYSTEM)
    assert not again.anything
    assert again.calls == loaded.calls
    assert session().scalar(select(func.count()).select_from(Event)) == before


def test_a_changed_text_of_a_call_stands_in_its_history_with_before_and_after(
    loaded: Loaded, prozvet: ProgrammePack
) -> None:
    call = prozvet.call("KR-2021")
    other = call.model_copy(update={"summary": Prose(en="Shorter.", ru="Короче.")})
    changed = prozvet.model_copy(update={"calls": (other, prozvet.call("ZB-2022"))})
    with unit_of_work():
        done = programmes.load_pack(changed, SYSTEM)
    assert done.changed["calls"] == 1
    assert moves(loaded.calls["KR-2021"]) == ["open", "call_changed"]
    assert queries.call_by_code("KR-2021").summary.in_("ru") == "Короче."
    facts = (
        session()
        .scalars(
            select(Event.facts).where(Event.case_id == loaded.calls["KR-2021"]).order_by(Event.seq.desc()).limit(1)
        )
        .one()
    )
    assert facts["changes"][0]["after"]["en"] == "Shorter."


def test_nobody_but_a_manager_of_the_programme_loads_it(loaded: Loaded, prozvet: ProgrammePack) -> None:
    other = factories.record_file("programme", "Another")
    for actor in (
        factories.person("officer", programme_id=loaded.programme_id),
        factories.person("manager", programme_id=other),
    ):
        with pytest.raises(Refused), unit_of_work():
            programmes.load_pack(prozvet, actor)


def test_partners_are_found_by_either_spelling(loaded: Loaded) -> None:
    for spelling in ("Karelian", "Karealian", "карельский", "karelia ngo"):
        assert [p.code for p in queries.find_partner(loaded.programme_id, spelling)] == ["karelia_centre"]


def test_an_amendment_waits_for_the_approval_and_then_stands_in_the_history(
    loaded: Loaded, prozvet: ProgrammePack
) -> None:
    call, call_id, who = prozvet.call("KR-2021"), loaded.calls["KR-2021"], manager(loaded)
    with clock.at(BEFORE):
        with pytest.raises(Refused), unit_of_work():
            programmes.apply_amendments(call_id, call.amendments, who)
        bring_to(call_id, who, "approve")
        with unit_of_work():
            assert programmes.apply_amendments(call_id, call.amendments, who) == 1
        with unit_of_work():
            assert programmes.apply_amendments(call_id, call.amendments, who) == 0
    assert moves(call_id)[-2:] == ["approve", "scope_amended"]
    assert {p.code for p in queries.districts_in_scope(call_id, date(2021, 9, 13))} == set(call.districts)
    assert {p.code for p in queries.districts_in_scope(call_id, date(2021, 9, 14))} == set(call.amendments[0].districts)
    gone = [line for line in queries.scope_history(call_id) if line.scope.until_on]
    assert {line.place.code for line in gone} == {"olonetsky", "muezersky"}
    assert all(line.scope.ended and "альянса" in line.scope.ended.ru for line in gone)


def test_an_amendment_is_refused_for_a_district_of_another_region_without_reason_or_by_an_officer(
    loaded: Loaded,
) -> None:
    call_id, who = loaded.calls["KR-2021"], manager(loaded)
    officer = factories.person("officer", programme_id=loaded.programme_id)
    with clock.at(BEFORE):
        bring_to(call_id, who, "approve")
    day = date(2021, 9, 14)
    for districts, reason, actor in (
        (["chita"], "Why", who),
        (["suoyarvsky"], " ", who),
        ([], "Why", who),
        (["suoyarvsky"], "Why", officer),
    ):
        with pytest.raises(Refused), unit_of_work():
            programmes.amend_scope(call_id, districts, reason, day, actor)
    assert len(queries.districts_in_scope(call_id, day)) == 4


def test_an_open_call_may_close_later_but_never_earlier_and_its_budget_stands(
    loaded: Loaded, prozvet: ProgrammePack
) -> None:
    call_id, who = loaded.calls["KR-2021"], manager(loaded)
    call = prozvet.call("KR-2021")

    def load(**changes: Any) -> None:
        other = prozvet.model_copy(update={"calls": (call.model_copy(update=changes),)})
        with unit_of_work():
            programmes.load_pack(other, who)

    with clock.at(BEFORE):
        bring_to(call_id, who, "approve", "open")
        with pytest.raises(Refused):
            load(closes=call.closes - timedelta(days=1))
        with pytest.raises(Refused):
            load(budget_minor=1_00)
        load(closes=call.closes + timedelta(days=2))
        with pytest.raises(Refused), unit_of_work():
            programmes.extend_closing(call_id, call.closes_at, "Earlier again", who)
        with unit_of_work():
            programmes.extend_closing(call_id, call.closes_at + timedelta(days=3), "Power cut", who)
    stored = queries.call_by_code("KR-2021")
    assert stored.closes_at == call.closes_at + timedelta(days=3)
    assert stored.budget_minor == call.budget_minor
    assert get(call_id).due_at == programmes.closing_instant(stored)


def test_new_terms_of_an_open_call_are_a_new_version_and_the_old_one_is_kept(
    loaded: Loaded, prozvet: ProgrammePack, text: str
) -> None:
    call_id, who, call = loaded.calls["KR-2021"], manager(loaded), prozvet.call("KR-2021")
    with clock.at(BEFORE):
        bring_to(call_id, who, "approve", "open")
        with unit_of_work():
            programmes.load_pack(packs.from_text(text.replace('min_ask = "150000"', 'min_ask = "100000"'), "x"), who)
    assert queries.call_pack(queries.call_by_code("KR-2021")).min_ask_minor == 100_000_00
    assert queries.terms_by_hash(call.terms.content_hash).min_ask_minor == 150_000_00


def test_a_call_closes_by_itself_only_after_the_minutes_of_grace(loaded: Loaded, prozvet: ProgrammePack) -> None:
    call_id, who, call = loaded.calls["KR-2021"], manager(loaded), prozvet.call("KR-2021")
    with clock.at(BEFORE):
        bring_to(call_id, who, "approve", "open")
    with clock.at(call.closes_at + timedelta(minutes=9)), pytest.raises(Refused) as said, unit_of_work():
        fire(call_id, "close", actor=SYSTEM)
    assert "1 November 2021" in str(said.value)
    with clock.at(call.closes_at + timedelta(minutes=10)), unit_of_work():
        assert fire(call_id, "close", actor=SYSTEM).case.state == "closed"


def test_a_call_without_money_strategy_or_words_is_not_approved(loaded: Loaded) -> None:
    call_id, who = loaded.calls["KR-2021"], manager(loaded)
    with unit_of_work() as current:
        call = current.get_one(models.Call, call_id)
        call.strategy_id = None
    with clock.at(BEFORE), pytest.raises(Refused) as said, unit_of_work():
        fire(call_id, "approve", actor=who)
    assert "strategy" in str(said.value)
    with unit_of_work() as current:
        call = current.get_one(models.Call, call_id)
        call.no_strategy = Prose(en="A pilot.", ru="Проба.")
        call.guide = Prose.model_construct(en="Guide", ru=" ")
    with clock.at(BEFORE), pytest.raises(Refused) as said, unit_of_work():
        fire(call_id, "approve", actor=who)
    assert "both languages" in str(said.value)


def test_a_call_is_not_approved_before_its_strategy_is_endorsed(loaded: Loaded) -> None:
    early, who = datetime(2021, 6, 1, tzinfo=UTC), manager(loaded)
    with clock.at(early), pytest.raises(Refused), unit_of_work():
        fire(loaded.calls["KR-2021"], "approve", actor=who)


def test_a_call_whose_closing_hour_has_passed_does_not_open(loaded: Loaded) -> None:
    call_id, who = loaded.calls["KR-2021"], manager(loaded)
    with clock.at(BEFORE):
        bring_to(call_id, who, "approve")
    with clock.at(datetime(2021, 12, 1, tzinfo=UTC)), pytest.raises(Refused), unit_of_work():
        fire(call_id, "open", actor=who)


def test_numbers_count_up_without_gaps_and_a_failed_unit_gives_its_number_back(loaded: Loaded) -> None:
    call_id = loaded.calls["KR-2021"]
    with unit_of_work():
        assert programmes.allot_number(call_id) == "KR-2021-0001"
    with pytest.raises(RuntimeError), unit_of_work():
        assert programmes.allot_number(call_id) == "KR-2021-0002"
        raise RuntimeError
    with unit_of_work():
        assert programmes.allot_number(call_id) == "KR-2021-0002"
    with pytest.raises(NotFound), unit_of_work():
        programmes.allot_number(loaded.programme_id)


def test_many_threads_at_once_get_each_their_own_number(app: Flask, loaded: Loaded) -> None:
    call_id = loaded.calls["KR-2021"]
    session().rollback()

    def take() -> list[str]:
        taken = []
        for _ in range(5):
            with unit_of_work():
                taken.append(programmes.allot_number(call_id))
        return taken

    numbers = [number for taken in all_at_once(app, *[take] * 6) for number in taken]
    assert sorted(numbers) == [f"KR-2021-{n:04d}" for n in range(1, 31)]


def counted(ask: Callable[[], Any]) -> int:
    seen: list[str] = []

    def hear(_c: Any, _cur: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        ask()
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)
    return len(seen)


def test_the_framework_shows_targets_and_what_is_recorded_with_people_by_sex(loaded: Loaded) -> None:
    lines = {
        line.indicator.code: line for row in results.results_framework(loaded.programme_id) for line in row.indicators
    }
    assert lines["enterprises_granted"].indicator.target == 30
    assert lines["enterprises_sustainable"].indicator.target == 50
    actors = lines["local_actors"].achieved
    assert actors is not None and actors.value == 93
    assert [int(count) for _name, count in actors.split] == [51, 42]
    women = lines["women_trained"].achieved
    assert women is not None
    assert (women.value, women.women, women.men, women.not_stated) == (Decimal(381), 381, 34, 6)
    assert all(line.achieved.women is not None for line in lines.values() if line.indicator.people and line.achieved)


def test_the_framework_asks_no_more_queries_when_there_is_more_to_count(loaded: Loaded, prozvet: ProgrammePack) -> None:
    few = counted(lambda: results.results_framework(loaded.programme_id))
    from grantflow.programmes.framework import Recorded
    from grantflow.programmes.loading import add_value

    source = prozvet.statistics[0].source
    with unit_of_work():
        one = session().scalars(select(models.Indicator).filter_by(code="csr_schemes")).one()
        for number in range(1, 9):
            add_value(one.id, Recorded(on=date(2022, number, 1), value=Decimal(1), source=source), {})
    assert counted(lambda: results.results_framework(loaded.programme_id)) == few
    line = results.indicator_line(loaded.programme_id, "csr_schemes")
    assert line is not None and line.achieved is not None and line.achieved.value == 12


def test_a_measure_that_a_later_stage_registers_fills_its_indicator(loaded: Loaded) -> None:
    before = dict(measures._measures)
    try:
        measures._measures.pop("enterprises_granted", None)
        line = results.indicator_line(loaded.programme_id, "enterprises_granted")
        assert line is not None and line.achieved is None and line.share is None
        measures.measure("enterprises_granted")(lambda programme_id: measures.Achieved(Decimal(12)))
        line = results.indicator_line(loaded.programme_id, "enterprises_granted")
        assert line is not None and line.share == Decimal(12) / 30
    finally:
        measures._measures.clear()
        measures._measures.update(before)


def test_a_recorded_value_is_corrected_by_a_later_revision_and_never_overwritten(loaded: Loaded) -> None:
    value = session().scalars(select(models.IndicatorValue).limit(1)).one()
    for statement in ("UPDATE indicator_values SET value = '1'", "DELETE FROM call_packs"):
        with pytest.raises(DatabaseError), unit_of_work() as current:
            current.connection().exec_driver_sql(statement)
    assert session().get_one(models.IndicatorValue, value.id).value == value.value


def test_the_alliances_count_their_members_by_kind_and_name_only_those_present(loaded: Loaded) -> None:
    karelia, zabaikal = queries.alliances(loaded.programme_id, date(2021, 5, 1))
    assert (karelia.total, zabaikal.total) == (51, 42)
    assert len(karelia.members) < 12
    later = queries.alliances(loaded.programme_id, date(2021, 12, 1))
    assert [len(one.members) for one in later] == [12, 12]
    assert [strategy.code for strategy in later[0].strategies] == ["karelia_2021"]


def test_the_public_reads_no_call_before_it_is_scheduled_and_applies_only_to_an_open_one(
    loaded: Loaded,
) -> None:
    call_id, who = loaded.calls["KR-2021"], manager(loaded)
    assert queries.public_calls() == []
    with clock.at(BEFORE):
        bring_to(call_id, who, "approve", "schedule")
        assert [call.code for call, _case in queries.public_calls()] == ["KR-2021"]
        assert queries.open_calls() == []
    with clock.at(datetime(2021, 10, 1, 6, 0, tzinfo=UTC)):
        bring_to(call_id, SYSTEM, "open")
        assert [call.code for call in queries.open_calls()] == ["KR-2021"]
    with pytest.raises(NotFound):
        queries.call_by_code("KR-1999")
