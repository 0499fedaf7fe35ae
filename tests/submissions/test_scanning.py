"""The installation's own check of attached files: waits, is made by a real command, holds the sending, and is made again
when it was killed or could not say."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from grantflow import clock, create_app
from grantflow.cases.models import Outbox
from grantflow.cases.notices import render
from grantflow.cases.worker import do_long_work
from grantflow.db import db, session, unit_of_work
from grantflow.errors import Misconfigured, Refused
from grantflow.submissions import scanning, service
from grantflow.submissions.rows import FILES
from tests.browsing import signed_in, text_of
from tests.factories import person
from tests.submissions.conftest import OPEN_DAY, PDF, World

SCRIPT = """#!/bin/sh
echo "$1" >> "$0.asked"
if grep -q HARMFUL "$1"; then exit 1; fi
if [ -e "$0.away" ]; then exit 2; fi
if [ -e "$0.slow" ]; then exec sleep 60; fi
exit 0
"""


class Scanner:
    """A small command and what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text(SCRIPT)
        path.chmod(0o700)

    def set(self, how: str, on: bool = True) -> None:
        flag = Path(f"{self.path}.{how}")
        flag.touch() if on else flag.unlink()

    @property
    def asked(self) -> int:
        log = Path(f"{self.path}.asked")
        return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    return Scanner(tmp_path / "scan.sh")


@pytest.fixture
def scanning_world(app: Flask, world: World, scanner: Scanner) -> Iterator[World]:
    """The open call, in a house that checks files."""
    from dataclasses import replace

    app.config["GRANTFLOW"] = replace(app.config["GRANTFLOW"], scan=str(scanner.path), scan_seconds=5)
    yield world


def scan_of(file_id: int) -> str:
    session().rollback()
    return str(session().scalar(select(FILES.c.scan).where(FILES.c.id == file_id)))


def later(minutes: int) -> Any:
    return clock.at(OPEN_DAY + timedelta(minutes=minutes))


def test_a_file_waits_until_the_command_has_found_it_clean(app: Flask, scanning_world: World, scanner: Scanner) -> None:
    world = scanning_world
    case_id = world.complete()
    browser = signed_in(app, world.applicant)
    page = browser.get(f"/applications/{case_id}/edit/files")
    assert text_of(page).count("checking …") == 2 and "data-gf-waiting" in page.get_data(as_text=True)
    with pytest.raises(Refused, match="2 answers"):
        world.submit(case_id)
    assert "Справка.pdf is still being checked" in text_of(browser.get(f"/applications/{case_id}/check"))
    session().rollback()
    assert do_long_work() >= 2 and scanner.asked == 2
    assert do_long_work() == 0 and scanner.asked == 2, "what is clean is not asked for again"
    assert text_of(browser.get(f"/applications/{case_id}/edit/files")).count("clean") == 2
    session().rollback()
    world.submit(case_id)
    assert "scan" not in service.answers_of(case_id, 1)["tax_certificate"][0], "what was sent is what it was before"


def test_a_harmful_file_is_refused_and_opened_by_nobody(app: Flask, scanning_world: World) -> None:
    world = scanning_world
    case_id = world.complete()
    bad = world.attach(case_id, "other_files", PDF + b"%HARMFUL", "Вирус.pdf")
    colleague = person("applicant", organisation_id=world.body)
    scanning.work()
    scanning.work()
    assert scan_of(bad) == "infected"
    told = session().execute(select(Outbox.person_id, Outbox.params).where(Outbox.notice == "file_harmful")).all()
    assert {row.person_id for row in told} == {world.applicant.person_id, colleague.person_id} and len(told) == 2
    for language, asked in (("en", "Anything else that helps"), ("ru", "Что ещё поможет")):
        text = render("file_harmful", told[0].params, language, "Europe/Moscow", "")
        assert "Felt and linen workshop" in text.subject and "Вирус.pdf" in text.text and asked in text.text
    browser = signed_in(app, world.applicant)
    assert "found harmful" in text_of(browser.get(f"/cases/{case_id}"))
    said = text_of(browser.get(f"/applications/{case_id}/edit/files"))
    assert "refused: the check found something harmful" in said and "Take it away and attach a clean copy" in said
    assert browser.get(f"/applications/{case_id}/files/{bad}").status_code == 403
    session().rollback()
    with pytest.raises(Refused, match="One answer"):
        world.submit(case_id)
    with unit_of_work():
        service.remove_file(case_id, bad, actor=world.applicant)
    world.submit(case_id)


