"""A mapping is judged whole, before a line is read; and a call of any programme can be imported into, by its own rules."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from grantflow import clock
from grantflow.cases.models import Case
from grantflow.db import session, unit_of_work
from grantflow.engine.faults import DefinitionFaults
from grantflow.errors import Refused
from grantflow.programmes.models import Call
from grantflow.submissions import mapping
from tests.imports.conftest import CALL, MAPPING, ROOT, Desk, line

SHIPPED = sorted((ROOT / "workflows" / "imports").glob("*.toml"))


def faults(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionFaults) as told:
        mapping.read(path)
    return [f"{fault.table}: {fault.text}" for fault in told.value.faults]


def test_all_faults_of_a_mapping_are_told_at_once(tmp_path: Path) -> None:
    text = MAPPING.replace('key = ["Number"]', "key = []").replace("RCN-5164 = { }", '"five" = { }')
    text = text.replace('column = "Outcome"\n', "").replace(
        '{ value = "business" }', '{ value = "business", column = "S" }'
    )
    text = text.replace("country =", "colour =") + "\nmood = 1\n"
    found = faults(tmp_path / "m.toml", text)
    for table in (
        "key",
        "calls.five",
        "outcome",
        "answers.sector",
        "organisation.country",
        "organisation.colour",
        "outcome.mood",
    ):
        assert any(fault.startswith(table) for fault in found), (table, found)


def test_a_file_that_is_no_toml_or_not_there_is_a_fault_too(tmp_path: Path) -> None:
    assert "This is not TOML" in faults(tmp_path / "m.toml", "key = [")[0]
    with pytest.raises(DefinitionFaults, match="cannot be read"):
        mapping.read(tmp_path / "none.toml")


def test_everything_in_which_a_mapping_does_not_fit_the_form_is_told_at_once(desk: Desk) -> None:
    text = MAPPING.replace("[answers]\ntitle", '[answers]\nregoin = { column = "x" }\nheading').replace(
        '"NO-55"', '"NO-99"'
    )
    desk.mapping(text.replace(', item = "Sum applied for"', "").replace('"business"', '"bank"'))
    with pytest.raises(DefinitionFaults) as told:
        desk.look(desk.csv([line(1)]))
    found = {fault.table: fault.text for fault in told.value.faults}
    assert 'did you mean "region"?' in found["answers.regoin"]
    assert "no such question" in found["answers.heading"]
    assert "NO-99" in found["answers.region"]
    assert "bank" in found["answers.sector"]
    assert "item" in found["answers.applied_for"]
    assert '"title"' in found["answers"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_mapping_that_ships_is_sound_and_holds_no_data(path: Path) -> None:
    assert mapping.read(path).calls
    assert SHIPPED and path.stat().st_size < 10_000


def test_the_mapping_worked_out_in_the_readme_is_one(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(key = .*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    (tmp_path / "readme.toml").write_text(block, encoding="utf-8")
    read = mapping.read(tmp_path / "readme.toml")
    assert set(mapping.Mapping.model_fields) == set(read.model_fields_set), "every table of a mapping is shown"


def test_a_programme_that_decides_itself_takes_applications_and_no_outcomes(desk: Desk) -> None:
    """Into an ordinary call: the applications come in as submitted and go on through its own check."""
    with unit_of_work() as current:
        programme = current.get_one(Call, desk.calls[CALL]).programme_id
        from grantflow.programmes.models import Programme

        row = current.get_one(Programme, programme)
        row.workflows = {**row.workflows, "application": "application"}
    with pytest.raises(Refused, match="decides on its applications itself"):
        desk.look(desk.csv([line(1)]))
    desk.mapping(MAPPING[: MAPPING.index("[outcome]")])
    assert desk.bring(desk.csv([line(1), line(2)])) == 2
    found = session().execute(select(Case.state, Case.due_at).where(Case.kind == "application")).all()
    assert [row.state for row in found] == ["submitted", "submitted"]
    assert all(row.due_at is not None for row in found), "officers have their days for the check"


def test_what_the_form_requires_of_an_applicant_it_requires_of_an_import(desk: Desk, tmp_path: Path) -> None:
    """A form that asks for papers cannot be answered from a table, and each line says so."""
    from grantflow.identity.access import SYSTEM
    from grantflow.programmes import pack as packs
    from grantflow.programmes.service import load_pack
    from tests.factories import also

    with clock.at(clock.local(date(2021, 9, 1), 9, 0, "Europe/Moscow")), unit_of_work():
        loaded = load_pack(packs.read(ROOT / "workflows" / "programmes" / "prozvet.toml"), SYSTEM)
    actor = also(desk.manager, "manager", programme_id=loaded.programme_id)
    desk.mapping(MAPPING[: MAPPING.index("[outcome]")].replace("RCN-5164", "KR-2021"))
    with pytest.raises(DefinitionFaults) as told:
        desk.look(desk.csv([line(1)]), actor, "KR-2021")
    assert any('"tax_certificate"' in fault.text for fault in told.value.faults)
