"""What a manager does about accounts: inviting again, taking an invitation back, closing, handing a desk over."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Refused
from grantflow.history.models import Event, PrivateValue
from grantflow.identity import closing, links, registration, service, succession
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Person, RoleAssignment
from tests import factories
from tests.browsing import field, signed_in, text_of
from tests.identity.letters import letters, link_in

PASSWORD = "three words together"


class House:
    """A programme with its manager at their desk."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.programme = factories.record_file("programme", "PROZVET")
        self.manager = factories.person("manager", programme_id=self.programme)
        self.client = signed_in(app, self.manager)

    def invite(self, email: str = "olga@example.org") -> int:
        given = {"email": email, "name": "Olga Lempi", "language": "en"}
        answer = self.client.post("/people/new", data=given)
        return int(answer.location.split("/")[2])

    def hired(self, role: str, **more: Any) -> Actor:
        """Somebody with a password and a role here."""
        actor = factories.person(role, programme_id=self.programme, **more)
        assert actor.person_id
        with unit_of_work():
            service.change_password(actor, actor.person_id, new=PASSWORD)
        return actor

    def press(self, person_id: int, do: str, key: str = "") -> str:
        answer = self.client.post(f"/people/{person_id}/invitation", data={"do": do, "key": key})
        assert answer.location == f"/people/{person_id}/roles"
        return text_of(self.client.get(answer.location))

    def hand(self, leaver: Actor, to: Actor, reason: str = "Leaves in May", **more: str) -> Any:
        url = f"/people/{leaver.person_id}/desk?to={to.person_id}"
        seen = field(self.client.get(url), "seen")
        return self.client.post(url, data={"reason": reason, "seen": seen, **more})


@pytest.fixture
def house(app: Flask) -> House:
    return House(app)


def moves(person_id: int | None) -> list[str]:
    session().rollback()
    return list(session().scalars(select(Event.move).where(Event.case_id == person_id).order_by(Event.seq)))


def roles(actor: Actor) -> set[tuple[str, int | None]]:
    session().rollback()
    held = actor_for(session().get_one(Person, actor.person_id)).held
    return {(one.role, one.programme_id) for one in held}


def test_people_who_were_invited_stand_in_the_list_with_what_became_of_it(house: House) -> None:
    number = house.invite()
    assert "Invited the link is good until" in text_of(house.client.get("/people"))
    with clock.at(clock.now() + timedelta(days=8)):
        assert "Invited in vain" in text_of(signed_in(house.app, house.manager).get("/people"))
    assert "taken back" in house.press(number, "withdraw")
    assert "Invitation taken back" in text_of(house.client.get("/people"))
    house.press(number, "send")
    house.app.test_client().post(link_in(letters("olga@example.org")[-1], "invitation"), data={"password": PASSWORD})
    page = text_of(house.client.get("/people"))
    assert "In use" in page and "Invited" not in page


def test_an_invitation_sent_again_ends_the_one_before(house: House) -> None:
    number = house.invite()
    first = link_in(letters("olga@example.org")[-1], "invitation")
    assert "new invitation is on its way" in house.press(number, "send", "k")
    house.press(number, "send", "k")
    sent = letters("olga@example.org")
    assert len(sent) == 2, "pressed twice it counts once"
    assert house.app.test_client().get(first).status_code == 404
    assert house.app.test_client().get(link_in(sent[-1], "invitation")).status_code == 200


def test_an_invitation_taken_back_opens_nothing(house: House) -> None:
    number = house.invite()
    way = link_in(letters("olga@example.org")[-1], "invitation")
    house.press(number, "withdraw")
    assert house.app.test_client().post(way, data={"password": PASSWORD}).status_code == 404
    assert "no open invitation" in house.press(number, "withdraw")
    assert moves(number) == ["open", "account_opened", "invited", "invitation_withdrawn"]


