"""Ladders: a rung comes once for each case, date and reader, in its time, and never where its case has gone on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases import letters, notices, outbox, reminders, service, worker
from grantflow.cases.catalogue import Ladder, Row
from grantflow.cases.models import Letter, Outbox, Reminder
from grantflow.cases.notices import examine
from grantflow.cases.queries import timeline
from grantflow.cases.reminders import Due
from grantflow.db import session, unit_of_work
from tests.factories import organisation, person
from tests.notices.conftest import at_once

LADDER = ("-P7D", "-P3D", "-P1D", "-PT3H")


class Scene:
    """One case with a date thirty days ahead, two people who apply, and a ladder on it."""

    def __init__(self, desk: Any) -> None:
        body = organisation()
        self.readers = [person("applicant", organisation_id=body, language=language) for language in ("en", "ru")]
        self.case = desk.case(organisation_id=body)
        self.began = clock.now()
        self.due_at = self.began + timedelta(days=30)
        self.waits = True
        self.named: int | None = None

    def dates(self, first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
        if self.waits and first <= self.due_at <= last and case_id in (None, self.case.id):
            yield Due(self.case.id, self.due_at, self.began, self.named, {"call": "Small grants"})

    def before(self, **length: float) -> datetime:
        return self.due_at - timedelta(**length)


@pytest.fixture
def scene(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(desk)
    monkeypatch.setitem(reminders._sources, "tests.dates", made.dates)
    ladders(monkeypatch, LADDER)
    return made


def ladders(monkeypatch: pytest.MonkeyPatch, at: tuple[str, ...], **more: Any) -> None:
    row = notices.rows()["N-02"]
    ladder = Ladder(notice="draft_unfinished", of="tests.dates", at=at, **more)
    monkeypatch.setattr(reminders, "ladders", lambda: iter([ladder]))
    assert row.stop


def rungs() -> list[str]:
    return list(session().scalars(select(Reminder.rung).order_by(Reminder.id)))


def told() -> list[int]:
    return list(session().scalars(select(Outbox.person_id).where(Outbox.notice == "draft_unfinished")))


def test_each_rung_comes_once_to_everybody_in_its_time(scene: Scene) -> None:
    for days in (8, 7, 6.9, 3, 2, 1, 0.5, 0.12, 0.01):
        with clock.at(scene.before(days=days)):
            reminders.sweep()
            reminders.sweep()
    assert rungs() == list(LADDER)
    assert sorted(told()) == sorted([reader.person_id for reader in scene.readers] * 4)


def test_the_page_of_a_case_that_was_reminded_of_shows_as_ever(desk: Any, scene: Scene) -> None:
    with clock.at(scene.before(days=7)):
        assert reminders.sweep() == 1
    assert len(timeline(service.get(scene.case.id), desk.officer).lines) == 1


def test_after_a_time_without_a_scheduler_only_the_latest_rung_comes(scene: Scene) -> None:
    with clock.at(scene.before(hours=20)):
        reminders.sweep()
    assert rungs() == ["-P1D"]


def test_a_rung_that_had_passed_before_the_case_began_never_comes(scene: Scene) -> None:
    scene.began = scene.before(days=6.5)
    with clock.at(scene.before(days=6)):
        assert reminders.sweep() == 0


def test_a_moved_date_is_reminded_of_anew(scene: Scene) -> None:
    with clock.at(scene.before(days=1)):
        reminders.sweep()
        scene.due_at += timedelta(days=1)
        reminders.sweep()
    with clock.at(scene.before(days=1)):
        reminders.sweep()
    assert rungs() == ["-P1D", "-P3D", "-P1D"]


def test_halfway_is_halfway(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ladders(monkeypatch, ("half", "-P1D"))
    for days in (16, 14.9, 14, 1):
        with clock.at(scene.before(days=days)):
            reminders.sweep()
    assert rungs() == ["half", "-P1D"]


def test_a_ladder_of_one_programme_leaves_the_others_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ladders(monkeypatch, LADDER, programme="ELSEWHERE")
    with clock.at(scene.before(days=7)):
        assert reminders.sweep() == 0


def test_what_no_longer_waits_is_not_planned_and_what_was_planned_is_not_sent(scene: Scene) -> None:
    with clock.at(scene.before(days=7)):
        reminders.sweep()
        scene.waits = False
        while outbox.drain():
            pass
        assert session().scalars(select(Letter)).all() == []
        assert set(session().scalars(select(Outbox.withheld))) == {outbox.LEFT_BEHIND}
        assert letters.unread(scene.readers[0]) == 0
    with clock.at(scene.before(days=3)):
        assert reminders.sweep() == 0


def test_one_named_person_is_told_alone_in_their_language(scene: Scene) -> None:
    scene.named = scene.readers[1].person_id
    with clock.at(scene.before(days=7)):
        worker.one_round()
    (letter,) = session().scalars(select(Letter)).all()
    assert letter.person_id == scene.named
    assert "ещё не отправлен" in letter.subject and "Small grants" in letter.body


def test_two_schedulers_at_once_write_a_rung_once(app: Flask, scene: Scene) -> None:
    with clock.at(scene.before(days=7)):
        moment = clock.now()
    assert at_once(app, moment, reminders.sweep) == [0, 0, 0, 1]
    assert len(told()) == 2


def test_a_deadline_is_a_date_while_its_state_lasts(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = desk.case()
    due_at = clock.now() + timedelta(days=2)
    from grantflow.cases.models import CaseDeadline

    with unit_of_work() as current:
        current.add(CaseDeadline(case_id=case.id, name="soon", trigger="remark", due_at=due_at))
    of = f"check/{case.state}/soon"
    assert [due.case_id for due in reminders._dates(of, due_at, due_at)] == [case.id]
    assert [*reminders._dates(f"check/{case.state}/later", due_at, due_at)] == []
    with unit_of_work() as current:
        current.execute(update(CaseDeadline).values(closed_at=clock.now(), outcome="left behind"))
    assert [*reminders._dates(of, due_at, due_at)] == []


def test_an_auditors_last_day_is_told_to_the_auditor(desk: Any) -> None:
    ends_on = clock.today("Europe/Moscow") + timedelta(days=3)
    auditor = person("auditor", programme_id=desk.programme, ends_on=ends_on)
    found = [*reminders.audit_access(clock.now(), clock.now() + timedelta(days=9), None)]
    assert [due.person_id for due in found] == [auditor.person_id]


@pytest.mark.parametrize(
    ("rungs", "why"),
    [
        (("-P1D", "-P7D"), "order of time"),
        (("-P7D", "half"), "order of time"),
        (("soon",), "length of days"),
        (("P",), "length of days"),
    ],
)
def test_a_ladder_with_a_fault_is_refused(rungs: tuple[str, ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Ladder(notice="report_due", of="report/assigned/due", at=rungs)


def test_a_number_without_a_row_and_a_ladder_without_its_notice_are_told(tmp_path: Any) -> None:
    both = 'event = { en = "a", ru = "а" }\nrecipient = { en = "a", ru = "а" }\nmoment = { en = "a", ru = "а" }\n'
    said = 'subject = { en = "a", ru = "а" }\ntext = { en = "a", ru = "а" }\n'
    file = tmp_path / "notices.toml"
    file.write_text(
        f'[orphan]\ncode = "N-02"\n{said}["N-01"]\n{both}[["N-01".ladder]]\nnotice = "orphan"\nof = "a/b/c"\nat = ["P1D"]\n',
        encoding="utf-8",
    )
    rows: dict[str, Row] = {}
    assert sorted(fault.kind for fault in examine([file], {}, rows)) == ["ladder", "row"]
    assert rows["N-01"].ladder[0].at == ("P1D",)
