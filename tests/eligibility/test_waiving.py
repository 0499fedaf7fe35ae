"""Letting a rule pass takes two officers, and what an officer looked at for a rule is kept version by version."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from grantflow import clock
from grantflow.cases import desk
from grantflow.db import session, unit_of_work
from grantflow.eligibility import evidence, service
from grantflow.eligibility.exceptions import exceptions_of
from grantflow.eligibility.models import EligibilityEvidence, EligibilityWaiver, WaiverVote
from grantflow.errors import NotFound, Refused, Stale
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.submissions.rows import call_of
from tests.browsing import counting, field, signed_in, text_of
from tests.eligibility.test_checking import MEN, decide, run
from tests.submissions.conftest import World


def propose(world: World, **changes: object) -> int:
    case_id = world.submitted(**(changes or MEN))
    run(world, case_id)
    with unit_of_work():
        service.waive(case_id, "women", "The fourth post was filled last week.", actor=world.officer)
    return case_id


def second(case_id: int, agrees: bool, actor: Actor, reason: str = "") -> None:
    with unit_of_work():
        service.second(case_id, "women", agrees, reason, actor=actor)


def moves(case_id: int) -> list[str]:
    return list(session().scalars(select(Event.move).where(Event.case_id == case_id).order_by(Event.seq)))


def test_whoever_proposes_an_exception_cannot_be_the_second(world: World) -> None:
    case_id = propose(world)
    with pytest.raises(Refused, match="needs a second officer"):
        second(case_id, True, world.officer)
    for actor in (world.manager, world.auditor, world.applicant):
        with pytest.raises(Refused, match="Only a programme officer"):
            second(case_id, True, actor)
    assert service.latest(case_id).rulings[3].waits and not service.latest(case_id).rulings[3].met


def test_the_database_refuses_one_person_for_both(world: World) -> None:
    propose(world)
    row = session().execute(select(EligibilityWaiver.id, EligibilityWaiver.by)).one()
    one = {"waiver_id": row.id, "agreed": True, "reason": "", "at": clock.now()}
    for proposed_by, by in ((row.by, row.by), (world.second.person_id, row.by)):
        with pytest.raises(IntegrityError), unit_of_work() as current:
            current.execute(insert(WaiverVote).values(**one, proposed_by=proposed_by, by=by))
    with unit_of_work() as current:
        current.execute(insert(WaiverVote).values(**one, proposed_by=row.by, by=world.second.person_id))
    for change in (update(WaiverVote).values(agreed=False), update(EligibilityWaiver).values(reason="Other.")):
        with pytest.raises(DatabaseError, match="insert-only"), unit_of_work() as current:
            current.execute(change)


def test_a_second_officer_who_declines_leaves_the_rule_in_the_way(world: World) -> None:
    case_id = propose(world)
    with pytest.raises(Refused, match="why it may not pass"):
        second(case_id, False, world.second, " ")
    second(case_id, False, world.second, "The extract still names a man.")
    second(case_id, False, world.second, "The extract still names a man.")
    with pytest.raises(Refused, match="decided on it already"):
        second(case_id, True, world.second)
    with pytest.raises(Refused, match="Let a rule pass with a reason"):
        decide(case_id, "pass", world.officer)
    assert moves(case_id)[-2:] == ["waiver_proposed", "waiver_declined"]


@pytest.mark.parametrize("agrees", [True, False, None])
def test_rules_run_again_over_the_same_version_keep_what_two_officers_said(world: World, agrees: bool | None) -> None:
    case_id = propose(world)
    if agrees is not None:
        second(case_id, agrees, world.second, "" if agrees else "The extract names a man.")
    before = service.latest(case_id).rulings[3].exception
    run(world, case_id, world.second)
    now = service.latest(case_id)
    assert now.n == 2 and now.rulings[3].exception == before and before is not None
    assert now.rulings[3].met is (agrees is True)
    with unit_of_work():
        service.waive(case_id, "women", "Once more.", actor=world.officer)
    assert service.latest(case_id).rulings[3].exception == before
    lines, _page = exceptions_of(call_of(world.call))
    assert [line.kind for line in lines] == (["waived"] if agrees else [])


def test_an_exception_from_one_version_is_none_from_the_next(world: World) -> None:
    case_id = propose(world)
    second(case_id, True, world.second)
    world.give_back(case_id, "plan")
    world.write(case_id, "plan", {"steps": "May: looms."})
    world.submit(case_id)
    run(world, case_id)
    assert [ruling.rule.code for ruling in service.latest(case_id).failed] == ["women"]


def test_nothing_is_decided_where_nothing_was_proposed_or_the_check_is_over(world: World) -> None:
    case_id = world.submitted(**MEN)
    run(world, case_id)
    with pytest.raises(Refused, match="Nobody has proposed"):
        second(case_id, True, world.second)
    with unit_of_work():
        service.waive(case_id, "women", "Filled.", actor=world.officer)
    second(case_id, True, world.second)
    decide(case_id, "pass", world.officer)
    with pytest.raises(Refused, match="while an application waits"):
        second(case_id, True, world.second)


def test_a_proposal_lies_on_the_desk_of_the_other_officer_alone(app: Flask, world: World) -> None:
    case_id = propose(world)
    with app.test_request_context():
        path = f"/applications/{case_id}/rules/women/pass"
        on = {
            name: [item.url for item in desk.waiting(actor) if item.url == path]
            for name, actor in (("one", world.officer), ("two", world.second), ("boss", world.manager))
        }
        assert on == {"one": [], "two": [path], "boss": []}
        run(world, case_id)  # a later run that says the same waits for the same word, once
        assert [item.url for item in desk.waiting(world.second) if item.url == path] == [path]
        second(case_id, True, world.second)
        assert [item.url for item in desk.waiting(world.second) if item.url == path] == []


def test_the_rules_of_one_page_cost_the_same_queries_with_one_and_with_three_notes(app: Flask, world: World) -> None:
    case_id = propose(world)
    client, counts = signed_in(app, world.second), []
    for codes in (("women",), ("district", "age")):
        for code in codes:
            with unit_of_work():
                service.note_evidence(case_id, code, "Seen.", None, seen=0, actor=world.officer)
        client.get(f"/cases/{case_id}")
        with counting() as seen:
            client.get(f"/cases/{case_id}")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_evidence_is_kept_in_versions_and_points_to_files_that_were_sent(app: Flask, world: World) -> None:
    case_id = world.submitted()
    number, name = evidence.files_sent(case_id)[0]
    path = f"/applications/{case_id}/rules/papers/evidence"
    client = signed_in(app, world.officer)
    page = client.get(path)
    blank = client.post(path, data={"key": field(page, "key"), "seen": "0", "note": " ", "file": ""})
    assert blank.status_code == 400 and "Write what you looked at" in text_of(blank)
    foreign = client.post(path, data={"key": field(page, "key"), "seen": "0", "note": "My words.", "file": "99999"})
    assert foreign.status_code == 400 and "Choose a file" in text_of(foreign) and "My words." in text_of(foreign)
    sent = {"key": field(page, "key"), "seen": "0", "note": "Valid to 1 December.", "file": str(number)}
    assert client.post(path, data=sent).status_code == 303 and client.post(path, data=sent).status_code == 303
    late = signed_in(app, world.second).post(path, data=sent | {"note": "Another word.", "key": "k2"})
    assert late.status_code == 409 and "Another word." in text_of(late) and "Valid to 1 December." in text_of(late)
    again = client.get(path)
    done = client.post(path, data={"key": field(again, "key"), "seen": "1", "note": "Valid to 2 December.", "file": ""})
    assert done.status_code == 303
    assert [(n.n, n.note, n.filename) for n in evidence.notes_of(case_id)["papers"]] == [
        (2, "Valid to 2 December.", ""), (1, "Valid to 1 December.", name),
    ]  # fmt: skip
    audit = signed_in(app, world.auditor)
    assert "Valid to 1 December." in text_of(audit.get(path)) and "Save the note" not in text_of(audit.get(path))
    assert audit.post(path, data=sent | {"key": "k3"}).status_code == 403
    assert signed_in(app, world.applicant).get(path).status_code == 403
    assert client.get(path.replace("papers", "nonsense")).status_code == 404
    assert moves(case_id).count("evidence_noted") == 2


def test_evidence_is_an_officers_while_the_check_lasts_and_never_rewritten(world: World) -> None:
    case_id = world.submitted()
    for actor, refusal in ((world.manager, "Only a programme officer"), (world.applicant, "Only a programme officer")):
        with pytest.raises(Refused, match=refusal), unit_of_work():
            service.note_evidence(case_id, "age", "Seen.", None, seen=0, actor=actor)
    with pytest.raises(NotFound), unit_of_work():
        service.note_evidence(case_id, "nonsense", "Seen.", None, seen=0, actor=world.officer)
    with unit_of_work():
        service.note_evidence(case_id, "age", "Seen.", None, seen=0, actor=world.officer)
    with pytest.raises(Stale), unit_of_work():
        service.note_evidence(case_id, "age", "Seen too.", None, seen=0, actor=world.second)
    with pytest.raises(DatabaseError, match="insert-only"), unit_of_work() as current:
        current.execute(update(EligibilityEvidence).values(note="Never."))
    run(world, case_id)
    decide(case_id, "pass", world.officer)
    with pytest.raises(Refused, match="while an application waits"), unit_of_work():
        service.note_evidence(case_id, "age", "Late.", None, seen=1, actor=world.officer)
