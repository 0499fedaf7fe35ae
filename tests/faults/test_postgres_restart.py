"""PostgreSQL restarted under load: requests fail with a page that keeps what was typed, then all goes on."""

from __future__ import annotations

import html
import http.client
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from grantflow import clock, create_app, schema
from grantflow.cases import outbox, service
from grantflow.cases.models import Letter, Outbox
from grantflow.db import db, session, unit_of_work
from grantflow.history import verify
from grantflow.history.models import Event
from grantflow.identity.access import SYSTEM, Actor
from grantflow.programmes import pack as packs
from grantflow.programmes.service import load_pack
from grantflow.submissions import service as submissions
from tests import postgres
from tests.factories import organisation, person, signed_in
from tests.faults.house import PATIENCE, House, wait_for
from tests.submissions.conftest import ANSWERS, FILE

MOVERS, WRITERS = 4, 3
CODE, ZONE = "KR-2021", "Europe/Moscow"


class Hand:
    """A browser with somebody signed in, who sends what they typed again as long as the page says 503."""

    def __init__(self, house: House, actor: Actor, path: str) -> None:
        self.house, self.path = house, path
        self.done, self.told = 0, Counter[str]()
        self.wrong: list[str] = []
        with house.inside() as app:
            client = signed_in(app, actor)
            page = client.get(path)
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
            cookie = client.get_cookie("session")
            session().rollback()
        assert page.status_code == 200 and token and cookie, page.status_code
        self.token, self.cookie = token[1], cookie.value

    def look(self) -> int:
        """Open the page; gives back the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=PATIENCE)
        connection.request("GET", "/desk", headers={"Cookie": f"session={self.cookie}"})
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    def ask(self, fields: list[tuple[str, str]], path: str) -> tuple[int, str, str]:
        """Post once; status, where it leads and the page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=PATIENCE)
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"session={self.cookie}"}
        connection.request("POST", path, urlencode(fields), kind)
        answer = connection.getresponse()
        try:
            return answer.status, answer.getheader("Location", ""), answer.read().decode()
        finally:
            connection.close()

    def send(self, fields: list[tuple[str, str]], path: str, stop: threading.Event) -> bool:
        """Send it until it is taken, each time as the page of before gives it back. False where the test ended first."""
        fields = [("csrf_token", self.token), *fields]
        while True:
            status, leads, page = self.ask(fields, path)
            self.told[str(status)] += 1
            if status == 303 and not leads.startswith("/sign-in"):
                self.done += 1
                return True
            if status != 503:
                self.wrong.append(f"{status} {leads} {page[:3000]}")
                return False
            action = re.search(r'<form method="post" action="([^"]+)"', page)
            hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
            back = [(html.unescape(name), html.unescape(value)) for name, value in hidden]
            if action is None or sorted(back) != sorted(fields):
                self.wrong.append(f"503 that gives back {back} for {fields}")
                return False
            if stop.is_set():
                return False
            time.sleep(0.05)
            fields, path = back, html.unescape(action[1])


class Load:
    """Officers who move cases to and fro, applicants who write drafts, all at once and without pause."""

    def __init__(self, house: House) -> None:
        self.house, self.stop = house, threading.Event()
        self.cases = [house.case() for _ in range(MOVERS)]
        self.drafts = self._drafts()
        self.movers = [Hand(house, house.officer, f"/cases/{case_id}/moves/go") for case_id in self.cases]
        self.writers = [Hand(house, a, f"/applications/{d}/edit/plan") for d, a in self.drafts.items()]
        works = [*zip([self._move] * MOVERS, self.movers, self.cases, strict=True)]
        works += [*zip([self._write] * WRITERS, self.writers, self.drafts, strict=True)]
        self.threads = [threading.Thread(target=work, args=(hand, case_id)) for work, hand, case_id in works]

    def _drafts(self) -> dict[int, Actor]:
        pack, made = packs.read(FILE), {}
        days = (clock.today(ZONE) - pack.call(CODE).opens.date()).days - 2
        with self.house.inside():
            with unit_of_work():
                loaded = load_pack(pack.shifted({CODE: days}), SYSTEM)
            manager = person("manager", programme_id=loaded.programme_id)
            with unit_of_work():
                for trigger in ("approve", "open"):
                    service.fire(loaded.calls[CODE], trigger, actor=manager)
            for _ in range(WRITERS):
                body = organisation()
                actor = person("applicant", organisation_id=body)
                with unit_of_work():
                    made[int(submissions.start_draft(CODE, body, actor=actor).id)] = actor
        return made

    def _move(self, hand: Hand, case_id: int) -> None:
        version = 1
        while not self.stop.is_set():
            trigger = "go" if version % 2 else "come"
            fields = [
                ("key", f"press-{case_id}-{version}"),
                ("version", str(version)),
                ("reason", f"Пятый «шаг» & {version}"),
            ]
            if not hand.send(fields, f"/cases/{case_id}/moves/{trigger}", self.stop):
                return
            version += 1

    def _write(self, hand: Hand, case_id: int) -> None:
        plan, n = ANSWERS["plan"], 0
        while not self.stop.is_set():
            n += 1
            fields = [("revision", str(n - 1)), ("stay", "1"), *((f"q-{name}", value) for name, value in plan.items())]
            fields = [(name, f"{value} <{n}>" if name == "q-steps" else value) for name, value in fields]
            fields += [("shown", name) for name in plan]
            if not hand.send(fields, f"/applications/{case_id}/edit/plan", self.stop):
                return

    @property
    def hands(self) -> list[Hand]:
        """Everybody."""
        return self.movers + self.writers

    def wait_for_more(self) -> None:
        """Until everybody got something done since now, or somebody met what may not be."""
        since = [hand.done for hand in self.hands]
        wait_for(
            lambda: (
                any(hand.wrong for hand in self.hands)
                or all(hand.done > before for hand, before in zip(self.hands, since, strict=True))
            )
        )

    def wait_for_words(self) -> None:
        """Until everybody was told once more that the database is away."""
        since = [hand.told["503"] for hand in self.hands]
        wait_for(
            lambda: (
                any(hand.wrong for hand in self.hands)
                or all(hand.told["503"] > before for hand, before in zip(self.hands, since, strict=True))
            )
        )


