"""A sent application opened again: what was sent counts until it is sent anew, and nothing typed is lost."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import notices, worker
from grantflow.cases.deadlines import sweep
from grantflow.cases.models import Letter, Outbox
from grantflow.cases.service import ask, fire, get
from grantflow.db import session, unit_of_work
from grantflow.errors import Refused
from grantflow.history.models import Event
from grantflow.history.verify import verify_case
from grantflow.submissions import comparing, extension, service
from grantflow.submissions.reopening import asides_of
from tests.browsing import field, signed_in, text_of
from tests.submissions.conftest import CLOSES, PDF, World

AFTER = CLOSES + timedelta(minutes=11)


def move(case_id: int, trigger: str, who: Any, **more: Any) -> Any:
    with unit_of_work():
        return fire(case_id, trigger, actor=who, **more)


@pytest.fixture
def reopened(world: World) -> int:
    """An application that was sent and opened again."""
    case_id = world.submitted()
    move(case_id, "take_back", world.applicant)
    return case_id


def test_it_can_be_written_whole_and_sent_again_under_the_same_number(world: World, reopened: int) -> None:
    assert world.state(reopened) == "reopened" and service.mode(get(reopened)) == "draft"
    world.write(reopened, "budget", {"own_share": "50000"})
    world.write(reopened, "project", {"title": "Another, better name"})
    outcome = world.submit(reopened)
    row = service.row_of(reopened)
    assert row.likeness == "anoth bette name", "doubles are looked up by the title that was sent last"
    assert (row.submitted_version, outcome.case.ref, world.state(reopened)) == (2, "KR-2021-0001", "submitted")
    assert service.answers_of(reopened, 1)["own_share"] == 4_525_000 and row.own_minor == 5_000_000
    assert verify_case(reopened).whole


def test_while_it_is_open_others_read_what_was_sent_and_nothing_else(app: Flask, world: World, reopened: int) -> None:
    world.write(reopened, "project", {"title": "Another name"})
    assert service.submitted(reopened).answers["title"] == "Felt and linen workshop"
    page = text_of(signed_in(app, world.officer).get(f"/cases/{reopened}"))
    assert "Felt and linen workshop" in page and "Another name" not in page and "Open for changes" in page
    mine = text_of(signed_in(app, world.applicant).get(f"/cases/{reopened}"))
    assert "counts until you send again" in mine


def test_an_application_opened_again_is_never_lost_when_the_call_closes(world: World, reopened: int) -> None:
    other = world.draft(world.stranger, world.stranger_body)
    world.write(reopened, "plan", {"steps": "Half a sen"})
    with clock.at(AFTER):
        sweep()
        assert (world.state(reopened), world.state(other)) == ("submitted", "lapsed")
    assert service.row_of(reopened).submitted_version == 1
    assert service.row_of(reopened).answers["steps"] == "March: looms. April: training."
    closing = session().scalars(select(Event).where(Event.case_id == world.call, Event.move == "close")).one()
    assert (closing.facts["drafts_lapsed"], closing.facts["changes_not_sent"]) == (1, 1)
    told = session().scalars(select(Outbox.person_id).where(Outbox.notice == "changes_not_sent")).all()
    assert told == [world.applicant.person_id]
    (aside,) = asides_of(reopened)
    kept = comparing.text_of(reopened, f"aside-{aside.id}", writer=True)
    assert kept is not None and kept.answers["steps"] == "Half a sen" and aside.version == 1
    assert comparing.text_of(reopened, f"aside-{aside.id}", writer=False) is None


def test_a_later_correction_starts_from_what_was_sent_not_from_the_words_set_aside(world: World, reopened: int) -> None:
    world.write(reopened, "plan", {"steps": "Never sent.", "starts_on": "nonsense"})
    (paper,) = service.answers_of(reopened, 1)["tax_certificate"]
    with unit_of_work():
        service.remove_file(reopened, paper["id"], actor=world.applicant)
    world.attach(reopened, "tax_certificate", PDF + b"%new", "new.pdf")
    move(reopened, "leave_as_sent", world.applicant)
    assert service.draft_of(service.row_of(reopened)).values["tax_certificate"] == [paper]
    world.give_back(reopened, "budget")
    world.write(reopened, "budget", {"own_share": "50000"})
    world.submit(reopened)
    sent = service.answers_of(reopened, 2)
    assert sent["steps"] == "March: looms. April: training." and sent["tax_certificate"] == [paper]
    assert sent["own_share"] == 5_000_000


def test_half_a_correction_that_was_missed_does_not_slip_into_the_next_one(world: World) -> None:
    case_id = world.submitted()
    world.give_back(case_id, "plan")
    world.write(case_id, "plan", {"steps": "Half wri"})
    with clock.at(CLOSES):
        sweep()
        assert world.state(case_id) == "submitted" and service.row_of(case_id).correction_due_at is None
        world.give_back(case_id, "budget")
        world.submit(case_id)
    assert service.answers_of(case_id, 2)["steps"] == "March: looms. April: training."
    assert len(asides_of(case_id)) == 1


def test_leaving_it_as_sent_without_a_change_sets_nothing_aside(world: World, reopened: int) -> None:
    before = service.row_of(reopened)
    move(reopened, "leave_as_sent", world.applicant)
    after = service.row_of(reopened)
    assert asides_of(reopened) == [] and (after.answers, after.revision) == (before.answers, before.revision)


def test_it_is_opened_by_its_applicant_alone_and_only_while_the_call_is_open(world: World) -> None:
    case_id = world.submitted()
    for who in (world.officer, world.manager, world.stranger):
        with pytest.raises(Refused):
            move(case_id, "take_back", who)
    with clock.at(AFTER), pytest.raises(Refused, match=r"1 November 2021, 23:59, .* What you sent counts"):
        move(case_id, "take_back", world.applicant)
    with clock.at(CLOSES + timedelta(minutes=10)):
        move(case_id, "take_back", world.applicant)
    assert world.state(case_id) == "reopened"


def test_what_an_officer_has_returned_is_not_opened(world: World) -> None:
    case_id = world.submitted()
    world.give_back(case_id, "plan")
    with pytest.raises(Refused, match="cannot be done while the state is"):
        move(case_id, "take_back", world.applicant)


def test_an_officer_cannot_check_what_is_open_for_changes(world: World, reopened: int) -> None:
    for trigger in ("return", "pass", "refuse"):
        with pytest.raises(Refused):
            move(reopened, trigger, world.officer, reason="Why", payload={"sections": ["plan"]})


def test_with_a_longer_time_it_is_open_until_that_ends_and_then_what_was_sent_counts(world: World) -> None:
    case_id, until = world.complete(), CLOSES + timedelta(days=2)
    with unit_of_work():
        service.extend_deadline(case_id, until, "Power cut.", actor=world.manager)
    world.submit(case_id)
    with clock.at(AFTER):
        sweep()
        move(case_id, "take_back", world.applicant)
        assert get(case_id).due_at == until
    with clock.at(until + timedelta(seconds=1)):
        sweep()
    assert world.state(case_id) == "submitted" and service.row_of(case_id).submitted_version == 1


def test_sending_again_within_grace_is_taken_and_marked(app: Flask, world: World, reopened: int) -> None:
    with clock.at(CLOSES + timedelta(minutes=3)):
        world.submit(reopened)
    event = session().scalars(select(Event).where(Event.case_id == reopened).order_by(Event.seq.desc())).first()
    assert event.move == "submit_again" and "grace" in event.facts["after_closing"]["en"]
    for url in (f"/applications/{reopened}/receipt", f"/applications/{reopened}/versions/2", f"/cases/{reopened}"):
        assert "sent within the minutes of grace" in text_of(signed_in(app, world.applicant).get(url)), url
    assert "sent within the minutes" not in text_of(
        signed_in(app, world.applicant).get(f"/applications/{reopened}/versions/1")
    )
    assert "sent within the minutes of grace" in text_of(signed_in(app, world.officer).get("/calls/KR-2021/pipeline"))


def test_the_letter_brings_the_receipt_with_both_clocks_and_the_whole_fingerprint(world: World) -> None:
    from grantflow.identity.models import Person

    with unit_of_work() as current:
        person = current.get_one(Person, world.applicant.person_id)
        person.zone, person.language = "Asia/Chita", "ru"
    case_id = world.submitted()
    worker.one_round()
    letter = session().scalars(select(Letter).where(Letter.person_id == world.applicant.person_id)).one()
    version = service.version_of(case_id, 1)
    for words in ("KR-2021-0001", "20 октября 2021", "12:00:00", "18:00:00", version.sha256):
        assert words in letter.body, words


@pytest.mark.parametrize("who", ["applicant", "officer", "auditor"])
def test_a_stranger_works_the_fingerprint_out_from_the_file(app: Flask, world: World, who: str) -> None:
    case_id = world.submitted()
    reply = signed_in(app, getattr(world, who)).get(f"/applications/{case_id}/versions/1/sent.json")
    assert hashlib.sha256(reply.data).hexdigest() == service.version_of(case_id, 1).sha256
    assert json.loads(reply.data) == service.answers_of(case_id, 1)
    assert 'filename="KR-2021-0001-v1.json"' in reply.headers["Content-Disposition"]


def test_the_file_is_nobody_elses(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from grantflow.engine.verdict import no
    from grantflow.submissions import sending

    case_id = world.submitted()
    url = f"/applications/{case_id}/versions/1/sent.json"
    assert signed_in(app, world.stranger).get(url).status_code == 404
    monkeypatch.setitem(sending._gates, "test", lambda case, actor: no("Declare first."))
    for address in (url, f"/applications/{case_id}/compare"):
        assert signed_in(app, world.officer).get(address).status_code == 403


def test_any_two_versions_stand_side_by_side(app: Flask, world: World, reopened: int) -> None:
    world.write(reopened, "plan", {"steps": "March: looms. May: training."})
    world.write(reopened, "budget", {"own_share": "50000"})
    world.submit(reopened)
    move(reopened, "take_back", world.applicant)
    world.write(reopened, "plan", {"steps": "Not sent at all.", "starts_on": "soon"})
    move(reopened, "leave_as_sent", world.applicant)
    for who in (world.applicant, world.officer, world.auditor):
        reply = signed_in(app, who).get(f"/applications/{reopened}/compare")
        page = text_of(reply)
        assert "2 answers differ" in page and "RUB 45,250.00" in page and "RUB 50,000.00" in page
        html = reply.get_data(as_text=True)
        assert "<del>April: </del><ins>May: </ins>" in html and "Risks" not in page
        assert ("changes that were not sent" in page) == (who is world.applicant)
    (aside,) = asides_of(reopened)
    mine = f"/applications/{reopened}/compare?from=2&to=aside-{aside.id}&all=1"
    page = text_of(signed_in(app, world.applicant).get(mine))
    assert "Not sent at all." in page and "soon" in page and "the same" in page
    for address, who in ((mine, world.officer), (f"/applications/{reopened}/compare?from=1&to=9", world.applicant)):
        assert signed_in(app, who).get(address).status_code == 404
    for odd in ("x", "-1", "aside-", "1' OR 1", "99999999999"):
        reply = signed_in(app, world.applicant).get(f"/applications/{reopened}/compare", query_string={"from": odd})
        assert reply.status_code == 404, odd


def test_two_texts_are_told_word_by_word_and_long_ones_side_by_side() -> None:
    assert comparing.word_by_word("two looms here", "three looms here") == (
        ("out", "two "), ("in", "three "), ("", "looms here"),
    )  # fmt: skip
    assert comparing.word_by_word("a " * 2000, "b " * 2000) == ()
    old, new = "Looms  first,\nthen yarn and training.", "Looms first,\nthen linen yarn and training. And felt."
    pieces = comparing.word_by_word(old, new)
    assert "".join(text for how, text in pieces if how != "in") == old
    assert "".join(text for how, text in pieces if how != "out") == new
    assert comparing.word_by_word("Nothing alike.", "Quite another answer.") == ()


def test_the_applicant_opens_changes_and_sends_again_in_the_browser(app: Flask, world: World) -> None:
    case_id = world.submitted()
    client = signed_in(app, world.applicant)
    receipt = client.get(f"/applications/{case_id}/receipt")
    assert f"/cases/{case_id}/moves/take_back" in receipt.get_data(as_text=True)
    page = client.get(f"/cases/{case_id}/moves/take_back")
    sent = {"key": field(page, "key"), "version": field(page, "version")}
    assert client.post(f"/cases/{case_id}/moves/take_back", data=sent).status_code == 303
    assert "Version 1, which you sent, counts" in text_of(client.get(f"/applications/{case_id}"))
    check = client.get(f"/applications/{case_id}/check")
    assert "Version 1, which you sent, counts" in text_of(check)
    again = {name: field(check, name) for name in ("key", "version", "revision")} | {"declared": "y"}
    assert client.post(f"/applications/{case_id}/check", data=again).location.endswith("/receipt")
    assert service.row_of(case_id).submitted_version == 2
    assert ask(get(case_id), _take_back(case_id), world.applicant)


def _take_back(case_id: int) -> Any:
    from grantflow.cases import definitions

    case = get(case_id)
    return definitions.pinned(case.workflow_hash).moves_from(case.state, "take_back")[0]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_letter_offers_to_open_it_again_only_while_that_is_so(world: World, language: str) -> None:
    never, call, own = {
        "en": ("open the application again", "Until the call closes you can open", "Until 3 November 2021"),
        "ru": ("открыть и отправить заново", "Пока идёт приём, заявку можно", "До 3 ноября 2021"),
    }[language]

    def letter(case_id: int) -> str:
        query = select(Outbox.params).where(Outbox.case_id == case_id, Outbox.notice == "submitted")
        params = session().scalars(query.order_by(Outbox.id.desc())).first()
        assert params is not None
        return notices.render("submitted", params, language, "Europe/Moscow", "").text

    case_id, longer = world.submitted(), world.complete()
    assert call in letter(case_id)
    with unit_of_work():
        extension.extend_deadline(longer, CLOSES + timedelta(days=2), "The post stood still.", actor=world.manager)
    world.submit(longer)
    assert own in letter(longer) and call not in letter(longer)
    with clock.at(AFTER):
        world.close()
        world.give_back(case_id, "plan")
        world.write(case_id, "plan", {"steps": "Better."})
        world.submit(case_id)
        assert service.row_of(case_id).submitted_version == 2
        assert never not in letter(case_id) and call not in letter(case_id)
