"""From draft to receipt: what may be sent, when, and what is kept of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases.deadlines import sweep
from grantflow.cases.models import Case, Outbox
from grantflow.cases.service import fire, get
from grantflow.db import session, unit_of_work
from grantflow.errors import NotFound, Refused, Stale
from grantflow.history.models import Event
from grantflow.submissions import attempts, service
from grantflow.submissions.answers import sealed
from grantflow.submissions.models import Application, ApplicationVersion
from tests.submissions.conftest import CLOSES, OPEN_DAY, World


def last_event(case_id: int) -> Event:
    return session().scalars(select(Event).where(Event.case_id == case_id).order_by(Event.seq.desc())).first()


def test_a_complete_draft_is_sent_with_a_number_and_a_fingerprint(world: World) -> None:
    case_id = world.complete()
    outcome = world.submit(case_id)
    row = service.row_of(case_id)
    assert outcome.case.ref == "KR-2021-0001" and outcome.case.title == "Felt and linen workshop"
    assert (row.total_minor, row.own_minor, row.asked_minor) == (26_827_250, 4_525_000, 22_302_250)
    version = service.version_of(case_id, 1)
    assert sealed(service.answers_of(case_id, 1)) == (version.answers, version.sha256)
    facts = last_event(case_id).facts
    assert facts["fingerprint"] == version.sha256 and facts["receipt"] == "KR-2021-0001"
    assert {"field": "asked", "before": None, "after": {"minor": 22_302_250, "currency": "RUB"}} in facts["changes"]


def test_an_incomplete_draft_is_not_sent_and_every_gap_is_named(world: World) -> None:
    case_id = world.draft()
    world.write(case_id, "project", {"title": "Felt"})
    with pytest.raises(Refused, match="answers are still missing"):
        world.submit(case_id)
    assert world.state(case_id) == "draft"
    assert "title" not in {f.question for f in service.check(case_id)}


def test_answers_to_questions_that_are_not_asked_are_not_sent(world: World) -> None:
    case_id = world.complete(enterprise={"sponsor": "Somebody", "sponsor_inn": "100100000134"})
    world.submit(case_id)
    assert "sponsor" not in service.answers_of(case_id, 1)


def test_pressing_submit_twice_sends_once_and_gives_the_same_receipt(world: World) -> None:
    case_id = world.complete()
    first, second = (world.submit(case_id, key="k1") for _ in range(2))
    assert second.replayed and first.event["seq"] == second.event.seq
    assert len(session().scalars(select(ApplicationVersion)).all()) == 1
    assert get(case_id).ref == "KR-2021-0001"


def test_each_application_gets_the_next_number(world: World) -> None:
    one = world.submitted()
    two = world.submitted(world.stranger, world.stranger_body)
    assert (get(one).ref, get(two).ref) == ("KR-2021-0001", "KR-2021-0002")


def test_somebody_else_can_neither_write_nor_send(world: World) -> None:
    case_id = world.complete()
    for act in (
        lambda: world.submit(case_id, world.stranger),
        lambda: world.write(case_id, "plan", {"steps": "x"}, world.stranger),
        lambda: world.attach(case_id, "other_files", actor=world.officer),
    ):
        with pytest.raises(Refused):
            act()


def test_a_draft_changed_after_the_check_page_was_opened_is_not_sent_unread(world: World) -> None:
    case_id = world.complete()
    seen = service.row_of(case_id).revision
    world.write(case_id, "plan", {"steps": "Other steps."})
    with pytest.raises(Stale, match="Read the answers once more"):
        world.submit(case_id, revision=seen)


@pytest.mark.parametrize("at", [CLOSES, CLOSES + timedelta(minutes=10)])
def test_the_closing_minute_and_the_grace_belong_to_the_time(world: World, at: datetime) -> None:
    case_id = world.complete()
    with clock.at(at):
        world.submit(case_id)
    said = last_event(case_id).facts.get("after_closing")
    assert (said is not None) == (at > CLOSES)


def test_a_second_after_the_grace_nothing_is_sent_and_the_attempt_is_remembered(world: World) -> None:
    case_id = world.complete()
    with clock.at(CLOSES + timedelta(minutes=10, seconds=1)):
        with pytest.raises(Refused, match="1 November 2021, 23:59"):
            world.submit(case_id)
        for _ in range(2):
            with unit_of_work():
                attempts.note_attempt(case_id, "Too late.", actor=world.applicant, key="press")
    noted = session().scalars(select(Event).where(Event.move == "late_attempt")).all()
    assert len(noted) == 1 and noted[0].facts["told"] == {"en": "Too late.", "ru": "Too late."}


def test_drafts_lapse_when_the_call_closes_and_stay_readable(world: World) -> None:
    case_id = world.draft()
    world.write(case_id, "project", {"title": "Felt"})
    with clock.at(CLOSES + timedelta(minutes=11)):
        sweep()
        assert world.state(case_id) == "lapsed" and get(world.call).state == "closed"
        assert service.row_of(case_id).answers["title"] == "Felt"
        with pytest.raises(Refused, match="was not sent and is closed"):
            world.write(case_id, "project", {"title": "Later"})


def test_a_longer_time_is_for_one_applicant_alone_and_then_ends_by_itself(world: World) -> None:
    mine, other = world.complete(), world.complete(world.stranger, world.stranger_body)
    until = CLOSES + timedelta(days=1)
    with unit_of_work():
        service.extend_deadline(mine, until, "Power cut in the district.", actor=world.manager)
    event = last_event(mine)
    assert (event.move, event.facts["until"][:10]) == ("extension", "2021-11-02")
    told = session().scalars(select(Outbox.person_id).where(Outbox.notice == "extension")).all()
    assert told == [world.applicant.person_id]
    with clock.at(CLOSES + timedelta(hours=2)):
        sweep()
        assert (world.state(mine), world.state(other)) == ("draft", "lapsed")
        with pytest.raises(Refused):
            world.submit(other, world.stranger)
        world.submit(mine)
    assert "longer time" in last_event(mine).facts["after_closing"]["en"]


def test_a_longer_time_that_passes_unused_lets_the_draft_lapse(world: World) -> None:
    case_id = world.draft()
    with unit_of_work():
        service.extend_deadline(case_id, CLOSES + timedelta(days=1), "Power cut.", actor=world.manager)
    with clock.at(CLOSES + timedelta(hours=2)):
        sweep()
    with clock.at(CLOSES + timedelta(days=1, seconds=1)):
        sweep()
    assert world.state(case_id) == "lapsed"


def test_a_time_is_never_made_shorter_nor_given_without_a_reason_or_by_others(world: World) -> None:
    case_id = world.draft()

    def give(until: datetime, reason: str = "Power cut.", who: object = None) -> None:
        with unit_of_work():
            service.extend_deadline(case_id, until, reason, actor=who or world.manager)

    give(CLOSES + timedelta(days=3))
    for until, reason, who, sentence in (
        (CLOSES + timedelta(days=1), "Power cut.", None, "never shorter"),
        (CLOSES + timedelta(days=5), "  ", None, "reason"),
        (CLOSES + timedelta(days=99), "Power cut.", None, "sixty days"),
        (CLOSES + timedelta(days=5), "Power cut.", world.officer, "Only the programme manager"),
    ):
        with pytest.raises(Refused, match=sentence):
            give(until, reason, who)


def test_a_returned_application_opens_only_the_named_sections_for_five_working_days(world: World) -> None:
    case_id = world.submitted()
    world.give_back(case_id, "files", "plan")
    row = service.row_of(case_id)
    assert (world.state(case_id), row.reopened) == ("returned", ["plan", "files"])
    assert row.correction_due_at == datetime(2021, 10, 27, 20, 59, 59, tzinfo=UTC)
    assert get(case_id).due_at == row.correction_due_at
    world.write(case_id, "plan", {"steps": "Better steps."})
    with pytest.raises(Refused, match="not asked to be corrected"):
        world.write(case_id, "budget", {"own_share": "1"})


@pytest.mark.parametrize(("given", "ends"), [("2021-10-28", "2021-11-08"), ("2021-12-29", "2022-01-13")])
def test_the_clock_of_a_correction_counts_no_public_holiday_of_the_call(world: World, given: str, ends: str) -> None:
    case_id = world.submitted()
    with clock.at(datetime.fromisoformat(f"{given}T09:00:00+00:00")):
        world.give_back(case_id, "plan")
    # Not counted: 4 and 5 November; 31 December and the first eight days of January.
    assert service.row_of(case_id).correction_due_at == datetime.fromisoformat(f"{ends}T20:59:59+00:00")


def test_a_correction_makes_a_second_version_and_says_what_changed(world: World) -> None:
    case_id = world.submitted()
    world.give_back(case_id, "budget")
    world.write(case_id, "budget", {"own_share": "50000"})
    world.submit(case_id)
    row = service.row_of(case_id)
    assert (row.submitted_version, row.own_minor, row.reopened, get(case_id).ref) == (
        2,
        5_000_000,
        [],
        "KR-2021-0001",
    )
    event = last_event(case_id)
    assert event.facts["answers_changed"] == ["own_share"]
    assert [c["field"] for c in event.facts["changes"]] == ["whole_budget", "own_share", "asked"] or [
        c["field"] for c in event.facts["changes"]
    ] == ["own_share", "asked"]
    assert service.answers_of(case_id, 1)["own_share"] == 4_525_000


def test_a_correction_too_late_is_refused_and_the_last_version_counts(world: World) -> None:
    case_id = world.submitted()
    world.give_back(case_id, "plan")
    world.write(case_id, "plan", {"steps": "Half wri"})
    with clock.at(datetime(2021, 10, 28, 9, 0, tzinfo=UTC)):
        with pytest.raises(Refused, match="time for the correction ended"):
            world.submit(case_id)
        sweep()
    assert world.state(case_id) == "submitted" and service.row_of(case_id).submitted_version == 1
    assert service.submitted(case_id).answers["steps"] == "March: looms. April: training."


def test_a_return_without_a_section_or_a_reason_is_refused(world: World) -> None:
    case_id = world.submitted()
    for payload, reason in (
        ({"sections": []}, "Why"),
        ({"sections": ["nonsense"]}, "Why"),
        ({"sections": ["plan"]}, " "),
    ):
        with pytest.raises(Refused), unit_of_work():
            fire(case_id, "return", actor=world.officer, payload=payload, reason=reason)
    assert world.state(case_id) == "submitted"


def test_only_the_applicant_withdraws_and_it_stays_readable(world: World) -> None:
    case_id = world.submitted()
    with pytest.raises(Refused), unit_of_work():
        fire(case_id, "withdraw", actor=world.officer)
    with unit_of_work():
        fire(case_id, "withdraw", actor=world.applicant)
    assert world.state(case_id) == "withdrawn" and service.submitted(case_id).answers


def test_cancelling_the_call_closes_everything_and_tells_each_applicant_why(world: World) -> None:
    draft, sent = world.draft(), world.submitted(world.stranger, world.stranger_body)
    with unit_of_work():
        fire(world.call, "cancel", actor=world.manager, reason="The donor stopped.")
    assert (world.state(draft), world.state(sent)) == ("withdrawn", "withdrawn")
    told = session().scalars(select(Outbox.person_id).where(Outbox.notice == "call_cancelled")).all()
    assert {world.applicant.person_id, world.stranger.person_id} <= set(told)


def test_a_draft_is_begun_only_in_an_open_call_and_for_ones_own_organisation(world: World) -> None:
    with pytest.raises(Refused, match="Only people of the organisation"):
        world.draft(world.stranger, world.body)
    with pytest.raises(NotFound), unit_of_work():
        service.start_draft("XX-1999", world.body, actor=world.applicant)
    with clock.at(CLOSES + timedelta(hours=1)), pytest.raises(Refused, match="ended on"):
        world.draft()
    with pytest.raises(Refused, match="opens on"), unit_of_work():
        service.start_draft("ZB-2022", world.body, actor=world.applicant)


def test_beginning_twice_with_one_key_begins_once_and_a_second_one_is_allowed(world: World) -> None:
    with unit_of_work():
        one = service.start_draft("KR-2021", world.body, actor=world.applicant, key="a")
    with unit_of_work():
        again = service.start_draft("KR-2021", world.body, actor=world.applicant, key="a")
    other = world.draft()
    assert one.id == again.id != other
    assert [row.id for row in service.siblings(world.call, world.body, other)] == [one.id]


def test_the_database_refuses_a_submitted_application_without_its_facts(world: World) -> None:
    from sqlalchemy import update
    from sqlalchemy.exc import IntegrityError

    case_id = world.submitted()
    with pytest.raises(IntegrityError), unit_of_work() as current:
        current.execute(update(Application).where(Application.case_id == case_id).values(asked_minor=None))


def test_what_was_sent_can_never_be_changed(world: World) -> None:
    from sqlalchemy import update
    from sqlalchemy.exc import DatabaseError

    case_id = world.submitted()
    with pytest.raises(DatabaseError, match="insert-only"), unit_of_work() as current:
        current.execute(update(ApplicationVersion).where(ApplicationVersion.case_id == case_id).values(answers="{}"))


def test_two_submitters_at_once_send_one_version_under_one_number(app: Flask, world: World, thorough: bool) -> None:
    for _ in range(200 if thorough else 4):
        case_id = world.complete()
        session().rollback()
        start, told = threading.Barrier(2, timeout=60), []

        def press(case_id: int = case_id, start: threading.Barrier = start, told: list[str] = told) -> None:
            with app.app_context(), clock.at(OPEN_DAY):
                start.wait(10)
                try:
                    with unit_of_work():
                        service.submit(case_id, actor=world.applicant)
                    told.append("sent")
                except (Refused, Stale) as refusal:
                    told.append(str(refusal))
                session().close()

        threads = [threading.Thread(target=press) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(told)[-1] == "sent" and len(told) == 2
        assert "cannot be done while the state is" in sorted(told)[0]
        assert session().scalars(select(ApplicationVersion.n).where(ApplicationVersion.case_id == case_id)).all() == [1]
    refs = session().scalars(select(Case.ref).where(Case.kind == "application").order_by(Case.ref)).all()
    assert refs == [f"KR-2021-{n:04}" for n in range(1, len(refs) + 1)], "no number twice and no gap"
