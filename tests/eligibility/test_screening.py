"""What helps an officer through a long list: filters she keeps, the list as a workbook, doubles that are flagged."""

from __future__ import annotations

import io
import re
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import insert, select, update

from grantflow import clock, schema
from grantflow.cases.service import fire
from grantflow.db import session, unit_of_work
from grantflow.eligibility import saved, service
from grantflow.eligibility.alike import alike
from grantflow.eligibility.filters import RESULTS, Filter
from grantflow.eligibility.models import EligibilityResult, SavedFilter
from grantflow.eligibility.picking import Picked, rows_of
from grantflow.eligibility.queries import find
from grantflow.errors import Invalid, NotFound
from grantflow.history.models import Event
from grantflow.identity.models import Organisation, Person
from grantflow.identity.words import search_key
from grantflow.submissions.likeness import mark_of
from tests.browsing import counting, field, signed_in, text_of
from tests.eligibility.test_checking import MEN
from tests.factories import organisation, person
from tests.submissions.conftest import World

PIPELINE = "/calls/KR-2021/pipeline"


def titled(world: World, title: str, **how: Any) -> int:
    return world.submitted(project={"title": title}, **how)


def test_a_filter_is_kept_for_one_person_and_one_call(app: Flask, world: World) -> None:
    wanted = Filter(text="felt", state="submitted", page=3)
    with unit_of_work():
        assert saved.keep(world.call, "  To  check ", wanted, actor=world.officer) == "To check"
    with unit_of_work():
        saved.keep(world.call, "To check", wanted, actor=world.officer)  # pressed twice
    (kept,) = saved.kept_by(world.officer, world.call)
    assert kept.wanted == Filter(text="felt", state="submitted")
    assert saved.kept_by(world.second, world.call) == []
    for name, narrowing, said in (
        (" ", wanted, "Give the filter a name"), ("To check", Filter(state="returned"), "another filter under this name"),
        ("All", Filter(), "leaves nothing out"), ("x" * 81, wanted, "at most 80"),
    ):  # fmt: skip
        with pytest.raises(Invalid, match=said), unit_of_work():
            saved.keep(world.call, name, narrowing, actor=world.officer)
    with pytest.raises(NotFound), unit_of_work():
        saved.remove(world.call, kept.id, actor=world.second)


def test_she_names_it_sees_it_above_the_list_and_removes_it(app: Flask, world: World) -> None:
    browser = signed_in(app, world.officer)
    address = "/calls/KR-2021/filters?q=felt"
    page = browser.get(address)
    wrong = browser.post(address, data={"key": field(page, "key"), "name": ""})
    assert wrong.status_code == 400 and "Give the filter a name" in text_of(wrong)
    assert browser.post(address, data={"key": "a", "name": "Войлок <b>"}).status_code == 303
    assert "Войлок <b>" in text_of(browser.get(PIPELINE))
    number = saved.kept_by(world.officer, world.call)[0].id
    assert browser.post(address, data={"key": "b", "remove": "x"}).status_code == 404
    assert browser.post(address, data={"key": "b", "remove": str(number)}).status_code == 303
    browser.get(PIPELINE)  # it says that it is removed
    assert "Войлок" not in text_of(browser.get(PIPELINE))
    assert signed_in(app, world.applicant).get(address).status_code == 403


def test_a_link_ticks_all_on_the_page_for_those_without_a_script_and_keeps_the_filter(app: Flask, world: World) -> None:
    world.submitted()
    browser = signed_in(app, world.officer)
    plain, ticked = (browser.get(f"{PIPELINE}?q=felt{more}").get_data(as_text=True) for more in ("", "&tick=all"))
    box = re.compile(r'name="case" value="\d+"( checked)?')
    assert box.findall(plain) == [""] and box.findall(ticked) == [" checked"]
    assert f'href="{PIPELINE}?q=felt&amp;tick=all#bulk"' in plain and f'href="{PIPELINE}?q=felt#bulk"' in ticked