def test_a_command_that_cannot_say_is_asked_again_later_and_nothing_is_clean_meanwhile(
    scanning_world: World, scanner: Scanner
) -> None:
    file_id = scanning_world.attach(scanning_world.draft())
    scanner.set("away")
    assert scanning.work() == 0 and scanner.asked == 1
    assert scanning.work() == 0 and scanner.asked == 1, "not before its pause is over"
    with later(1):
        assert scanning.work() == 0 and scanner.asked == 2 and scan_of(file_id) == "waiting"
    scanner.set("away", False)
    with later(60):
        assert scanning.work() == 1 and scan_of(file_id) == "clean"


def test_a_command_that_takes_too_long_is_stopped_and_asked_again(
    app: Flask, scanning_world: World, scanner: Scanner
) -> None:
    from dataclasses import replace

    app.config["GRANTFLOW"] = replace(app.config["GRANTFLOW"], scan_seconds=1)
    file_id = scanning_world.attach(scanning_world.draft())
    scanner.set("slow")
    assert scanning.work() == 0 and scan_of(file_id) == "waiting"


def test_a_killed_checker_leaves_a_lease_that_ends_and_its_late_word_counts_for_nothing(
    scanning_world: World, scanner: Scanner
) -> None:
    file_id = scanning_world.attach(scanning_world.draft())
    held = scanning.claim()
    assert held is not None and scanning.claim() is None, "one at a time"
    with later(5):
        assert scanning.work() == 1 and scan_of(file_id) == "clean"
        with unit_of_work() as current:
            current.execute(update(FILES).where(FILES.c.id == file_id).values(scan="waiting"))
        scanning._mark(held, scan="infected")
        assert scan_of(file_id) == "waiting"


def test_a_worker_killed_in_the_middle_of_a_check_leaves_it_to_the_next(
    app: Flask, scanning_world: World, scanner: Scanner, tmp_path: Path
) -> None:
    file_id = scanning_world.attach(scanning_world.draft())
    scanner.set("slow")
    url = db.engine.url.render_as_string(hide_password=False)
    home = app.config["GRANTFLOW"].home
    session().rollback()
    db.engine.dispose()
    program = (
        "from grantflow import create_app; from grantflow.submissions import scanning\n"
        "with create_app().app_context(): scanning.work()"
    )
    environ = {**os.environ, "DATABASE_URL": url, "GRANTFLOW_HOME": str(home), "GRANTFLOW_SCAN": str(scanner.path)}
    worker = subprocess.Popen(
        [sys.executable, "-c", program], env=environ | {"GRANTFLOW_WORKER": "no"}, start_new_session=True
    )
    try:
        until = time.monotonic() + 60
        while not scanner.asked and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    assert scanner.asked == 1 and scan_of(file_id) == "waiting"
    scanner.set("slow", False)
    with clock.at(clock.now() + timedelta(days=3650)):
        assert scanning.work() == 1 and scan_of(file_id) == "clean"


def test_without_a_command_nothing_is_checked_and_nothing_waits(world: World) -> None:
    file_id = world.attach(world.draft())
    assert scan_of(file_id) == "none" and scanning.work() == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"GRANTFLOW_SCAN": "no-such-program-here"}, "no program here"),
        ({"GRANTFLOW_SCAN": "'half"}, "other half"),
        ({"GRANTFLOW_SCAN": "true", "GRANTFLOW_SCAN_SECONDS": "0"}, "below 1"),
    ],
)
def test_a_command_that_cannot_be_run_is_told_at_the_start(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        create_app({"GRANTFLOW_HOME": str(tmp_path), **settings})


def test_a_file_sent_by_itself_is_attached_or_refused_in_words(app: Flask, world: World) -> None:
    case_id = world.draft()
    where = f"/applications/{case_id}/files/other_files"
    browser = signed_in(app, world.applicant)
    good = browser.post(where, data={"file": (io.BytesIO(PDF), "Устав «Нити».pdf")})
    assert good.status_code == 200 and good.json == {"said": "Attached: Устав «Нити».pdf"}
    bad = browser.post(where, data={"file": (io.BytesIO(b"MZ" + b"x" * 99), "Отчёт.pdf")})
    assert bad.status_code == 403 and "a program" in bad.json["said"]
    assert browser.post(where, data={}).status_code == 400
    assert (
        browser.post(where.replace("other_files", "title"), data={"file": (io.BytesIO(PDF), "a.pdf")}).status_code
        == 404
    )
    for actor in (world.stranger, world.officer):
        assert signed_in(app, actor).post(where, data={"file": (io.BytesIO(PDF), "a.pdf")}).status_code in (403, 404)
    session().rollback()
    assert [f["name"] for f in service.draft_of(service.row_of(case_id)).values["other_files"]] == ["Устав «Нити».pdf"]