def test_an_invitation_whose_letter_cannot_leave_is_shown_on_the_screen_and_that_is_recorded(house: House) -> None:
    number = house.invite()
    assert "has left, or leaves in a moment" in house.press(number, "show")
    house.app.config["GRANTFLOW"] = replace(house.app.config["GRANTFLOW"], smtp_host="127.0.0.1", smtp_port=9)
    assert outbox.drain() == 0, "nobody listens at that port"
    assert "The letter has not left" in text_of(house.client.get(f"/people/{number}/roles"))
    shown = house.client.post(f"/people/{number}/invitation", data={"do": "show"})
    assert shown.status_code == 200 and moves(number)[-1] == "invitation_shown"
    way = re.search(r"/invitation/[\w.-]+", shown.text)
    assert way and house.app.test_client().get(way[0]).status_code == 200
    stranger = signed_in(house.app, factories.person("manager", programme_id=factories.record_file("programme")))
    assert stranger.post(f"/people/{number}/invitation", data={"do": "show"}).status_code == 404


def test_who_has_a_password_is_not_invited(house: House) -> None:
    officer = house.hired("officer")
    for do in ("send", "withdraw"):
        assert "has chosen a password already" in house.press(officer.person_id or 0, do)
    with pytest.raises(Refused), unit_of_work():
        registration.invite(officer, officer.person_id or 0)


def test_a_closed_account_lets_nobody_in_and_can_be_opened_again(house: House) -> None:
    officer = house.hired("officer", email="olga@example.org")
    theirs = signed_in(house.app, officer)
    assert theirs.get("/profile").status_code == 200
    url = f"/people/{officer.person_id}/account"
    assert house.client.post(url, data={"open": "no"}).status_code == 400, "a reason is asked"
    given = {"open": "no", "reason": "Left the house", "key": "k"}
    assert house.client.post(url, data=given).status_code == 303
    assert house.client.post(url, data=given).status_code == 303
    assert theirs.get("/profile").status_code == 303
    assert service.authenticate("olga@example.org", PASSWORD) is None
    assert "Closed" in text_of(house.client.get("/people"))
    again = house.client.post(url, data={"open": "no", "reason": "Once more"})
    assert again.status_code == 403 and "closed already" in text_of(again) and "Once more" in text_of(again)
    assert house.client.post(url, data={"open": "yes", "reason": "Came back"}).status_code == 303
    assert service.authenticate("olga@example.org", PASSWORD) is not None
    assert moves(officer.person_id)[-2:] == ["account_closed", "account_reopened"]
    assert roles(officer) == {("officer", house.programme)}


def test_nobody_closes_themselves_or_the_last_manager_or_people_of_other_programmes(house: House) -> None:
    def close(actor: Actor) -> Any:
        return house.client.post(f"/people/{actor.person_id}/account", data={"open": "no", "reason": "x"})

    own = close(house.manager)
    assert own.status_code == 403 and "their own account" in text_of(own)
    other = factories.record_file("programme", "SEVER")
    both = factories.also(house.hired("officer"), "officer", programme_id=other)
    refused = close(both)
    assert refused.status_code == 403 and "SEVER" in text_of(refused)
    lonely = factories.also(house.hired("officer"), "manager", programme_id=house.programme)
    assert close(lonely).status_code == 303, "the other manager stays"
    applicant = factories.also(house.hired("officer"), "applicant", organisation_id=factories.organisation())
    alone = close(applicant)
    assert alone.status_code == 403 and "Nobody else acts for this organisation" in text_of(alone)
    shell = Actor(None, "shell", everywhere="admin")
    with pytest.raises(Refused, match="last manager"), unit_of_work():
        closing.set_open(shell, house.manager.person_id or 0, False, reason="x")


def test_what_a_successor_gets_is_shown_first_and_moves_only_then(house: House) -> None:
    leaver, successor = house.hired("finance"), house.hired("officer")
    url = f"/people/{leaver.person_id}/desk"
    assert "Choose a person" in text_of(house.client.get(url))
    shown = text_of(house.client.get(f"{url}?to={successor.person_id}"))
    assert "1 role moves" in shown and "Finance officer" in shown and "No open item moves" in shown
    assert roles(leaver) == {("finance", house.programme)}
    assert house.hand(leaver, successor, key="k").status_code == 303
    assert roles(leaver) == set()
    assert roles(successor) == {("finance", house.programme), ("officer", house.programme)}


