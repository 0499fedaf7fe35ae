"""The command as an operator runs it: every bad line on stderr, the count in the last line, the exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from grantflow import cli
from grantflow.db import session, unit_of_work
from grantflow.identity.access import actor_for
from grantflow.identity.models import Person
from grantflow.programmes.models import Programme
from tests.imports.conftest import CALL, ROOT, Desk, line


@pytest.fixture
def run(desk: Desk, installation: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Runs the command on the desk's own installation; gives back its exit code, its lines and what it complained of."""
    for name, value in installation.items():
        monkeypatch.setenv(name, value)

    def command(file: Path, *more: str, email: str = "manager@example.org") -> tuple[int, list[str], str]:
        options = ["--call", CALL, "--mapping", str(desk.folder / "mapping.toml"), "--as", email, *more]
        try:
            code = cli.main(["applications", "import", str(file), *options]) or 0
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return command


def test_a_good_file_ends_with_its_count_and_the_same_again_with_none(desk: Desk, run) -> None:  # type: ignore[no-untyped-def]
    file = desk.csv([line(1), line(2)])
    code, out, err = run(file)
    assert (code, out[-1]) == (0, f"{CALL}: 2 applications imported.")
    assert "Reading" in err and "Importing" in err
    assert run(file)[:2] == (0, [f"{CALL}: 0 applications imported, 2 were here already."])


def test_one_bad_line_stops_all_and_with_skip_bad_the_good_ones_come(desk: Desk, run) -> None:  # type: ignore[no-untyped-def]
    file = desk.csv([line(1), line(2, Region="Atlantis"), line(3, Asked="much")])
    code, out, err = run(file)
    assert (code, out[-1]) == (1, f"{CALL}: 0 applications imported, 2 bad lines.")
    assert "line 3, “Region”: The mapping does not know the word “Atlantis”." in err
    assert re.search("line 4, “Asked”: Write the amount in figures only", err)
    assert desk.count() == 0
    code, out, _err = run(file, "--skip-bad")
    assert (code, out[-1]) == (0, f"{CALL}: 1 application imported, 2 bad lines.")
    assert desk.count() == 1


def test_the_operator_reads_it_in_their_own_language(desk: Desk, run) -> None:  # type: ignore[no-untyped-def]
    with unit_of_work() as current:
        current.execute(update(Person).where(Person.id == desk.manager.person_id).values(language="ru"))
    _code, out, err = run(desk.csv([line(1, Region="Atlantis")]))
    assert "строка 2, «Region»: " in err and out[-1].startswith(f"{CALL}: импортировано 0 заявок")


def test_whoever_may_not_a_call_that_is_not_there_and_a_mapping_with_faults_are_told_in_one_line_each(
    desk: Desk, run
) -> None:  # type: ignore[no-untyped-def]
    file = desk.csv([line(1)])
    code, out, err = run(file, email="nobody@example.org")
    assert (code, out) == (1, []) and "no active account" in err
    desk.mapping("key = []\n")
    code, out, err = run(file)
    assert (code, out) == (1, []) and {text.split(": ")[1] for text in err.splitlines() if ": " in text} >= {
        "key",
        "calls",
        "answers",
    }
    desk.mapping()
    (desk.folder / "empty.csv").write_text("")
    code, out, err = run(desk.folder / "empty.csv")
    assert (code, out) == (1, []) and "The file is empty." in err


def test_the_command_says_what_it_takes() -> None:
    shown = CliRunner().invoke(cli.grantflow, ["applications", "import", "--help"]).output
    for word in ("--call", "--mapping", "--skip-bad", "--as", "all of them"):
        assert word in shown


def test_whoever_loads_a_new_programme_becomes_its_manager_although_they_have_an_account(desk: Desk, run) -> None:  # type: ignore[no-untyped-def]
    file = ROOT / "workflows" / "programmes" / "published_grants.toml"
    assert not cli.main(["programmes", "load", str(file), "--as", "manager@example.org"])
    session().rollback()
    programme = session().scalars(select(Programme.id).filter_by(code="published_grants")).one()
    person = session().get_one(Person, desk.manager.person_id)
    assert programme in actor_for(person).scopes("manager", "programme_id")
