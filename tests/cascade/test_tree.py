"""The tree under a grant: every sum once at any depth and in several currencies, and who reads what of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grantflow.awards import envelope, funding, tree
from grantflow.awards.measures import enterprises_granted
from grantflow.awards.totals import totals
from grantflow.cases.access import see
from grantflow.errors import NotFound, Refused
from grantflow.followups import watching
from grantflow.identity.access import SYSTEM, Actor
from grantflow.money import Money
from tests.awards.scene import INTERIM
from tests.browsing import counting, field, signed_in, text_of
from tests.cascade.conftest import ACTIVITIES, Cascade, today
from tests.factories import person


def deep(scene: Cascade) -> list[int]:
    """A grant under a grant under a grant under the one at the top, in the scene's programme."""
    found = [scene.top]
    scene.in_call(scene.below)
    for amount in (40_000_000, 20_000_000):
        award_id = scene.signed(amount)
        scene.clause(award_id, minimum=0, maximum=amount // 2, envelope=amount // 2)
        found.append(award_id)
        call_id = scene.draft(budget=amount // 2)
        scene.choose(call_id, award_id)
        scene._put(call_id, "announced", "award")
        scene.in_call(call_id)
    return [*found, scene.signed(10_000_000)]


def test_at_depth_three_every_sum_is_counted_once(cascade: Cascade) -> None:
    top, regional, national, local = deep(cascade)
    found = tree.tree(top, SYSTEM)
    assert [(line.award.case_id, line.depth) for line in found.lines] == [
        (top, 0),
        (regional, 1),
        (national, 2),
        (local, 3),
    ]
    assert [line.kept.minor for line in found.lines] == [60_000_000, 20_000_000, 10_000_000, 10_000_000]
    assert found.kept == Money(100_000_000, "RUB") and found.deepest == 3 and found.grantees == 4
    assert [line.left.minor for line in found.lines if line.left is not None] == [20_000_000, 0, 0]
    assert envelope.total(envelope.children_of(cascade.award(top)), "RUB") == Money(40_000_000, "RUB")
    cascade.fire(local, "terminate", cascade.manager, reason="Over")
    cascade.fire(local, "terminate", cascade.officer, reason="Over")
    assert [line.kept.minor for line in tree.tree(top, SYSTEM).lines] == [60_000_000, 20_000_000, 20_000_000, 0]


def test_a_programme_counts_what_it_passed_on_once(cascade: Cascade) -> None:
    before = totals(cascade.programme, "RUB").whole.awarded
    deep(cascade)
    assert totals(cascade.programme, "RUB").whole.awarded == before
    assert enterprises_granted(cascade.programme).value == 4


def far(scene: Cascade, currency: str = "KZT", rate: str = "5") -> tuple[int, int]:
    """Another programme with a call that the grant at the top pays for, in another currency, and a grant in it."""
    other = scene.elsewhere()
    call_id = scene.draft(programme=other, currency=currency, budget=100_000_000)
    leads = person("manager", programme_id=other)
    scene.choose(
        call_id, scene.top, rate=funding.Rate(Decimal(rate), today(), "National bank"), actor=scene.both(leads)
    )
    scene._put(call_id, "announced", "award")
    scene.in_call(call_id)
    return call_id, scene.foreign(50_000_001, currency, other)


def test_another_currency_is_counted_at_its_rate_in_the_currency_of_the_grant_at_the_top(cascade: Cascade) -> None:
    _call, award_id = far(cascade)
    found = tree.tree(cascade.top, SYSTEM)
    line = next(line for line in found.lines if line.award.case_id == award_id)
    assert line.awarded == Money(10_000_001, "RUB") and line.rate_on == today()
    assert found.root.passed_on_own == found.root.passed_on == Money(10_000_001, "RUB")
    assert found.kept == Money(100_000_000, "RUB")


def test_the_indicators_of_a_programme_hold_what_its_grants_reached_in_other_programmes_once(cascade: Cascade) -> None:
    _call, award_id = far(cascade)
    assert enterprises_granted(cascade.programme).value == 1
    cascade.fire(award_id, "accept", cascade.grantees[award_id], payload=cascade.acceptance())
    assert enterprises_granted(cascade.programme).value == 2


def reaches(actor: Actor, case_id: int) -> bool:
    try:
        return bool(see(case_id, actor))
    except NotFound:
        return False


def test_an_auditor_reaches_everything_under_the_grants_of_their_programme(cascade: Cascade) -> None:
    call_id, award_id = far(cascade)
    auditor, outsider = cascade.again(cascade.auditor), person("auditor", programme_id=cascade._other_programme())
    assert (
        reaches(auditor, call_id)
        and reaches(auditor, award_id)
        and "auditor" in auditor.roles_on(cascade.row(award_id))
    )
    assert not reaches(outsider, award_id) and not reaches(cascade.again(cascade.finance), award_id)
    assert reaches(auditor, cascade.top) and not reaches(auditor, cascade.elsewhere())


def test_a_partner_sees_its_own_children_and_no_other_partners(cascade: Cascade, app: Flask) -> None:
    top, regional, national, local = deep(cascade)
    partner, other = cascade.partner(top), cascade.partner(regional)
    assert [reaches(partner, case_id) for case_id in (top, regional, national, local)] == [False, True, False, False]
    assert [reaches(other, case_id) for case_id in (top, regional, national, local)] == [False, False, True, False]
    for case_id in (national, local):
        assert signed_in(app, partner).get(f"/cases/{case_id}").status_code == 404
        assert signed_in(app, partner).get(f"/cases/{case_id}/cascade").status_code == 404
    page = signed_in(app, partner).get(f"/cases/{top}/cascade")
    assert page.status_code == 200
    numbers = [cascade.award(case_id).number in text_of(page) for case_id in (regional, national, local)]
    assert numbers == [True, False, False]
    assert signed_in(app, partner).get(f"/cases/{regional}").status_code == 200


def test_a_partner_accepts_the_reports_of_its_own_children_and_of_nobody_else(cascade: Cascade) -> None:
    child = cascade.in_call(cascade.below).signed(30_000_000)
    partner, grantee = cascade.partner(cascade.top), cascade.grantees[child]
    cascade.fire(child, "activate", cascade.manager)
    report = cascade.report(child, "interim")
    cascade.fire(report, "submit", grantee, payload={"answers": INTERIM})
    assert cascade.sent("child_report") == [(partner.person_id, report.case_id)]
    assert [item.case_id for item in watching.reports_to_read(partner)] == [report.case_id]
    for stranger in (cascade.partner(child), cascade.again(cascade.stranger), grantee):
        with pytest.raises(Refused, match="Only"):
            cascade.fire(report, "accept", stranger)
    own = person("partner", programme_id=cascade.programme, organisation_id=cascade.award(child).organisation_id)
    assert not reaches(own, report.case_id)
    cascade.fire(report, "accept", partner)
    assert cascade.state(report.case_id) == "accepted" and not list(watching.reports_to_read(partner))
    with pytest.raises(Refused):
        cascade.fire(report, "reopen", partner, reason="x")


# pages
def test_a_manager_names_a_partner_who_has_an_account(cascade: Cascade, app: Flask) -> None:
    somebody = person(name="Asel", email="asel@example.org")
    client, url = signed_in(app, cascade.manager), f"/cases/{cascade.top}/partner"
    page = client.get(url)
    given = {"email": "nobody@example.org", "reason": "Agreement, article 9", "key": field(page, "key")}
    wrong = client.post(url, data=given)
    assert wrong.status_code == 400 and "Nobody has an account" in text_of(wrong) and "article 9" in text_of(wrong)
    assert client.post(url, data={**given, "email": "asel@example.org"}).status_code == 303
    assert signed_in(app, somebody).get(f"/cases/{cascade.top}/cascade").status_code == 200
    assert "National partner" in text_of(client.get(f"/people/{somebody.person_id}/roles"))
    assert signed_in(app, cascade.finance).get(url).status_code == 403


def test_the_tree_is_read_by_staff_and_by_the_regional_grantee_and_by_nobody_else(cascade: Cascade, app: Flask) -> None:
    child = cascade.in_call(cascade.below).decided(15_000_000)
    url = f"/cases/{cascade.top}/cascade"
    for actor in (cascade.manager, cascade.finance, cascade.auditor, cascade.officer, cascade.grantees[cascade.top]):
        page = signed_in(app, cascade.again(actor)).get(url)
        assert page.status_code == 200 and "RUB 450,000.00" in text_of(page), actor
    assert "Passing the grant on" in text_of(signed_in(app, cascade.manager).get(f"/cases/{cascade.top}"))
    for actor in (cascade.chair, cascade.stranger, cascade.grantees[child]):
        assert signed_in(app, actor).get(url).status_code in (403, 404), actor
    assert cascade.award(cascade.top).number in text_of(signed_in(app, cascade.finance).get("/cascades"))


def test_the_tree_costs_the_same_queries_however_many_grants_it_holds(cascade: Cascade, app: Flask) -> None:
    client, url = signed_in(app, cascade.finance), f"/cases/{cascade.top}/cascade"
    cascade.in_call(cascade.below).decided(15_000_000)
    client.get(url)
    with counting() as one:
        client.get(url)
    deep(cascade)
    client.get(url)  # what waits on the reader's desk is counted anew after something has happened
    with counting() as many:
        client.get(url)
    assert len(one) == len(many)


def test_a_clause_is_written_on_its_page_and_nothing_typed_is_lost(cascade: Cascade, app: Flask) -> None:
    client, url = signed_in(app, cascade.manager), f"/cases/{cascade.top}/clause"
    page = client.get(url)
    given = {
        "activities": "Training\r\n\r\nAdvice", "criteria": "Open to all", "minimum": "0", "maximum": "400 000", "envelope": "many",
        "reason": "Amendment 1", "key": field(page, "key"), "seen": field(page, "seen"),
    }  # fmt: skip
    wrong = client.post(url, data=given)
    assert wrong.status_code == 400 and "400 000" in wrong.get_data(as_text=True) and "figures" in text_of(wrong)
    late = client.post(url, data={**given, "envelope": "500000", "seen": "0"})
    assert late.status_code == 409 and "Amendment 1" in late.get_data(as_text=True)
    assert client.post(url, data={**given, "envelope": "500000"}).status_code == 303
    rule = envelope.clause_of(cascade.top)
    assert rule is not None and (rule.version, rule.activities) == (2, ["Training", "Advice"])
    assert client.post(url, data={**given, "envelope": "500000"}).status_code == 303
    assert envelope.clause_of(cascade.top).version == 2  # type: ignore[union-attr]
    assert signed_in(app, cascade.finance).get(url).status_code == 403


def test_what_pays_for_a_call_is_chosen_on_its_page_and_its_faults_stand_on_the_call(
    cascade: Cascade, app: Flask
) -> None:
    call_id = cascade.draft(budget=70_000_000)
    client = signed_in(app, cascade.manager)
    url = f"/calls/CH-{cascade.calls:04d}/funding"
    assert "Choose what pays for the call" in text_of(client.get(f"/cases/{call_id}"))
    page = client.get(url)
    given: dict[str, Any] = {"award": str(cascade.top), "key": field(page, "key"), "seen": field(page, "seen")}
    wrong = client.post(url, data=given)
    assert wrong.status_code == 400 and "at least one activity" in text_of(wrong)
    assert client.post(url, data={**given, "activities": [f"{cascade.top}/{ACTIVITIES[1]}"]}).status_code == 303
    said = text_of(client.get(f"/cases/{call_id}"))
    assert "The budget of the call comes to RUB 700,000.00" in said and ACTIVITIES[1] in said
    assert client.post(url, data={**given, "award": "1"}).status_code == 400
    assert signed_in(app, cascade.officer).get(url).status_code == 403
