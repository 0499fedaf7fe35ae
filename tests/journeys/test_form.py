"""A form that answers its writer: a table grows, questions come and go, sums and hints follow each save by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grantflow import clock
from grantflow.db import unit_of_work
from grantflow.identity import service as identity
from grantflow.submissions import rows
from grantflow.submissions import service as submissions
from tests.browser import NARROW, PASSWORD, Hands, House, axe_faults, shot, sideways, sign_in
from tests.journeys.scene import CALL, ZONE, Scene, answer
from tests.submissions.extra import EXTRA, with_extra

LAW = {
    "name": "On the rights of migrants",
    "type": "law",
    "year": "2010",
    "level": "high",
    "cost": "900",
    "country": "Rus",
}


def test_a_table_grows_and_what_hangs_on_it_follows_each_save_by_itself(
    house: House, at_desk: Callable[..., Hands], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.travel(clock.local(clock.today(ZONE), 12, 0, ZONE))
    scene = Scene("en")
    for move in ("approve", "open"):
        scene.fire(scene.call, move, "manager")
    with unit_of_work():
        number = identity.register(
            email="writer@journey.example", name="Anna Cranberry", password=PASSWORD, language="en", consent=True
        ).id
    scene.people["writer"] = number
    writer = scene.actor("writer")
    with unit_of_work():
        body = identity.add_organisation(writer, name_en="Cranberry", kind="business", legal_form="ooo")
    writer = scene.actor("writer")
    with unit_of_work():
        case_id = submissions.start_draft(CALL, body, actor=writer).id
    whole = with_extra(scene.call_pack.terms)
    monkeypatch.setitem(rows._terms, scene.call_pack.terms.content_hash, whole)
    with unit_of_work():
        submissions.save_section(case_id, "budget", {"own_share": "20 000"}, revision=0, actor=writer)

    hands = at_desk(house)
    sign_in(hands, "writer@journey.example")
    hands.open(f"/applications/{case_id}/edit/extra")
    page, laws = hands.page, whole.questions["laws"]
    why, hint = page.locator("#q-why_many"), page.locator("#hint--1")
    answer(hands, laws, [LAW])
    assert not why.is_visible()
    hands.press(page.locator("[data-gf-add=lines-laws]"))
    page.locator("#q-laws-1-name").wait_for()
    assert page.locator("#lines-laws fieldset").last.inner_text().startswith("Line 2")
    answer(hands, laws, [LAW, LAW | {"name": "On work", "country": "Kyrgyzstan"}])
    hands.write(page.locator("#q-laws-0-country"), "Russia")
    why.wait_for()
    assert page.locator("#value-law_costs").inner_text().replace("\u00a0", " ") == "RUB 1,800.00" and hint.is_visible()
    hands.write(page.locator("#q-laws-0-cost"), "1100")
    hint.wait_for(state="hidden")
    hands.write(page.locator("#q-short"), "x" * 81)
    assert "81: take away 1 before you send it; at most 80" in hands.words
    hands.write(page.locator("#q-lead"), "cranber")
    assert axe_faults(page) == [] and sideways(page) <= 0
    shot(page, "form-en-wide")
    hands.follow(hands.button("Look it up by name or number"))
    assert "Cranberry" in hands.words and axe_faults(page) == []
    shot(page, "form-look-en-wide")
    hands.follow(hands.button("Take this one"))
    assert "In the register here" in hands.words and page.locator("#q-lead").input_value() == "Cranberry"

    small = at_desk(house, NARROW, language="ru")
    sign_in(small, "writer@journey.example")
    small.open("/language/ru?next=/desk")
    for path in ("edit/extra", "edit/declarations", "check"):
        assert small.open(f"/applications/{case_id}/{path}") == 200
        assert axe_faults(small.page) == [] and sideways(small.page) <= 0, path
        shot(small.page, f"form-ru-small-{path.replace('/', '-')}")
    assert [*hands.said, *small.said] == []
    assert EXTRA["title"]["ru"] in small.words  # type: ignore[index]
