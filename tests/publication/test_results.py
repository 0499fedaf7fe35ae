"""The public list of results."""

from __future__ import annotations

from sqlalchemy import update

from grantflow.db import unit_of_work
from grantflow.identity.models import Person
from grantflow.publication import queries
from tests.browsing import counting, text_of

PATH = "/calls/KR-2021/results"


def announced(made):
    made.fire(made.call, "announce", made.manager)
    return made


def test_before_the_announcement_there_is_no_such_page_for_anybody(decided, web):
    for actor in (None, decided.manager, decided.chair, decided.applicants[1]):
        assert web(actor).get(PATH).status_code == 404
    assert web(None).get("/calls/XX-1999/results").status_code == 404


def test_the_list_is_public_ranked_and_with_its_sums(decided, web):
    announced(decided)
    page = text_of(web(None).get(PATH))
    assert "2 projects are funded with RUB 750,000.50" in page
    order = [page.index(f"Project {n}") for n in (2, 3, 4, 1)]
    assert order == sorted(order)
    assert "90.00 400,000.00" in page and "350,000.50" in page
    assert "2 projects are in reserve" in page and "KR-2021-0002 · Applicant 2" in page and "Suoyarvi" in page


def test_the_declined_are_a_count_and_no_person_or_single_mark_is_named(decided, web):
    announced(decided)
    page = text_of(web(None).get(PATH))
    assert "Project 5" not in page and "Applicant 5" not in page
    assert "1 application that was not funded" in page
    assert "Reader" not in page and "A weak plan" not in page


def test_a_reserve_that_was_withdrawn_leaves_the_list_and_an_award_from_it_moves_up(decided, web):
    announced(decided)
    decided.fire(decided.applications[0], "withdraw", decided.applicants[0])
    decided.award(3)
    page = text_of(web(None).get(PATH))
    assert "Project 1" not in page and "3 projects are funded" in page and "is in reserve" not in page


def test_the_list_is_read_in_russian_too(decided, web):
    announced(decided)
    with unit_of_work() as current:
        current.execute(update(Person).where(Person.id == decided.auditor.person_id).values(language="ru"))
    page = web(decided.auditor).get(PATH).get_data(as_text=True)
    assert 'lang="ru"' in page and "Малые гранты" in page and "Суоярвский" in page


def test_both_lists_are_paged_and_their_sums_are_of_the_whole(decided, web, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 1)
    announced(decided)
    browser = web(None)

    def named(**asked):
        page = text_of(browser.get(PATH, query_string=asked))
        assert "2 projects are funded with RUB 750,000.50" in page and "2 projects are in reserve" in page
        return [n for n in range(1, 6) if f"Project {n}" in page]

    assert named() == [2, 4] and named(page=2) == [3, 4] and named(page=2, further=2) == [1, 3]
    assert named(page=77, further=77) == [1, 3]
    for hostile in ("0", "-1", "x", "", "1e9", "٣", "9" * 400):
        assert named(page=hostile, further=hostile) == [2, 4]


def test_the_whole_list_can_be_had_on_one_page_to_be_printed(decided, web, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 1)
    announced(decided)
    browser = web(None)
    first = browser.get(PATH).get_data(as_text=True)
    assert f"{PATH}?page=all" in first and "data-gf-print" not in first
    whole = browser.get(f"{PATH}?page=all")
    assert all(f"Project {n}" in text_of(whole) for n in (1, 2, 3, 4))
    assert "data-gf-print" in whole.get_data(as_text=True) and 'rel="next"' not in whole.get_data(as_text=True)


def test_the_page_costs_the_same_queries_with_few_rows_and_with_many(contest, web):
    counted = []
    made = contest(4).start().ranked(9, 8, 7, 6)
    for n in range(4):
        made.award(n)
    made.fire(made.call, "decide", made.chair)
    announced(made)
    browser = web(None)
    browser.get(PATH)
    for _round in range(2):
        with counting() as statements:
            assert browser.get(PATH).status_code == 200
        counted.append(len(statements))
        from grantflow.scoring.models import Decision

        with unit_of_work() as current:
            current.execute(update(Decision).where(Decision.place > 1).values(announced_at=None))
    assert counted[0] == counted[1]
