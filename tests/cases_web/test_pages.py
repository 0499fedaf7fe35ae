"""The page of a case: who sees it, what it says, and what it costs."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from grantflow.cases.models import Case
from grantflow.db import unit_of_work
from grantflow.history.models import PrivateValue
from tests import factories
from tests.browsing import counting, text_of
from tests.cases_web.conftest import House


def test_an_officer_sees_state_desk_moves_and_time_line(house: House) -> None:
    case = house.case()
    page = house.at(house.officer).get(f"/cases/{case.id}")
    words = text_of(page)
    assert page.status_code == 200
    for said in (
        "Felt workshop",
        "On your desk",
        "What can be done now",
        "check",
        "Opened",
        "Chain whole",
        "Felt Workshop",
    ):
        assert said in words, said
    assert "gf-flow" in page.get_data(as_text=True)


def test_a_refused_move_stands_with_its_reason(house: House) -> None:
    case = house.case()
    house.fire(case, "check", house.officer)
    words = text_of(house.at(house.officer).get(f"/cases/{case.id}"))
    assert "Only the finance officer may do this." in words


def test_a_case_one_may_not_see_does_not_exist(house: House) -> None:
    case = house.case()
    for actor in (house.stranger, factories.person("applicant", organisation_id=factories.organisation())):
        client = house.at(actor)
        for url in (
            f"/cases/{case.id}",
            f"/history/{case.id}",
            f"/cases/{case.id}/moves/check",
            "/cases/999999",
        ):
            assert client.get(url).status_code == 404
        assert client.post(f"/cases/{case.id}/moves/check", data={"version": "1"}).status_code == 404
    assert house.at(None).get(f"/cases/{case.id}").location == f"/sign-in?next=/cases/{case.id}"


def test_the_time_line_shows_before_and_after_reason_and_name(house: House) -> None:
    case = house.case()
    house.fire(case, "check", house.officer, reason="Looks <b>sound</b>")
    page = house.at(house.auditor).get(f"/history/{case.id}")
    words = text_of(page)
    assert "“Looks <b>sound</b>”" in words and "<b>sound" not in page.get_data(as_text=True)
    assert "the programme officer, Olga 1" in words
    assert "111" in words and "222" in words and "phone" in words


def test_an_erased_value_says_so_and_the_chain_stays_whole(house: House) -> None:
    case = house.case()
    house.fire(case, "check", house.officer, reason="Because of Maria")
    with unit_of_work() as current:
        current.execute(
            update(PrivateValue)
            .where(PrivateValue.case_id == case.id, PrivateValue.seq == 2)
            .values(salt=None, value=None)
        )
    words = text_of(house.at(house.auditor).get(f"/history/{case.id}"))
    assert "erased on request" in words and "Maria" not in words and "Chain whole" in words


def test_a_broken_chain_is_said_on_the_page(house: House) -> None:
    case = house.case()
    with unit_of_work() as current:
        current.execute(update(Case).where(Case.id == case.id).values(version=7))
    assert "Chain broken" in text_of(house.at(house.auditor).get(f"/cases/{case.id}"))


def test_an_applicant_reads_the_steps_but_no_names_and_facts_of_the_house(house: House) -> None:
    case = house.case()
    house.fire(case, "remark", house.officer)
    house.fire(case, "check", house.officer, reason="All there")
    words = text_of(house.at(house.applicant).get(f"/cases/{case.id}"))
    assert "check done" in words and "All there" in words
    assert "Olga" not in words and "remark done" not in words and "222" not in words


def test_a_vote_is_counted_in_the_time_line(house: House) -> None:
    case = house.case()
    house.fire(case, "refuse", house.officer, reason="Nobody answers")
    assert "refuse: vote 1 of 2" in text_of(house.at(house.auditor).get(f"/cases/{case.id}"))


def test_relatives_lead_to_each_other(house: House) -> None:
    parent = house.case("The grant", kind="award")
    child = house.case("The check", parent=parent)
    client = house.at(house.officer)
    assert f'href="/cases/{child.id}"' in client.get(f"/cases/{parent.id}").get_data(as_text=True)
    assert f'href="/cases/{parent.id}"' in client.get(f"/cases/{child.id}").get_data(as_text=True)


def test_a_long_history_is_paged(house: House) -> None:
    case = house.case()
    for _ in range(60):
        house.fire(case, "remark", house.officer)
    client = house.at(house.officer)
    assert "The whole history, 61 lines" in text_of(client.get(f"/cases/{case.id}"))
    assert "1 to 50 of 61" in text_of(client.get(f"/history/{case.id}"))
    assert "51 to 61 of 61" in text_of(client.get(f"/history/{case.id}?page=2"))
    assert "51 to 61 of 61" in text_of(client.get(f"/history/{case.id}?page=99999"))
    assert client.get(f"/history/{case.id}?page=-1").status_code == 200


@pytest.mark.parametrize("path", ["/cases/{}", "/history/{}"])
def test_a_case_costs_the_same_questions_with_one_event_and_child_as_with_three(house: House, path: str) -> None:
    one, three = house.case("One", kind="award"), house.case("Three", kind="award")
    house.case("c", parent=one)
    house.fire(one, "remark", house.officer)
    for _ in range(3):
        house.case("c", parent=three)
        house.fire(three, "remark", house.officer)
    client = house.at(house.officer)
    client.get(path.format(one.id))
    with counting() as first:
        client.get(path.format(one.id))
    with counting() as second:
        client.get(path.format(three.id))
    assert len(first) == len(second), sorted(set(second) - set(first))


def test_own_file_shows_own_history(house: House) -> None:
    page = house.at(house.officer).get(f"/cases/{house.officer.person_id}")
    assert page.status_code == 200 and "Person" in text_of(page)
    assert house.at(house.finance).get(f"/cases/{house.officer.person_id}").status_code == 404
