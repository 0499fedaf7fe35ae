"""Exports in the background: asked for once, made once whatever is killed, the same bytes again, for their asker alone."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.cases import outbox, service, worker
from grantflow.cases.models import Case, Letter, Outbox
from grantflow.cli import main
from grantflow.db import db, session, unit_of_work
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.identity.models import Person, RoleAssignment
from grantflow.oversight import cutoff, exporting, exports, making
from grantflow.oversight.models import Export
from tests.browsing import counting
from tests.factories import organisation, person, record_file, signed_in


class House:
    """A programme whose alliance has a history of several lots, and an auditor who asks for it."""

    def __init__(self) -> None:
        self.programme = record_file("programme")
        self.file = record_file("alliance", "Weavers", programme_id=self.programme)
        self.officer = person("officer", programme_id=self.programme)
        self.auditor = person("auditor", programme_id=self.programme)
        self.note(4)

    def note(self, number: int) -> None:
        """So many events more."""
        with unit_of_work():
            for n in range(number):
                service.record(self.file, "noted", actor=self.officer, reason="why", changes=[("sum", str(n), "+1")])

    def ask(self, app: Flask, actor: Actor | None = None, key: str = "press") -> int:
        """Press the button; gives back the export's number."""
        client = signed_in(app, actor or self.auditor)
        answer = client.post(f"/cases/{self.file}/export", data={"key": key})
        assert answer.status_code == 303
        return int(answer.headers["Location"].rpartition("/")[2])


