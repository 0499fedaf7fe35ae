"""run.py on a bare machine: it makes, mends and shares its environment, and refuses in one sentence.

Each environment is made for real, with an empty list of packages and a stand-in for the `grantflow` package,
so that these tests need no network; that the real lists install is tried by the gate.
"""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grantflow.cli import grantflow as commands_of

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = """
import os, sys

def main():
    print("ran", sys.argv, os.getcwd(), os.environ.get("PYTHONPATH"))
    return 7
"""


class Copy:
    """A checkout with run.py in it, and what happens when it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder.parent / "empty home"
        self.home.mkdir(parents=True, exist_ok=True)
        (folder / "grantflow").mkdir(parents=True)
        (folder / "grantflow" / "__init__.py").touch()
        (folder / "grantflow" / "cli.py").write_text(STAND_IN)
        shutil.copy(ROOT / "run.py", folder)
        for lock in ("requirements.txt", "requirements-dev.txt"):
            (folder / lock).write_text("# nothing\n")

    def command(self, *arguments: str, before: str = "") -> list[str]:
        """How to start run.py; `before` is Python that changes the machine it believes to be on."""
        script = str(self.folder / "run.py")
        if not before:
            return [sys.executable, script, *arguments]
        started = f"import runpy, sys; sys.argv = sys.argv[1:]; {before}; "
        return [
            sys.executable,
            "-c",
            started + "runpy.run_path(sys.argv[0], run_name='__main__')",
            script,
            *arguments,
        ]

    def environment(self, **settings: str) -> dict[str, str]:
        """No PATH, an empty HOME, and no word of the environment these tests run in."""
        return {"PATH": "/nowhere", "HOME": str(self.home), **settings}

    def run(self, *arguments: str, before: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        """Start run.py from another folder and wait for its end."""
        return subprocess.run(
            self.command(*arguments, before=before),
            cwd=self.home,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """A copy whose path has a space in it and holds no environment yet."""
    yield Copy(tmp_path / "a folder with spaces" / "grantflow")


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy whose environment is made. Tests that spoil it take a copy of their own."""
    made = Copy(tmp_path_factory.mktemp("made once") / "grantflow")
    first = made.run("demo")
    assert first.returncode == 7, first.stderr
    assert "first start" in first.stderr and "ready after" in first.stderr
    return made


def test_run_py_parses_on_pythons_far_too_old_to_run_it() -> None:
    source = (ROOT / "run.py").read_bytes()
    source.decode("ascii")
    tree = ast.parse(source, feature_version=(3, 4))
    too_new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.AsyncFunctionDef, ast.Starred)
    for node in ast.walk(tree):
        assert not isinstance(node, too_new), ast.dump(node)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None and not node.args.kwonlyargs
            assert all(argument.annotation is None for argument in node.args.args)
        if isinstance(node, ast.Raise):
            assert node.cause is None, "`raise … from …` is no Python 2"