def test_the_workbook_holds_what_the_filter_shows_and_no_formula(app: Flask, world: World) -> None:
    formula, other = titled(world, "=1+1 Войлок"), titled(world, "Another thing")
    with unit_of_work():
        service.run_checks(formula, actor=world.officer)
    with unit_of_work() as current:
        current.execute(update(Person).where(Person.id == world.officer.person_id).values(language="ru"))
    reply = signed_in(app, world.officer).get(f"{PIPELINE}.xlsx?q=войлок")
    assert "KR-2021" in reply.headers["Content-Disposition"] and "2021-10-20" in reply.headers["Content-Disposition"]
    sheet = load_workbook(io.BytesIO(reply.get_data())).worksheets[0]
    head, row = list(sheet.iter_rows())
    named = dict(zip((cell.value for cell in head), row, strict=True))
    project = row[1]
    assert project.value == "=1+1 Войлок" and project.data_type == "s" and len(named) == 12
    assert [row[n].value for n in (6, 7, 8)] == [223022.5, 268272.5, 45250]
    assert row[10].value == 0 and row[9].value > 0 and other
    event = session().scalars(select(Event).where(Event.move == "pipeline_exported")).one()
    assert event.facts["applications"] == 1
    assert signed_in(app, world.applicant).get(f"{PIPELINE}.xlsx").status_code == 403


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Мастерская войлока в Суоярви", "«Мастерские войлока» в Суоярви", True),
        ("Felt and linen workshop", "Workshop of linen, felt", True),
        ("Felt, linen: a workshop", "Workshop: linen & felt", True),
        ("Felt workshop 1", "Felt workshop 2", False),
        ("Felt", "Felt", True),
        ("Felt", "Felt house", False),
        ("", "", False),
    ],
)
def test_nearly_the_same_title(one: str, other: str, same: bool) -> None:
    first, second = (mark_of(search_key("KR-1", title)) for title in (one, other))
    assert (bool(first) and first == second) is same


def test_titles_that_were_sent_before_got_the_same_mark() -> None:
    (path,) = (schema.MIGRATIONS / "versions").glob("*_mending.py")
    made = spec_from_file_location("mending", path)
    assert made is not None and made.loader is not None
    migration = module_from_spec(made)
    made.loader.exec_module(migration)
    for titles in (("Felt and linen workshop", "Linen"), ("Мастерская 12",), ("Felt",), ()):
        key = search_key("KR-2021-0001", *titles)
        assert migration._mark(key) == mark_of(key)


def test_doubles_are_flagged_with_what_is_alike_and_block_nothing(app: Flask, world: World) -> None:
    first = titled(world, "Мастерская войлока")
    again = titled(world, "Something else entirely")
    near = titled(world, "Войлока мастерские", actor=world.stranger, body=world.stranger_body)
    body = organisation("Third")
    numbered = titled(world, "No likeness here", actor=person("applicant", organisation_id=body), body=body)
    with unit_of_work() as current:
        bodies = (world.stranger_body, body)
        current.execute(update(Organisation).where(Organisation.id.in_(bodies)).values(inn="7707083893"))
    with counting() as statements:
        found = alike(world.call, [first, again, near, numbered], world.officer)
    assert len(statements) == 2
    said = {n: {one.id: one.ways for one in others} for n, others in found.items()}
    assert said == {
        first: {again: ("body",), near: ("nearly",)}, again: {first: ("body",)},
        near: {first: ("nearly",), numbered: ("number",)}, numbered: {near: ("number",)},
    }  # fmt: skip
    browser = signed_in(app, world.officer)
    for page in (browser.get(PIPELINE), browser.get(f"/cases/{near}")):
        assert "nearly the same title" in text_of(page) and f"/cases/{first}" in page.get_data(as_text=True)
    assert "nearly the same title" not in text_of(signed_in(app, world.stranger).get(f"/cases/{near}"))
    (own,) = alike(world.call, [first], world.applicant)[first]  # and nobody is led to what they may not see
    assert own.id == again


def shown(world: World, result: str) -> set[int]:
    """What the list shows for a result of the rules; its count, its sum and an act over all of it say the same."""
    found = find(world.call, Filter(rules=result), world.officer, "en")
    ids = {line.case.id for line in found.lines}
    assert found.page.total == len(ids) and found.asked == sum(line.asked_minor for line in found.lines)
    assert {
        row.id for row in rows_of(world.call, Picked(every=True, wanted=Filter(rules=result)), world.officer)
    } == ids
    return ids


