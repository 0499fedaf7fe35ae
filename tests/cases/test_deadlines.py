"""Deadlines are rows: opened on entering a state, closed on leaving, fired once as the system."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import deadlines, definitions, service
from grantflow.cases.models import CaseDeadline
from grantflow.db import session, unit_of_work
from grantflow.engine.definition import Deadline
from grantflow.engine.registry import registry
from tests.cases.machines import small


@pytest.fixture
def dated(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The desk with a machine whose open state ends after five days and whose checked state ends when a source says."""
    machine = small().model_copy(
        update={
            "deadlines": (
                Deadline(name="too_long", state="open", after="P5D", trigger="remark"),
                Deadline(name="asked", state="checked", after="field:tests.when", trigger="back"),
            )
        }
    )
    desk.when = None
    monkeypatch.setitem(registry.deadline_sources, "tests.when", lambda ctx: desk.when)
    monkeypatch.setattr(definitions, "current", lambda name: machine)
    return desk


def open_rows(case_id: int) -> list[CaseDeadline]:
    return list(
        session().scalars(select(CaseDeadline).where(CaseDeadline.case_id == case_id, CaseDeadline.closed_at.is_(None)))
    )


def test_a_case_has_the_deadline_of_its_state_and_loses_it_when_it_goes_on(dated: Any) -> None:
    case = dated.case()
    (row,) = open_rows(case.id)
    assert row.due_at == case.due_at and abs(row.due_at - clock.now() - timedelta(days=5)) < timedelta(minutes=1)
    after = dated.fire(case, "check", dated.officer).case
    assert open_rows(case.id) == [] and after.due_at is None


def test_the_sweep_fires_what_is_due_once_as_the_system(dated: Any) -> None:
    case = dated.case()
    assert deadlines.sweep() == 0
    with clock.at(clock.now() + timedelta(days=5, minutes=1)):
        assert deadlines.sweep() == 1
        assert deadlines.sweep() == 0
    row = service.get(case.id)
    assert (row.version, row.due_at) == (2, case.due_at), "it was noted, and the date that passed is still shown"
    with unit_of_work():
        again = service.fire(
            case.id, "remark", actor=dated.officer, key=f"deadline/{session().scalars(select(CaseDeadline.id)).first()}"
        )
    assert again.replayed


def test_a_refused_deadline_is_closed_with_the_sentence(dated: Any) -> None:
    dated.when = clock.now() + timedelta(days=1)
    case = dated.case()
    dated.fire(case, "check", dated.officer)
    with clock.at(clock.now() + timedelta(days=2)):
        assert deadlines.sweep() == 1
    row = (
        session()
        .scalars(select(CaseDeadline).where(CaseDeadline.case_id == case.id, CaseDeadline.name == "asked"))
        .one()
    )
    assert row.closed_at is not None and "Only the programme officer" in (row.outcome or "")
    assert service.get(case.id).state == "checked"


def test_a_source_asked_again_moves_opens_and_closes_the_deadline(dated: Any) -> None:
    case = dated.case()
    dated.fire(case, "check", dated.officer)
    assert open_rows(case.id) == []
    for days in (3, 9):
        dated.when = clock.now() + timedelta(days=days)
        with unit_of_work():
            deadlines.reckon(case.id)
        (row,) = open_rows(case.id)
        assert row.due_at == dated.when == service.get(case.id).due_at
    dated.when = None
    with unit_of_work():
        deadlines.reckon(case.id)
    assert open_rows(case.id) == [] and service.get(case.id).due_at is None
