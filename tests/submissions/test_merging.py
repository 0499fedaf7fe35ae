"""Two files that are one body: who may say so, what is shown, what follows, and what stays of it in both histories."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grantflow.cases.access import see
from grantflow.cases.models import Case, Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history.models import Event
from grantflow.history.verify import verify_case
from grantflow.identity import known_bodies, merging, profiles, sponsors
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Organisation, Person
from grantflow.identity.words import search_key
from grantflow.submissions import service
from tests import factories
from tests.browsing import counting, field, text_of
from tests.submissions.conftest import World


def again(actor: Actor) -> Actor:
    """The person with the roles they hold now."""
    session().rollback()
    return actor_for(session().get_one(Person, actor.person_id, populate_existing=True))


def merge(world: World, gone: int, kept: int, actor: Actor | None = None, **more: Any) -> None:
    actor = actor or world.officer
    seen = more.pop("seen", None) or merging.preview(actor, gone, kept).seen
    session().rollback()
    with unit_of_work():
        merging.merge(actor, gone, kept, reason=more.pop("reason", "One number, two spellings."), seen=seen)


def body(number: int) -> Organisation:
    session().rollback()
    return session().get_one(Organisation, number, populate_existing=True)


def test_applications_people_and_names_follow_and_both_histories_remember(world: World) -> None:
    sent, draft = world.submitted(), world.draft()
    member = factories.also(world.applicant, "applicant", organisation_id=world.stranger_body)
    with unit_of_work():
        profiles.record_figures(world.applicant, world.body, date(2021, 10, 1), {"board_women": "3"})
    merge(world, world.body, world.stranger_body)
    for case_id in (sent, draft):
        assert see(case_id, again(world.stranger)).organisation_id == world.stranger_body
        assert service.row_of(case_id).organisation_id == world.stranger_body
        assert verify_case(case_id).whole
        moved = session().scalars(select(Event).where(Event.case_id == case_id, Event.move == "applicant_merged")).one()
        assert moved.facts["changes"][0]["before"]["en"] == "Tervo Craft Workshop"
    gone, kept = body(world.body), body(world.stranger_body)
    assert (gone.merged_into_id, kept.merged_into_id) == (kept.id, None)
    assert kept.aliases == ["Tervo Craft Workshop"] and "tervo craft workshop" in kept.search_key
    assert again(member).scopes("applicant", "organisation_id") == {kept.id}, "nobody holds one role twice"
    for number, what in ((gone.id, "merged_into"), (kept.id, "merged_with")):
        event = session().scalars(select(Event).where(Event.case_id == number, Event.move == what)).one()
        assert (event.facts["merged_id"], event.facts["into_id"]) == (gone.id, kept.id)
        assert verify_case(number).whole
    assert see(gone.id, again(world.stranger)).id == gone.id, "its file stays open to those who act for it now"
    assert profiles.figures_of([kept.id])[kept.id][0].board.women == 3, "its figures are the body's own"
    told = set(session().scalars(select(Outbox.person_id).where(Outbox.notice == "bodies_merged")))
    assert told == {world.applicant.person_id, world.stranger.person_id}


def test_blanks_are_filled_and_what_stands_is_kept(world: World) -> None:
    full = factories.organisation("Тёплый дом", inn="7707083893", country="RU", name_ru="Тёплый дом")
    merge(world, full, world.body)
    kept = body(world.body)
    assert (kept.name_en, kept.name_ru, kept.inn) == ("Tervo Craft Workshop", "Тёплый дом", "7707083893")


def test_a_second_merger_leads_to_the_last_file_at_once(world: World) -> None:
    middle = factories.organisation("Middle")
    first = factories.organisation("First")
    merge(world, first, middle)
    merge(world, middle, world.body)
    assert known_bodies.merged_into(first) == world.body


def test_the_same_sending_twice_merges_once_and_no_merged_file_is_merged_again(world: World) -> None:
    other = factories.organisation("Other")
    seen = merging.preview(world.officer, other, world.body).seen
    for _ in range(2):
        merge(world, other, world.body, seen=seen)
    assert len(session().scalars(select(Event).where(Event.move == "merged_into")).all()) == 1
    for gone, kept in ((world.body, other), (other, world.stranger_body)):
        with pytest.raises(Refused, match="merged already"):
            merge(world, gone, kept)


def test_the_database_lets_no_file_point_to_a_body_that_is_not_there(world: World) -> None:
    with pytest.raises(IntegrityError), unit_of_work() as current:
        current.execute(update(Organisation).where(Organisation.id == world.body).values(merged_into_id=world.call))


def test_what_was_shown_must_still_be_so(world: World) -> None:
    other = factories.organisation("Other")
    seen = merging.preview(world.officer, other, world.body).seen
    factories.person("applicant", organisation_id=other)
    with pytest.raises(Stale):
        merge(world, other, world.body, seen=seen)
    with pytest.raises(Invalid):
        merge(world, other, world.body, reason="  ")
    assert body(other).merged_into_id is None


def test_two_numbers_of_one_register_are_two_bodies(world: World) -> None:
    one, other = (factories.organisation(f"B{n}", inn=n) for n in ("7707083893", "7736050003"))
    with pytest.raises(Refused, match="numbers differ"):
        merge(world, one, other)
    with pytest.raises(Refused, match="one file already"):
        merge(world, one, one)


def test_a_sponsor_and_its_group_are_two_bodies(world: World) -> None:
    group = factories.organisation("Group", legal_form="initiative_group")
    maker = factories.person("applicant", organisation_id=group)
    sponsor = factories.organisation("Fund", legal_form="foundation")
    with unit_of_work():
        sponsors.ask_sponsor(maker, group, sponsor)
    with pytest.raises(Refused, match="fiscal sponsor"):
        merge(world, group, sponsor)


def test_only_staff_of_every_programme_concerned_may_merge(world: World) -> None:
    world.submitted()
    abroad = factories.record_file("programme")
    stranger = factories.person("officer", programme_id=abroad)
    other = factories.organisation("Other")
    for actor in (stranger, world.applicant, world.auditor):
        with pytest.raises(NotFound):
            merge(world, world.body, other, actor)
    factories.record_file("panel", programme_id=abroad, organisation_id=world.body)
    with pytest.raises(Refused, match="not yours"):
        merge(world, world.body, other)


def test_likely_doubles_stand_on_a_page_in_a_fixed_number_of_queries(app: Flask, world: World) -> None:
    world.submitted()
    browser = factories.signed_in(app, world.officer)
    factories.organisation("Workshop of Tervo Craft")
    with unit_of_work() as current:
        for row in current.scalars(select(Organisation)):
            row.search_key = search_key(row.name_en, row.name_ru)
    browser.get("/organisations")
    with counting() as one:
        page = browser.get("/organisations")
    assert "One likely double" in text_of(page) and "the same name" in text_of(page)
    twin = factories.organisation("Tervo Craft Workshops")
    with unit_of_work() as current:
        current.get_one(Organisation, twin).search_key = "tervo craft workshops"
    browser.get("/organisations")
    with counting() as more:
        page = browser.get("/organisations")
    assert len(one) == len(more) and "Tervo Craft Workshops" in text_of(page)
    assert f"/organisations/{twin}/merge/{world.body}" in page.get_data(as_text=True)
    assert "Tervo" in text_of(browser.get("/organisations?q=терво"))
    elsewhere = factories.person("officer", programme_id=factories.record_file("programme"))
    stranger = factories.signed_in(app, elsewhere)
    found = stranger.get("/organisations?q=tervo").get_data(as_text=True)
    assert f"/organisations/{twin}" in found, "a body without any case is nobody's yet"
    assert f'/organisations/{world.body}"' not in found
    assert stranger.get(f"/organisations/{world.body}").status_code == 404
    assert factories.signed_in(app, world.applicant).get("/organisations").status_code == 403


def test_an_officer_merges_on_the_page_and_the_old_address_opens_the_new_file(app: Flask, world: World) -> None:
    sent = world.submitted()
    ref = session().scalar(select(Case.ref).where(Case.id == sent))
    browser = factories.signed_in(app, world.officer)
    where = f"/organisations/{world.body}/merge/{world.stranger_body}"
    page = browser.get(where)
    assert str(ref) in text_of(page) and "Acts for it from then on: Owner" in text_of(page)
    data = {"key": field(page, "key"), "seen": field(page, "seen"), "reason": ""}
    refused = browser.post(where, data=data)
    assert refused.status_code == 400 and "stand in the history" in text_of(refused)
    assert browser.post(where, data=data | {"reason": "One body.", "seen": "x"}).status_code == 409
    assert browser.post(where, data=data | {"reason": "One body."}).location.endswith(f"/{world.stranger_body}")
    old = browser.get(f"/organisations/{world.body}", follow_redirects=True)
    assert "was merged into this organisation" in text_of(old) and "Tervo Craft Workshop" in text_of(old)
    assert browser.get(where).status_code == 303
    applicant = factories.signed_in(app, again(world.applicant))
    assert applicant.get(f"/organisation/{world.body}/edit").location.endswith("/organisation")
