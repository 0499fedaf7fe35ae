"""Long lists of a panel: the right rows on each page, what is said of the whole on every page, no more queries for more."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from grantflow.cases import desk as desks
from grantflow.db import unit_of_work
from grantflow.identity.access import SYSTEM
from grantflow.programmes.models import Call
from grantflow.scoring import boards, rankings, tasks
from grantflow.scoring import service as scoring
from tests.browsing import counting, text_of

HOSTILE = ("0", "-1", "x", "", "1e9", "٣", "1' OR '1'='1", "9" * 400)
"""What is no page number: the first page is shown."""


@pytest.fixture(autouse=True)
def two_a_page(monkeypatch):
    for module in (boards, rankings, tasks):
        monkeypatch.setattr(module, "PAGE", 2)


def shown(page):
    """The numbers of the projects on a page, in their order."""
    rows = re.findall(r'class="t"[^>]*>Project (\d+)<', page.get_data(as_text=True))
    return [int(n) for n in rows]


def test_the_board_is_paged_by_number_and_counts_the_whole_panel(contest, web):
    made = contest(5, started=True)
    made.scored(0, 7, 8, 9)
    made.scored(4, 2, 9)
    with unit_of_work():
        scoring.declare_interest(made.applications[2], "family", actor=made.members[1])
    browser, path = web(made.manager), f"/panels/{made.panel}"
    assert shown(browser.get(path)) == [1, 2]
    assert shown(browser.get(f"{path}?page=2")) == [3, 4]
    last = browser.get(f"{path}?page=3")
    assert shown(last) == [5] and "5 to 5 of 5" in text_of(last)
    assert shown(browser.get(f"{path}?page=99")) == [5]
    for hostile in HOSTILE:
        page = browser.get(path, query_string={"page": hostile})
        assert page.status_code == 200 and shown(page) == [1, 2]
    for n in (1, 2, 3):
        said = text_of(browser.get(f"{path}?page={n}"))
        assert "5 applications" in said and "reviews in: 5 of 24" in said
        assert "Readers lie far apart on 1 application" in said and "KR-2021-0005" in said
        assert "Reader A" in said and "2 of 5" in said and "3 of 5" in said
    assert "Interest: Reader B" in text_of(browser.get(f"{path}?page=2"))


def test_the_chair_is_not_told_of_readers_far_apart_before_their_own_review(contest, web):
    made = contest(1, started=True)
    made.none(0)
    for member, points in ((1, 2), (2, 9)):
        made.review(0, made.members[member], points)
    path = f"/panels/{made.panel}"
    assert "far apart" in text_of(web(made.manager).get(path))
    assert "far apart" not in text_of(web(made.chair).get(path))
    made.review(0, made.chair, 5)
    assert "Readers lie far apart on 1 application" in text_of(web(made.chair).get(path))


def test_a_note_names_a_few_and_says_how_many_there_are(contest, web, monkeypatch):
    monkeypatch.setattr(boards, "NAMED", 1)
    made = contest(2, started=True)
    made.scored(0, 2, 9)
    made.scored(1, 2, 9)
    said = text_of(web(made.manager).get(f"/panels/{made.panel}"))
    assert "Readers lie far apart on 2 applications" in said and "ranking: KR-2021-0001 and others." in said


def test_a_page_of_the_ranking_is_a_part_of_the_order_over_all(contest, web):
    made = contest(5, started=True).ranked(5, 9, 7, 8, 6)
    browser, path = web(made.chair), f"/panels/{made.panel}/ranking"
    pages = [browser.get(f"{path}?page={n}") for n in (1, 2, 3)]
    assert [shown(page) for page in pages] == [[2, 4], [3, 5], [1]]
    order = [row.entry.key for row in scoring.ranking_of(made.call).rows]
    assert [made.applications[n - 1] for page in pages for n in shown(page)] == order
    assert "1,200,000" in text_of(pages[1])  # the running sum goes on over the pages
    assert shown(browser.get(f"{path}?page=99")) == [1]
    for hostile in HOSTILE:
        page = browser.get(path, query_string={"page": hostile})
        assert page.status_code == 200 and shown(page) == [2, 4]


def test_money_line_and_sums_are_told_on_every_page_and_the_line_can_be_reached(contest, web):
    made = contest(5)
    with unit_of_work() as current:
        current.execute(update(Call).where(Call.case_id == made.call).values(budget_minor=130_000_000))
    made.start().ranked(9, 8, 7, 6, 5)
    browser, path = web(made.chair), f"/panels/{made.panel}/ranking"
    for n in (1, 2, 3):
        page = browser.get(f"{path}?page={n}")
        said, markup = text_of(page), page.get_data(as_text=True)
        assert "3 grants: RUB 1,200,000.00 of RUB 1,300,000.00" in said and "RUB 100,000.00" in said
        assert "5 applications: RUB 2,000,000.00" in said and "under place 3" in said
        assert markup.count('id="money-line"') == (n == 2)
        assert ('href="#money-line"' if n == 2 else f'href="{path}?page=2#money-line"') in markup
    markup = browser.get(f"{path}?page=2").get_data(as_text=True)
    assert markup.index("Project 3") < markup.index('id="money-line"') < markup.index("Project 4")


def test_the_line_is_on_the_first_page_where_nothing_fits(contest, web):
    made = contest(3, started=True).ranked(1, 2, 3)  # below the threshold, all of them
    browser, path = web(made.chair), f"/panels/{made.panel}/ranking"
    first, second = (browser.get(f"{path}?page={n}").get_data(as_text=True) for n in (1, 2))
    assert first.index('id="money-line"') < first.index("Project 3") and 'id="money-line"' not in second
    assert "above the first place" in second and f'href="{path}?page=1#money-line"' in second


def test_the_whole_ranking_can_be_had_on_one_page_to_be_printed(contest, web):
    made = contest(3, started=True).ranked(7, 9, 8)
    browser, path = web(made.chair), f"/panels/{made.panel}/ranking"
    assert f"{path}?page=all" in browser.get(path).get_data(as_text=True)
    whole = browser.get(f"{path}?page=all")
    assert shown(whole) == [2, 3, 1] and "data-gf-print" in whole.get_data(as_text=True)


def test_a_ranking_in_which_everything_fits_has_no_line_to_go_to(contest, web):
    made = contest(1, started=True).ranked(9)
    page = web(made.chair).get(f"/panels/{made.panel}/ranking")
    assert "nothing stands below it" in text_of(page) and "#money-line" not in page.get_data(as_text=True)


def test_my_reviews_are_paged_what_waits_on_top_and_counted_as_a_whole(contest, web):
    made = contest(5, started=True)
    reader = made.members[1]
    made.none(0)
    made.review(0, reader, 7)
    made.none(1, reader)
    browser = web(reader)
    assert shown(browser.get("/panels")) == [2, 3]
    assert shown(browser.get("/panels?page=2")) == [4, 5]
    assert shown(browser.get("/panels?page=3")) == shown(browser.get("/panels?page=44")) == [1]
    for hostile in HOSTILE:
        assert shown(browser.get("/panels", query_string={"page": hostile})) == [2, 3]
    assert shown(browser.get("/panels?show=declare&page=2")) == [5]
    assert shown(browser.get("/panels?show=score")) == [2] and shown(browser.get("/panels?show=done")) == [1]
    assert shown(browser.get("/panels?show=nonsense")) == [2, 3]
    assert "4 applications wait for you" in text_of(browser.get("/panels?page=3"))


def test_a_desk_dresses_no_more_than_its_page(contest, web, app):
    made = contest(3, started=True)
    reader = made.members[1]
    with app.test_request_context():
        found = desks.waiting(reader)
        assert len(found) == 3 and not any(item.what or item.url for item in found)
        assert [item.what for item in desks.dressed(found[:2])] == ["Project 1", "Project 2"]


@pytest.mark.parametrize("page", ["board", "ranking", "panels", "desk"])
def test_more_pages_cost_no_more_queries(contest, web, page):
    made = contest(3, started=True).ranked(7, 8)  # the third is to be declared on
    counted = []
    for n in (0, 5):
        for _ in range(n):
            made.add(len(made.applications) + 1)
            made.fire(made.applications[-1], "hand_over", SYSTEM)
        if n:
            for m in (3, 4, 5):
                made.scored(m, 7, 8, 9)
                made.fire(made.applications[m], "close_scoring", made.chair)
                made.fire(made.applications[m], "rank", made.chair)
        path = {"board": f"/panels/{made.panel}", "ranking": f"/panels/{made.panel}/ranking"}.get(page, f"/{page}")
        browser = web(made.chair)
        browser.get(path)
        with counting() as statements:
            assert browser.get(path).status_code == 200
        counted.append(len(statements))
    assert counted[0] == counted[1], counted
