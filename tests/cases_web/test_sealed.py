"""Between the panel's decision and its announcement an applicant learns nothing of it, whatever page they
open.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from grantflow.cases import definitions
from grantflow.cases.models import Case
from grantflow.db import unit_of_work
from grantflow.engine.definition import Workflow
from tests.browsing import text_of
from tests.cases.machines import label, move
from tests.cases_web.conftest import House

STATES = {
    "draft": "preparation",
    "in_moderation": "scoring",
    "ranked": "decision",
    "awarded": "award",
    "declined": "refused",
    "withdrawn": "refused",
}


def decided() -> Workflow:
    return Workflow.model_validate(
        {
            "name": "decided",
            "label": label("Application"),
            "initial": "draft",
            "states": [
                {
                    "name": n,
                    "label": label(f"is {n}"),
                    "tone": "move",
                    "stage": s,
                    "final": n in ("awarded", "declined", "withdrawn"),
                    "desk": "chair",
                }
                for n, s in STATES.items()
            ],
            "moves": [
                move("submit", ["draft"], "in_moderation", ["officer"]),
                move("rank", ["in_moderation"], "ranked", ["officer"]),
                move("award", ["ranked"], "awarded", ["officer"]),
                move("decline", ["ranked"], "declined", ["officer"]),
                move("withdraw", ["in_moderation", "ranked"], "withdrawn", ["applicant"]),
            ],
        }
    )


@pytest.fixture
def application(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    before = definitions.current
    monkeypatch.setattr(definitions, "current", lambda name: decided() if name == "decided" else before(name))
    call = house.case("The call", kind="call")
    case = house.case("Felt workshop", workflow="decided", kind="application", call_id=call.id)
    house.fire(case, "submit", house.officer)
    return case


def announce(case: Any) -> None:
    with unit_of_work() as current:
        current.execute(update(Case).where(Case.id == case.call_id).values(stage="award"))


def pages(house: House, case: Any) -> list[str]:
    client = house.at(house.applicant)
    return [
        text_of(client.get(url))
        for url in ("/desk", f"/cases/{case.id}", f"/history/{case.id}", f"/cases/{case.id}/moves/withdraw")
    ]


@pytest.mark.parametrize("ending", [[], ["award"], ["decline"]])
def test_nothing_of_the_decision_is_on_any_page_before_the_announcement(
    house: House, application: Any, ending: list[str]
) -> None:
    for trigger in ["rank", *ending]:
        house.fire(application, trigger, house.officer, reason="weak")
    for words in pages(house, application):
        for told in (
            "is ranked",
            "is awarded",
            "is declined",
            "rank done",
            "award done",
            "decline done",
            "weak",
        ):
            # the picture shows every state of the workflow; the words of the page show none of these
            assert told not in words, told
        assert "is in_moderation" in words or "withdraw" in words


def test_the_pages_are_the_same_word_for_word_whatever_was_decided(house: House, application: Any) -> None:
    house.fire(application, "rank", house.officer)
    ranked = pages(house, application)
    house.fire(application, "decline", house.officer)
    assert pages(house, application) == ranked


def test_withdrawing_by_hand_tells_nothing_either(house: House, application: Any) -> None:
    house.fire(application, "rank", house.officer)
    client = house.at(house.applicant)
    first = client.post(f"/cases/{application.id}/moves/withdraw", data={"version": "3"})
    house.fire(application, "decline", house.officer)
    second = client.post(f"/cases/{application.id}/moves/withdraw", data={"version": "3"})
    assert first.status_code == second.status_code == 403
    assert "declined" not in text_of(second) and "The panel is deciding" in text_of(second)


def test_after_the_announcement_everything_is_told(house: House, application: Any) -> None:
    house.fire(application, "rank", house.officer)
    house.fire(application, "decline", house.officer, reason="Three stronger ones")
    announce(application)
    words = pages(house, application)[1]
    assert "is declined" in words and "decline done" in words and "Three stronger ones" in words


def test_the_house_sees_the_decision_at_once(house: House, application: Any) -> None:
    house.fire(application, "rank", house.officer)
    assert "is ranked" in text_of(house.at(house.auditor).get(f"/cases/{application.id}"))