@pytest.fixture
def house(app: Flask, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(cutoff.CutOff.windows, "__defaults__", (3,))
    return House()


def row(number: int) -> Any:
    return session().execute(select(Export.__table__).where(Export.id == number)).one()


def files(app: Flask) -> list[Path]:
    return [path for path in (app.config["GRANTFLOW"].files).rglob("*") if path.is_file()]


def told(actor: Actor) -> list[str]:
    query = select(Outbox.notice).where(Outbox.person_id == actor.person_id, Outbox.notice.like("export_%"))
    return list(session().scalars(query.order_by(Outbox.id)))


def noted(actor: Actor) -> list[str]:
    found = session().scalars(select(Event.move).where(Event.case_id == actor.person_id).order_by(Event.seq))
    return [move for move in found if move.startswith("export_") or move == "history_exported"]


def words(app: Flask, actor: Actor, path: str) -> str:
    return signed_in(app, actor).get(path).get_data(as_text=True)


def file_of(app: Flask, actor: Actor, number: int) -> tuple[int, bytes]:
    """What the download answers."""
    with signed_in(app, actor).get(f"/exports/{number}/file") as answer:
        return answer.status_code, answer.data


def test_pressed_it_is_asked_for_at_once_made_by_the_round_and_told(app: Flask, house: House) -> None:
    number = house.ask(app)
    page = words(app, house.auditor, f"/exports/{number}")
    assert "Waits for its turn" in page and "0 of 5 events written" in page and "data-gf-live" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert worker.do_long_work() == 1 and worker.do_long_work() == 0
    page = words(app, house.auditor, f"/exports/{number}")
    assert "Download the workbook" in page and "Lies ready until" in page and "data-gf-live" not in page
    made = row(number)
    with signed_in(app, house.auditor).get(f"/exports/{number}/file") as taken:
        data = taken.data
        assert taken.headers["Content-Disposition"].startswith("attachment")
    assert (len(data), hashlib.sha256(data).hexdigest()) == (made.size, made.sha256)
    assert made.done == made.events == 5
    assert load_workbook(io.BytesIO(data))["History"].max_row == 6
    assert [path.stat().st_mode & 0o777 for path in files(app)] == [0o600]
    assert noted(house.auditor) == ["export_asked", "export_ready", "history_exported"]
    assert told(house.auditor) == ["export_ready"]
    while outbox.drain():
        pass
    letter = session().scalars(select(Letter).where(Letter.person_id == house.auditor.person_id)).one()
    assert f"/exports/{number}" in letter.body and "It lies for you until" in letter.body
    assert f'href="/exports/{number}"' in words(app, house.auditor, "/inbox")


def test_pressed_twice_it_is_one(app: Flask, house: House) -> None:
    assert house.ask(app) == house.ask(app) != house.ask(app, key="another press")
    assert noted(house.auditor) == ["export_asked"] * 2
    colleague = person("auditor", programme_id=house.programme)
    assert house.ask(app, colleague) not in (house.ask(app), house.ask(app, key="another press")), (
        "the key is one's own"
    )


def test_another_persons_export_does_not_exist(app: Flask, house: House) -> None:
    number = house.ask(app)
    worker.do_long_work()
    colleague = person("auditor", programme_id=house.programme)
    for path in (f"/exports/{number}", f"/exports/{number}/file"):
        assert signed_in(app, colleague).get(path).status_code == 404
    assert file_of(app, house.auditor, number)[0] == 200
    assert signed_in(app, colleague).post(f"/exports/{number}/again", data={"key": "k"}).status_code == 404
    assert f"/exports/{number}" not in words(app, colleague, "/exports")
    assert f"/exports/{number}" in words(app, house.auditor, "/exports")


def lose_the_role(house: House) -> None:
    """The auditor keeps a role elsewhere, so that the door opens and the record does not."""
    elsewhere = record_file("programme")
    mine = RoleAssignment.person_id == house.auditor.person_id
    with unit_of_work() as current:
        current.execute(update(RoleAssignment).where(mine).values(programme_id=elsewhere))


def test_who_may_no_longer_see_the_record_gets_neither_file_nor_page(app: Flask, house: House) -> None:
    number = house.ask(app)
    worker.do_long_work()
    lose_the_role(house)
    for path in (f"/exports/{number}", f"/exports/{number}/file"):
        assert signed_in(app, house.auditor).get(path).status_code == 404
    assert f"/exports/{number}" not in words(app, house.auditor, "/exports")


def test_what_the_asker_may_no_longer_see_is_not_made(app: Flask, house: House) -> None:
    number = house.ask(app)
    lose_the_role(house)
    assert worker.do_long_work() == 0
    assert (row(number).state, row(number).problem) == ("failed", "rights")
    assert told(house.auditor) == ["export_failed"] and files(app) == []


def test_the_same_cut_off_gives_the_same_bytes_whatever_happened_since(
    app: Flask, house: House, run: Callable[..., None], tmp_path: Path
) -> None:
    number = house.ask(app)
    worker.do_long_work()
    first = file_of(app, house.auditor, number)[1]
    assert {member.date_time for member in ZipFile(io.BytesIO(first)).infolist()} == {(2000, 1, 1, 0, 0, 0)}
    properties = load_workbook(io.BytesIO(first)).properties
    last = session().scalar(select(func.max(Event.at)).where(Event.case_id == house.file))
    assert last is not None
    assert properties.created == properties.modified == last.replace(tzinfo=None, microsecond=0)
    house.note(3)
    with unit_of_work() as current:
        current.execute(update(Case).where(Case.id == house.file).values(title="Called otherwise", ref="AL-1"))
    with clock.at(clock.now() + timedelta(days=1)):
        answer = signed_in(app, house.auditor).post(f"/exports/{number}/again", data={"key": "again"})
        worker.do_long_work()
        assert file_of(app, house.auditor, int(answer.headers["Location"].rpartition("/")[2])) == (200, first)
        new = house.ask(app, key="new")
        assert file_of(app, house.auditor, new)[0] == 404, "it is not made yet"
        worker.do_long_work()
        assert file_of(app, house.auditor, new)[1] != first
    out = tmp_path / "again.xlsx"
    run(house.auditor, "export", "history", "--again", str(number), "--out", str(out))
    assert out.read_bytes() == first


@pytest.fixture
def run(app: Flask, installation: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a command in this installation, as the house's auditor."""
    for name, value in installation.items():
        monkeypatch.setenv(name, value)

    def typed(actor: Actor, *words: str) -> None:
        email = session().scalar(select(Person.email).where(Person.id == actor.person_id))
        db.session.remove()
        assert not main([*words, "--as", str(email)])

    return typed


def test_the_command_and_the_page_write_the_same_bytes(
    app: Flask, house: House, run: Callable[..., None], tmp_path: Path
) -> None:
    number = house.ask(app)
    worker.do_long_work()
    out = tmp_path / "out.xlsx"
    run(house.auditor, "export", "history", "--case", f"alliance/{house.file}", "--out", str(out))
    assert out.read_bytes() == file_of(app, house.auditor, number)[1]


def test_each_is_made_in_its_askers_language(app: Flask, house: House) -> None:
    reader = person("auditor", programme_id=house.programme, language="ru")
    number = house.ask(app, reader)
    worker.do_long_work()
    book = load_workbook(io.BytesIO(file_of(app, reader, number)[1]))
    assert book.sheetnames[0] == "История"
    assert "Готово" in words(app, reader, f"/exports/{number}") and "Готово" in words(app, reader, "/exports")


def test_killed_half_way_it_is_made_from_the_start_with_one_file_and_one_notice(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, real = house.ask(app), exports.write

    class Killed(BaseException):
        pass

    def die(out: Any, *_given: Any) -> None:
        out.write(b"half")
        out.flush()
        raise Killed

    monkeypatch.setattr(exports, "write", die)
    with pytest.raises(Killed):
        worker.do_long_work()
    assert row(number).state == "being_made" and len(files(app)) == 1
    monkeypatch.setattr(exports, "write", real)
    assert worker.do_long_work() == 0, "its lease is not over"
    with clock.at(clock.now() + 2 * making.LEASE):
        assert worker.do_long_work() == 1
        assert worker.do_long_work() == 0
    assert row(number).state == "ready" and row(number).attempts == 2
    assert [path.stat().st_size for path in files(app)] == [row(number).size]
    assert told(house.auditor) == ["export_ready"]


def test_a_maker_who_comes_back_after_its_lease_marks_nothing(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, real = house.ask(app), exports.write
    meanwhile: list[int] = []

    def slow(*given: Any) -> None:
        real(*given)
        if not meanwhile:
            meanwhile.append(0)
            with clock.at(clock.now() + 2 * making.LEASE):
                meanwhile[0] = making.work()

    monkeypatch.setattr(exports, "write", slow)
    assert making.work() == 0 and meanwhile == [1]
    assert row(number).state == "ready" and told(house.auditor) == ["export_ready"]
    assert [path.stat().st_size for path in files(app)] == [row(number).size]
    assert file_of(app, house.auditor, number)[0] == 200


def test_a_maker_who_comes_back_while_another_makes_it_leaves_it_to_the_other(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, real = house.ask(app), exports.write
    later = clock.now() + 2 * making.LEASE

    def slow(*given: Any) -> None:
        real(*given)
        with clock.at(later):
            assert making.claim() is not None

    with monkeypatch.context() as patched:
        patched.setattr(exports, "write", slow)
        assert making.work() == 0
    assert (row(number).state, row(number).attempts) == ("being_made", 2) and told(house.auditor) == []
    with clock.at(later + 2 * making.LEASE):
        assert making.work() == 1
    assert told(house.auditor) == ["export_ready"] and len(files(app)) == 1


def test_asked_to_stop_it_gives_the_work_back(app: Flask, house: House) -> None:
    number, asked_for = house.ask(app), iter([False, False, True])
    assert making.work(lambda: next(asked_for, True)) == 0
    left = row(number)
    assert (left.state, left.lease_until, left.attempts, left.done) == ("waiting", None, 0, 0) and files(app) == []
    assert making.work() == 1, "the next one takes it at once"


def test_what_fails_is_tried_again_and_given_up_with_a_sentence(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, real = house.ask(app), exports.write
    broken = monkeypatch.context

    def fail(*_given: Any) -> None:
        raise OSError("no space left on device")

    with broken() as patched:
        patched.setattr(exports, "write", fail)
        assert making.work() == 0 and row(number).state == "waiting" and files(app) == []
        assert making.work() == 0 and row(number).attempts == 1, "it waits before the next try"
        at = clock.now()
        for attempt in range(2, making.TRIES + 2):
            with clock.at(at := at + 2 * making.PAUSE):
                making.work()
            assert row(number).attempts == attempt
    assert exports.write is real and making.work() == 0
    assert (row(number).state, row(number).problem) == ("failed", "trouble")
    assert told(house.auditor) == ["export_failed"]
    assert "It failed several times" in words(app, house.auditor, f"/exports/{number}")


def test_progress_is_told_to_the_row_while_it_is_made(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "TELL_SECONDS", 0.0)
    number, seen = house.ask(app), []
    real = cutoff.CutOff.windows

    def watched(self: cutoff.CutOff) -> Any:
        for window in real(self):
            seen.append((row(number).state, row(number).done))
            yield window

    monkeypatch.setattr(cutoff.CutOff, "windows", watched)
    making.work()
    assert seen == [("being_made", 0), ("being_made", 3)]


def test_after_a_week_the_file_is_gone_and_the_row_says_so(app: Flask, house: House) -> None:
    number = house.ask(app)
    worker.do_long_work()
    later = clock.now() + making.LIVES + timedelta(minutes=1)
    with clock.at(later - timedelta(hours=1)):
        worker.do_long_work()
        assert files(app), "not before its time"
    with clock.at(later):
        assert file_of(app, house.auditor, number)[0] == 404, "over, swept or not"
        worker.do_long_work()
        assert files(app) == [] and row(number).state == "expired"
        assert file_of(app, house.auditor, number)[0] == 404
        page = words(app, house.auditor, f"/exports/{number}")
        assert "No longer kept" in page and "Make it again, as it stood then" in page


def test_a_small_case_is_answered_at_once_a_large_one_and_every_call_in_the_background(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(app, house.auditor)
    assert client.get(f"/cases/{house.file}/history.xlsx").mimetype == exporting.XLSX
    monkeypatch.setattr(exporting, "AT_ONCE", 4)
    answer = client.get(f"/cases/{house.file}/history.xlsx")
    assert answer.status_code == 303 and answer.headers["Location"] == f"/cases/{house.file}/export"
    assert "Make the workbook" in client.get(answer.headers["Location"]).get_data(as_text=True)
    stranger = person("applicant", organisation_id=organisation())
    assert signed_in(app, stranger).get(f"/cases/{house.file}/export").status_code == 403
    elsewhere = person("auditor", programme_id=record_file("programme"))
    assert signed_in(app, elsewhere).post(f"/cases/{house.file}/export", data={"key": "k"}).status_code == 404


def test_the_pages_cost_the_same_queries_for_one_and_for_three(app: Flask, house: House) -> None:
    def cost() -> int:
        with counting() as seen:
            assert signed_in(app, house.auditor).get("/exports").status_code == 200
        return len(seen)

    house.ask(app)
    one = cost()
    house.ask(app, key="second")
    house.ask(app, key="third")
    assert cost() == one


@pytest.mark.parametrize("lots", [1, 2, 3, 7, 500])
def test_however_the_lots_fall_every_event_stands_once_and_in_order(lots: int) -> None:
    chains = tuple(
        cutoff.Chain(number, "alliance", None, last, "", "")
        for number, last in ((1, 2), (4, 9), (5, 1), (9, 1), (12, 4))
    )
    cut_off = cutoff.CutOff(chains)
    seen = []
    for window in cut_off.windows(lots):
        most = 0
        for chain in window.chains:
            within = range(window.first, min(window.last, chain.last) + 1)
            seen += [(chain.id, seq) for seq in within]
            most += len(within)
        assert most <= lots
    assert seen == [(chain.id, seq) for chain in chains for seq in range(1, chain.last + 1)]
    assert cutoff.read(cut_off.kept()) == cut_off
