"""The command around the demo: whose database is touched, when it is built anew, what a killed build leaves."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grantflow.config import read_settings
from grantflow.demo import build as builder
from grantflow.demo import command, home
from grantflow.errors import Misconfigured
from tests.demo.home import build

Built = Callable[[str], Path]


@pytest.fixture
def copy(built: Built, tmp_path: Path) -> Path:
    """A demo of the first stage that a test may spoil."""
    shutil.copytree(built("open"), tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def never(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Building is a fault here, once what the test starts from is there."""
    if "copy" in request.fixturenames:
        request.getfixturevalue("copy")

    def refuse(*_arguments: object) -> None:
        raise AssertionError("nothing was to be built")

    monkeypatch.setattr(builder, "build", refuse)


@pytest.mark.usefixtures("never")
def test_a_second_start_keeps_what_is_there(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (copy / "grantflow.db").stat()
    build(copy)
    build(copy, until="open")
    after = (copy / "grantflow.db").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("never")
def test_a_demo_of_an_earlier_day_is_kept_and_says_so(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from grantflow import clock

    with clock.at(clock.now() + timedelta(days=3)):
        build(copy)
    assert "built 3 days ago" in capsys.readouterr().out


def _marking_build(environ: dict[str, str], until: str, _progress: object) -> None:
    folder = Path(environ["GRANTFLOW_HOME"])
    with sqlite3.connect(folder / home.DATABASE) as connection:
        connection.execute("CREATE TABLE built (until TEXT)")
        connection.execute("INSERT INTO built VALUES (?)", (until,))
    connection.close()


def _built(folder: Path) -> str:
    with sqlite3.connect(folder / home.DATABASE) as connection:
        found = str(connection.execute("SELECT until FROM built").fetchone()[0])
    connection.close()
    return found


@pytest.mark.parametrize(
    ("options", "stage"),
    [({"until": "scoring"}, "scoring"), ({"fresh": True}, "open"), ({"fresh": True, "until": "end"}, "end")],
)
def test_another_stage_or_fresh_builds_anew(
    copy: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object], stage: str
) -> None:
    monkeypatch.setattr(builder, "build", _marking_build)
    litter = copy / "files" / "ab" / "of the old demo"
    litter.parent.mkdir(exist_ok=True)
    litter.write_text("old")
    build(copy, **options)
    assert _built(copy) == stage
    assert not litter.exists() and not (copy / home.PARTIAL).exists()


def test_a_demo_of_another_version_is_built_anew(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "build", _marking_build)
    monkeypatch.setattr("grantflow.schema.newest", lambda: "9999")
    build(copy)
    assert _built(copy) == "open"


@pytest.mark.usefixtures("never")
def test_a_database_that_is_no_demo_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / home.DATABASE
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Misconfigured, match=r"not a demo database.*GRANTFLOW_HOME="):
        build(tmp_path, fresh=True)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("never")
def test_something_that_is_no_database_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / home.DATABASE
    path.write_text("my diary, for ever and ever" * 100)
    with pytest.raises(Misconfigured, match="cannot be read as a database"):
        build(tmp_path)
    assert path.read_text().startswith("my diary")


@pytest.mark.usefixtures("never")
def test_files_that_belong_to_no_demo_are_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "files" / "aa").mkdir(parents=True)
    (tmp_path / "files" / "aa" / "paper").write_text("real")
    with pytest.raises(Misconfigured, match="belong to no demo"):
        build(tmp_path)
    assert (tmp_path / "files" / "aa" / "paper").exists()


@pytest.mark.usefixtures("never")
def test_another_database_in_the_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/real")
    with pytest.raises(Misconfigured, match="DATABASE_URL names another database"):
        build(tmp_path)


def test_a_database_without_tables_is_nobodys_and_is_built_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / home.DATABASE) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    monkeypatch.setattr(builder, "build", _marking_build)
    build(tmp_path)
    assert _built(tmp_path) == builder.DEFAULT


