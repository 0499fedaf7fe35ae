"""Checking what was sent: who runs the rules, what stands in the way, and what two officers decide
together."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from grantflow import clock
from grantflow.cases.service import fire, get, moves_for, record
from grantflow.db import session, unit_of_work
from grantflow.eligibility import service, standing
from grantflow.eligibility.models import EligibilityResult
from grantflow.errors import NotFound, Refused
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.programmes.parts import Prose
from grantflow.programmes.service import amend_scope
from tests.browsing import counting, field, signed_in, text_of
from tests.factories import organisation, person
from tests.submissions.conftest import CLOSES, World

MEN = {"people": {"owner_share": "40", "leaders": {"women": "1", "men": "3", "not_stated": ""}}}


def run(world: World, case_id: int, actor: Actor | None = None) -> None:
    with unit_of_work():
        service.run_checks(case_id, actor=actor or world.officer)


def decide(case_id: int, trigger: str, actor: Actor, reason: str = "By the rule.") -> object:
    with unit_of_work():
        return fire(case_id, trigger, actor=actor, reason=reason)


def test_the_rules_are_run_by_an_officer_and_stand_in_the_history(world: World) -> None:
    case_id = world.submitted()
    with pytest.raises(Refused, match="not run on what was sent last"):
        decide(case_id, "pass", world.officer)
    run(world, case_id)
    event = session().scalars(select(Event).where(Event.case_id == case_id, Event.move == "rules_run")).one()
    assert event.facts["results"]["district"] == "ok" and event.role == "officer"
    decide(case_id, "pass", world.officer)
    assert world.state(case_id) == "eligible"


def test_only_staff_run_the_rules_and_only_on_what_waits(world: World) -> None:
    case_id, draft = world.submitted(), world.draft()
    for actor in (world.applicant, world.auditor, world.stranger):
        with pytest.raises(Refused, match="Only a programme officer"):
            run(world, case_id, actor)
    with pytest.raises(Refused, match="while an application waits"):
        run(world, draft)
    with pytest.raises(NotFound):
        run(world, world.call)


def test_a_rule_that_is_not_met_stops_the_pass_until_it_is_let_pass_with_a_reason(world: World) -> None:
    case_id = world.submitted(**MEN)
    run(world, case_id)
    with pytest.raises(Refused, match="Not met: Women own at least half"):
        decide(case_id, "pass", world.officer)
    for reason, who, sentence in (
        (" ", world.officer, "Write why"),
        ("x", world.manager, "Only a programme officer"),
    ):
        with pytest.raises(Refused, match=sentence), unit_of_work():
            service.waive(case_id, "women", reason, actor=who)
    with pytest.raises(Refused, match="does not stand in the way"), unit_of_work():
        service.waive(case_id, "district", "Why not.", actor=world.officer)
    with unit_of_work():
        service.waive(case_id, "women", "The fourth post was filled last week.", actor=world.officer)
    with pytest.raises(Refused, match="still needs a second officer"):
        decide(case_id, "pass", world.officer)
    with unit_of_work():
        service.second(case_id, "women", True, "", actor=world.second)
    decide(case_id, "pass", world.officer)
    facts = session().scalars(select(Event.facts).where(Event.case_id == case_id, Event.move == "pass")).one()
    assert facts["rules_let_pass"]["en"].startswith("Women own at least half")
    assert world.state(case_id) == "eligible"


def test_results_of_an_older_version_do_not_count(world: World) -> None:
    case_id = world.submitted()
    run(world, case_id)
    world.give_back(case_id, "plan")
    world.write(case_id, "plan", {"steps": "Better."})
    world.submit(case_id)
    with pytest.raises(Refused, match="not run on what was sent last"):
        decide(case_id, "pass", world.officer)
    with pytest.raises(Refused, match="Run the rules first"), unit_of_work():
        service.waive(case_id, "women", "x", actor=world.officer)


def test_the_page_says_what_changed_since_the_rules_were_run(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (world.submitted(project={"title": title}) for title in ("One", "Two", "Three"))
    for case_id in (first, second, third):
        run(world, case_id)
    browser = signed_in(app, world.officer)
    assert "run them again" not in text_of(browser.get(f"/cases/{first}"))
    world.give_back(first, "plan")
    world.submit(first)
    assert "a later version was sent since: run them again" in text_of(browser.get(f"/cases/{first}"))
    with unit_of_work():
        record(second, "terms_changed", actor=world.manager, facts={"changes": []})
    page = text_of(browser.get(f"/cases/{second}"))
    assert "the terms it is held to changed since: run them again" in page and "later version" not in page
    terms = service.terms_of(service.row_of(third).pack_hash)
    later = terms.eligibility[0].model_copy(update={"valid_from": date(2021, 11, 1)})  # holds on the new closing day
    dated = terms.model_copy(update={"eligibility": (later, *terms.eligibility[1:])})
    monkeypatch.setattr(standing, "terms_of", lambda _hash: dated)
    page = text_of(browser.get(f"/cases/{third}"))
    assert "the closing day changed since" in page and "later version" not in page


def test_one_officer_proposes_a_refusal_and_only_another_confirms_it(world: World) -> None:
    case_id = world.submitted(**MEN)
    run(world, case_id)
    first = decide(case_id, "refuse", world.officer, "One of four leaders is a woman.")
    assert not first.moved and world.state(case_id) == "submitted"
    with pytest.raises(Refused, match="one more person"):
        decide(case_id, "refuse", world.officer)
    shown = service.latest(case_id)
    assert [r.rule.code for r in shown.failed] == ["women"]
    decide(case_id, "refuse", world.second)
    assert world.state(case_id) == "ineligible"


def test_the_second_officer_sees_who_proposed_why_and_which_rule(app: Flask, world: World) -> None:
    case_id = world.submitted(**MEN)
    run(world, case_id)
    decide(case_id, "refuse", world.officer, "One of four leaders is a woman.")
    page = text_of(signed_in(app, world.second).get(f"/cases/{case_id}"))
    assert "Proposed: Find ineligible" in page and world.officer.name in page
    assert "One of four leaders is a woman." in page and "Not met: Women own at least half" in page


def test_the_applicant_reads_the_rule_only_once_it_is_decided(app: Flask, world: World) -> None:
    case_id = world.submitted(**MEN)
    run(world, case_id)
    before = text_of(signed_in(app, world.applicant).get(f"/cases/{case_id}"))
    assert "leading posts" not in before
    decide(case_id, "refuse", world.officer)
    decide(case_id, "refuse", world.second)
    after = text_of(signed_in(app, world.applicant).get(f"/cases/{case_id}"))
    assert "1 of 4 leading posts are held by women" in after and "You may still apply as a social enterprise." in after


def test_results_and_reasons_can_never_be_changed(world: World) -> None:
    case_id = world.submitted()
    run(world, case_id)
    with pytest.raises(DatabaseError, match="insert-only"), unit_of_work() as current:
        current.execute(update(EligibilityResult).values(verdict="ok"))


def test_a_district_taken_in_by_amendment_counts(world: World) -> None:
    case_id = world.submitted(enterprise={"district": "medvezhegorsky"})
    run(world, case_id)
    assert [r.rule.code for r in service.latest(case_id).failed] == ["district"]
    with unit_of_work():
        amend_scope(
            world.call, ["medvezhegorsky", "suoyarvsky"], Prose(en="Asked for.", ru="По просьбе."),
            clock.today(), world.manager,
        )  # fmt: skip
    run(world, case_id)
    assert service.latest(case_id).failed == [] and service.latest(case_id).n == 2


def test_all_that_wait_are_checked_at_once_and_a_repeated_press_checks_once(app: Flask, world: World) -> None:
    world.submitted()
    world.submitted(world.stranger, world.stranger_body, **MEN)
    client = signed_in(app, world.officer)
    page = client.get("/calls/KR-2021/pipeline")
    assert "2 applications wait for their check" in text_of(page)
    for _ in range(2):
        assert client.post("/calls/KR-2021/pipeline", data={"key": field(page, "key")}).status_code == 303
    assert "The rules were run on 2 applications. Every rule is met: 1; not met: 1." in text_of(client.get("/pipeline"))
    runs = session().scalars(select(Event.seq).where(Event.move == "rules_run")).all()
    assert len(runs) == 2


def test_the_evaluation_waits_until_every_application_is_checked(world: World) -> None:
    case_id = world.submitted()
    with clock.at(CLOSES + timedelta(minutes=11)):
        world.close()
        move = next(v for m, v in moves_for(get(world.call), world.manager) if m.trigger == "start_evaluation")
        assert "One application is not checked yet" in move.sentence
        run(world, case_id)
        decide(case_id, "pass", world.officer)
        move = next(v for m, v in moves_for(get(world.call), world.manager) if m.trigger == "start_evaluation")
        assert "not checked yet" not in move.sentence


def test_the_evaluation_waits_for_an_applicant_with_longer_time(world: World) -> None:
    from grantflow.submissions.service import extend_deadline

    case_id = world.draft()
    with unit_of_work():
        extend_deadline(case_id, CLOSES + timedelta(days=1), "Power cut.", actor=world.manager)
    with clock.at(CLOSES + timedelta(minutes=11)):
        world.close()
        move = next(v for m, v in moves_for(get(world.call), world.manager) if m.trigger == "start_evaluation")
        assert "One applicant still has time" in move.sentence


def send_some(world: World, *titles: str) -> list[int]:
    made = []
    for title in titles:
        body = organisation(f"Body of {title}")
        actor = person("applicant", organisation_id=body)
        made.append(world.submitted(actor, body, project={"title": title}))
    return made


def test_the_pipeline_finds_by_number_title_and_applicant_without_case_or_yo(app: Flask, world: World) -> None:
    send_some(world, "Ёлочная мастерская", "Rye bakery")
    client = signed_in(app, world.officer)
    for text, wanted, other in (
        ("елочная", "Ёлочная", "Rye bakery"), ("KR-2021-0002", "Rye bakery", "Ёлочная"),
        ("body of rye", "Rye bakery", "Ёлочная"), ("ELOCHNAIA", "", "Rye bakery"), ("%", "", "Rye bakery"),
    ):  # fmt: skip
        page = text_of(client.get("/calls/KR-2021/pipeline", query_string={"q": text}))
        assert wanted in page and other not in page, text
        assert "Showing" in page and "Show all" in page


def test_the_pipeline_filters_sorts_and_adds_up(app: Flask, world: World) -> None:
    one, two, three = send_some(world, "Bakery", "Archery", "Cellar")
    with unit_of_work():
        fire(two, "withdraw", actor=next(a for a in [_owner(two)]))
    client = signed_in(app, world.officer)
    page = text_of(client.get("/calls/KR-2021/pipeline?sort=title"))
    assert page.index("Archery") < page.index("Bakery") < page.index("Cellar") and "Asked by these 3 669,067.50" in page
    page = text_of(client.get("/calls/KR-2021/pipeline?state=withdrawn"))
    assert "Showing 1 of 3" in page and "Archery" in page and "Cellar" not in page
    page = text_of(client.get("/calls/KR-2021/pipeline?desk=officer&district=suoyarvsky&kind=growing&type=female"))
    assert "Showing 2 of 3" in page
    for nonsense in (
        "?page=0",
        "?page=999999",
        "?page=x&sort=drop&order=up&kind=%00&state='--",
        "?district=nowhere",
    ):
        assert client.get(f"/calls/KR-2021/pipeline{nonsense}").status_code == 200
    assert one != three


def _owner(case_id: int) -> Actor:
    from grantflow.identity.access import actor_for
    from grantflow.identity.models import Person, RoleAssignment

    body = get(case_id).organisation_id
    number = session().scalars(select(RoleAssignment.person_id).where(RoleAssignment.organisation_id == body)).one()
    return actor_for(session().get_one(Person, number))


def test_drafts_are_counted_and_never_listed(app: Flask, world: World) -> None:
    world.complete()
    page = text_of(signed_in(app, world.officer).get("/calls/KR-2021/pipeline"))
    assert "1 Drafts" in page and "Felt and linen" not in page and "Nothing has been sent yet" in page


def test_the_pipeline_is_for_those_who_work_on_the_call(app: Flask, world: World) -> None:
    from tests.factories import record_file

    foreign = person("officer", programme_id=record_file("programme", "Another"))
    for actor, status in ((world.applicant, 403), (world.auditor, 403), (foreign, 404), (world.manager, 200)):
        assert signed_in(app, actor).get("/calls/KR-2021/pipeline").status_code == status
    assert "Karelia" not in text_of(signed_in(app, foreign).get("/pipeline"))


def test_the_pipeline_costs_the_same_queries_for_one_and_for_three(app: Flask, world: World) -> None:
    counts = []
    for titles in (("One",), ("Two", "Three")):
        send_some(world, *titles)
        with unit_of_work():
            service.run_all(world.call, actor=world.officer)
        client = signed_in(app, world.officer)
        for path in ("/calls/KR-2021/pipeline", "/pipeline"):
            client.get(path)
            with counting() as seen:
                assert client.get(path).status_code == 200
            counts.append(len(seen))
    assert counts[:2] == counts[2:]


def test_a_rule_is_let_pass_in_the_browser_with_its_reason(app: Flask, world: World) -> None:
    case_id = world.submitted(**MEN)
    client = signed_in(app, world.officer)
    page = client.get(f"/applications/{case_id}/rules")
    assert "They were not run yet." in text_of(page)
    assert client.post(f"/applications/{case_id}/rules", data={"key": field(page, "key")}).status_code == 303
    shown = client.get(f"/cases/{case_id}")
    assert "The rules of the call: one is not met" in text_of(shown)
    path = f"/applications/{case_id}/rules/women/pass"
    form = client.get(path)
    empty = client.post(path, data={"key": field(form, "key"), "reason": ""})
    assert empty.status_code == 400 and "Write why the rule may pass" in text_of(empty)
    assert client.post(path, data={"key": field(form, "key"), "reason": "New chair."}).status_code == 303
    waits = text_of(client.get(f"/cases/{case_id}"))
    assert f"“New chair.” {world.officer.name} It counts once a second officer agrees." in waits
    assert "one is not met" in waits and "It waits for a second officer" in text_of(client.get(path))
    other = signed_in(app, world.second)
    assert "Let a rule pass? A second officer decides" in text_of(other.get("/desk"))
    form = other.get(path)
    silent = other.post(path, data={"key": field(form, "key"), "agrees": "no", "reason": ""})
    assert silent.status_code == 400 and "Write why it may not pass" in text_of(silent)
    assert other.post(path, data={"key": field(form, "key"), "agrees": "yes", "reason": ""}).status_code == 303
    after = text_of(client.get(f"/cases/{case_id}"))
    assert f"“New chair.” {world.officer.name} Agreed: {world.second.name}" in after
    assert "nothing stands in the way" in after
    assert "A second officer decides" not in text_of(other.get("/desk"))
    assert client.get(f"/applications/{case_id}/rules/nonsense/pass").status_code == 404
    for actor, status in ((world.applicant, 403), (world.manager, 403), (world.auditor, 403)):
        assert signed_in(app, actor).get(path).status_code == status
    assert signed_in(app, world.auditor).post(f"/applications/{case_id}/rules", data={"key": "k"}).status_code == 403


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_page_of_the_officer_opens_in_both_languages(app: Flask, world: World, language: str) -> None:
    from grantflow.identity.models import Person

    case_id = world.submitted(**MEN)
    run(world, case_id)
    decide(case_id, "refuse", world.officer)
    with unit_of_work() as current:
        current.get_one(Person, world.second.person_id).language = language
    client = signed_in(app, world.second)
    rules = f"/applications/{case_id}/rules"
    staff = ("/pipeline", "/calls/KR-2021/pipeline", "/calls/KR-2021/drafts")
    for path in (*staff, f"/cases/{case_id}", rules, f"{rules}/women/pass"):
        assert client.get(path).status_code == 200, path
