"""The pages of scoring: who may open them, what they show, and that nothing typed is lost."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from grantflow.cases import service as cases
from grantflow.db import session, unit_of_work
from grantflow.identity.access import SYSTEM
from grantflow.scoring import service as scoring
from grantflow.scoring.models import Decision
from tests.browsing import counting, text_of
from tests.factories import person


def marks(made, points="7", **more):
    fields = {f"points_{c.code}": points for c in made.rubric.criteria}
    return fields | {"revision": "0", "key": "k", "do": "save"} | more


def test_my_reviews_say_what_waits_and_by_when(contest, web):
    made = contest(3, started=True)
    made.none(1, made.members[1])
    page = text_of(web(made.members[1]).get("/panels"))
    assert "3 applications wait for you" in page
    assert "Declare an interest or none" in page and "Read and score" in page and "27 Jan 2022" in page


def test_before_declaring_a_member_reads_no_more_than_title_and_applicant(contest, web):
    made = contest(1, started=True)
    page = text_of(web(made.members[1]).get(f"/applications/{made.applications[0]}/interest"))
    assert "Project 1" in page and "Applicant 1" in page
    assert "Asked" not in page and "400,000" not in page


def test_the_review_page_sends_to_the_declaration_first(contest, web):
    made = contest(1, started=True)
    answer = web(made.members[1]).get(f"/applications/{made.applications[0]}/review")
    assert answer.status_code == 303 and answer.location.endswith("/interest")


def test_declaring_none_opens_the_review_and_an_interest_closes_every_page(contest, web):
    made = contest(2, started=True)
    first, second = made.applications
    browser = web(made.members[1])
    answer = browser.post(f"/applications/{first}/interest", data={"kind": "none", "key": "a"})
    assert answer.status_code == 303 and answer.location.endswith(f"/applications/{first}/review")
    assert browser.get(answer.location).status_code == 200
    answer = browser.post(f"/applications/{second}/interest", data={"kind": "family", "key": "b"})
    assert answer.status_code == 303
    for path in (f"/applications/{second}/interest", f"/applications/{second}/review", f"/cases/{second}"):
        assert browser.get(path).status_code == 404
    assert "Project 2" not in text_of(browser.get("/panels"))


def test_a_declaration_without_an_answer_comes_back_with_its_words(contest, web):
    made = contest(1, started=True)
    path = f"/applications/{made.applications[0]}/interest"
    page = web(made.members[1]).post(path, data={"note": "I know the owner’s sister.", "key": "a"})
    assert page.status_code == 400
    assert "Choose one of the answers." in text_of(page)
    assert "I know the owner’s sister." in page.get_data(as_text=True)
    page = web(made.members[1]).post(path, data={"kind": "other", "key": "a"})
    assert page.status_code == 400 and "Write in a few words" in text_of(page)


def test_a_draft_is_saved_and_its_total_is_counted_by_the_server(contest, web):
    made = contest(1, started=True)
    made.none(0, made.members[1])
    browser, path = web(made.members[1]), f"/applications/{made.applications[0]}/review"
    assert "not scored yet" in text_of(browser.get(path))
    half = marks(made, comment_need="Real <need>.") | {"points_cost": ""}
    assert browser.post(path, data=half).status_code == 303
    page = browser.get(path)
    assert "Your total so far: 63.0 of 100." in text_of(page)
    assert "Real &lt;need&gt;." in page.get_data(as_text=True)


def test_an_incomplete_review_is_not_submitted_and_keeps_what_was_typed(contest, web):
    made = contest(1, started=True)
    made.none(0, made.members[1])
    data = marks(made, do="submit", comment_need="Real need.") | {"points_cost": "", "points_people": "2"}
    page = web(made.members[1]).post(f"/applications/{made.applications[0]}/review", data=data)
    assert page.status_code == 400
    said = text_of(page)
    assert "2 things to correct" in said and "Give points" in said
    assert "fewer than 4 points need a comment" in said
    assert "Real need." in page.get_data(as_text=True)
    assert 'href="#points_cost"' in page.get_data(as_text=True)
    assert scoring.read_review(made.applications[0], made.members[1].person_id) is None


@pytest.mark.parametrize("typed", ["11", "-1", "seven", "=1+1", "7,5", "1e3", "99999999999999999999"])
def test_points_that_cannot_be_are_told_with_what_to_write(contest, web, typed):
    made = contest(1, started=True)
    made.none(0, made.members[1])
    data = marks(made) | {"points_need": typed}
    page = web(made.members[1]).post(f"/applications/{made.applications[0]}/review", data=data)
    assert page.status_code == 400 and "One thing to correct" in text_of(page)


def test_a_submitted_review_is_shown_as_it_is_with_those_of_the_others(contest, web):
    made = contest(1, started=True)
    made.scored(0, 9)
    browser, path = web(made.members[1]), f"/applications/{made.applications[0]}/review"
    assert "Reader A" not in text_of(browser.get(path))
    assert browser.post(path, data=marks(made, do="submit")).status_code == 303
    page = text_of(browser.get(path))
    assert "What the others have submitted" in page and "Reader A" in page and "70.0 of 100" in page
    again = browser.post(path, data=marks(made, do="submit"))
    assert again.status_code == 303  # the same again is the same review
    other = browser.post(path, data=marks(made, points="9", do="submit", key="other"))
    assert other.status_code == 403 and "The chair can open it again" in text_of(other)


def test_a_second_window_is_shown_both_and_loses_nothing(contest, web):
    made = contest(1, started=True)
    made.none(0, made.members[1])
    browser, path = web(made.members[1]), f"/applications/{made.applications[0]}/review"
    browser.post(path, data=marks(made, points="5"))
    page = browser.post(path, data=marks(made, points="8", comment="Typed in the second window"))
    assert page.status_code == 409
    assert "another window" in text_of(page) and "Typed in the second window" in page.get_data(as_text=True)
    assert "What the other window saved" in text_of(page)
    revision = re.search(r'name="revision"[^>]*value="(\d+)"', page.get_data(as_text=True))[1]
    assert browser.post(path, data=marks(made, points="8", revision=revision)).status_code == 303


def test_nobody_but_a_member_of_the_panel_opens_a_review(contest, web):
    made = contest(1, started=True)
    for actor, expected in ((made.manager, 403), (made.applicants[0], 403), (made.auditor, 403)):
        for page in ("review", "interest"):
            assert web(actor).get(f"/applications/{made.applications[0]}/{page}").status_code == expected


def test_the_board_is_for_the_chair_and_staff_and_hides_marks_until_the_chairs_own_are_in(contest, web):
    made = contest(1, started=True)
    made.none(0)
    for member in made.members[1:4]:
        made.review(0, member, 7)
    path = f"/panels/{made.panel}"
    assert "after your own review" in text_of(web(made.chair).get(path))
    made.review(0, made.chair, 2)
    page = text_of(web(made.chair).get(path))
    assert "57.5" in page and "Readers lie far apart on 1 application" in page and "Reader E" in page
    for actor in (made.manager, made.officer, made.auditor):
        assert web(actor).get(path).status_code == 200
    assert web(made.members[1]).get(path).status_code == 403
    assert web(made.applicants[0]).get(path).status_code == 403


def test_what_was_withdrawn_leaves_the_board_and_what_is_closed_is_owed_by_nobody(contest, web):
    made = contest(3, started=True)
    made.scored(0, 7, 8, 9)
    made.fire(made.applications[0], "close_scoring", made.chair)
    made.fire(made.applications[1], "withdraw", made.applicants[1])
    page = text_of(web(made.manager).get(f"/panels/{made.panel}"))
    assert "2 applications" in page and "Project 2" not in page
    assert "reviews in: 3 of 8" in page


def test_the_board_marks_a_member_who_gives_everybody_the_same(contest, web):
    made = contest(3, started=True)
    for n in range(3):
        made.scored(n, 7, 5 + n)
    page = text_of(web(made.manager).get(f"/panels/{made.panel}"))
    assert page.count("the same total for every application") == 1


def test_the_ranking_draws_the_money_line_and_links_to_the_decisions(contest, web):
    made = contest(11, started=True).ranked(*range(9, 4, -1), 8, 7, 6, 5, 9, 8)
    page = web(made.chair).get(f"/panels/{made.panel}/ranking")
    said = text_of(page)
    assert "Money line: RUB 4,200,000.00. 10 grants fit; RUB 200,000.00 stays over." in said
    assert page.get_data(as_text=True).count("gf-moneyline") == 1
    assert f"/cases/{made.applications[0]}/moves/award" in page.get_data(as_text=True)
    assert "/moves/award" not in web(made.manager).get(f"/panels/{made.panel}/ranking").get_data(as_text=True)


def test_the_ranking_says_when_it_is_not_complete(contest, web):
    made = contest(2, started=True).ranked(8)
    said = text_of(web(made.chair).get(f"/panels/{made.panel}/ranking"))
    assert "The ranking is not complete" in said and "KR-2021-0002" in said


def test_a_chair_with_an_interest_sees_the_line_but_not_that_application(contest, web):
    made = contest(2, started=True).ranked(8, 7)
    with unit_of_work():
        scoring.declare_interest(made.applications[0], "family", actor=made.chair)
    said = text_of(web(made.chair).get(f"/panels/{made.panel}/ranking"))
    assert "Project 1" not in said and "1 application in which you declared an interest is counted" in said


def test_the_award_form_offers_what_was_asked_and_takes_a_comma(contest, web):
    made = contest(1, started=True).ranked(8)
    case = cases.get(made.applications[0])
    path = f"/cases/{case.id}/moves/award"
    page = web(made.chair).get(path)
    assert "400,000.00" in page.get_data(as_text=True)
    assert "Left in the call’s budget: RUB 4,200,000.00" in text_of(page)
    wrong = web(made.chair).post(path, data={"amount": "-5", "key": "a", "version": case.version})
    assert wrong.status_code == 400 and "-5" in wrong.get_data(as_text=True)
    too_much = web(made.chair).post(path, data={"amount": "400 001", "key": "a", "version": case.version})
    assert "asked for RUB 400,000.00" in text_of(too_much) and "400 001" in too_much.get_data(as_text=True)
    done = web(made.chair).post(path, data={"amount": "350 000,50", "key": "a", "version": case.version})
    assert done.status_code == 303
    assert session().scalar(select(Decision.amount_minor)) == 35_000_050
    again = web(made.chair).post(path, data={"amount": "350 000,50", "key": "a", "version": case.version})
    assert again.status_code == 303


def test_the_chair_opens_a_review_again_on_its_page(contest, web):
    made = contest(1, started=True)
    made.scored(0, 7, 8)
    path = f"/applications/{made.applications[0]}/reviews/{made.members[1].person_id}/reopen"
    browser = web(made.chair)
    assert path in browser.get(f"/cases/{made.applications[0]}").get_data(as_text=True)
    assert browser.get(path).status_code == 200
    assert browser.post(path, data={"reason": "", "key": "a"}).status_code == 400
    assert browser.post(path, data={"reason": "Misread.", "key": "a"}).status_code == 303
    assert scoring.read_review(made.applications[0], made.members[1].person_id).status == "draft"
    assert web(made.members[2]).get(path).status_code == 403


def test_a_page_of_an_application_shows_marks_to_whom_they_are_for(contest, web):
    made = contest(1, started=True)
    made.scored(0, 7, 8, 9)
    path = f"/cases/{made.applications[0]}"
    assert "80.00 points of 100, from 3 reviews" in text_of(web(made.chair).get(path))
    assert "80.00 points of 100, from 3 reviews" in text_of(web(made.manager).get(path))
    waiting = text_of(web(made.members[3]).get(path))
    assert "80.00" not in waiting and "Reader A" not in waiting and "Read and score" in waiting
    applicant = text_of(web(made.applicants[0]).get(path))
    assert "80.00" not in applicant and "Reader" not in applicant


def test_the_applicant_reads_outcome_and_feedback_after_the_announcement_without_names_or_notes(contest, web):
    made = contest(1, started=True)
    made.none(0)
    for member, points in zip(made.members, (7, 8, 3), strict=False):
        given = made.written(points, comment="Good people.", private_note="Ask about the cousin.")
        with unit_of_work():
            scoring.submit_review(made.applications[0], given, actor=member)
    for trigger in ("close_scoring", "rank"):
        made.fire(made.applications[0], trigger, made.chair)
    made.fire(made.applications[0], "decline", made.chair, reason="Weak plan.")
    made.fire(made.call, "decide", made.chair)
    path, browser = f"/cases/{made.applications[0]}", web(made.applicants[0])
    before = text_of(browser.get(path))
    assert "not funded" not in before and "Declined" not in before
    mine = text_of(browser.get("/applications"))
    assert "Declined" not in mine and "In moderation" in mine, "nor does the list tell it"
    made.fire(made.call, "announce", made.manager)
    page = text_of(browser.get(path))
    assert "Your application is not funded" in page and "60.00 points of 100" in page
    assert "Weak." in page and "Good people." in page
    assert "cousin" not in page and "Reader" not in page


def test_what_waits_stands_on_the_members_desk(contest, web):
    made = contest(2, started=True)
    made.none(0)
    made.none(1, made.members[1])
    page = text_of(web(made.members[1]).get("/desk"))
    assert "Read and score it" in page
    page = text_of(web(made.chair).get("/desk"))
    assert "Declare whether you have an interest" in page
    for member in made.members[:3]:
        made.review(0, member, 7)
    assert "The quorum is met: close scoring" in text_of(web(made.chair).get("/desk"))


@pytest.mark.parametrize("page", ["/panels", "board", "ranking", "review"])
def test_a_page_costs_the_same_queries_with_one_row_and_with_three(contest, web, app, page):
    made = contest(1)
    counted = []
    for n in (1, 3):
        while len(made.applications) < n:
            made.add(len(made.applications) + 1)
        if n == 1:
            made.start().ranked(7)
            actor = made.chair
        else:
            for case_id in made.applications[1:]:
                made.fire(case_id, "hand_over", SYSTEM)
            for m in (1, 2):
                made.scored(m, 7, 8, 9)
                made.fire(made.applications[m], "close_scoring", made.chair)
                made.fire(made.applications[m], "rank", made.chair)
        path = {
            "board": f"/panels/{made.panel}",
            "ranking": f"/panels/{made.panel}/ranking",
            "review": f"/applications/{made.applications[0]}/review",
        }.get(page, page)
        browser = web(actor)
        browser.get(path)
        with counting() as statements:
            assert browser.get(path).status_code == 200
        counted.append(len(statements))
    assert counted[0] == counted[1], counted


def seats_of(made, members):
    fields = {"quorum": "3", "reviews_due_on": "27 January 2022", "key": "c", "reason": ""}
    for n, member in enumerate(members):
        fields |= {f"seats-{n}-person": member.person_id, f"seats-{n}-seat": member.seat}
        fields |= {f"seats-{n}-organisation": "", f"seats-{n}-label_en": "project expert, Italy"}
        if member.chair:
            fields[f"seats-{n}-chair"] = "y"
    return fields


def test_the_manager_composes_a_panel_on_the_page_of_the_call(contest, web):
    made = contest(1, seated=False)
    browser, path = web(made.manager), "/calls/KR-2021/panel"
    assert browser.get(path).status_code == 200
    answer = browser.post(path, data=seats_of(made, made.seats))
    assert answer.status_code == 303
    page = text_of(browser.get(answer.location))
    assert "5 members" in page and "Reader A" in page and "project expert, Italy" in page
    assert made.again(made.members[0]).has("chair")
    made.fire(made.call, "start_evaluation", made.manager)
    shown = browser.get(path).get_data(as_text=True)
    assert "Keep the changes" in shown and shown.count("selected") >= 10


def test_a_panel_that_cannot_start_says_what_it_lacks(contest, web):
    made = contest(1, seated=False)
    answer = web(made.manager).post("/calls/KR-2021/panel", data=seats_of(made, made.seats[3:]))
    assert answer.status_code == 303
    page = text_of(web(made.manager).get(answer.location))
    assert "It lacks: a member from a local authority, a chair, 1 more member for the quorum." in page


def test_a_panel_typed_wrongly_comes_back_with_everything_typed(contest, web):
    made = contest(1, seated=False)
    browser, path = web(made.manager), "/calls/KR-2021/panel"
    twice = seats_of(made, [made.seats[0], made.seats[0]])
    answer = browser.post(path, data=twice)
    assert answer.status_code == 400 and "The same person is named twice" in text_of(answer)
    assert "project expert, Italy" in answer.get_data(as_text=True)
    wrong = {"quorum": "many", "reviews_due_on": "soon", "seats-1-seat": "sponsor"}
    answer = browser.post(path, data=seats_of(made, made.seats) | wrong)
    assert answer.status_code == 400 and "things to correct" in text_of(answer)
    assert "soon" in answer.get_data(as_text=True)
    more = browser.post(path, data=seats_of(made, made.seats) | {"add_line": "1"})
    assert more.status_code == 200 and "seats-5-person" in more.get_data(as_text=True)


def test_only_the_manager_of_the_call_composes_its_panel(contest, web):
    made = contest(1)
    for actor in (made.officer, made.chair, made.applicants[0]):
        assert web(actor).get("/calls/KR-2021/panel").status_code == 403
    stranger = person("manager", programme_id=made.bodies[0])
    assert web(stranger).get("/calls/KR-2021/panel").status_code == 404