@pytest.mark.usefixtures("never")
def test_a_taken_port_is_told_before_anything_is_built(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Misconfigured, match=r"taken.*--port"):
            build(tmp_path, serve=True, host="127.0.0.1", port=taken.getsockname()[1])
    assert not (tmp_path / home.DATABASE).exists()


@pytest.mark.usefixtures("never")
def test_a_demo_that_is_served_is_not_built_anew_under_its_visitors(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings({"GRANTFLOW_HOME": str(copy)})
    with home.serving(settings), pytest.raises(Misconfigured, match="being served"):
        build(copy, fresh=True)
    assert home.present(settings) is not None


def test_a_build_that_fails_leaves_the_old_demo_and_a_next_start_begins_afresh(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(environ: dict[str, str], *_rest: object) -> None:
        _marking_build(environ, "half", None)
        raise KeyboardInterrupt

    monkeypatch.setattr(builder, "build", fail)
    with pytest.raises(KeyboardInterrupt):
        build(copy, fresh=True)
    mark = home.present(read_settings({"GRANTFLOW_HOME": str(copy)}))
    assert mark is not None and mark.until == "open"
    monkeypatch.setattr(builder, "build", _marking_build)
    build(copy, fresh=True)
    assert _built(copy) == "open"


def _start(folder: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, "GRANTFLOW_HOME": str(folder), "PYTHONPATH": os.getcwd()}
    arguments = [sys.executable, "-m", "grantflow", "demo", "--no-serve", "--until", "open"]
    return subprocess.Popen(arguments, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_killed_build_leaves_no_database(tmp_path: Path) -> None:
    process = _start(tmp_path)
    half = tmp_path / home.PARTIAL / home.DATABASE
    until = time.monotonic() + 120
    while not (half.exists() and half.stat().st_size > 100_000) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert half.exists() and not (tmp_path / home.DATABASE).exists()
    assert home.present(read_settings({"GRANTFLOW_HOME": str(tmp_path)})) is None


def test_two_starts_at_once_build_one_demo(tmp_path: Path, thorough: bool) -> None:
    if not thorough:
        pytest.skip("built under --thorough")
    processes = [_start(tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sum("Building the demo" in text for text in said) == 1


def test_the_sign_ins_name_every_role_its_address_and_the_password() -> None:
    table = "\n".join(command.sign_ins("http://127.0.0.1:8000"))
    assert "http://127.0.0.1:8000" in table and "demo-demo-demo" in table
    for role in (
        "Applicant",
        "Programme officer",
        "Panel member",
        "Panel chair",
        "Finance officer",
        "manager",
        "Auditor",
    ):
        assert role in table


def test_an_app_on_a_database_that_is_no_demo_is_told_nothing(app: object) -> None:
    from flask import Flask

    assert isinstance(app, Flask)
    command.demo_facts(app)
    assert "DEMO" not in app.config


def test_the_letters_of_a_demo_are_kept_even_where_a_mail_server_is_set(built: Built, tmp_path: Path) -> None:
    from sqlalchemy import insert, select

    from grantflow import create_app
    from grantflow.cases import mail
    from grantflow.cases.models import Letter, Outbox
    from grantflow.db import db, session, unit_of_work

    shutil.copy(built("open") / "grantflow.db", tmp_path / "grantflow.db")
    app = create_app({"GRANTFLOW_HOME": str(tmp_path), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SMTP_HOST": "127.0.0.1",
                      "GRANTFLOW_SMTP_PORT": "1", "GRANTFLOW_MAIL_FROM": "demo@demo.example"})  # fmt: skip
    command.demo_facts(app)
    with app.app_context():
        one = dict(session().execute(select(Outbox.__table__).limit(1)).mappings().one())
        del one["id"]
        again = {**one, "dedupe": "once more", "message_id": "<once.more@demo.example>", "sent_at": None}
        with unit_of_work() as current:
            written = current.execute(insert(Outbox.__table__).returning(Outbox.id), again).scalar_one()
        mail.deliver(written)
        assert session().scalar(select(Letter.subject).where(Letter.message_id == "<once.more@demo.example>"))
        db.session.remove()
        db.engine.dispose()