def test_a_desk_handed_over_stands_on_both_files_with_its_reason(house: House) -> None:
    leaver, successor = house.hired("finance"), house.hired("officer")
    house.hand(leaver, successor)
    for actor, other, what in (
        (leaver, successor, "desk_handed_over"),
        (successor, leaver, "desk_taken_over"),
    ):
        (event,) = session().scalars(select(Event).where(Event.case_id == actor.person_id, Event.move == what))
        assert event.facts["roles"] == ["finance"] and event.facts["other"] == other.person_id
        assert other.name not in str(event.facts)
        beside = session().scalars(
            select(PrivateValue.value).where(PrivateValue.case_id == actor.person_id, PrivateValue.seq == event.seq)
        )
        assert {f'"{other.name}"', '"Leaves in May"'} <= set(beside)
        page = text_of(factories.signed_in(house.app, actor).get("/inbox"))
        assert other.name in page and "Leaves in May" in page
        file = text_of(factories.signed_in(house.app, actor).get(f"/history/{actor.person_id}"))
        assert other.name in file and "Finance officer" in file.replace("the finance officer", "Finance officer")


def test_the_days_of_a_role_go_with_it(house: House) -> None:
    leaver, successor = house.hired("auditor"), house.hired("officer")
    with unit_of_work() as current:
        current.scalars(
            select(RoleAssignment).where(RoleAssignment.person_id == leaver.person_id)
        ).one().ends_on = date(2099, 5, 1)
    house.hand(leaver, successor)
    ends = session().scalars(
        select(RoleAssignment.ends_on).where(
            RoleAssignment.person_id == successor.person_id, RoleAssignment.role == "auditor"
        )
    )
    assert list(ends) == [date(2099, 5, 1)]


def test_who_decides_does_not_inherit_who_pays(house: House) -> None:
    leaver = factories.also(house.hired("finance"), "officer", programme_id=house.programme)
    second = house.hired("manager")
    shown = text_of(house.client.get(f"/people/{leaver.person_id}/desk?to={second.person_id}"))
    assert "does not pay" in shown and "1 role moves" in shown
    house.hand(leaver, second)
    assert roles(leaver) == {("finance", house.programme)}, "what cannot move stays"
    assert ("officer", house.programme) in roles(second)


def test_a_manager_takes_no_desk_over_themselves_but_hands_their_own_on(house: House) -> None:
    leaver = house.hired("officer")
    shown = text_of(house.client.get(f"/people/{leaver.person_id}/desk?to={house.manager.person_id}"))
    assert "Nobody gives a role to themselves" in shown
    url = f"/people/{leaver.person_id}/desk?to={house.manager.person_id}"
    refused = house.client.post(url, data={"reason": "x", "seen": ""})
    assert refused.status_code == 403 and "Nothing on this desk" in text_of(refused)
    assert house.hand(house.manager, leaver).status_code == 303
    assert ("manager", house.programme) in roles(leaver) and roles(house.manager) == set()


def test_a_role_the_successor_holds_already_is_only_taken(house: House) -> None:
    leaver, successor = house.hired("officer"), house.hired("officer")
    shown = text_of(house.client.get(f"/people/{leaver.person_id}/desk?to={successor.person_id}"))
    assert "holds it already" in shown
    house.hand(leaver, successor)
    assert roles(leaver) == set() and roles(successor) == {("officer", house.programme)}


def test_roles_of_other_programmes_stay(house: House) -> None:
    other = factories.record_file("programme", "SEVER")
    leaver = factories.also(house.hired("officer"), "officer", programme_id=other)
    successor = house.hired("auditor")
    assert "a programme you do not manage" in text_of(
        house.client.get(f"/people/{leaver.person_id}/desk?to={successor.person_id}")
    )
    house.hand(leaver, successor)
    assert roles(leaver) == {("officer", other)}


