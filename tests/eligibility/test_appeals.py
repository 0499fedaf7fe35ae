"""A refusal names the rules in its letter, and within the call's days it may be appealed to somebody who took no part."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import deadlines
from grantflow.cases.models import Outbox
from grantflow.cases.notices import render
from grantflow.cases.service import get, moves_for
from grantflow.db import session
from grantflow.eligibility import appeals
from grantflow.errors import Refused
from grantflow.submissions import amending
from grantflow.submissions.rows import row_of, terms_of
from tests.browsing import signed_in, text_of
from tests.eligibility.test_checking import MEN, decide, run
from tests.factories import person
from tests.submissions.conftest import CLOSES, World


@pytest.fixture
def without_appeal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call knows no appeal; as it stands it gives five working days."""
    found = appeals.terms_of
    monkeypatch.setattr(appeals, "terms_of", lambda number: found(number).model_copy(update={"appeal_days": None}))


def refused(world: World, case_id: int = 0) -> int:
    case_id = case_id or world.submitted(**MEN)
    run(world, case_id)
    for officer in (world.officer, world.second):
        decide(case_id, "refuse", officer, "One of four leaders is a woman.")
    return case_id


def letter(case_id: int, notice: str, lang: str) -> str:
    row = session().scalars(select(Outbox).where(Outbox.case_id == case_id, Outbox.notice == notice)).first()
    assert row is not None
    return render(notice, row.params, lang, "Europe/Moscow", "").text.replace("\xa0", " ")


@pytest.mark.usefixtures("without_appeal")
def test_the_letter_names_each_rule_that_is_not_met_in_both_languages(app: Flask, world: World) -> None:
    case_id = refused(world)
    with app.test_request_context():
        english, russian = (letter(case_id, "found_ineligible", lang) for lang in ("en", "ru"))
    assert "– Women own at least half" in english and "1 of 4 leading posts are held by women" in english
    assert "You may still apply as a social enterprise." in english and "appeal" not in english
    assert "– Женщинам принадлежит не меньше половины" in russian and "Можно подать заявку как социальное" in russian
    assert "1 из 4" in russian and "One of four leaders is a woman." in russian and "обжаловать" not in russian


@pytest.mark.usefixtures("without_appeal")
def test_where_the_call_knows_no_appeal_the_button_says_so(world: World) -> None:
    case_id = refused(world)
    with pytest.raises(Refused, match="knows no appeal"):
        decide(case_id, "appeal", world.applicant)
    assert get(case_id).due_at is None


def test_the_letter_says_until_when_and_the_page_takes_the_reasons(app: Flask, world: World) -> None:
    case_id = refused(world)
    with app.test_request_context():
        assert "until Wednesday 27 October 2021" in letter(case_id, "found_ineligible", "en")
        assert "27 октября 2021" in letter(case_id, "found_ineligible", "ru")
    path = f"/cases/{case_id}/moves/appeal"
    client = signed_in(app, world.applicant)
    assert "Somebody who took no part in the decision reads it" in text_of(client.get(path))
    decide(case_id, "appeal", world.applicant, "The register shows two women since Monday.")
    assert world.state(case_id) == "appealed"
    assert "The register shows two women since Monday." in text_of(
        signed_in(app, world.manager).get(f"/cases/{case_id}")
    )
    told = (
        session().scalars(select(Outbox.person_id).where(Outbox.case_id == case_id, Outbox.notice == "appealed")).all()
    )
    assert {world.manager.person_id, world.officer.person_id, world.second.person_id} <= set(told)


@pytest.mark.parametrize(("trigger", "state"), [("grant_appeal", "eligible"), ("uphold_refusal", "finally_ineligible")])
def test_nobody_who_took_part_in_the_refusal_decides_on_the_appeal(world: World, trigger: str, state: str) -> None:
    case_id = refused(world)
    for actor in (world.officer, world.stranger):
        with pytest.raises(Refused, match="Only"):
            decide(case_id, "appeal", actor)
    decide(case_id, "appeal", world.applicant, "Two women.")
    for actor in (world.officer, world.second):
        with pytest.raises(Refused, match="needs a second person"):
            decide(case_id, trigger, actor)
    with pytest.raises(Refused, match="Only"):
        decide(case_id, trigger, world.applicant)
    third = person("officer", programme_id=world.programme)
    decide(case_id, trigger, third if state == "eligible" else world.manager, "The register says so.")
    assert world.state(case_id) == state
    notice = "appeal_granted" if state == "eligible" else "appeal_refused"
    told = session().scalars(select(Outbox.person_id).where(Outbox.case_id == case_id, Outbox.notice == notice)).all()
    assert world.applicant.person_id in told


def test_after_the_days_of_the_call_the_refusal_is_final(world: World) -> None:
    case_id = refused(world)
    until = get(case_id).due_at
    assert until is not None
    with clock.at(until + timedelta(seconds=1)), pytest.raises(Refused, match="time for an appeal ended"):
        decide(case_id, "appeal", world.applicant)
    with clock.at(until):
        deadlines.sweep()
        assert world.state(case_id) == "finally_ineligible"


def test_the_evaluation_waits_while_a_refusal_may_be_appealed_and_while_an_appeal_waits(world: World) -> None:
    case_id = world.submitted(**MEN)
    with clock.at(CLOSES + timedelta(minutes=11)):
        refused(world, case_id)
        world.close()

        def said() -> str:
            return next(
                v.sentence for m, v in moves_for(get(world.call), world.manager) if m.trigger == "start_evaluation"
            )

        assert "may still appeal" in said()
        decide(case_id, "appeal", world.applicant, "Two women.")
        assert "was appealed" in said()
        decide(case_id, "uphold_refusal", world.manager, "No.")
        assert "appeal" not in said()


def test_an_appeal_keeps_its_terms_is_reminded_of_after_a_fortnight_and_can_be_withdrawn(world: World) -> None:
    case_id = refused(world)
    decide(case_id, "appeal", world.applicant, "Two women.")
    row = row_of(case_id)
    stays = amending._stays(get(case_id), row, terms_of(row.pack_hash))
    assert "an appeal is under way" in str(stays)
    with clock.at(clock.now() + timedelta(days=14)):
        deadlines.sweep()
    assert session().scalars(select(Outbox.id).where(Outbox.case_id == case_id, Outbox.notice == "late")).first()
    decide(case_id, "withdraw", world.applicant)
    assert world.state(case_id) == "withdrawn"
