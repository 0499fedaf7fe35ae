"""Fiscal sponsors: asked by a group, agreed by a person of the sponsor, ended with a reason; nobody else has a say."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from grantflow.cases.models import Outbox
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history.models import Event
from grantflow.identity import sponsors
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.identity.words import search_key
from tests import factories
from tests.browsing import field, text_of


class Two:
    """A group that is not registered, a registered body, and a person of each."""

    def __init__(self) -> None:
        self.group = factories.organisation("Felt makers", legal_form="initiative_group")
        self.body = factories.organisation("Ladoga Foundation", legal_form="foundation", inn="7707083893")
        self.maker = factories.person("applicant", organisation_id=self.group)
        self.founder = factories.person("applicant", organisation_id=self.body)

    def ask(self, **more: Any) -> int:
        with unit_of_work():
            return sponsors.ask_sponsor(self.maker, self.group, more.pop("body", self.body), "We felt wool.", **more)

    def answer(self, number: int, agrees: bool = True, who: Actor | None = None) -> None:
        with unit_of_work():
            sponsors.answer(who or self.founder, number, agrees)


@pytest.fixture
def two(app: Flask) -> Two:
    return Two()


def test_a_sponsor_is_one_only_once_a_person_of_it_has_agreed(two: Two) -> None:
    number = two.ask()
    assert sponsors.sponsor_of(two.group) is None
    two.answer(number)
    two.answer(number)
    assert sponsors.sponsor_of(two.group).id == two.body
    moves = session().scalars(select(Event.move).where(Event.case_id.in_((two.group, two.body)))).all()
    assert sorted(m for m in moves if m != "open") == ["sponsor_agreed"] * 2 + ["sponsor_asked", "sponsoring_asked"]
    told = session().execute(select(Outbox.notice, Outbox.person_id)).all()
    assert told == [("sponsor_asked", two.founder.person_id), ("sponsor_agreed", two.maker.person_id)]


def test_the_group_cannot_agree_for_its_sponsor_nor_a_stranger_answer(two: Two) -> None:
    number = two.ask()
    for stranger in (two.maker, factories.person("applicant", organisation_id=factories.organisation())):
        with pytest.raises(NotFound):
            two.answer(number, who=stranger)
    assert sponsors.sponsor_of(two.group) is None


def test_a_group_has_one_sponsor_at_a_time_and_asking_twice_asks_once(two: Two) -> None:
    number = two.ask()
    assert two.ask() == number
    other = factories.organisation("Second", legal_form="ano")
    with pytest.raises(Refused, match="asked or has agreed"):
        two.ask(body=other)
    two.answer(number, agrees=False)
    with pytest.raises(Refused, match="answered already"):
        two.answer(number)
    assert two.ask(body=other) != number


@pytest.mark.parametrize("form", ["initiative_group", "ip", "self_employed"])
def test_one_person_or_another_group_cannot_stand_for_a_group(two: Two, form: str) -> None:
    body = factories.organisation("Somebody", legal_form=form)
    with pytest.raises(Invalid) as fault:
        two.ask(body=body)
    assert "sponsor" in fault.value.fields


def test_a_registered_body_needs_no_sponsor(two: Two) -> None:
    other = factories.organisation("X", legal_form="ano")
    with pytest.raises(Refused, match="not registered"), unit_of_work():
        sponsors.ask_sponsor(two.founder, two.body, other)


def test_either_side_may_end_it_with_a_reason(two: Two) -> None:
    number = two.ask()
    two.answer(number)
    with pytest.raises(Invalid), unit_of_work():
        sponsors.end(two.maker, number, reason=" ")
    stranger = factories.person()
    with pytest.raises(NotFound), unit_of_work():
        sponsors.end(stranger, number, reason="x")
    with unit_of_work():
        sponsors.end(two.founder, number, reason="We close.")
    assert sponsors.sponsor_of(two.group) is None


def test_a_sponsor_is_found_by_its_number_or_four_letters_in_any_script(two: Two) -> None:
    with unit_of_work():
        session().execute(
            update(Organisation).where(Organisation.id == two.body).values(search_key=search_key("Ладога"))
        )
    found = [[row.id for row in sponsors.find_sponsors(text, two.group)] for text in ("7707083893", "Ладо", "LADOG")]
    assert found == [[two.body]] * 3
    assert sponsors.find_sponsors("лад", two.group) == [] and sponsors.find_sponsors("", two.group) == []


def test_the_pages_ask_and_agree(app: Flask, two: Two) -> None:
    maker, founder = factories.signed_in(app, two.maker), factories.signed_in(app, two.founder)
    where = f"/organisation/{two.group}/sponsor"
    assert "No registered organisation" in text_of(maker.get(f"{where}?q=nothing"))
    page = maker.get(f"{where}?q=7707083893")
    assert "Ladoga Foundation" in text_of(page)
    sent = {"key": field(page, "key"), "sponsor": "", "words": "kept"}
    refused = maker.post(f"{where}?q=7707083893", data=sent)
    assert refused.status_code == 400 and "kept" in refused.get_data(as_text=True)
    assert maker.post(f"{where}?q=7707083893", data=sent | {"sponsor": str(two.body)}).status_code == 303
    assert "asks you to receive its grant" in text_of(founder.get("/organisation"))
    assert "Agree to receive its grants" in text_of(founder.get("/desk"))
    number = sponsors.sponsorships_of([two.group])[0].id
    session().rollback()
    own = f"/organisation/sponsorships/{number}"
    assert factories.signed_in(app, factories.person("applicant", organisation_id=factories.organisation())).get(
        own
    ).status_code == 404  # fmt: skip
    assert founder.post(own, data={"key": "k", "do": "agree"}).status_code == 303
    assert "agreed" in text_of(maker.get("/organisation"))
    assert founder.get(where).status_code == 404, "a registered body has no such page"