def test_run_py_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse((ROOT / "run.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
def test_an_old_python_is_refused_in_one_sentence(copy: Copy, version: tuple[int, ...]) -> None:
    refused = copy.run("demo", before=f"sys.version_info = {version}")
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr.count("\n") == 1 and "needs Python 3.11 or newer" in refused.stderr
    assert f"this is Python {version[0]}.{version[1]}" in refused.stderr
    assert not (copy.folder / ".venv").exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_refused_in_one_sentence(copy: Copy, module: str) -> None:
    refused = copy.run("demo", before=f"sys.modules[{module!r}] = None")
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    assert f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in refused.stderr
    assert not (copy.folder / ".venv").exists()


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",)])
def test_run_py_alone_lists_the_commands_and_makes_nothing(copy: Copy, arguments: tuple[str, ...]) -> None:
    listed = copy.run(*arguments)
    assert listed.returncode == 0 and listed.stderr == ""
    assert "  demo " in listed.stdout and "  test " in listed.stdout
    assert not (copy.folder / ".venv").exists()


def test_run_py_lists_every_command_there_is_and_no_other() -> None:
    listing = subprocess.run([sys.executable, ROOT / "run.py"], capture_output=True, text=True).stdout
    listed = {line.split()[0] for line in listing.splitlines() if line.startswith("  ") and line[2] != " "}
    assert listed - {"test"} == set(commands_of.commands)


def test_arguments_output_and_exit_status_are_those_of_the_command(ready: Copy) -> None:
    again = ready.run("export", "history", "--out", "a file.xlsx", PYTHONPATH="/of/another/python")
    assert again.returncode == 7
    assert again.stdout == f"ran ['grantflow', 'export', 'history', '--out', 'a file.xlsx'] {ready.home} None\n"
    assert again.stderr == "", "a second start says nothing of its own"


def test_a_second_start_runs_no_pip(ready: Copy) -> None:
    packages = next((ready.folder / ".venv" / "lib").glob("python*/site-packages"))
    (packages / "pip").rename(packages / "pip-away")
    try:
        assert ready.run("demo").returncode == 7
    finally:
        (packages / "pip-away").rename(packages / "pip")


def test_the_folder_may_be_moved_and_the_command_in_the_environment_still_works(ready: Copy) -> None:
    elsewhere = ready.folder.with_name("moved to another place")
    ready.folder.rename(elsewhere)
    try:
        command = elsewhere / ".venv" / "bin" / "grantflow"
        answer = subprocess.run([command, "x"], env=ready.environment(), capture_output=True, text=True)
        assert answer.returncode == 7, answer.stderr
        assert answer.stdout.startswith("ran ['grantflow', 'x']")
    finally:
        elsewhere.rename(ready.folder)


def test_a_changed_lock_is_installed_once(ready: Copy) -> None:
    (ready.folder / "requirements.txt").write_text("# nothing, in other words\n")
    first, second = ready.run("demo"), ready.run("demo")
    assert "list of packages has changed" in first.stderr and first.returncode == 7
    assert second.stderr == "" and second.returncode == 7


def test_an_interrupted_installation_is_made_anew_by_the_first_of_two_starts_and_shared_by_both(
    copy: Copy,
) -> None:
    interrupted = subprocess.Popen(copy.command("demo"), env=copy.environment(), stderr=subprocess.DEVNULL)
    while not (copy.folder / ".venv" / "pyvenv.cfg").exists():
        time.sleep(0.01)
    interrupted.send_signal(signal.SIGKILL)
    interrupted.wait()
    half_made = copy.folder / ".venv" / "grantflow.half-made"
    assert half_made.exists()
    left_behind = copy.folder / ".venv" / "left-behind"
    left_behind.touch()

    both = [
        subprocess.Popen(
            copy.command("demo"),
            env=copy.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [7, 7], said
    assert sorted("making it anew" in words for words in said) == [False, True], said
    assert any("waiting for it to finish" in words for words in said), said
    assert sorted("fetching" in words for words in said) == [False, True], said
    assert not half_made.exists() and not left_behind.exists()


def test_an_environment_made_by_hand_is_kept_and_filled(copy: Copy, ready: Copy) -> None:
    shutil.copytree(ready.folder / ".venv", copy.folder / ".venv", symlinks=True)
    (copy.folder / ".venv" / "grantflow.stamp").rename(copy.folder / ".venv" / "mine")
    started = copy.run("demo")
    assert started.returncode == 7, started.stderr
    assert "using the .venv that is here" in started.stderr
    assert (copy.folder / ".venv" / "mine").exists()


def test_packages_that_cannot_be_fetched_are_told_with_what_to_do(copy: Copy, ready: Copy) -> None:
    shutil.copytree(ready.folder / ".venv", copy.folder / ".venv", symlinks=True)
    (copy.folder / "requirements.txt").write_text("nobody-has-this==1.0 --hash=sha256:" + "0" * 64 + "\n")
    refused = copy.run("demo", PIP_INDEX_URL="http://127.0.0.1:9/", PIP_TIMEOUT="1", PIP_CONFIG_FILE="/dev/null")
    assert refused.returncode == 1
    assert "no package server answers" in refused.stderr and "run the same command again" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_folder_one_may_not_write_is_told_in_one_sentence(copy: Copy) -> None:
    denied = "import os; os.open = lambda *_: (_ for _ in ()).throw(PermissionError(13, 'Permission denied'))"
    refused = copy.run("demo", before=denied)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    assert "may not write there (Permission denied)" in refused.stderr
    assert not (copy.folder / ".venv").exists()


def test_the_whole_suite_is_shared_between_processors_and_a_chosen_part_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    namespace: dict[str, object] = {"__file__": str(ROOT / "run.py"), "__name__": "run"}
    exec(compile((ROOT / "run.py").read_text(), "run.py", "exec"), namespace)  # noqa: S102 - our own file
    arguments = namespace["test_arguments"]
    assert callable(arguments)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert arguments(["--thorough"]) == ["-n", "2", "--dist", "loadfile", "--thorough"]
    assert arguments(["--database=both", "-q"]) == ["-n", "2", "--dist", "loadfile", "--database=both", "-q"]
    assert arguments(["tests/engine", "-x"]) == ["tests/engine", "-x"]
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert arguments([]) == []
