"""What was done otherwise in a call, with its reason: for manager and auditor, and for nobody else."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.eligibility import service as eligibility
from grantflow.eligibility.exceptions import exceptions_of
from grantflow.programmes.queries import call_by_code
from grantflow.programmes.service import extend_closing
from grantflow.submissions import service
from tests.browsing import counting, signed_in, text_of
from tests.eligibility.test_checking import MEN
from tests.submissions.conftest import CLOSES, World

URL = "/calls/KR-2021/exceptions"


def _everything(world: World) -> None:
    with unit_of_work():
        extend_closing(world.call, CLOSES + timedelta(hours=1), "The line was down.", world.manager)
    late = world.complete(world.stranger, world.stranger_body)
    longer = world.draft()
    with unit_of_work():
        service.extend_deadline(longer, CLOSES + timedelta(days=3), "Power cut.", actor=world.manager)
    with clock.at(CLOSES + timedelta(hours=1, minutes=4)):
        world.submit(late, world.stranger)
    waived = world.submitted(**MEN)
    with unit_of_work():
        failed = [one.code for one in eligibility.run_checks(waived, actor=world.officer) if one.verdict == "fail"]
    with unit_of_work():
        eligibility.waive(waived, failed[0], "Trained elsewhere <proved>.", actor=world.officer)
    assert "waived" not in {row.kind for row in exceptions_of(call_by_code("KR-2021"))[0]}, (
        "a second officer is missing"
    )
    with unit_of_work():
        eligibility.second(waived, failed[0], True, "", actor=world.second)


def test_every_kind_stands_there_with_its_reason(app: Flask, world: World) -> None:
    _everything(world)
    rows, page = exceptions_of(call_by_code("KR-2021"))
    assert sorted(row.kind for row in rows) == ["closing_put_off", "extension", "late", "waived"] and page.total == 4
    for who in (world.manager, world.auditor):
        said = text_of(signed_in(app, who).get(URL))
        for words in (
            "4 exceptions", "The line was down.", "Power cut.", "Trained elsewhere <proved>.", "the whole call",
            "sent within the minutes of grace", "until 4 November 2021, 23:59", "KR-2021-0001",
        ):  # fmt: skip
            assert words in said, words


def test_an_applicant_and_an_officer_do_not_see_them(app: Flask, world: World) -> None:
    for who in (world.officer, world.applicant, None):
        assert signed_in(app, who).get(URL).status_code in (302, 303, 403, 404)


def test_they_cost_the_same_with_one_and_with_three(world: World) -> None:
    costs = []
    for n in (1, 0, 2):
        for _ in range(n):
            case_id = world.draft()
            with unit_of_work():
                service.extend_deadline(case_id, CLOSES + timedelta(days=3), "Power cut.", actor=world.manager)
        session().rollback()
        with counting() as statements:
            rows, _page = exceptions_of(call_by_code("KR-2021"))
        costs.append((len(rows), len(statements)))
    assert costs == [(1, 6), (1, 6), (3, 6)]
