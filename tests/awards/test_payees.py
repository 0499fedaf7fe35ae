"""Who receives the money: the grantee, or for a group that is not registered the sponsor that has agreed."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from grantflow.db import session, unit_of_work
from grantflow.disbursements.gates import account
from grantflow.errors import Refused
from grantflow.history.models import Event
from grantflow.identity import sponsors
from grantflow.identity.models import Organisation
from tests import factories
from tests.awards.scene import ACCOUNT, BIK, Scene
from tests.browsing import text_of

GIVEN = {"bank_account": ACCOUNT, "bank_code": BIK, "bank_name": "Onego Bank", "signatory": "M. Example, director"}


def a_group(scene: Scene, award_id: int) -> int:
    """The grantee of this award becomes a group that is not registered."""
    body = scene.award(award_id).organisation_id
    with unit_of_work() as current:
        current.execute(update(Organisation).where(Organisation.id == body).values(legal_form="initiative_group"))
    return body


def agreed(scene: Scene, award_id: int, group: int) -> int:
    sponsor = factories.organisation("Ladoga Foundation", legal_form="foundation", name_ru="Фонд «Ладога»")
    founder = factories.person("applicant", organisation_id=sponsor)
    with unit_of_work():
        number = sponsors.ask_sponsor(scene.grantees[award_id], group, sponsor)
    with unit_of_work():
        sponsors.answer(founder, number, True)
    return sponsor


def test_a_group_without_a_sponsor_cannot_accept_and_is_told_what_to_do(app: Flask, scene: Scene) -> None:
    award_id = scene.offered()
    a_group(scene, award_id)
    with pytest.raises(Refused, match="fiscal sponsor"):
        scene.fire(award_id, "accept", scene.grantees[award_id], payload=GIVEN)
    page = factories.signed_in(app, scene.grantees[award_id]).get(f"/cases/{award_id}")
    assert "Ask an organisation to be your fiscal sponsor" in text_of(page)


def test_the_money_of_a_group_goes_to_the_sponsor_that_agreed(app: Flask, scene: Scene) -> None:
    award_id = scene.offered()
    sponsor = agreed(scene, award_id, a_group(scene, award_id))
    browser = factories.signed_in(app, scene.grantees[award_id])
    assert "Account of Ladoga Foundation, your fiscal sponsor" in text_of(
        browser.get(f"/cases/{award_id}/moves/accept")
    )
    session().rollback()
    scene.fire(award_id, "accept", scene.grantees[award_id], payload=GIVEN)
    award = scene.award(award_id)
    assert (award.payee_id, award.payee) == (sponsor, {"en": "Ladoga Foundation", "ru": "Фонд «Ладога»"})
    event = session().query(Event).filter_by(case_id=award_id, trigger="accept").one()
    assert {"field": "payee", "before": None, "after": award.payee} in event.facts["changes"]
    with app.test_request_context():
        assert "Ladoga Foundation" in str(account(award).words)
    assert "Ladoga Foundation, the fiscal sponsor" in text_of(browser.get(f"/cases/{award_id}"))


def test_a_sponsorship_that_ended_leaves_an_accepted_grant_as_it_was(scene: Scene) -> None:
    award_id = scene.offered()
    group = a_group(scene, award_id)
    sponsor = agreed(scene, award_id, group)
    scene.fire(award_id, "accept", scene.grantees[award_id], payload=GIVEN)
    number = sponsors.sponsorships_of([group])[0].id
    with unit_of_work():
        sponsors.end(scene.grantees[award_id], number, reason="We registered.")
    assert scene.award(award_id).payee_id == sponsor


def test_a_registered_grantee_is_paid_itself(scene: Scene) -> None:
    award = scene.award(scene.accepted())
    assert (award.payee_id, award.payee) == (None, None)