def test_the_pipeline_is_narrowed_by_what_the_rules_said_last(app: Flask, world: World) -> None:
    waiting, good = titled(world, "Waiting"), titled(world, "Good")
    bad, passed, mended = (titled(world, title, **MEN) for title in ("Bad", "Passed", "Mended"))
    with unit_of_work():
        for case_id in (good, bad, passed, mended):
            service.run_checks(case_id, actor=world.officer)
        service.waive(passed, "women", "They own half.", actor=world.officer)
    assert passed in shown(world, "not_met"), "one officer alone lets nothing pass"
    with unit_of_work():
        service.second(passed, "women", True, "", actor=world.second)
    world.give_back(mended, "people")
    world.write(mended, "people", {"owner_share": "100"})
    world.submit(mended)
    with unit_of_work():
        service.run_checks(mended, actor=world.officer)
    said = {result: shown(world, result) for result in ("not_run", "not_met", "met")}
    assert said == {"not_run": {waiting}, "not_met": {bad}, "met": {good, passed, mended}}
    browser = signed_in(app, world.officer)
    page = browser.get(f"{PIPELINE}?rules=not_met")
    assert "Showing 1 of 5" in text_of(page) and 'value="not_met" selected' in page.get_data(as_text=True)
    assert 'name="rules" value="not_met"' in page.get_data(as_text=True), "an act over all of it takes the filter along"
    sheet = load_workbook(io.BytesIO(browser.get(f"{PIPELINE}.xlsx?rules=met").get_data())).worksheets[0]
    assert {row[1].value for row in sheet.iter_rows(min_row=2)} == {"Good", "Passed", "Mended"}


def test_a_result_is_kept_with_a_filter_and_what_was_kept_before_means_what_it_did(world: World) -> None:
    with unit_of_work() as current:
        saved.keep(world.call, "Not met", Filter(rules="not_met"), actor=world.officer)
        row = {"person_id": world.officer.person_id, "call_id": world.call, "name": "Old", "saved_at": clock.now()}
        current.execute(insert(SavedFilter).values(args={"q": "felt", "desk": "officer"}, **row))
    new, old = saved.kept_by(world.officer, world.call)
    assert (new.wanted, old.wanted) == (Filter(rules="not_met"), Filter(text="felt", desk="officer"))
    assert Filter.of({"rules": "drop"}) == Filter()


def test_what_may_be_a_double_is_what_the_list_flags_and_what_the_rules_named(app: Flask, world: World) -> None:
    titles = ("Felt", "Felt", "Honey", "Honey", "Rye", "Juniper")
    owners = [
        (body := organisation(f"Body {n}"), person("applicant", organisation_id=body)) for n in range(len(titles))
    ]
    made = [titled(world, title, actor=who, body=body) for title, (body, who) in zip(titles, owners, strict=True)]
    first, again, left, gone, alone, named = made
    with unit_of_work():
        fire(gone, "withdraw", actor=owners[3][1])
    other, nothing = ({"declared": False, "alike": found} for found in ([["NF-1", "NF", 1, ["title", "inn"]]], []))
    row = {"version": 1, "position": 0, "code": "double", "verdict": "ok", "at": clock.now(), "by": None}
    with unit_of_work() as current:
        for case_id, run, params in ((alone, 1, other), (alone, 2, nothing), (named, 1, other)):
            current.execute(insert(EligibilityResult).values(case_id=case_id, run=run, params=params, **row))
        failed = row | {"case_id": first, "run": 1, "verdict": "fail", "params": {}}
        current.execute(insert(EligibilityResult).values(failed))
    flagged = set(alike(world.call, made, world.officer))
    assert flagged == {first, again, gone} and left not in flagged, "what was withdrawn is nobody's double"
    assert shown(world, "double") == flagged | {named}
    browser, costs = signed_in(app, world.officer), []
    for result in ("", *RESULTS):
        browser.get(f"{PIPELINE}?rules={result}&state=submitted")
        with counting() as statements:
            page = browser.get(f"{PIPELINE}?rules={result}&state=submitted")
        costs.append(len(statements))
    assert re.search(r"Juniper .* all met may be a double", text_of(page)) and len(set(costs)) == 1
