"""What stands in the way of starting is told in one sentence with what to do, and the exit code is 1."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from grantflow import cli, config
from grantflow.errors import Misconfigured
from tests.faults.house import ROOT, free_port

FAULTS = {
    "tranche.toml": [
        ('roles = ["system", "finance"]', 'roles = ["system", "treasurer"]'),
        ('guards = ["disbursements.previous_paid"]', 'guards = ["disbursements.previous_payed"]'),
        ('to = "checked"', 'to = "chekced"'),
    ],
    "award.toml": [('initial = "prepared"', 'initial = "preparde"')],
    "notices/standard.toml": [('code = "N-01"', 'code = "first"')],
}
"""Five faults in three files: unknown role, guard, state and initial state, a notice without number."""


Told = tuple[int, str, str]


def run(*arguments: str, home: Path, cwd: Path) -> Told:
    """One command line in a process of its own."""
    environ = {"PATH": os.environ["PATH"], "GRANTFLOW_HOME": str(home)}
    command = [sys.executable, "-m", "grantflow", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def shell(app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """`shell("serve", home=…, GRANTFLOW_…=…)`: the command line in this process."""

    def called(*arguments: str, home: Path, **settings: str) -> Told:
        for name, value in {"GRANTFLOW_HOME": str(home), **settings}.items():
            monkeypatch.setenv(name, value)
        try:
            code = cli.main(list(arguments))
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return int(code or 0), said.out, said.err

    return called


@pytest.fixture
def home(tmp_path: Path, migrated: Path) -> Path:
    """A folder with an up-to-date database."""
    (tmp_path / "home").mkdir()
    shutil.copy(migrated, tmp_path / "home" / "grantflow.db")
    return tmp_path / "home"


def one_sentence(told: Told) -> str:
    """What was said, once it is sure that it is no trace and the exit code is 1."""
    code, _out, said = told
    assert code == 1 and "Traceback" not in said and said.strip(), told
    return said.strip()


def test_five_faults_are_all_told_with_file_and_table_and_the_server_refuses_with_the_same_list(
    home: Path, tmp_path: Path
) -> None:
    house = tmp_path / "checkout"
    for folder in ("grantflow", "templates", "workflows"):
        shutil.copytree(ROOT / folder, house / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, changes in FAULTS.items():
        file = house / "workflows" / name
        text = file.read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text, (name, before)
            text = text.replace(before, after, 1)
        file.write_text(text, encoding="utf-8")
    checked = run("workflows", "check", home=home, cwd=house)
    told = one_sentence(checked).splitlines()
    assert [line for line in told if "treasurer" in line and "tranche.toml" in line and "fall_due" in line]
    assert [line for line in told if "previous_payed" in line and "tranche.toml" in line and "fall_due" in line]
    assert [line for line in told if "chekced" in line and "tranche.toml" in line and "prepare" in line]
    assert [line for line in told if "preparde" in line and "award.toml" in line]
    assert [line for line in told if "standard.toml" in line and "code" in line]
    served = run("serve", "--port", str(free_port()), home=home, cwd=house)
    assert one_sentence(served).splitlines()[: len(told) - 1] == told[:-1]
    assert "GrantFlow serves" not in served[1]


def test_an_unknown_setting_is_told_with_the_nearest_known_one(home: Path, shell: Callable[..., Told]) -> None:
    told = one_sentence(shell("serve", home=home, GRANTFLOW_SMTP_HOTS="localhost"))
    assert "GRANTFLOW_SMTP_HOTS is no setting of GrantFlow. Did you mean GRANTFLOW_SMTP_HOST?" in told


def test_a_port_that_is_taken_is_told_with_another_one(home: Path, shell: Callable[..., Told]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = one_sentence(shell("serve", "--port", str(port), home=home))
    assert f"Port {port} on 127.0.0.1 is taken" in told and f"--port {port + 1}" in told


def test_a_database_without_tables_and_a_file_that_is_no_database_are_told(
    tmp_path: Path, shell: Callable[..., Told]
) -> None:
    (tmp_path / "empty").mkdir()
    assert "python3 run.py init" in one_sentence(shell("serve", home=tmp_path / "empty"))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "grantflow.db").write_bytes(b"These are the minutes of a meeting. " * 400)
    assert "The database did not do this: file is not a database." in one_sentence(
        shell("history", "verify", home=tmp_path / "bad")
    )


def test_a_command_on_a_read_only_database_says_so(home: Path, shell: Callable[..., Told]) -> None:
    url = f"sqlite:///file:{home / 'grantflow.db'}?mode=ro&uri=true"
    told = one_sentence(shell("history", "checkpoint", home=home, DATABASE_URL=url))
    assert "attempt to write a readonly database" in told


def test_a_secret_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(Misconfigured, match=r"secret\.key cannot be read: Is a directory"):
        config.read_settings({"GRANTFLOW_HOME": str(tmp_path)})
    (tmp_path / "secret.key").rmdir()
    (tmp_path / "secret.key").write_bytes(b"\xff\xfe" * 40)
    with pytest.raises(Misconfigured, match="it holds something else"):
        config.read_settings({"GRANTFLOW_HOME": str(tmp_path)})
    (tmp_path / "secret.key").write_text("")
    with pytest.raises(Misconfigured, match="is damaged"):
        config.read_settings({"GRANTFLOW_HOME": str(tmp_path)})


def test_the_secret_key_is_made_once_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = config.read_settings({"GRANTFLOW_HOME": str(tmp_path)}).secret_key
    assert config.read_settings({"GRANTFLOW_HOME": str(tmp_path)}).secret_key == first
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0
