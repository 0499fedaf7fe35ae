"""The demo's invented content fits the PROZVET pack: answers parse, sums add up, numbers are those of the
contest."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from stdnum.ru import inn

from grantflow import clock
from grantflow.demo import build, content, fitting
from grantflow.demo.content import Contest, Life, People
from grantflow.engine.faults import DefinitionFaults
from grantflow.followups.sustainability import Way, classify
from grantflow.programmes.days_off import working_days_after
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.parts import add_period


@pytest.fixture(scope="module")
def people() -> People:
    return content.read("people", People)


@pytest.fixture(scope="module")
def contest() -> Contest:
    return content.read("contest", Contest)


@pytest.fixture(scope="module")
def zabaikal() -> Contest:
    return content.read("zabaikal", Contest)


@pytest.fixture(scope="module")
def life() -> Life:
    return content.read("life", Life)


def test_every_answer_of_both_calls_fits_its_question_and_every_sum_adds_up(
    prozvet: ProgrammePack, contest: Contest, zabaikal: Contest
) -> None:
    for one in (contest, zabaikal):
        assert fitting.faults_in(one, prozvet.call(one.call), f"{one.call}.toml") == []


def test_the_contest_has_nineteen_applications_from_five_districts_and_the_sums_of_its_board(
    prozvet: ProgrammePack, contest: Contest
) -> None:
    call = prozvet.call("KR-2021")
    assert [one.number for one in contest.applications] == list(range(1, 20))
    assert all(a.sent < b.sent for a, b in pairwise(contest.applications))
    assert {one.answers["district"] for one in contest.applications} == set(call.amendments[0].districts)
    assert all(one.asked_minor <= call.terms.max_ask_minor for one in contest.applications)
    assert sum(one.asked_minor for one in contest.applications) == 6_824_300_00
    assert Counter(one.fate for one in contest.applications) == {
        "scored": 16,
        "ineligible": 2,
        "withdrawn": 1,
    }
    assert [one.number for one in contest.applications if one.returned] == [11]
    assert all(call.opens <= one.begun < one.sent <= call.closes for one in contest.applications)


def test_every_application_puts_in_a_tenth_itself_and_no_title_stands_twice(
    contest: Contest, zabaikal: Contest
) -> None:
    applications = contest.applications + zabaikal.applications
    for one in applications:
        own = Decimal(str(one.answers["own_share"])) * 100
        assert own * 10 >= own + one.asked_minor, one.number
    for language in ("en", "ru"):
        titles = [one.title.in_(language) for one in applications]
        assert len(set(titles)) == len(titles)
    assert all(one.answers["title"] == one.title.ru for one in applications)


def test_every_tax_number_has_right_check_digits_and_belongs_to_no_tax_office(
    contest: Contest, zabaikal: Contest
) -> None:
    numbers = []
    for one in (*contest.applications, *zabaikal.applications):
        number = one.answers.get("inn") or one.answers["sponsor_inn"]
        inn.validate(number)
        assert number[2:4] == "99"
        assert len(number) == (12 if one.organisation.form in ("ip", "self_employed") else 10)
        numbers.append(number)
    assert len(set(numbers)) == len(numbers)


def test_the_two_ineligible_ones_break_the_rule_they_are_refused_by(prozvet: ProgrammePack, contest: Contest) -> None:
    rules = {rule.code: rule for rule in prozvet.call("KR-2021").terms.eligibility}
    old, men = (one for one in contest.applications if one.fate == "ineligible")
    assert old.refused is not None and old.refused.rule == "age"
    assert add_period(old.answers["registered_on"], "P36M") < prozvet.call("KR-2021").closes.date()
    assert men.refused is not None and men.refused.rule == "women"
    rule = rules["women"]
    assert rule.owners is not None and not rule.owners.holds(Decimal(str(men.answers["owner_share"])), 100)
    for one in contest.applications:
        if one is not old and "registered_on" in one.answers:
            assert add_period(one.answers["registered_on"], "P36M") >= prozvet.call("KR-2021").closes.date()


def test_no_refusal_waits_for_an_appeal_when_the_panel_begins_on_whatever_day_the_demo_is_built(
    prozvet: ProgrammePack, contest: Contest
) -> None:
    terms, zone = prozvet.call("KR-2021").terms, prozvet.call("KR-2021").zone
    refused = [one.refused for one in contest.applications if one.refused]
    assert terms.appeal_days is not None and len(build.CONTEST_DAYS.refused) == len(refused) == 2
    for said, (_first, second) in zip(refused, build.CONTEST_DAYS.refused, strict=True):
        if said.appeal is not None:
            assert second < said.appeal.on.date() < said.appeal.decided.date() < build.CONTEST_DAYS.started
            continue
        for days in range(4 * 366):
            by = timedelta(days=days)
            voted = clock.local(second + by, 16, 20, zone)
            until = working_days_after(voted, terms.appeal_days, zone, terms.days_off)
            assert until < clock.local(build.CONTEST_DAYS.started + by, 10, 0, zone), second + by


def test_the_panel_sits_by_the_rule_of_composition(prozvet: ProgrammePack, people: People) -> None:
    rule = prozvet.call("KR-2021").terms.panel
    seats = Counter(one.seat for one in people.panel)
    assert len(people.panel) == rule.seats == 5
    assert all(seats[kind] >= least for kind, least in rule.at_least.items())
    assert [one.code for one in people.panel if one.role == "chair"] == ["chair"]
    bodies = {body.code for body in people.bodies}
    assert all(one.organisation in bodies for one in people.panel if one.organisation)
    members = {m.code for a in prozvet.alliances for m in a.members}
    assert all(body.member in members for body in people.bodies if body.member)


def test_every_role_of_the_demo_signs_in_at_a_reserved_address(people: People) -> None:
    assert Counter(one.role for one in people.people) == {
        "applicant": 2, "officer": 2, "chair": 1, "panellist": 4, "finance": 2, "manager": 1, "auditor": 1,
    }  # fmt: skip
    assert len({one.email for one in people.people}) == len(people.people)


def test_every_member_without_an_interest_reads_every_scored_application(people: People, contest: Contest) -> None:
    apart = {(i.application, i.reader) for i in contest.interests}
    assert len(apart) == 2
    scored = {one.number for one in contest.applications if one.fate == "scored"}
    expected = {(n, one.code) for n in scored for one in people.panel} - apart
    assert Counter((r.application, r.reader) for r in contest.reviews) == Counter(expected)


def test_the_money_ends_after_the_twelfth_and_only_one_application_has_a_wide_spread(
    prozvet: ProgrammePack, contest: Contest, life: Life
) -> None:
    call = prozvet.call("KR-2021")
    totals: dict[int, list[Decimal]] = {}
    readers: dict[str, list[Decimal]] = {}
    for review in contest.reviews:
        totals.setdefault(review.application, []).append(fitting.total_of(review, call))
        readers.setdefault(review.reader, []).append(fitting.total_of(review, call))
    ranked = sorted(totals, key=lambda n: -sum(totals[n]) / len(totals[n]))
    first = ranked[:12]
    money = sum(contest.by_number[n].asked_minor for n in first)
    assert money == 5_129_200_00 <= call.budget_minor
    assert money + contest.by_number[ranked[12]].asked_minor > call.budget_minor
    refused = {one.application for one in life.refusals}
    from_reserve = {grant.application for grant in life.grants if grant.from_reserve}
    assert refused < set(first) and from_reserve == {ranked[12]}
    assert {grant.application for grant in life.grants} == set(first) - refused | from_reserve
    wide = [n for n in totals if max(totals[n]) - min(totals[n]) > call.terms.rubric.spread_limit]
    assert wide == [13]
    means = {code: sum(all_) / len(all_) for code, all_ in readers.items()}
    assert min(means, key=lambda c: means[c]) == "municipal"
    assert max(means, key=lambda c: means[c]) == "independent"


def test_reports_fit_their_questions_and_the_whole_grant_is_spent(
    prozvet: ProgrammePack, contest: Contest, life: Life
) -> None:
    terms = prozvet.call("KR-2021").terms
    late: list[tuple[int, str]] = []
    for grant in life.grants:
        asked = contest.by_number[grant.application].asked_minor
        for code, filed in (("interim", grant.interim), ("final", grant.final)):
            report = terms.report(code)
            assert report is not None
            assert list(fitting.unfit(filed.all_answers, report.questions, terms.currency, True)) == []
            if filed.sent > add_period(grant.agreed, report.due):
                late.append((grant.application, code))
        assert 0 < fitting.sum_of(grant.interim.spent) <= asked * 40 // 100
        assert fitting.sum_of(grant.final.spent) == asked
    assert late == [(4, "interim"), (11, "interim")]


def test_every_tranche_is_paid_after_what_it_waits_for(life: Life) -> None:
    references = []
    for grant in life.grants:
        first, second, last = grant.payments
        assert [p.tranche for p in grant.payments] == ["first", "second", "final"]
        assert grant.accepted <= grant.agreed < first.paid
        assert grant.interim.sent < grant.interim.accepted < second.paid
        assert grant.final.sent < grant.final.accepted < last.paid
        references += [p.reference for p in grant.payments]
    assert len(set(references)) == 36


def test_the_verdict_of_every_check_follows_from_its_answers(prozvet: ProgrammePack, life: Life) -> None:
    checks = prozvet.call("KR-2021").terms.checks
    for grant in life.grants:
        assert [one.check for one in grant.checks] == [plan.code for plan in checks.plan]
        for one in grant.checks:
            if one.verdict == "no_answer":
                assert one.answers == {}
                continue
            assert list(fitting.unfit(one.answers, checks.questions, "RUB", True)) == []
            ways = {
                way.code: Way(one.answers.get(way.question), one.answers.get(way.evidence, "")) for way in checks.ways
            }
            assert classify(one.answers["operating"], ways) == one.verdict
    last = Counter(grant.checks[-1].verdict for grant in life.grants)
    assert last == {"sustainable": 9, "at_risk": 2, "ceased": 1}


def test_the_open_call_holds_six_of_which_three_are_sent(prozvet: ProgrammePack, zabaikal: Contest) -> None:
    call = prozvet.call("ZB-2022")
    assert (len(zabaikal.applications), len(zabaikal.drafts)) == (3, 3)
    assert all(one.answers["district"] in call.districts for one in zabaikal.applications)
    assert [draft.owner.person for draft in zabaikal.drafts if draft.owner.person] == ["applicant"]
    assert all(call.opens <= one.sent <= call.closes for one in zabaikal.applications)


@pytest.fixture(scope="module")
def beside() -> Contest:
    return content.read("round", Contest)


def test_the_small_call_beside_the_contest_fits_its_terms(prozvet: ProgrammePack, beside: Contest) -> None:
    assert beside.round is not None
    call = beside.round.call(beside.call, prozvet)
    assert fitting.faults_in(beside, call, "round.toml") == []
    assert set(call.districts) == set(prozvet.call("KR-2021").amendments[0].districts) and not call.amendments
    assert call.opens < call.closes and call.closes.date() < call.results
    assert all(one.answers["district"] in call.districts for one in beside.applications)
    for one in beside.applications:
        inn.validate(one.answers["inn"])
        assert one.answers["inn"][2:4] == "99" and call.opens <= one.begun < one.sent <= call.closes


def test_content_moved_by_whole_days_moves_every_day_in_it_and_nothing_else(
    prozvet: ProgrammePack, contest: Contest, life: Life
) -> None:
    later = content.moved(contest, 1847)
    call = prozvet.shifted({"KR-2021": 1847}).call("KR-2021")
    assert fitting.faults_in(later, call, "later") == []
    for before, after in zip(contest.applications, later.applications, strict=True):
        assert (after.sent - before.sent).days == 1847
        assert after.asked_minor == before.asked_minor
        assert (after.answers["starts_on"] - before.answers["starts_on"]).days == 1847
        assert call.opens <= after.sent <= call.closes
    assert content.moved(content.moved(life, 10), -10) == life


def test_content_of_a_wrong_shape_is_told_with_its_table(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "people.toml").write_text('[[people]]\ncode = "x"\nemail = "somebody@example.com"\n', "utf-8")
    with pytest.raises(DefinitionFaults) as caught:
        content.read("people", People, folder)
    assert any("people.x.email" in str(fault) for fault in caught.value.faults)
