"""What leaves the checkout: a wheel that carries all it needs, and locks that name hashes and no hosts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^ ]+)(?: ; (?P<marker>.+))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def files(folder: Path) -> set[str]:
    """Every file below a folder that belongs to the project, by its path in it."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts and path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the checkout, since building leaves things behind."""
    if int(version("setuptools").partition(".")[0]) < 77:
        pytest.skip("the setuptools here is older than the project builds with; run.py test brings a newer one")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copy(ROOT / "README.md", source)
    for name in ("grantflow", "templates", "workflows"):
        shutil.copytree(ROOT / name, source / name, ignore=LEFTOVERS)
    out = tmp_path_factory.mktemp("wheel")
    built = subprocess.run([sys.executable, "-c", BUILD, out], cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-3000:]
    return next(out.glob("grantflow-*.whl"))


def test_the_wheel_carries_the_package_the_templates_and_the_workflows(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}
        notices = [name for name in archive.namelist() if name.endswith("/licenses/LICENSE")]
    expected = {f"grantflow/{name}" for name in files(ROOT / "grantflow")}
    for folder in ("templates", "workflows"):
        assert files(ROOT / folder), folder
        expected |= {f"grantflow/_{folder}/{name}" for name in files(ROOT / folder)}
    assert carried == expected
    assert notices


def test_an_installed_package_finds_its_folders_inside_itself(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    ask = "from grantflow.config import resource_folder as f; print(f('templates')); print(f('workflows'))"
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {ask}"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    folders = [str(tmp_path / "grantflow" / name) for name in ("_templates", "_workflows")]
    assert answer.stdout.splitlines() == folders, answer.stderr


def pins(lock: str) -> dict[str, str]:
    """What a lock pins, by name; fails on a line that is no pin, no hash and no comment."""
    pinned: dict[str, str] = {}
    hashes = 1
    for line in (ROOT / lock).read_text().splitlines():
        if pin := PIN.match(line):
            assert hashes, f"{lock}: something before {line} has no hash"
            assert pin["name"] not in pinned, f"{lock}: {line} is pinned twice"
            pinned[pin["name"]], hashes = pin["version"], 0
        elif HASH.match(line):
            hashes += 1
        else:
            assert line.lstrip().startswith("#"), f"{lock}: {line}"
            assert "//" not in line, f"{lock}: {line}"
    return pinned


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_pins_everything_with_hashes_and_names_no_host(lock: str) -> None:
    pinned = pins(lock)
    asked = list(PROJECT["project"]["dependencies"])
    groups = PROJECT["dependency-groups"]
    asked += groups["build"] + (groups["dev"] if lock == "requirements-dev.txt" else [])
    for requirement in asked:
        name = re.split(r"[\[<>=~! ]", requirement)[0].lower()
        assert name in pinned, f"{lock} lacks {requirement}"


def test_the_lock_for_the_tests_contains_the_other_one_whole() -> None:
    runtime, development = pins("requirements.txt"), pins("requirements-dev.txt")
    assert runtime.items() <= development.items()
