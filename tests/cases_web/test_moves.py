"""Making a move in the browser: open, made, refused, stale, repeated, in the wrong role."""

from __future__ import annotations

import pytest

from grantflow.cases.service import get
from grantflow.db import session
from tests.browsing import field, text_of
from tests.cases_web.conftest import House


def state(case_id: int) -> tuple[str, int]:
    session().rollback()
    row = get(case_id)
    return row.state, row.version


def test_the_page_says_what_the_move_does_and_carries_version_and_key(house: House) -> None:
    case = house.case()
    page = house.at(house.officer).get(f"/cases/{case.id}/moves/check")
    assert page.status_code == 200
    assert field(page, "version") == "1" and len(field(page, "key")) > 15
    assert "What it does" in text_of(page) and "checked" in text_of(page)


def test_a_move_is_made_once_however_often_it_is_sent(house: House) -> None:
    case = house.case()
    client = house.at(house.officer)
    for _ in range(3):
        answer = client.post(f"/cases/{case.id}/moves/check", data={"version": "1", "key": "k1", "lamp": "on"})
        assert answer.status_code == 303 and answer.location == f"/cases/{case.id}"
    assert state(case.id) == ("checked", 2)
    assert "Felt workshop: check done." in text_of(client.get(answer.location))


def test_a_faulty_field_keeps_everything_and_moves_nothing(house: House) -> None:
    case = house.case()
    page = house.at(house.officer).post(
        f"/cases/{case.id}/moves/check",
        data={"version": "1", "key": "k", "lamp": "", "reason": "Halfway there"},
    )
    assert (
        page.status_code == 400 and "Say whether the lamp is on." in text_of(page) and "Halfway there" in text_of(page)
    )
    assert field(page, "key") == "k" and state(case.id) == ("open", 1)


def test_a_guards_no_stands_on_the_page_with_what_was_typed(house: House) -> None:
    case = house.case()
    page = house.at(house.officer).post(
        f"/cases/{case.id}/moves/check", data={"version": "1", "lamp": "off", "reason": "Halfway"}
    )
    assert page.status_code == 403 and "The lamp is off." in text_of(page)
    assert field(page, "lamp") == "off" and "Halfway" in text_of(page) and state(case.id) == ("open", 1)


def test_a_move_of_another_role_is_refused_by_name(house: House) -> None:
    case = house.case()
    client = house.at(house.finance)
    page = client.get(f"/cases/{case.id}/moves/check")
    assert page.status_code == 403 and "Only the programme officer may do this." in text_of(page)
    assert client.post(f"/cases/{case.id}/moves/check", data={"version": "1", "lamp": "on"}).status_code == 403
    assert (
        house.at(house.auditor).post(f"/cases/{case.id}/moves/check", data={"version": "1", "lamp": "on"}).status_code
        == 403
    )
    assert state(case.id) == ("open", 1)


def test_a_move_from_another_state_is_refused_in_words(house: House) -> None:
    case = house.case()
    page = house.at(house.finance).get(f"/cases/{case.id}/moves/approve")
    assert page.status_code == 403 and "while the state is “open”" in text_of(page)


@pytest.mark.parametrize("version", ["1", "", "x", "99999999999999", "-5"])
def test_a_stale_page_shows_what_happened_meanwhile_and_keeps_the_words(house: House, version: str) -> None:
    case = house.case()
    house.fire(case, "remark", house.officer2)
    client = house.at(house.officer)
    page = client.post(
        f"/cases/{case.id}/moves/check",
        data={"version": version, "key": "k", "lamp": "on", "reason": "As agreed"},
    )
    words = text_of(page)
    assert page.status_code == 409 and "Somebody was quicker" in words and "As agreed" in words
    assert field(page, "version") == "2" and field(page, "lamp") == "on"
    if version == "1":
        assert "remark done" in words
    again = client.post(f"/cases/{case.id}/moves/check", data={"version": "2", "key": "k", "lamp": "on"})
    assert again.status_code == 303 and state(case.id) == ("checked", 3)


def test_somebody_elses_finished_move_is_told_as_stale_not_as_an_error(house: House) -> None:
    case = house.case()
    house.fire(case, "check", house.officer2)
    page = house.at(house.officer).post(f"/cases/{case.id}/moves/check", data={"version": "1", "lamp": "on"})
    assert page.status_code == 409 and "check done" in text_of(page)


def test_a_required_reason_is_asked_for_and_a_vote_is_said(house: House) -> None:
    case = house.case()
    client = house.at(house.officer)
    assert client.post(f"/cases/{case.id}/moves/refuse", data={"version": "1", "reason": " \u200b"}).status_code in (
        303,
        400,
    )
    case = house.case()
    bad = client.post(f"/cases/{case.id}/moves/refuse", data={"version": "1", "reason": "  "})
    assert bad.status_code == 400 and "Write the reason" in text_of(bad)
    long = client.post(f"/cases/{case.id}/moves/refuse", data={"version": "1", "reason": "x" * 4001})
    assert long.status_code == 400 and "at most 4000" in text_of(long)
    page = client.post(
        f"/cases/{case.id}/moves/refuse",
        data={"version": "1", "reason": "Nobody answers"},
        follow_redirects=True,
    )
    assert "One more person has to agree" in text_of(page)
    twice = client.post(f"/cases/{case.id}/moves/refuse", data={"version": "2", "reason": "Nobody answers"})
    assert twice.status_code == 403 and "You have voted already" in text_of(twice)


def test_an_unknown_move_has_no_page(house: House) -> None:
    case = house.case()
    assert house.at(house.officer).get(f"/cases/{case.id}/moves/fly").status_code == 404
    assert house.at(house.officer).post(f"/cases/{case.id}/moves/fly").status_code == 404
    assert house.at(house.officer).get(f"/cases/{house.officer.person_id}/moves/check").status_code == 404


def test_words_typed_into_a_move_survive_an_ended_session(house: House) -> None:
    case = house.case()
    client = house.app.test_client()
    answer = client.post(f"/cases/{case.id}/moves/check", data={"version": "1", "lamp": "on", "reason": "Long thought"})
    assert answer.location == f"/sign-in?next=/cases/{case.id}/moves/check"
    with client.session_transaction() as cookie, house.at(house.officer).session_transaction() as own:
        cookie.update({name: own[name] for name in ("_user_id", "seen")})
    page = client.get(f"/cases/{case.id}/moves/check")
    assert field(page, "lamp") == "on" and "Long thought" in text_of(page)
