"""The two commands as they are typed: they show, they do what they showed, they refuse in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from openpyxl import load_workbook
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import definitions, pages, service
from grantflow.cli import main
from grantflow.db import db, session
from grantflow.identity.models import Person
from grantflow.oversight import cutoff, exports
from grantflow.programmes import pack as packs
from grantflow.submissions.rows import row_of
from tests.amending.conftest import Bench
from tests.cases.machines import small
from tests.factories import signed_in
from tests.submissions.conftest import FILE, OPEN_DAY, World

Run = Callable[..., tuple[Any, str, str]]


@pytest.fixture
def desk(app: Flask, installation: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made: list[Bench] = []
    real = definitions.current
    monkeypatch.setattr(
        definitions,
        "current",
        lambda name: (made[0].force if made else small()) if name == "small" else real(name),
    )
    made.append(Bench(tmp_path))
    for name, value in installation.items():
        monkeypatch.setenv(name, value)
    return made[0]


@pytest.fixture
def run(desk: Bench, capsys: pytest.CaptureFixture[str]) -> Run:
    def typed(*words: str, who: Any = None) -> tuple[Any, str, str]:
        email = session().scalar(select(Person.email).where(Person.id == (who or desk.manager).person_id))
        db.session.remove()
        capsys.readouterr()
        try:
            code = main([*words, "--as", email])
        except SystemExit as left:
            code = left.code
        told = capsys.readouterr()
        return code, told.out, told.err

    return typed


def migrate(desk: Bench, text: str = 'first = "second_look"') -> list[str]:
    return ["workflows", "migrate", "small", "--map", str(desk.map(text))]


def test_it_shows_then_does_exactly_what_it_showed_then_has_nothing_to_do(desk: Bench, run: Run) -> None:
    case = desk.case()
    new = desk.newer(states={"first": "second_look"})
    code, out, _err = run(*migrate(desk))
    assert not code and "1 case would move:" in out and "Nothing is changed yet." in out
    assert f"1  of version {small().content_hash[:12]}: open stays" in out
    assert service.get(case.id).version == 1
    word = out.split("--seen ")[1].split()[0]
    code, out, _err = run(*migrate(desk), "--seen", word, "--yes")
    assert not code and "Moved: 1 case, each with an event in its history." in out
    assert service.get(case.id).workflow_hash == new.content_hash
    code, out, _err = run(*migrate(desk), "--yes")
    assert not code and "There is nothing to move." in out and service.get(case.id).version == 2


def test_what_is_no_longer_as_it_was_shown_is_not_done(desk: Bench, run: Run) -> None:
    case = desk.case()
    desk.newer(states={"first": "second_look"})
    word = run(*migrate(desk))[1].split("--seen ")[1].split()[0]
    desk.fire(case, "remark", desk.officer)
    code, _out, err = run(*migrate(desk), "--seen", word, "--yes")
    assert code == 1 and "no longer what the preview showed" in err
    assert service.get(case.id).workflow_hash == small().content_hash


def test_every_fault_of_a_map_is_printed(desk: Bench, run: Run) -> None:
    desk.case()
    desk.newer(states={"first": "second_look"})
    code, _out, err = run(*migrate(desk, 'opne = "open"\nopen = "nowhere"'))
    assert code == 1 and len(err.splitlines()) == 3
    assert (
        'did you mean "open"?' in err and 'no state "nowhere"' in err and '"first" is not in the newer version' in err
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["workflows", "migrate", "smal", "--map", "x"], "There is no workflow 'smal'"),
        (["workflows", "migrate", "small", "--map", "x", "--call", "A", "--programme", "B"], "not both"),
        (["workflows", "migrate", "small", "--map", "x", "--call", "KR-9"], "no such record"),
        (["workflows", "migrate", "small", "--map", "x"], "not a file that can be read"),
        (["programmes", "amend", "KR-9", "--reason", "x"], "no such record"),
    ],
)
def test_a_wrong_call_is_told_in_a_sentence(desk: Bench, run: Run, words: list[str], said: str) -> None:
    code, _out, err = run(*words)
    assert code == 1 and said in err and "Traceback" not in err


def test_somebody_who_manages_nothing_is_refused(desk: Bench, run: Run) -> None:
    desk.case()
    desk.newer()
    code, _out, err = run(*migrate(desk, ""), "--yes", who=desk.officer)
    assert code == 1 and "Only the programme manager" in err


def test_a_call_with_a_newer_form_says_who_is_left_behind_and_moves_them(
    app: Flask, installation: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in installation.items():
        monkeypatch.setenv(name, value)
    with clock.at(OPEN_DAY):
        world = World(packs.read(FILE))
        draft = world.complete()
    manager = session().scalar(select(Person.email).where(Person.id == world.manager.person_id))
    changed = tmp_path / "changed.toml"
    changed.write_text(FILE.read_text("utf-8").replace('code = "after_grant"', 'code = "afterwards"'), "utf-8")
    db.session.remove()
    assert not main(["programmes", "load", str(changed), "--as", manager])
    assert "KR-2021: 1 application keeps earlier terms until moved" in capsys.readouterr().out
    amend = ["programmes", "amend", "KR-2021", "--reason", "A clearer question.", "--as", manager]
    assert not main(amend)
    out = capsys.readouterr().out
    assert "KR-2021: form and rules of version 2" in out
    assert "Since version 1: questions added: afterwards; questions removed: after_grant" in out
    assert f"application/{draft}, draft: " in out and "lost: after_grant; to be answered: afterwards" in out
    assert not main([*amend, "--seen", out.split("--seen ")[1].split()[0], "--yes"])
    assert "Moved: 1 of KR-2021" in capsys.readouterr().out
    assert not main([*amend, "--yes"])
    assert "There is nothing to move." in capsys.readouterr().out
    db.session.remove()
    assert "after_grant" not in row_of(draft).answers


def test_the_page_shows_the_newer_picture_and_says_where_the_case_was_before(
    desk: Bench, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "page_for", lambda _kind: None)  # the frame alone, without a stage's body
    case = desk.case()
    desk.fire(case, "check", desk.officer)
    before = signed_in(app, desk.officer).get(f"/cases/{case.id}").get_data(as_text=True)
    assert "check done" in before and "Under an earlier version" not in before
    desk.newer(states={"checked": "looked_at"})
    desk.carry('checked = "looked_at"')
    page = signed_in(app, desk.officer).get(f"/cases/{case.id}").get_data(as_text=True)
    assert "Under an earlier version of this workflow it was also in: checked." in page
    assert "Moved to another version of the workflow" in page and "check done" in page
    assert "By the board&#39;s decision." in page


def test_the_workbook_keeps_the_words_of_the_version_each_event_was_written_under(desk: Bench, tmp_path: Path) -> None:
    case = desk.case()
    desk.fire(case, "check", desk.officer)
    body = desk.newer(states={"checked": "looked_at"}).model_dump(mode="json", by_alias=True)
    moves = [move for move in body["moves"] if move["name"] not in ("check", "break")]
    for state in body["states"]:
        state["label"]["en"] = f"{state['name']} now"
    moves.append(
        {**moves[0], "name": "look", "trigger": "look", "from": ["open"], "to": "looked_at", "distinct_from": []}
    )
    desk.force = desk.force.model_validate(body | {"moves": moves})
    desk.carry('checked = "looked_at"')
    out = tmp_path / "history.xlsx"
    with force_locale("en"):
        exports.write(out, cutoff.now(desk.manager, service.get(case.id)))
    rows = list(load_workbook(out).worksheets[0].iter_rows(values_only=True))
    said = [row[5:8] for row in rows if row[1] == f"check/{case.id}"]
    assert said == [
        ("Opened", None, "open"),
        ("check done", "open", "checked"),
        ("Moved to another version of the workflow", "checked", "looked_at now"),
    ]
