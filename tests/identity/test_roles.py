"""Giving and taking roles: who may, where, and which two never meet."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases.models import Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history.models import Event
from grantflow.identity import service
from grantflow.identity.access import SYSTEM, Actor
from grantflow.identity.models import RoleAssignment
from tests import factories


def place() -> tuple[int, int, Actor, int]:
    """A programme, a panel of it, its manager and somebody without a role."""
    programme = factories.record_file("programme", "PROZVET")
    panel = factories.record_file("panel", programme_id=programme)
    nobody = factories.person()
    assert nobody.person_id
    return programme, panel, factories.person("manager", programme_id=programme), nobody.person_id


def give(actor: Actor, person_id: int, role: str, **more: object) -> int:
    with unit_of_work():
        return service.grant_role(actor, person_id, role, **more)  # type: ignore[arg-type]


def test_a_manager_gives_a_role_and_it_stands_in_the_file(app: Flask) -> None:
    programme, _, manager, person = place()
    give(manager, person, "officer", programme_id=programme, reason="Joins in May")
    event = session().scalars(select(Event).where(Event.case_id == person, Event.trigger == "role_granted")).one()
    assert event.facts["role"] == "officer" and event.facts["programme_id"] == programme
    assert event.role == "manager" and "reason" in event.private
    notice = session().scalars(select(Outbox).where(Outbox.person_id == person)).one()
    assert notice.params["role"] == {"en": "the programme officer", "ru": notice.params["role"]["ru"]}


def test_a_manager_gives_no_roles_on_other_programmes(app: Flask) -> None:
    _, _, manager, person = place()
    other = factories.record_file("programme", "Other")
    with pytest.raises(Refused):
        give(manager, person, "officer", programme_id=other)
    other_panel = factories.record_file("panel", programme_id=other)
    with pytest.raises(Refused):
        give(manager, person, "panellist", panel_id=other_panel)


def test_an_officer_gives_no_roles(app: Flask) -> None:
    programme, _, _, person = place()
    with pytest.raises(Refused):
        give(factories.person("officer", programme_id=programme), person, "officer", programme_id=programme)


def test_nobody_gives_a_role_to_themselves(app: Flask) -> None:
    programme, _, manager, _ = place()
    assert manager.person_id
    with pytest.raises(Refused, match="themselves"):
        give(manager, manager.person_id, "officer", programme_id=programme)


@pytest.mark.parametrize(
    "first, second",
    [("finance", "manager"), ("manager", "finance"), ("finance", "chair"), ("chair", "finance")],
)
def test_who_decides_does_not_pay(app: Flask, first: str, second: str) -> None:
    programme, panel, manager, person = place()
    scope = {"chair": {"panel_id": panel}}
    give(SYSTEM, person, first, **scope.get(first, {"programme_id": programme}))
    with pytest.raises(Refused, match="does not pay"):
        give(manager, person, second, **scope.get(second, {"programme_id": programme}))


def test_finance_of_one_programme_may_manage_another(app: Flask) -> None:
    programme, _, _, person = place()
    other = factories.record_file("programme", "Other")
    give(SYSTEM, person, "finance", programme_id=programme)
    give(SYSTEM, person, "manager", programme_id=other)
    held = session().scalars(select(RoleAssignment).where(RoleAssignment.person_id == person)).all()
    assert {(row.role, row.programme_id) for row in held} == {("finance", programme), ("manager", other)}


def test_a_panel_role_brings_the_panels_programme(app: Flask) -> None:
    programme, panel, manager, person = place()
    assignment = give(manager, person, "panellist", panel_id=panel)
    row = session().get_one(RoleAssignment, assignment)
    assert (row.programme_id, row.panel_id) == (programme, panel)


def test_the_same_role_twice_is_refused_but_a_repeated_send_is_not(app: Flask) -> None:
    programme, _, manager, person = place()
    first = give(manager, person, "officer", programme_id=programme, key="k")
    assert give(manager, person, "officer", programme_id=programme, key="k") == first
    with pytest.raises(Refused, match="already"):
        give(manager, person, "officer", programme_id=programme)


def test_a_role_needs_its_scope_and_days_in_order(app: Flask) -> None:
    programme, panel, manager, person = place()
    with pytest.raises(Invalid) as fault:
        give(manager, person, "officer")
    assert "scope" in fault.value.fields
    with pytest.raises(NotFound):
        give(manager, person, "officer", programme_id=panel)
    with pytest.raises(Invalid) as fault:
        give(
            manager,
            person,
            "officer",
            programme_id=programme,
            starts_on=date(2031, 5, 2),
            ends_on=date(2031, 5, 1),
        )
    assert "ends_on" in fault.value.fields
    with pytest.raises(Invalid):
        give(manager, person, "officer", programme_id=programme, ends_on=clock.today() - timedelta(days=2))
    with pytest.raises(Invalid):
        give(manager, person, "admin", programme_id=programme)


def test_taking_a_role_needs_a_reason_and_ends_it(app: Flask) -> None:
    programme, _, manager, person = place()
    assignment = give(manager, person, "officer", programme_id=programme)
    with pytest.raises(Invalid), unit_of_work():
        service.revoke_role(manager, assignment, reason=" ")
    with unit_of_work():
        service.revoke_role(manager, assignment, reason="Left the programme")
    assert session().get_one(RoleAssignment, assignment).revoked_at is not None
    with pytest.raises(Refused, match="already"), unit_of_work():
        service.revoke_role(manager, assignment, reason="Again")
    give(manager, person, "officer", programme_id=programme)


def test_the_last_manager_of_a_programme_stays(app: Flask) -> None:
    programme, _, manager, person = place()
    own = session().scalars(select(RoleAssignment.id).where(RoleAssignment.person_id == manager.person_id)).one()
    with pytest.raises(Refused, match="last manager"), unit_of_work():
        service.revoke_role(manager, own, reason="Tired")
    give(manager, person, "manager", programme_id=programme)
    with unit_of_work():
        service.revoke_role(manager, own, reason="Tired")


def test_people_of_an_organisation_let_others_in_and_strangers_do_not(app: Flask) -> None:
    _, _, manager, person = place()
    founder = factories.person()
    with unit_of_work():
        organisation = service.add_organisation(founder, name_ru="Мастерская", inn="7707083893")
    from grantflow.identity.access import actor_for
    from grantflow.identity.models import Person

    founder = actor_for(session().get_one(Person, founder.person_id))
    with pytest.raises(Refused), unit_of_work():
        service.join_organisation(manager, person, organisation)
    with unit_of_work():
        service.join_organisation(founder, person, organisation)
    assert {h.organisation_id for h in actor_for(session().get_one(Person, person)).held} == {organisation}
