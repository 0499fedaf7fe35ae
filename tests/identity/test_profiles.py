"""What a body tells of itself: figures by day and funding by year, kept line by line, with events."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound
from grantflow.history.models import Event
from grantflow.history.verify import verify_case
from grantflow.identity import profiles
from grantflow.identity.access import Actor
from grantflow.identity.models import BodyFigures
from grantflow.identity.profile_pages import funding_chart
from tests import factories
from tests.browsing import counting, field, text_of

DAY = date(2021, 6, 1)


@pytest.fixture
def body(app: Flask) -> tuple[Actor, int]:
    number = factories.organisation("Workshop", legal_form="ooo")
    return factories.person("applicant", organisation_id=number), number


def write(actor: Actor, number: int, day: date | None = DAY, **typed: str) -> None:
    with unit_of_work():
        profiles.record_figures(actor, number, day, typed)


def money(actor: Actor, number: int, year: int | None, currency: str = "RUB", **typed: str) -> None:
    with unit_of_work():
        profiles.record_funding(actor, number, year, currency, typed)


def test_figures_keep_their_day_and_the_share_to_its_last_figure(body: tuple[Actor, int]) -> None:
    write(*body, board_women="3", board_men="2", women_share="50,5")
    write(*body, day=date(2021, 9, 1), board_women="4", women_share="50.0001")
    latest, earlier = profiles.figures_of([body[1]])[body[1]]
    assert (latest.as_of_on, latest.women_share, latest.board.women) == (date(2021, 9, 1), Decimal("50.0001"), 4)
    assert (earlier.board.together, earlier.women_share) == (5, Decimal("50.5"))
    assert latest.board.men is None and not latest.staff.known, "what is not known is not zero"


def test_a_correction_of_a_day_leaves_the_line_it_corrects(body: tuple[Actor, int]) -> None:
    for women in ("3", "4", "4"):
        write(*body, board_women=women)
    assert profiles.figures_of([body[1]])[body[1]][0].board.women == 4
    assert session().scalar(select(func.count()).select_from(BodyFigures)) == 2, "the same again writes nothing"
    events = session().scalars(select(Event).where(Event.move == "figures_recorded").order_by(Event.seq)).all()
    assert events[1].facts["changes"] == [{"field": "board", "before": {"women": 3}, "after": {"women": 4}}]
    assert verify_case(body[1]).whole


def test_a_line_that_was_written_cannot_be_changed(body: tuple[Actor, int]) -> None:
    write(*body, board_women="3")
    money(*body, 2020, own="1")
    for table, change in (("organisation_figures", "board_women = 9"), ("organisation_funding", "amount_minor = 9")):
        with pytest.raises(DBAPIError, match="insert-only"), unit_of_work() as current:
            current.execute(text(f"UPDATE {table} SET {change}"))


@pytest.mark.parametrize(
    ("day", "typed", "fields"),
    [
        (None, {"board_women": "1"}, {"as_of_on"}),
        (date(2199, 1, 1), {"board_women": "1"}, {"as_of_on"}),
        (
            DAY,
            {"board_women": "many", "staff_men": "-1", "women_share": "101"},
            {"board_women", "staff_men", "women_share"},
        ),
        (DAY, {"board_women": "1.5", "owners_men": "99999999"}, {"board_women", "owners_men"}),
        (DAY, {}, {"board_women"}),
    ],
)
def test_every_faulty_figure_is_named(body: tuple[Actor, int], day: Any, typed: Any, fields: set[str]) -> None:
    with pytest.raises(Invalid) as fault:
        write(*body, day=day, **typed)
    assert set(fault.value.fields) == fields


def test_funding_stands_by_year_and_source_and_is_corrected_line_by_line(body: tuple[Actor, int]) -> None:
    money(*body, 2020, own="120 000,50", grant="0")
    money(*body, 2019, state="5")
    money(*body, 2020, own="130 000", grant="0")
    first, second = profiles.funding_of([body[1]])[body[1]]
    assert (first.year, second.year) == (2019, 2020)
    assert second.by_source == {"grant": 0, "own": 13_000_000} and second.total.minor == 13_000_000
    changed = (
        session().scalars(select(Event).where(Event.move == "funding_recorded").order_by(Event.seq.desc())).first()
    )
    assert changed is not None and [c["field"] for c in changed.facts["changes"]] == ["from_own"]
    money(*body, 2019)
    assert [year.year for year in profiles.funding_of([body[1]])[body[1]]] == [2020], "a year taken back is not drawn"


@pytest.mark.parametrize(
    ("year", "currency", "typed", "fields"),
    [
        (None, "RUB", {"own": "1"}, {"year"}),
        (2199, "RUB", {"own": "1"}, {"year"}),
        (2020, "XXX", {"own": "1"}, {"currency"}),
        (2020, "RUB", {"own": "-1", "grant": "lots"}, {"own", "grant"}),
        (2020, "RUB", {}, {"state"}),
    ],
)
def test_every_faulty_sum_is_named(body: tuple[Actor, int], year: Any, currency: str, typed: Any, fields: Any) -> None:
    with pytest.raises(Invalid) as fault:
        money(*body, year, currency, **typed)
    assert set(fault.value.fields) == fields


def test_nobody_else_writes_into_a_profile(body: tuple[Actor, int]) -> None:
    stranger = factories.person("officer", programme_id=factories.record_file("programme"))
    with pytest.raises(NotFound):
        write(stranger, body[1], board_women="1")
    with pytest.raises(NotFound):
        money(stranger, body[1], 2020, own="1")


def test_the_chart_draws_one_currency_and_its_table_says_every_year(app: Flask, body: tuple[Actor, int]) -> None:
    money(*body, 2018, "EUR", own="10")
    money(*body, 2019, own="100", donation="50")
    money(*body, 2020, own="300")
    with app.test_request_context():
        chart = funding_chart(profiles.funding_of([body[1]])[body[1]])
        assert funding_chart([]) is None
    assert chart is not None and [row[0] for row in chart["rows"]] == ["2020", "2019", "2018"]
    assert chart["svg"].count("<rect") == 3 and "2018" not in chart["svg"]
    assert "RUB 300.00" in chart["rows"][0] and "EUR 10.00" in chart["rows"][2]


def test_the_page_of_an_organisation_shows_its_profile_in_a_fixed_number_of_queries(
    app: Flask, body: tuple[Actor, int]
) -> None:
    with clock.at(datetime(2021, 10, 1, tzinfo=UTC)):
        browser = factories.signed_in(app, body[0])
        where = f"/organisation/{body[1]}"
        page = browser.get(f"{where}/figures")
        sent = {
            "csrf_token": "",
            "key": field(page, "key"),
            "as_of_on": "1.6.2021",
            "board_women": "3",
            "women_share": "x",
        }
        refused = browser.post(f"{where}/figures", data=sent)
        assert refused.status_code == 400 and 'value="x"' in refused.get_data(as_text=True), "what was typed stays"
        assert browser.post(f"{where}/figures", data=sent | {"women_share": "66,6"}).status_code == 303
        year = {"key": "k", "year": "2020", "currency": "RUB", "own": "1 000", "more": "1"}
        assert browser.post(f"{where}/funding", data=year).location == f"{where}/funding"
        assert 'value="1,000.00"' in browser.get(f"{where}/funding?year=2020").get_data(as_text=True)
        with counting() as one:
            shown = text_of(browser.get("/organisation"))
        assert "women own 66.6 %" in shown and "RUB 1,000.00" in shown
        for number in (factories.organisation("Second"), factories.organisation("Third")):
            factories.also(body[0], "applicant", organisation_id=number)
        browser.get("/organisation")  # the masthead counts what waits anew, after what was just written
        with counting() as three:
            browser.get("/organisation")
        assert len(one) == len(three)
        stranger = factories.signed_in(app, factories.person("applicant", organisation_id=factories.organisation()))
        assert {stranger.get(f"{where}/{page}").status_code for page in ("figures", "funding", "sponsor")} == {404}