@pytest.fixture
def restarted(tmp_path: Path) -> Iterator[tuple[postgres._Brought, House]]:
    """A PostgreSQL that may be stopped, and a house on it."""
    with postgres.restartable() as server:
        url = postgres.fresh_database(server.url)
        app = create_app({"GRANTFLOW_HOME": str(tmp_path), "GRANTFLOW_WORKER": "no", "DATABASE_URL": url})
        schema.upgrade(app)
        with app.app_context():
            db.engine.dispose()
        house = House(tmp_path / "house", None, database_url=url)
        yield server, house
        if house.process is not None and house.process.poll() is None:
            house.process.kill()
            house.process.wait(PATIENCE)


def test_a_database_restarted_under_load_costs_nobody_a_word_and_all_goes_on(
    restarted: tuple[postgres._Brought, House], thorough: bool
) -> None:
    server, house = restarted
    load = Load(house)
    house.start()
    assert house.process is not None
    for thread in load.threads:
        thread.start()
    try:
        for _ in range(6 if thorough else 1):
            for how in (postgres.IMMEDIATE, postgres.FAST):
                load.wait_for_more()
                server.halt(how)
                load.wait_for_words()
                server.resume()
        before = _letters(house)
        load.wait_for_more()
        wait_for(lambda: _letters(house) > before)  # the worker too goes on
    finally:
        load.stop.set()
        for thread in load.threads:
            thread.join()
    assert [wrong for hand in load.hands for wrong in hand.wrong] == [], house.log.read_text()[-20000:]
    for how in (postgres.IMMEDIATE, postgres.FAST):
        server.halt(how)
        server.resume()
        assert [hand.look() for hand in load.hands] == [200] * len(load.hands), "no connection from before is used"
    assert house.process.poll() is None, "it is the same server all the time"
    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(PATIENCE) == 0
    _nothing_is_lost_or_doubled(house, load)


def _letters(house: House) -> int:
    with house.inside():
        return session().scalar(select(func.count()).select_from(Letter)) or 0


def _nothing_is_lost_or_doubled(house: House, load: Load) -> None:
    with house.inside():
        report = verify.verify_all()
        assert report.whole, [str(broken) for broken in report.breaks]
        wanted: list[str] = []
        for case_id, hand in zip(load.cases, load.movers, strict=True):
            row = service.get(case_id)
            moves = row.version - 1
            # Who stopped at a 503 does not know whether the move before it was made.
            assert moves in (hand.done, hand.done + 1) and row.state == ("there" if moves % 2 else "here")
            made = session().scalars(select(Event.move).where(Event.case_id == case_id).order_by(Event.seq)).all()
            assert list(made)[1:] == [("go", "come")[n % 2] for n in range(moves)]
            wanted += [f"{case_id}/{seq}/tranche_awaits/{house.reader.person_id}" for seq in range(2, moves + 2)]
        rows: Any = (
            session().execute(select(Outbox.dedupe, Outbox.message_id).where(Outbox.case_id.in_(load.cases))).all()
        )
        assert sorted(row.dedupe for row in rows) == sorted(wanted), "one notice a move"
        with clock.at(
            clock.now() + 2 * outbox.LEASE
        ):  # what was being sent when the database went is leased until then
            while outbox.drain():
                pass
        letters = Counter(session().scalars(select(Letter.message_id)))
        assert all(letters[row.message_id] == 1 for row in rows), "one letter a notice"
        for case_id, hand in zip(load.drafts, load.writers, strict=True):
            row = submissions.row_of(case_id)
            assert row.revision in (hand.done, hand.done + 1)
            assert row.typed.get("steps", row.answers.get("steps")) == f"{ANSWERS['plan']['steps']} <{row.revision}>"
