"""Around the closing of a call, in a real browser: the deadline to the second before a server whose clock stands still,
and an officer who checks, returns and refuses many by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from grantflow.cases.models import Outbox
from grantflow.cases.outbox import LEFT_BEHIND
from grantflow.db import session, unit_of_work
from grantflow.history.models import Event
from grantflow.submissions import service as submissions
from tests.browser import NARROW, Hands, axe_faults, shot, sideways, sign_in
from tests.journeys.scene import CALL
from tests.journeys.test_trouble import Open, contest

__all__ = ["contest"]
SECOND, GRACE = timedelta(seconds=1), timedelta(minutes=10)


def event(case_id: int, move: str) -> Any:
    """The one event of a kind that an application has; None where it has none."""
    session().rollback()
    query = select(Event.at, Event.facts).where(Event.case_id == case_id, Event.move == move)
    return session().execute(query).one_or_none()


@pytest.fixture
def press(contest: Open, at_desk: Callable[..., Hands]) -> Iterator[Callable[..., tuple[Hands, int]]]:
    """`press(after)` opens the check page of a finished draft five minutes before the closing hour, with that page still
    open lets the clock stand so long after 00:00:00, and presses Send."""

    def at(after: timedelta, width: int = 1280, language: str = "en") -> tuple[Hands, int]:
        house, closes = contest.house, contest.scene.call_pack.closes_at
        code = contest.applicant()
        case_id = contest.complete(code)
        house.frozen = closes - timedelta(minutes=5)
        hands = at_desk(house, width, language=language)
        sign_in(hands, f"{code}@journey.example")
        hands.open(f"/language/{language}?next=/applications/{case_id}/check")
        hands.tick(hands.page.locator("#declared"))
        house.frozen = closes + timedelta(microseconds=1) + after  # the minute named lasts to its end
        hands.follow(hands.page.locator("#send button[type=submit]"))
        return hands, case_id

    yield at
    contest.house.frozen = None


@pytest.mark.parametrize(
    ("after", "hour", "late"),
    [(-SECOND, "23:59:59", ""), (0 * SECOND, "00:00:00", "minutes of grace"),
     (GRACE - SECOND, "00:09:59", "minutes of grace")],
    ids=["the last second", "midnight", "within the grace"],
)  # fmt: skip
def test_sent_in_time_or_within_the_grace_it_counts_and_the_receipt_says_when(
    press: Any, contest: Open, after: timedelta, hour: str, late: str
) -> None:
    hands, case_id = press(after)
    assert hands.path == f"/applications/{case_id}/receipt", hands.words[:600]
    assert f"{CALL}-" in hands.words and hour in hands.words and late in hands.words
    assert ("After the closing hour" in hands.words) == bool(late)
    assert contest.scene.state(case_id) == "submitted" and event(case_id, "late_attempt") is None
    sent = event(case_id, "submit")
    assert sent.at == contest.house.frozen and ("after_closing" in sent.facts) == bool(late)
    if late:
        shot(hands.page, f"deadline-{hour.replace(':', '')}-en-wide")
    assert not hands.said


def test_pressed_after_the_grace_it_is_refused_in_a_sentence_logged_once_and_every_word_stays(
    press: Any, contest: Open, at_desk: Callable[..., Hands]
) -> None:
    hands, case_id = press(GRACE, NARROW, "ru")
    told = hands.page.locator(".gf-errors").inner_text()
    assert hands.path == f"/applications/{case_id}/check" and "23:59" in told and "закончил" in told, told
    assert hands.page.locator("#send button[type=submit]").count() == 0, "there is nothing left to press"
    assert axe_faults(hands.page) == [] and sideways(hands.page) <= 0
    shot(hands.page, "deadline-over-ru-small")
    title = contest.scene.questions["title"]
    assert hands.page.locator("dt", has_text=title.label.ru).locator("+ dd").inner_text().strip()
    assert contest.scene.state(case_id) == "draft" and event(case_id, "submit") is None
    assert event(case_id, "late_attempt").at == contest.house.frozen
    contest.house.frozen += SECOND
    officer = at_desk(contest.house)
    sign_in(officer, "officer@journey.example", f"/calls/{CALL}/attempts")
    assert "00:10" in officer.words and "The time for applications ended" in officer.words
    assert not officer.said


def told(case_id: int, notice: str) -> list[Any]:
    """The letters of a kind about an application: why each was withheld, None for one that still waits to leave."""
    session().rollback()
    return list(session().scalars(select(Outbox.withheld).where(Outbox.case_id == case_id, Outbox.notice == notice)))


def test_an_officer_checks_returns_refuses_and_takes_back_many_by_keyboard_alone(
    contest: Open, at_desk: Callable[..., Hands]
) -> None:
    scene, pipeline = contest.scene, f"/calls/{CALL}/pipeline"
    first, second = cases = [contest.complete(code) for code in (contest.applicant(), contest.applicant())]
    for n, case_id in enumerate(cases, contest.count - 1):
        actor = scene.actor(f"applicant{n}")
        with unit_of_work():
            submissions.submit(case_id, actor=actor)
    officer, colleague = (at_desk(contest.house, keyboard=True) for _ in range(2))
    for hands, code in ((officer, "officer"), (colleague, "officer2")):
        sign_in(hands, f"{code}@journey.example", pipeline)

    def choose(act: str, *chosen: int) -> None:
        officer.open(pipeline)
        for case_id in chosen:
            officer.tick(officer.page.locator(f'input[name=case][value="{case_id}"]'))
        officer.follow(officer.button(act))

    def confirm(hands: Hands, reason: str) -> None:
        hands.write(hands.page.locator("#reason"), reason)
        hands.follow(hands.button("See the letters first"))
        assert "Nothing has been sent, and nothing is changed yet." in hands.words
        hands.follow(hands.page.locator("main form .gf-acts button:not([name=do])"))
        assert "/bulk/acts/" in hands.path, hands.words[:600]
        assert "1 Done" in hands.words or "1 Your vote is recorded" in hands.words, hands.words[:600]

    whole, one = officer.page.locator("#all-case"), officer.page.locator(f'input[name=case][value="{first}"]')
    officer.tick(whole)
    assert officer.page.locator("input[name=case]:not(:checked)").count() == 0
    officer.tick(one, on=False)
    assert whole.evaluate("box => box.indeterminate && !box.checked"), "the box follows what is ticked by hand"
    officer.tick(one)
    assert whole.is_checked()
    shot(officer.page, "pipeline-all-ticked-en-wide")
    officer.follow(officer.button("Run the rules …"))
    officer.follow(officer.button(re.compile("^Run the rules on these")))
    assert all(event(case_id, "rules_run") for case_id in cases) and {scene.state(c) for c in cases} == {"submitted"}

    choose("Return for correction …", first)
    assert "1 Go" in officer.words
    officer.tick(officer.page.locator('input[name=sections][value="plan"]'))
    confirm(officer, "Write where the yarn is bought.")
    assert scene.state(first) == "returned" and told(first, "returned") == [None]
    officer.follow(officer.link("Look over and take back …"))
    confirm(officer, "The wrong list.")
    assert scene.state(first) == "submitted"
    assert told(first, "returned") == [LEFT_BEHIND] and told(first, "check_taken_back") == []

    choose("Find ineligible …", second)
    assert "Your vote; one more officer must agree" in officer.words
    confirm(officer, "Not in a district of the call.")
    assert scene.state(second) == "submitted"
    colleague.open(pipeline)
    colleague.follow(colleague.link(re.compile("^Find ineligible")))
    colleague.follow(colleague.link("Look over and agree …"))
    assert "It moves" in colleague.words or "1 Go" in colleague.words
    confirm(colleague, "I have read it and agree.")
    assert scene.state(second) == "ineligible" and told(second, "found_ineligible") == [None]
    assert [*officer.said, *colleague.said] == []
