"""What the house knows of a body that applies: its other applications, what is alike elsewhere, and its grants."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.cases.models import Case
from grantflow.cases.service import get, open_case
from grantflow.db import session, unit_of_work
from grantflow.eligibility import service
from grantflow.eligibility.finding import Known, Other
from grantflow.eligibility.knowledge import known_of
from grantflow.errors import Refused
from grantflow.identity.access import SYSTEM
from grantflow.identity.models import Organisation
from grantflow.programmes.models import Call
from grantflow.submissions.queries import submitted
from grantflow.submissions.rows import APPLICATIONS
from tests.browsing import signed_in, text_of
from tests.eligibility.test_checking import decide, run
from tests.submissions.conftest import World


def known(case_id: int) -> Known:
    sent = submitted(case_id)
    return known_of(sent.row, sent.terms, sent.answers, sent.terms.eligibility)


def moved_to_the_other_call(case_id: int) -> None:
    """The same application, had it been sent to the call of the other region."""
    other = session().scalars(select(Call.case_id).where(Call.code == "ZB-2022")).one()
    with unit_of_work() as current:
        current.execute(update(APPLICATIONS).where(APPLICATIONS.c.case_id == case_id).values(call_id=other))
        current.execute(update(Case).where(Case.id == case_id).values(call_id=other))


def grant(world: World, case_id: int, **more: Any) -> None:
    with unit_of_work() as current:
        row = open_case("award", actor=SYSTEM, parent=get(case_id), title="A grant", ref="KU-0007-G")
        given: dict[str, Any] = {
            "case_id": row.id, "stage": row.stage, "application_id": case_id, "organisation_id": world.body,
            "call_id": world.call, "programme_id": world.programme, "number": "KU-0007-G", "amount_minor": 20_000_000,
            "currency": "RUB", "decided_by_id": world.manager.person_id, "decided_at": clock.now(),
            "offered_at": clock.now(), "paid_minor": 0, "returned_minor": 0,
        }  # fmt: skip
        current.add(Award(**(given | more)))


def test_another_application_of_the_body_in_the_call_is_known_and_one_that_ended_is_not(world: World) -> None:
    first, second = world.submitted(), world.submitted()
    world.draft()
    (other,) = known(second).applications
    assert other == Other(get(first).ref, "KR-2021", first, True, True, True, going=True)
    decide(first, "withdraw", world.applicant)
    assert known(second).applications == ()


def test_the_same_tax_number_makes_two_bodies_one_undertaking(world: World) -> None:
    mine, theirs = world.submitted(), world.submitted(world.stranger, world.stranger_body)
    assert [other.own for other in known(mine).applications] == [False]  # the title is the same
    with unit_of_work() as current:
        current.execute(update(Organisation).where(Organisation.id == world.stranger_body).values(inn="100100000134"))
    assert [(other.case_id, other.own) for other in known(mine).applications] == [(theirs, True)]


def test_what_is_alike_in_another_call_is_a_warning_with_its_link_and_no_refusal(app: Flask, world: World) -> None:
    there, here = world.submitted(), world.submitted()
    moved_to_the_other_call(there)
    (other,) = known(here).applications
    assert other.alike == ("title", "inn", "period") and not other.same_call and other.call == "ZB-2022"
    run(world, here)
    ruling = next(r for r in service.latest(here).rulings if r.rule.code == "double")
    assert ruling.warns and ruling.met and "another call" in ruling.text
    page = signed_in(app, world.officer).get(f"/cases/{here}")
    assert f'href="/cases/{there}"' in page.text and "same title, same body, same time" in text_of(page)
    decide(here, "pass", world.officer)
    assert "same title" not in text_of(signed_in(app, world.applicant).get(f"/cases/{here}"))


def test_a_terminated_grant_whose_money_is_not_back_stands_in_the_way_without_exception(world: World) -> None:
    old, new = world.submitted(), world.submitted()
    grant(world, old, agreement_no="1", signed_on=date(2020, 3, 1), starts_on=date(2020, 4, 1), ends_on=date(2021, 4, 1),
          signed_by_id=world.officer.person_id, accepted_at=clock.now(), accepted_by_id=world.applicant.person_id,
          bank_account="40702810100000000001", bank_name="Bank", signatory="Owner", paid_minor=8_000_000)  # fmt: skip
    (going,) = known(new).grants
    assert (going.on, going.minor, going.owed_minor) == (date(2020, 3, 1), 20_000_000, 0)
    with unit_of_work() as current:
        current.execute(update(Award).values(terminated_at=clock.now()))
    (ended,) = known(new).grants
    assert (ended.minor, ended.owed_minor) == (8_000_000, 8_000_000)
    run(world, new)
    assert [r.rule.code for r in service.latest(new).failed] == ["returned"]
    with pytest.raises(Refused, match="allows no exception"), unit_of_work():
        service.waive(new, "returned", "Please.", actor=world.officer)


def test_a_grant_that_is_not_offered_yet_is_nobodys_to_know(world: World) -> None:
    old, new = world.submitted(), world.submitted()
    grant(world, old, offered_at=None)
    assert known(new).grants == ()


def test_nothing_is_asked_where_no_rule_looks_beyond_the_form(world: World) -> None:
    case_id = world.submitted()
    world.submitted()
    sent = submitted(case_id)
    plain = [rule for rule in sent.terms.eligibility if rule.kind not in ("double_funding", "unreturned")]
    assert known_of(sent.row, sent.terms, sent.answers, plain) == Known()
