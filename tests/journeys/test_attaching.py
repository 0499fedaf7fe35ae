"""Attaching papers in a browser: several at once, each with its line and its refusal, then checked while one waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from grantflow import clock
from grantflow.cases.worker import do_long_work
from grantflow.db import session, unit_of_work
from grantflow.identity import service as identity
from grantflow.submissions import service as submissions
from tests.browser import NARROW, PASSWORD, WIDE, Hands, House, axe_faults, shot, sideways, sign_in
from tests.journeys import scene as made
from tests.journeys.scene import CALL, PAPER, Scene


def test_several_papers_go_at_once_each_told_by_itself_and_are_checked(
    house: House, at_desk: Callable[..., Hands], tmp_path: Path
) -> None:
    scan = tmp_path / "scan.sh"
    scan.write_text("#!/bin/sh\nexit 0\n")
    scan.chmod(0o700)
    house.app.config["GRANTFLOW"] = replace(house.app.config["GRANTFLOW"], scan=str(scan))
    house.travel(clock.local(clock.today(made.ZONE), 12, 0, made.ZONE))
    scene = Scene("ru")
    for move in ("approve", "open"):
        scene.fire(scene.call, move, "manager")
    with unit_of_work():
        person = identity.register(
            email="weaver@journey.example", name="Анна Клюквина", password=PASSWORD, language="ru", consent=True
        )
        scene.people["weaver"] = person.id
    weaver = scene.actor("weaver")
    with unit_of_work():
        body = identity.add_organisation(weaver, name_ru="АНО «Северные нити»", kind="cso", legal_form="ano")
    weaver = scene.actor("weaver")
    with unit_of_work():
        case_id = int(submissions.start_draft(CALL, body, actor=weaver).id)
    session().rollback()
    hands = at_desk(house, NARROW, language="ru")
    sign_in(hands, "weaver@journey.example", f"/applications/{case_id}/edit/files")
    hands.open(f"/applications/{case_id}/edit/files")
    page = hands.page
    field = page.locator("#q-other_files")
    field.set_input_files(
        [
            {"name": "Устав «Нити».pdf", "mimeType": "application/pdf", "buffer": PAPER},
            {"name": "Отчёт.pdf", "mimeType": "application/pdf", "buffer": b"MZ" + b"\0" * 300},
            {"name": "Смета.pdf", "mimeType": "application/pdf", "buffer": PAPER + b"%2"},
        ]
    )
    page.locator("#q-other_files-files li").nth(1).wait_for()
    assert page.locator("#q-other_files-files li").count() == 2, "the refused one spoiled no other"
    assert page.locator("#q-other_files-going li.gf-wrong").count() == 1
    shot(page, "attaching-360-ru")
    assert sideways(page) <= 0 and axe_faults(page) == []
    assert do_long_work() >= 2
    page.locator("#q-other_files-files:not([data-gf-waiting])").wait_for()
    page.set_viewport_size({"width": WIDE, "height": 900})
    shot(page, "attaching-1280-ru")
    hands.follow(page.locator(".gf-save-bar button.btn-primary"))
    assert page.locator(".gf-errors a[href='#q-other_files']").count() == 1, "Save says once more what was refused"
    with house.app.app_context():
        found = submissions.draft_of(submissions.row_of(case_id)).values["other_files"]
    assert [item["name"] for item in found] == ["Устав «Нити».pdf", "Смета.pdf"], "and nothing stands twice"
    assert hands.said == []