def test_what_changed_since_the_page_was_read_is_shown_anew(house: House) -> None:
    leaver, successor = house.hired("officer"), house.hired("auditor")
    url = f"/people/{leaver.person_id}/desk?to={successor.person_id}"
    seen = field(house.client.get(url), "seen")
    factories.also(leaver, "finance", programme_id=house.programme)
    page = house.client.post(url, data={"reason": "Leaves", "seen": seen})
    assert page.status_code == 409 and "changed while you were reading" in text_of(page) and "Leaves" in text_of(page)
    assert ("officer", house.programme) in roles(leaver)
    again = house.client.post(url, data={"reason": "Leaves", "seen": field(page, "seen")})
    assert again.status_code == 303 and roles(leaver) == set()


def test_handing_over_asks_for_a_reason_and_counts_once(house: House) -> None:
    leaver, successor = house.hired("officer"), house.hired("auditor")
    assert house.hand(leaver, successor, reason=" ").status_code == 400
    url = f"/people/{leaver.person_id}/desk?to={successor.person_id}"
    given = {"reason": "Leaves", "seen": field(house.client.get(url), "seen"), "key": "k"}
    assert house.client.post(url, data=given).status_code == 303
    assert house.client.post(url, data=given).status_code == 303
    assert moves(leaver.person_id).count("desk_handed_over") == 1


def test_a_closed_account_takes_no_desk_and_can_leave_one(house: House) -> None:
    leaver, successor = house.hired("officer"), house.hired("auditor")
    with unit_of_work() as current:
        current.get_one(Person, successor.person_id).active = False
    with pytest.raises(Refused, match="closed"):
        succession.look(house.manager, leaver.person_id or 0, successor.person_id or 0)
    with unit_of_work() as current:
        current.get_one(Person, successor.person_id).active = True
        current.get_one(Person, leaver.person_id).active = False
    assert house.hand(leaver, successor).status_code == 303
    assert ("officer", house.programme) in roles(successor)
    with pytest.raises(Refused, match="another person"):
        succession.look(house.manager, leaver.person_id or 0, leaver.person_id or 0)


def test_the_people_of_an_organisation_stay_its_own_to_choose(house: House) -> None:
    body = factories.organisation("Felt")
    leaver = factories.also(house.hired("officer"), "applicant", organisation_id=body)
    shown = text_of(house.client.get(f"/people/{leaver.person_id}/desk?to={house.hired('auditor').person_id}"))
    assert "Felt" in shown and "its own people" in shown


def test_only_managers_see_to_accounts(house: House) -> None:
    officer = signed_in(house.app, house.hired("officer"))
    for path in ("account", "desk"):
        assert officer.get(f"/people/{house.manager.person_id}/{path}").status_code == 403
    assert officer.post(f"/people/{house.manager.person_id}/invitation").status_code == 403
    stranger = factories.person("officer", programme_id=factories.record_file("programme"))
    for path in ("account", "desk"):
        assert house.client.get(f"/people/{stranger.person_id}/{path}").status_code == 404
    assert house.client.post(f"/people/{stranger.person_id}/invitation").status_code == 404


def test_the_first_manager_comes_in_by_the_printed_link(app: Flask, installation: dict[str, str]) -> None:
    environ = {**os.environ, **installation}
    command = [sys.executable, "-m", "grantflow", "init", "--email", "first@example.org", "--name", "First"]
    for _ in range(2):
        session().rollback()
        printed = subprocess.run(command, env=environ, capture_output=True, text=True)
        assert printed.returncode == 0, printed.stderr
        token = printed.stdout.split("/invitation/")[1].split()[0]
    assert links.opened_by(token, "invitation") is not None, "the newest one is good"
    done = app.test_client().post(f"/invitation/{token}", data={"password": PASSWORD})
    assert done.status_code == 303
    session().rollback()
    known = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert "has an account with a password" in known.stdout and "/invitation/" not in known.stdout
