"""The rules of the house, read from its own text: who commits, who moves, who writes history, how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "grantflow"
LONGEST = 450
"""A file is best under 300 lines; beyond this it hides two things in one."""


def modules() -> Iterator[Path]:
    yield from (path for path in sorted(PACKAGE.rglob("*.py")) if "migrations" not in path.parts)


def where(pattern: str, allowed: set[str]) -> list[str]:
    """Lines of the package, comments aside, that match outside the files allowed to."""
    found = []
    for path in modules():
        name = str(path.relative_to(PACKAGE))
        if name in allowed:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(pattern, line.split("#")[0]):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


def test_only_the_unit_of_work_commits() -> None:
    assert where(r"\.commit\(\)", {"db.py"}) == []


def test_only_the_door_writes_events() -> None:
    assert where(r"store\.append\(|insert\(Event\b|insert\(_EVENTS\b", {"cases/service.py", "history/store.py"}) == []


def test_only_the_door_changes_a_state() -> None:
    pattern = r"""(\.state\s*=[^=])|(values\([^)]*\bstate\s*=)|(["']state["']:\s*[^"'\s{]*\.name)"""
    assert [line for line in where(pattern, {"cases/service.py"}) if "Case" in line or "_CASES" in line] == []
    assert where(r"update\((Case|_CASES|_C)\b.*\bstate\s*=", set()) == []


def test_services_and_models_know_no_http() -> None:
    web = {"flask", "wtforms", "flask_wtf", "flask_login", "werkzeug"}
    for path in modules():
        if path.stem not in ("service", "models", "queries") or path.parent == PACKAGE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import)
                else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            )  # fmt: skip
            assert not {name.split(".")[0] for name in names} & web, f"{path.relative_to(ROOT)} imports {names}"


def test_views_and_forms_do_not_query() -> None:
    for path in modules():
        if path.stem in ("views", "forms", "public"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(
                r"\bfrom sqlalchemy\b|\bimport sqlalchemy\b|\bsession\(\)\.(execute|scalars?|get)\(", text
            ), path


@pytest.mark.parametrize("path", list(modules()), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_says_what_it_is_and_stays_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module says what it owns and what it leaves to others"
    assert len(text.splitlines()) <= LONGEST


def test_the_import_contract_holds() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_nothing_names_a_package_host_or_a_foreign_server() -> None:
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    names = [n for n in files.stdout.split("\0") if n] if files.returncode == 0 else []
    hosts = re.compile(
        # In two halves each, so that this file names none of them either.
        r"pyp" r"i\.org|python" r"hosted|registry\.n" r"pmjs|deb\.deb" r"ian|cd" r"n\.|jsde" r"livr|google" r"apis"
        r"|--index" r"-url|--extra" r"-index"
    )  # fmt: skip
    for name in names:
        path = ROOT / name
        if path.suffix in (".png", ".mo", ".xlsx") or not path.is_file():
            continue
        found = hosts.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert not found, f"{name} names {found and found[0]}"


def test_pages_hold_no_inline_script_style_or_handler() -> None:
    bad = re.compile(
        r"""<script(?![^>]*\bsrc=)|<style\b|<[a-z][^>{]*\sstyle=|\son(click|change|submit|load)=|https?://(?!www\.w3\.org)""",
        re.I,
    )
    for path in sorted((ROOT / "templates").rglob("*.html")):
        found = bad.search(re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S))
        assert not found, f"{path.relative_to(ROOT)}: {found and found[0]}"
