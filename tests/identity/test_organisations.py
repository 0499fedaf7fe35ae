"""Organisations: what may be written, and what of it the history keeps."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound
from grantflow.history.models import Event
from grantflow.identity import service
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Organisation, Person
from grantflow.identity.organisations import inn_fault
from tests import factories


def opened(**given: object) -> tuple[Actor, int]:
    actor = factories.person()
    with unit_of_work():
        number = service.add_organisation(actor, **{"name_ru": "Войлок", "legal_form": "ano", **given})  # type: ignore[arg-type]
    return actor_for(session().get_one(Person, actor.person_id)), number


def test_who_opens_an_organisation_acts_for_it(app: Flask) -> None:
    actor, number = opened()
    assert actor.scopes("applicant", "organisation_id") == {number}


def test_a_repeated_key_opens_one_organisation(app: Flask) -> None:
    actor = factories.person()
    with unit_of_work():
        first = service.add_organisation(actor, name_ru="Войлок", key="k")
    with unit_of_work():
        assert service.add_organisation(actor, name_ru="Войлок", key="k") == first


@pytest.mark.parametrize(
    ("number", "country", "form", "wrong"),
    [
        ("7707083893", "RU", "ano", False),
        ("7707083894", "RU", "ano", True),
        ("770708389", "RU", "ano", True),
        ("77070838 3", "RU", "ano", True),
        ("500100732259", "RU", "ip", False),
        ("7707083893", "RU", "ip", True),
        ("٧٧٠٧٠٨٣٨٩٣", "RU", "ano", True),
        ("0123-4", "IT", "other", True),
        ("01234567890", "IT", "other", True),
        ("00743110157", "IT", "other", False),
    ],
)
def test_a_tax_number_is_checked_by_its_digits(app: Flask, number: str, country: str, form: str, wrong: bool) -> None:
    with app.test_request_context():
        assert bool(inn_fault(number, country, form)) is wrong


def test_every_wrong_field_is_named_at_once(app: Flask) -> None:
    with pytest.raises(Invalid) as fault:
        opened(name_ru="", kind="castle", legal_form="crown", inn="1", founded_on=date(2199, 1, 1), ogrn="123")
    assert set(fault.value.fields) == {"name_ru", "kind", "legal_form", "inn", "founded_on", "ogrn"}


def test_one_number_belongs_to_one_organisation(app: Flask) -> None:
    opened(inn="7707083893")
    with pytest.raises(Invalid) as fault:
        opened(inn="7707083893")
    assert "inn" in fault.value.fields


def test_a_change_is_one_event_with_before_and_after(app: Flask) -> None:
    actor, number = opened()
    with unit_of_work():
        service.change_organisation(actor, number, name_en="Felt", country="RU", inn="7707083893")
    event = (
        session().scalars(select(Event).where(Event.case_id == number, Event.trigger == "organisation_changed")).one()
    )
    assert {"field": "name_en", "before": "", "after": "Felt"} in event.facts["changes"]
    assert {"field": "inn", "private": True} in event.facts["changes"]
    assert session().get_one(Organisation, number).search_key == "felt | voilok"
    with unit_of_work():
        service.change_organisation(actor, number, name_en="Felt")
    assert (
        session().scalars(select(Event).where(Event.case_id == number, Event.trigger == "organisation_changed")).one()
    )


def test_another_persons_organisation_does_not_exist(app: Flask) -> None:
    _, number = opened()
    stranger = factories.person()
    with pytest.raises(NotFound), unit_of_work():
        service.change_organisation(stranger, number, name_en="Mine")
