"""Bringing applications in: all of them or none, each bad line told, nothing twice, and the history says where from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow.awards.models import PastOutcome
from grantflow.cases.models import Case
from grantflow.cases.service import fire
from grantflow.db import session, unit_of_work
from grantflow.engine.faults import DefinitionFaults
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history import verify
from grantflow.history.models import Event
from grantflow.identity.models import Organisation
from grantflow.submissions import importing, tables
from grantflow.submissions.models import Application
from tests.factories import organisation, person, signed_in
from tests.imports.conftest import CALL, HEAD, MAPPING, OTHER, Desk, line


def only(desk: Desk) -> tuple[Application, PastOutcome | None]:
    session().rollback()
    row = session().scalars(select(Application)).one()
    return row, session().get(PastOutcome, row.case_id)


def test_a_line_becomes_an_application_with_its_facts_its_applicant_and_its_outcome(desk: Desk) -> None:
    assert desk.bring(desk.csv([line(17)])) == 1
    row, outcome = only(desk)
    case = session().get_one(Case, row.case_id)
    body = session().get_one(Organisation, row.organisation_id)
    assert (case.state, case.ref, row.title) == ("awarded", "RCN-5164-0001", "Warm wool for cold schools")
    assert (row.asked_minor, row.own_minor, row.currency, row.led_by) == (12_000_050, 0, "NOK", "woman")
    assert row.submitted_at == datetime(2012, 10, 15, 22, 0, tzinfo=UTC), "midnight in Oslo"
    assert (body.name_en, body.inn, body.country) == ("Nordlys Ull AS", "999000111", "NO")
    assert outcome is not None and (outcome.kind, outcome.amount_minor) == ("awarded", 10_000_000)
    assert outcome.noted_by_id == desk.manager.person_id


def test_the_history_says_who_imported_it_from_which_file_and_line_and_the_chain_verifies(desk: Desk) -> None:
    file = desk.csv([line(16), line(17)])
    plan = desk.look(file)
    desk.bring(file)
    for case_id, number in zip(
        session().scalars(select(Application.case_id).order_by(Application.case_id)), (2, 3), strict=True
    ):
        events = session().scalars(select(Event).where(Event.case_id == case_id).order_by(Event.seq)).all()
        assert [event.move for event in events] == ["open", "take_over", "award"]
        for event in events:
            told = {key: event.facts[f"source_{key}"] for key in ("file", "sha256", "line")}
            assert told == {"file": "table.csv", "sha256": plan.table.sha256, "line": number}
            assert (event.actor_id, event.role) == (desk.manager.person_id, "manager")
    of_call = (
        session().scalars(select(Event).where(Event.case_id == desk.calls[CALL]).order_by(Event.seq.desc())).first()
    )
    assert of_call is not None and of_call.move == "applications_imported" and of_call.facts["imported"] == 2
    assert verify.verify_all().whole


def test_sums_above_what_was_asked_of_nothing_and_to_the_ore_a_blank_region_and_a_late_arrival_are_taken(
    desk: Desk,
) -> None:
    desk.bring(
        desk.csv(
            [
                line(1, Awarded="27336753,52", Asked="27 337 000"),
                line(2, Awarded="9251000", Asked="6999000"),
                line(3, Awarded="0"),
                line(4, Outcome="no", Awarded="0,00", Asked="0"),
                line(5, Outcome="no", Awarded="", Region="", Leader="", Received="2012-10-17 13:02:40"),
            ]
        )
    )
    rows = session().execute(
        select(Case.state, Application.asked_minor, PastOutcome.amount_minor, Application.led_by)
        .join(Application, Application.case_id == Case.id)
        .join(PastOutcome, PastOutcome.case_id == Case.id)
        .order_by(Case.id)
    )
    assert [tuple(row) for row in rows] == [
        ("awarded", 2_733_700_000, 2_733_675_352, "woman"),
        ("awarded", 699_900_000, 925_100_000, "woman"),
        ("awarded", 12_000_050, 0, "woman"),
        ("declined", 0, None, "woman"),
        ("declined", 12_000_050, None, "not_stated"),
    ]
    late = session().scalars(select(Event).where(Event.move == "take_over").order_by(Event.id.desc())).first()
    assert late is not None and late.facts["after_closing"]["en"] == "received after the closing hour"
    first = session().scalars(select(Event).where(Event.move == "take_over").order_by(Event.id)).first()
    assert first is not None and "after_closing" not in first.facts


def test_every_bad_line_is_told_with_its_column_and_reason(desk: Desk) -> None:
    told = desk.told(
        [
            line(1),
            line(2, Asked="12 kr a day", Received="2012-13-45"),
            line(3, Region="Atlantis", Outcome="perhaps"),
            line("", Title="", Body=""),
            line(5, Outcome="no", Awarded="5"),
            line(6, Awarded=""),
            line(1),
            line(8, Asked="-5", Register="999000111999000111999"),
            line(9, Asked="", Title="x" * 500),
        ]
    )
    found = [(text.split(",")[0], text.split("“")[1].split("”")[0]) for text in told]
    assert found == [
        ("line 3", "Received"), ("line 3", "Asked"),
        ("line 4", "Region"), ("line 4", "Outcome"),
        ("line 5", "Number"), ("line 5", "Body"), ("line 5", "Title"),
        ("line 6", "Awarded"), ("line 7", "Awarded"), ("line 8", "Number"),
        ("line 9", "Register"), ("line 9", "Asked"), ("line 10", "Title"), ("line 10", "Asked"),
    ]  # fmt: skip
    assert any("The mapping does not know the word “Atlantis”" in text for text in told)
    assert any("The same stands in line 2 already" in text for text in told)


def test_nothing_is_imported_where_one_line_fails_at_the_last_moment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring = importing._bring

    def fail(plan: importing.Plan, case: object, taken: object, *more: object) -> None:
        if taken.line == 4:  # type: ignore[attr-defined]
            raise Refused("No more today.")
        bring(plan, case, taken, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "_bring", fail)
    before = desk.count("organisation")
    with pytest.raises(Invalid, match="line 4: No more today"):
        desk.bring(desk.csv([line(n, Body=f"Body {n}", Register="0") for n in range(1, 5)]))
    assert (desk.count(), desk.count("organisation")) == (0, before)


def test_a_key_pressed_to_stop_leaves_nothing_half(desk: Desk) -> None:
    plan = desk.look(desk.csv([line(n) for n in range(1, 4)]))

    def stop(done: int, _of: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), unit_of_work():
        importing.carry_out(plan, desk.manager, stop)
    assert desk.count() == desk.count("organisation") == 0
    assert desk.bring(desk.csv([line(n) for n in range(1, 4)])) == 3


def test_importing_twice_doubles_nothing_and_only_what_is_new_comes(desk: Desk) -> None:
    assert desk.bring(desk.csv([line(1), line(2)])) == 2
    again = desk.look(desk.xlsx([line(2, Awarded=100_000), line(1), line(3)], name="later.xlsx"))
    assert (again.good, again.here, again.faults) == (1, 2, []), "the same values, written otherwise"
    assert desk.bring(desk.folder / "later.xlsx") == 1
    assert desk.bring(desk.folder / "later.xlsx") == 0
    assert desk.count() == 3 and desk.count("organisation") == 1


def test_a_line_that_was_imported_with_other_values_is_told_and_changes_nothing(desk: Desk) -> None:
    desk.bring(desk.csv([line(1)]))
    (told,) = desk.told([line(1, Awarded="99")])
    assert "imported before, from table.csv, line 2, with other values" in told
    assert only(desk)[1].amount_minor == 10_000_000  # type: ignore[union-attr]


def test_somebody_elses_import_meanwhile_is_noticed(desk: Desk) -> None:
    plan = desk.look(desk.csv([line(1)]))
    desk.bring(desk.csv([line(1)], name="other.csv"))
    with unit_of_work():
        assert importing.carry_out(plan, desk.manager, lambda _d, _o: None) == 0
    assert desk.count() == 1


def test_an_organisation_is_known_by_its_number_else_by_its_name_among_those_imported(desk: Desk) -> None:
    here = organisation("Nordlys", inn="999000111", country="NO")
    namesake = organisation("Fjell og Fjord", country="NO")
    desk.bring(
        desk.csv([line(1), line(2, Register="0", Body="Fjell og Fjord"), line(3, Register="", Body="FJELL og fjord")])
    )
    first, second, third = session().scalars(select(Application.organisation_id).order_by(Application.case_id))
    assert first == here and second == third and second not in (here, namesake)


def test_a_workbook_is_read_like_a_csv_days_as_numbers_included_and_a_formula_is_a_fault(desk: Desk) -> None:
    file = desk.xlsx(
        [
            line(1, Received=41198, Asked=120000.5, Awarded=27336753.52, Register=999000111),
            line(2, Asked="=1+1"),
            {},
            line(4, Received=datetime(2012, 10, 16, 8, 30), Register=None),
        ]
    )
    plan = desk.look(file)
    assert [str(fault) for fault in plan.faults] == [
        "line 3, “Asked”: This is a formula. Paste its value in its place."
    ]
    with unit_of_work():
        assert importing.carry_out(plan, desk.manager, lambda _d, _o: None) == 2
    rows = (
        session().execute(select(Application.submitted_at, Application.asked_minor).order_by(Application.case_id)).all()
    )
    assert rows[0] == (datetime(2012, 10, 15, 22, 0, tzinfo=UTC), 12_000_050)
    assert rows[1][0] == datetime(2012, 10, 16, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("1 234,50", 123_450), ("1\u00a0234,5", 123_450), ("1.234,50", 123_450), ("8000000.0", 800_000_000), ("kr 5", None), ("1,2345", None)],
)  # fmt: skip
def test_sums_are_read_as_people_write_them(desk: Desk, typed: str, minor: int | None) -> None:
    plan = desk.look(desk.csv([line(1, Asked=typed)]))
    assert bool(plan.faults) == (minor is None)
    if minor is not None:
        assert desk.bring(desk.csv([line(1, Asked=typed)])) == 1
        assert only(desk)[0].asked_minor == minor


@pytest.mark.parametrize(
    "written", ["16.10.2012", "2012-10-16T00:00:00", "16 October 2012", "16/10/2012", "41198", "10~16~2012"]
)
def test_days_are_read_in_the_forms_people_use_and_in_those_of_the_mapping(desk: Desk, written: str) -> None:
    desk.mapping(MAPPING.replace('numbers = "ru"', 'numbers = "ru"\ndates = ["%m~%d~%Y"]'))
    desk.bring(desk.csv([line(1, Received=written)]))
    assert only(desk)[0].submitted_at == datetime(2012, 10, 15, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize("written", ["05/06/2012", "31.2.2012", "1.1.1012", "99999", "soon", "2031-01-01"])
def test_a_day_that_cannot_be_meant_or_has_two_readings_is_a_fault(desk: Desk, written: str) -> None:
    (told,) = desk.told([line(1, Received=written)])
    assert told.startswith("line 2, “Received”: ")


def test_lines_of_other_calls_are_counted_and_those_of_none_are_told(desk: Desk) -> None:
    desk.open(OTHER)
    desk.mapping(
        MAPPING.replace(
            "RCN-5164 = { }",
            'RCN-5164 = { where = { Set = "1" } }\nRCN-7461 = { where = { Set = "2" } }',
        )
    )
    lines = [line(1, Set="1"), line(2, Set="2"), line(3, Set="2"), line(4, Set="3")]
    file = desk.csv(lines, head=(*HEAD, "Set"))
    plan = desk.look(file)
    assert (plan.good, plan.others, plan.nobodys) == (1, 2, 1)
    assert "1 line belongs to no call of the mapping." in [str(text) for text in importing.told(plan)]
    assert (desk.bring(file), desk.bring(file, call=OTHER)) == (1, 2)


def test_columns_nobody_reads_are_told_those_left_out_are_not_and_missing_ones_are_a_fault(desk: Desk) -> None:
    desk.mapping('left_out = ["Phone"]\n' + MAPPING)
    plan = desk.look(desk.csv([{**line(1), "Mood": "good", "": "stray"}], head=(*HEAD, "Phone", "Mood", "", "last")))
    assert [str(text) for text in importing.told(plan)] == ["Not taken over: Mood, last, column 13, which has no name."]
    with pytest.raises(Invalid) as told:
        desk.look(desk.csv([line(1)], head=[name for name in (*HEAD, "Asked") if name not in ("Title", "Body")]))
    assert [str(sentence) for sentence in told.value.fields.values()] == [
        "The file has no column “Body” (organisation.name).",
        "The file has no column “Title” (answers.title).",
        "The column “Asked” stands 2 times.",
    ]


def test_cells_beyond_the_last_column_are_a_fault(desk: Desk) -> None:
    file = desk.csv([line(1)])
    file.write_text(file.read_text() + "9," * 12 + "9\n", encoding="utf-8")
    assert any("more cells than columns have names" in str(fault) for fault in desk.look(file).faults)


def test_only_a_manager_or_officer_of_the_programme_imports(desk: Desk) -> None:
    file = desk.csv([line(1)])
    for stranger in (
        person("manager", programme_id=desk.calls[OTHER]),
        person("auditor", programme_id=desk.programme),
        person("finance", programme_id=desk.programme),
    ):
        with pytest.raises(Refused, match="Only a manager or an officer"):
            desk.look(file, stranger)
    assert desk.bring(file, person("officer", programme_id=desk.programme)) == 1


def test_a_call_takes_an_import_from_the_day_it_is_opened_for_it_until_it_is_kept(desk: Desk) -> None:
    file = desk.csv([line(1)])
    desk.mapping(MAPPING.replace("RCN-5164 = { }", "RCN-5164 = { }\nRCN-7461 = { }"))
    with pytest.raises(Refused, match="not open for an import yet"):
        desk.look(file, call=OTHER)
    with pytest.raises(NotFound, match="There is no call RCN-0000"):
        desk.look(file, call="RCN-0000")
    plan = desk.look(file)
    with unit_of_work():
        fire(desk.calls[CALL], "keep", actor=desk.manager)
    with pytest.raises(Refused, match="takes no more applications"):
        desk.look(file)
    with pytest.raises(Refused, match="takes no more applications"), unit_of_work():
        importing.carry_out(plan, desk.manager, lambda _d, _o: None)


def test_nobody_makes_the_move_of_an_import_by_hand(app: Flask, desk: Desk) -> None:
    desk.bring(desk.csv([line(1)]))
    case_id = only(desk)[0].case_id
    client = signed_in(app, desk.manager)
    assert client.post(f"/cases/{case_id}/moves/take_over", data={"version": "3"}).status_code in (403, 404)


def test_an_outcome_that_comes_later_is_noted_on_the_page_of_the_application(app: Flask, desk: Desk) -> None:
    desk.mapping(MAPPING[: MAPPING.index("[outcome]")])
    desk.bring(desk.csv([line(1)]))
    case_id = only(desk)[0].case_id
    client = signed_in(app, desk.manager)
    page = f"/cases/{case_id}/moves/award"
    assert "Sum of the grant" in client.get(page).text
    assert client.post(page, data={"version": "2", "amount": "much"}).status_code == 400
    assert client.post(page, data={"version": "2", "amount": "130 000,25", "on": "1.2.2013"}).status_code == 303
    outcome = only(desk)[1]
    assert outcome is not None and (outcome.amount_minor, str(outcome.decided_on)) == (13_000_025, "2013-02-01")


def test_the_page_of_a_programme_shows_the_sums_to_its_staff(app: Flask, desk: Desk) -> None:
    page = "/programmes/rcn_2012"
    assert "Applied for and awarded" not in signed_in(app, desk.manager).get(page).text
    desk.bring(desk.csv([line(1), line(2, Region="Troms", Leader="M", Outcome="no", Awarded="")]))
    text = signed_in(app, desk.manager).get(page).text
    for words in ("By district", "Troms", "240,001.00", "100,000.00", "a woman leads", "a man leads"):
        assert words in text, words
    reader = person("panellist", panel_id=desk.calls[CALL], programme_id=desk.programme)
    assert "Applied for and awarded" not in signed_in(app, reader).get(page).text


def test_a_file_that_is_too_large_is_refused_unread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_MEGABYTES", 0)
    with pytest.raises(Invalid, match="larger than 0 MB"):
        desk.look(desk.csv([line(1)]))


def test_a_file_that_changes_after_it_was_looked_at_is_imported_as_it_was(desk: Desk) -> None:
    file: Path = desk.csv([line(1)])
    plan = desk.look(file)
    file.write_text("nothing")
    with unit_of_work():
        assert importing.carry_out(plan, desk.manager, lambda _d, _o: None) == 1


def test_a_mapping_of_another_call_is_refused(desk: Desk) -> None:
    with pytest.raises(DefinitionFaults, match="This mapping is for RCN-5164, not for RCN-7461"):
        desk.look(desk.csv([line(1)]), call=OTHER)
