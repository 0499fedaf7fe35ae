"""The desk, the notices, the demonstration's mailbox and the pages of errors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import OperationalError

from grantflow import clock
from grantflow.cases import desk as desks
from grantflow.cases.models import Case, Letter, Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, Stale
from grantflow.identity.access import SYSTEM, access
from tests.browsing import counting, field, text_of
from tests.cases_web.conftest import House


def test_the_desk_says_what_waits_for_whom(house: House) -> None:
    case = house.case()
    assert "Felt workshop" in text_of(house.at(house.officer).get("/desk"))
    assert "Nothing waits for you" in text_of(house.at(house.auditor).get("/desk"))
    assert "Nothing waits for you" in text_of(house.at(house.stranger).get("/desk"))
    house.fire(case, "check", house.officer)
    words = text_of(house.at(house.officer).get("/desk"))
    assert "1 thing waits for you." in words and "checked" in words and "back" in words


def test_whoever_has_voted_waits_for_the_others(house: House) -> None:
    case = house.case()
    house.fire(case, "refuse", house.officer, reason="x")
    assert "Felt workshop" in text_of(house.at(house.officer).get("/desk"))  # checking is still open to them
    assert "My desk 1" in text_of(house.at(house.officer).get("/desk"))


def test_late_things_come_first_and_are_marked(house: House) -> None:
    early, late = house.case("Early"), house.case("Late")
    with unit_of_work() as current:
        current.execute(update(Case).where(Case.id == early.id).values(due_at=clock.now() + timedelta(days=3)))
        current.execute(update(Case).where(Case.id == late.id).values(due_at=clock.now() - timedelta(days=2)))
    page = house.at(house.officer).get("/desk")
    words = text_of(page)
    assert words.index("Late") < words.index("Early") and "2 days late" in words and "3 days left" in words
    assert "tight full late" in page.get_data(as_text=True)


def test_the_desk_is_paged_and_narrowed_by_kind(house: House) -> None:
    for n in range(45):
        house.case(f"Check {n}")
    house.case("A grant", kind="award")
    client = house.at(house.officer)
    assert "1 to 40 of 46" in text_of(client.get("/desk"))
    assert "41 to 46 of 46" in text_of(client.get("/desk?page=2"))
    assert "41 to 46 of 46" in text_of(client.get("/desk?page=77"))
    for hostile in ("0", "-1", "x", "1e9", "٣", "9" * 400):
        assert "1 to 40 of 46" in text_of(client.get("/desk", query_string={"page": hostile}))
    only = text_of(client.get("/desk?kind=award"))
    assert "A grant" in only and "Check 1" not in only
    assert client.get("/desk?kind=nonsense&page=x").status_code == 200


def test_an_applicant_sees_where_everything_is(house: House) -> None:
    house.case("Mine", kind="award")
    words = text_of(house.at(house.applicant).get("/desk"))
    assert "Mine" in words and "the programme officer" in words and "Nothing waits for you now" in words


@pytest.mark.parametrize("who", ["officer", "applicant"])
def test_the_desk_costs_the_same_for_one_and_for_three(house: House, who: str) -> None:
    client = house.at(getattr(house, who))
    house.case("One", kind="award")
    client.get("/desk")
    with counting() as first:
        client.get("/desk")
    house.case("Two", kind="award")
    house.case("Three", kind="award")
    client.get("/desk")
    with counting() as second:
        client.get("/desk")
    assert len(first) == len(second)


def test_the_count_in_the_masthead_follows_what_happens(house: House) -> None:
    client = house.at(house.officer)
    assert "My desk 1" not in text_of(client.get("/inbox"))
    house.case()
    assert "My desk 1" in text_of(client.get("/inbox"))
    with counting() as seen:
        client.get("/inbox")
    assert not [s for s in seen if "definitions" in s], "nothing happened: the desk is not worked out again"


def test_a_thing_two_providers_name_stands_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    case = house.case()
    desks.provider(lambda actor: [desks.DeskItem("Felt workshop", "/x", "y", case_id=case.id)])
    with house.app.test_request_context():
        assert len([i for i in desks.items(house.officer) if i.case_id == case.id]) == 1


def notice(house: House, person_id: int, n: int = 1) -> None:
    with unit_of_work() as current:
        for i in range(n):
            current.execute(
                insert(Outbox).values(
                    dedupe=f"1/{person_id}/{clock.now().timestamp()}/{i}",
                    notice="role_granted",
                    person_id=person_id,
                    case_id=person_id,
                    params={"role": {"en": "the auditor", "ru": "аудитор"}},
                    created_at=clock.now(),
                    due_at=clock.now(),
                    message_id=f"<{person_id}.{i}>",
                )
            )


def test_notices_are_read_in_ones_language_and_marked(house: House) -> None:
    assert house.officer.person_id and house.finance.person_id
    notice(house, house.officer.person_id, 2)
    notice(house, house.finance.person_id)
    client = house.at(house.officer)
    page = client.get("/inbox")
    assert "the auditor" in text_of(page) and "2 are new" in text_of(page)
    assert client.post("/inbox/read", data={"notice": field(page, "notice")}).status_code == 303
    assert "1 is new" in text_of(client.get("/inbox"))
    client.post("/inbox/read", data={"notice": "999999"})
    client.post("/inbox/read", data={"notice": "x"})
    assert "All are read" in text_of(client.get("/inbox"))
    assert "1 is new" in text_of(house.at(house.finance).get("/inbox"))
    client.get("/language/ru")
    assert "аудитор" in text_of(client.get("/inbox"))


def test_the_notices_are_paged_and_a_page_beyond_the_end_is_the_last(house: House) -> None:
    assert house.officer.person_id
    notice(house, house.officer.person_id, 30)
    client = house.at(house.officer)
    assert "1 to 25 of 30" in text_of(client.get("/inbox"))
    for number in ("2", "3", "999999"):
        page = text_of(client.get("/inbox", query_string={"page": number}))
        assert "26 to 30 of 30" in page and "No notices yet" not in page
    assert "1 to 25 of 30" in text_of(client.get("/inbox", query_string={"page": "9" * 400}))


def test_another_persons_notice_cannot_be_marked(house: House) -> None:
    assert house.officer.person_id
    notice(house, house.officer.person_id)
    number = session().query(Outbox.id).filter_by(person_id=house.officer.person_id).scalar()
    house.at(house.finance).post("/inbox/read", data={"notice": str(number)})
    assert "1 is new" in text_of(house.at(house.officer).get("/inbox"))


def test_the_mailbox_exists_in_a_demonstration_only(house: House) -> None:
    with unit_of_work() as current:
        for actor, subject in ((house.officer, "To Olga"), (house.finance, "To money")):
            current.execute(
                insert(Letter).values(
                    message_id=f"<{subject}>",
                    person_id=actor.person_id,
                    recipient="x@example.org",
                    language="en",
                    subject=subject,
                    body="Hello\n\nhttp://127.0.0.1:8000/cases/1 <script>alert(1)</script>",
                    created_at=clock.now(),
                )
            )
    client = house.at(None)
    assert client.get("/mailbox").status_code == 404
    house.app.config["DEMO"] = True
    page = client.get("/mailbox")
    assert (
        "To Olga" in text_of(page)
        and "To money" in text_of(page)
        and "<script>alert" not in page.get_data(as_text=True)
    )
    only = text_of(client.get(f"/mailbox?person={house.finance.person_id}"))
    assert "To money" in only and "To Olga" not in only


def test_errors_are_pages_with_a_sentence(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(error: Exception) -> object:
        @access("public")
        def view() -> str:
            raise error

        return view

    client = house.at(house.officer)
    for error, status, said in (
        (Stale("Look again."), 409, "Look again."),
        (Invalid("Faulty.", {"x": "Write a number."}), 400, "Write a number."),
        (OperationalError("x", {}, Exception("database is locked")), 503, "not ready"),
    ):
        monkeypatch.setitem(house.app.view_functions, "cases.inbox", failing(error))
        page = client.get("/inbox")
        assert page.status_code == status and said in text_of(page), (status, text_of(page))
    house.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(house.app.view_functions, "cases.inbox", failing(RuntimeError("secret detail")))
    page = client.get("/inbox")
    assert page.status_code == 500 and "secret" not in text_of(page)
    assert client.get("/nowhere").status_code == 404 and client.get("/inbox/read").status_code == 405


def test_a_locked_database_gives_the_typed_words_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    case = house.case()

    def locked(*_: object, **__: object) -> None:
        raise OperationalError("x", {}, Exception("database is locked"))

    monkeypatch.setattr("grantflow.cases.service.fire", locked)
    page = house.at(house.officer).post(
        f"/cases/{case.id}/moves/check",
        data={"version": "1", "key": "k", "lamp": "on", "reason": "Long & thought"},
    )
    assert page.status_code == 503 and field(page, "reason") == "Long & thought" and field(page, "key") == "k"
    assert f'action="/cases/{case.id}/moves/check"' in page.get_data(as_text=True)


def test_pages_of_cases_are_for_people_who_signed_in(house: House) -> None:
    client = house.at(None)
    for url in ("/desk", "/inbox", "/cases/1", "/history/1", "/cases/1/moves/x"):
        assert client.get(url).status_code == 303
    assert client.post("/inbox/read").status_code == 303
    assert SYSTEM.person_id is None
