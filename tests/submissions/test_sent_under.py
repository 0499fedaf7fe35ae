"""What was sent is read under the terms it was sent under, also once its draft has gone over to newer ones."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from grantflow.cases.service import fire, get
from grantflow.db import unit_of_work
from grantflow.eligibility import service as eligibility
from grantflow.programmes import pack as packs
from grantflow.submissions import comparing, copying, newer, pages, service
from grantflow.submissions.queries import english_titles, sheet_of
from tests.browsing import signed_in, text_of
from tests.submissions.conftest import FILE, World
from tests.submissions.test_amending import CODE, carry, form, load
from tests.submissions.test_amending import newer as changed

RISKS = "Yarn may come late."


@pytest.fixture
def gone_over(world: World) -> int:
    """An application that was sent, opened again and taken over to a newer form: its risks are a file there."""
    case_id = world.submitted(project={"title_en": "Felt and linen"})
    with unit_of_work():
        fire(case_id, "take_back", actor=world.applicant)
    load(world, form=form(changed))
    with unit_of_work():
        seen = newer.newer(get(case_id), service.row_of(case_id))
        assert seen is not None
        newer.take(case_id, actor=world.applicant, seen=seen.mark)
    assert service.row_of(case_id).pack_hash != service.version_of(case_id, 1).pack_hash
    return case_id


def test_its_version_its_case_and_its_comparison_show_it_as_it_was_sent(
    app: Flask, world: World, gone_over: int
) -> None:
    with unit_of_work():
        fire(gone_over, "leave_as_sent", actor=world.applicant)
    browser = signed_in(app, world.officer)
    version, case, file = (
        browser.get(path) for path in (f"/applications/{gone_over}/versions/1", f"/cases/{gone_over}",
                                       f"/applications/{gone_over}/versions/1/sent.json")
    )  # fmt: skip
    assert RISKS in text_of(version) and "Sales at two guest houses" in text_of(version)
    for page in (version, case):
        assert "Устав.pdf" in text_of(page), "a paper that the newer form does not ask for"
    assert file.json["risks"] == RISKS
    with app.test_request_context():
        answers = [answer["question"].code for answer in pages.case_facts(get(gone_over), world.officer)["key_answers"]]
    assert "risks" not in answers and "steps" in answers


def test_each_of_two_versions_keeps_its_own_terms(app: Flask, world: World, gone_over: int) -> None:
    world.attach(gone_over, "risks")
    world.write(gone_over, "plan", {"afterwards": "A shop of our own."})
    world.write(gone_over, "project", {"title_en": "Felt"})
    world.submit(gone_over)
    with app.test_request_context():
        first, second = (pages.version_page(sheet_of(get(gone_over)), n) for n in (1, 2))

    def shown(page: dict[str, Any]) -> dict[str, Any]:
        return {row["question"].code: row["question"].kind for part in page["answers"] for row in part["rows"]}

    assert shown(first)["risks"] == "long_text" and "afterwards" not in shown(first)
    assert shown(second)["risks"] == "file" and "after_grant" not in shown(second)
    rows = {row.question.code for _part, rows in comparing.compared(*_texts(gone_over)) for row in rows if not row.same}
    assert {"risks", "after_grant", "afterwards", "register_extract"} <= rows
    page = text_of(signed_in(app, world.officer).get(f"/applications/{gone_over}/compare?all=1"))
    assert RISKS in page and "A shop of our own." in page and "suoyarvsky" not in page, "a district by its name"
    assert english_titles([gone_over]) == {gone_over: "Felt"}


def _texts(case_id: int) -> list[comparing.Text]:
    found = [comparing.text_of(case_id, name, writer=False) for name in ("1", "2")]
    return [text for text in found if text is not None]


def test_answers_are_copied_from_it_as_they_were_asked(world: World, gone_over: int) -> None:
    with unit_of_work():
        fire(gone_over, "leave_as_sent", actor=world.applicant)
    new = world.draft()
    (source,) = copying.earlier_of(service.row_of(new), world.applicant)
    copy = copying.preview(service.row_of(new), source)
    assert {"risks", "after_grant"} <= {question.code for question in copy.unfit}


def test_a_run_of_the_rules_keeps_the_words_it_judged_by(world: World) -> None:
    case_id = world.submitted()
    with unit_of_work():
        eligibility.run_checks(case_id, actor=world.officer)
    run = eligibility.latest(case_id)
    assert run is not None and not run.failed
    before = {ruling.rule.code: ruling.text for ruling in run.rulings}
    body = packs.read(FILE).call(CODE).terms.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    rules = [rule | {"label": {"en": "Other", "ru": "Иначе"}} for rule in body["eligibility"][:2]]
    load(world, eligibility=rules)
    carry(world)
    later = eligibility.latest(case_id)
    assert later is not None and eligibility.present(case_id) is None, "what holds now was not run yet"
    assert {ruling.rule.code: ruling.text for ruling in later.rulings} == before
    assert "Other" not in {ruling.rule.label.en for ruling in later.rulings}
    with unit_of_work():
        eligibility.run_checks(case_id, actor=world.officer)
    anew = eligibility.latest(case_id)
    assert anew is not None and {ruling.rule.label.en for ruling in anew.rulings} == {"Other"}
