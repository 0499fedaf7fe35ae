"""Writing on a poor line, in a real browser: what one types is saved by itself, and kept while it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from grantflow.db import session
from grantflow.submissions import service
from tests.browser import PASSWORD, Hands, axe_faults, shot
from tests.journeys.test_trouble import Open, contest, writer

__all__ = ["contest", "writer"]


def kept(hands: Hands) -> dict[str, Any]:
    """The words this browser keeps, by question."""
    found = hands.page.evaluate("Object.entries({...localStorage}).filter(([key]) => key.startsWith('gf-words:'))")
    return {key.rsplit("/", 1)[1]: json.loads(value)["words"] for key, value in found}


def stored(case_id: int, code: str) -> Any:
    """What the database has."""
    session().rollback()
    return service.row_of(case_id).answers.get(code)


@pytest.fixture
def at_team(writer: Callable[..., tuple[Hands, str, int]]) -> tuple[Hands, str, int, Any]:
    """Somebody at a section of their draft, with the field of its long text."""
    hands, code, case_id = writer()
    hands.open(f"/applications/{case_id}/edit/people")
    return hands, code, case_id, hands.page.locator("#q-team")


def saved(hands: Hands) -> None:
    """Wait until the line says that it is saved."""
    hands.page.locator(".gf-saved.ok").filter(has_text="Saved at").wait_for()


def test_what_is_typed_offline_is_kept_through_a_reload_and_saved_when_the_line_is_back(at_team: Any) -> None:
    hands, _code, case_id, team = at_team
    line = hands.page.locator(".gf-saved")
    team.press_sequentially("Saved.")
    assert "Saved at" not in line.inner_text(), "nothing is called saved before it is"
    saved(hands)
    assert kept(hands) == {} and stored(case_id, "team") == "Saved."
    hands.page.context.set_offline(True)
    team.press_sequentially(" Typed without a line.")
    hands.page.locator(".gf-saved.no").filter(has_text="trying again").wait_for()
    assert kept(hands) == {"team": [["q-team", "Saved. Typed without a line."]]}
    hands.page.locator(".gf-save-bar button.btn-primary").click()
    hands.page.locator(".gf-saved.no").filter(has_text="trying again").wait_for()
    assert hands.path.endswith("/edit/people"), "the page stays rather than turn into an error of the browser"
    hands.page.context.set_offline(False)
    saved(hands)
    assert stored(case_id, "team") == "Saved. Typed without a line." and kept(hands) == {}
    hands.page.context.set_offline(True)
    team.press_sequentially(" Once more.")
    hands.page.context.set_offline(False)
    hands.page.evaluate("() => { window.fetch = () => Promise.reject(new Error('closed before it is saved')) }")
    hands.open(f"/applications/{case_id}/edit/people")
    hands.page.wait_for_function("document.querySelector('#q-team').value.endsWith('Once more.')")
    saved(hands)
    assert stored(case_id, "team").endswith("Once more.") and not hands.said


def test_a_page_that_left_the_server_before_the_last_save_is_asked_for_anew(at_team: Any) -> None:
    hands, _code, _case_id, team = at_team
    old = hands.page.request.get(hands.page.url).text()
    team.press_sequentially("Saved after the page had left.")
    saved(hands)
    hands.page.route("**/edit/people", lambda route: route.fulfill(body=old, content_type="text/html"), times=1)
    hands.open(hands.path)
    hands.page.wait_for_function("document.querySelector('#q-team').value === 'Saved after the page had left.'")
    assert team.input_value() == "Saved after the page had left."


def test_a_server_killed_while_one_types_costs_no_word(at_team: Any, contest: Open) -> None:
    hands, _code, case_id, team = at_team
    team.press_sequentially("Before.")
    saved(hands)
    contest.house.stop()
    try:
        team.press_sequentially(" While it was away.")
        hands.page.locator(".gf-saved.no").wait_for()
    finally:
        contest.house.start()
    saved(hands)  # by itself, without another key
    hands.open("/desk")
    hands.page.go_back()
    assert team.input_value() == "Before. While it was away." == stored(case_id, "team")


def test_somebody_whose_session_ended_signs_in_on_the_page_and_goes_on(at_team: Any) -> None:
    hands, _code, case_id, team = at_team
    hands.page.context.clear_cookies()
    team.press_sequentially("Written without a session.")
    hands.page.locator(".gf-saved.no").filter(has_text="session has ended").wait_for()
    assert team.evaluate("f => f === document.activeElement"), "nothing takes the keys away while one types"
    hands.page.locator(".gf-save-bar button.btn-primary").click()
    door = hands.page.locator("#door")
    door.wait_for()
    assert axe_faults(hands.page) == []
    shot(hands.page, "writing-door")
    hands.page.locator("#door-password").fill("not this one")
    door.locator("button[type=submit]").click()
    door.locator(".gf-wrong").filter(has_text="do not fit together").wait_for()
    hands.page.locator("#door-password").fill(PASSWORD)
    with hands.page.expect_navigation():
        hands.page.keyboard.press("Enter")
    assert "/edit/people" not in hands.path, "the press that waited goes on"
    assert stored(case_id, "team") == "Written without a session." and kept(hands) == {}


def test_two_tabs_on_one_section_end_in_a_choice_and_other_questions_are_both_kept(at_team: Any, contest: Open) -> None:
    hands, _code, case_id, team = at_team
    second = Hands(hands.page.context.new_page(), contest.house.address)
    second.open(hands.path)
    team.press_sequentially("Of the first tab.")
    saved(hands)
    second.page.locator("#q-contact_phone").fill("+7 8142 000-000")
    saved(second)
    second.page.locator("#q-team").press_sequentially("Of the second tab.")
    second.page.locator(".gf-saved.no").filter(has_text="Answered elsewhere").wait_for()
    assert stored(case_id, "team") == "Of the first tab." and stored(case_id, "contact_phone")
    with second.page.expect_navigation():
        second.page.locator(".gf-saved button").click()
    assert "Of the first tab." in second.words and second.page.locator("#q-team").input_value() == "Of the second tab."
    assert axe_faults(second.page) == []
    shot(second.page, "writing-choice")
    second.page.locator("input[name=take-team][value=mine]").check()
    second.follow(second.page.locator(".gf-save-bar button.btn-primary"))
    assert stored(case_id, "team") == "Of the second tab."
    second.open(f"/applications/{case_id}/edit/people")
    assert kept(second) == {} and not second.said


def test_words_not_saved_are_shown_to_nobody_else_and_go_with_signing_out(at_team: Any, contest: Open) -> None:
    hands, _code, _case_id, team = at_team
    hands.page.evaluate("() => { window.fetch = () => Promise.reject(new Error('no line')) }")
    team.press_sequentially("Only for my eyes.")
    hands.page.locator(".gf-saved.no").wait_for()
    assert kept(hands)
    hands.open("/desk")
    assert kept(hands), "a page left is no sign-out"
    hands.page.evaluate("localStorage.setItem('gf-words:0:1/plan/steps', JSON.stringify({words: [], at: 1}))")
    hands.open("/inbox")
    assert list(kept(hands)) == ["team"], "nobody's words stay longer than a fortnight"
    hands.follow(hands.page.get_by_role("button", name="Sign out").locator("visible=true").first)
    assert kept(hands) == {}
