"""The same body under two spellings: what sounds alike is found, what differs is not, however many there are."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow.db import session, unit_of_work
from grantflow.history.models import Event
from grantflow.identity import doubles, service
from grantflow.identity.models import Organisation
from grantflow.identity.words import search_key
from tests import factories
from tests.browsing import field, text_of


def row(number: int, *names: str, inn: str = "", country: str = "RU", ogrn: str = "") -> Any:
    return SimpleNamespace(id=number, search_key=search_key(*names), inn=inn, ogrn=ogrn, country=country)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("АНО «Северные нити»", "Северные Нити"),
        ("АНО «Северные нити»", 'Автономная некоммерческая организация "Северные нити"'),
        ("Северные нити", "Severnye niti"),
        ("Северные нити", "Severnyye Niti"),
        ("Мастерская Щепкиной", "Masterskaya Shchepkinoy"),
        ("Центр «Берегиня»", "Tsentr Bereginya"),
        ("Фонд «Ёлочка»", "Elochka Foundation"),
        ("Юрий и Яна", "Iurii i Iana"),
        ("Ладога-Крафт", "Крафт Ладога"),
        ("Хорошее дело", "Хорошее дела"),
    ],
)
def test_two_spellings_of_one_name_are_found(one: str, other: str) -> None:
    assert [(p.first, p.second) for p in doubles.pairs([row(1, one), row(2, other)])] == [(1, 2)]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Северные нити", "Южные нити"), ("АНО", "ООО"), ("Дом", "Дым"), ("Фонд «Ладога»", "Фонд «Онего»")],
)
def test_two_names_are_not_one_because_their_form_is(one: str, other: str) -> None:
    assert doubles.pairs([row(1, one), row(2, other)]) == []


def test_a_number_decides_before_a_name() -> None:
    same = doubles.pairs([row(1, "Альфа", inn="7707083893"), row(2, "Совсем другое", inn="7707083893")])
    assert [p.why for p in same] == ["number"]
    assert doubles.pairs([row(1, "Альфа", inn="7707083893"), row(2, "Альфа", inn="7736050003")]) == []
    abroad = doubles.pairs([row(1, "Альфа", inn="1"), row(2, "Альфа", inn="2", country="NO")])
    assert [p.why for p in abroad] == ["name"], "numbers of two registers say nothing of each other"


def test_the_surest_pairs_come_first_and_each_once() -> None:
    rows = [row(1, "Войлок"), row(2, "Voylok", "Войлок"), row(3, "Войлак"), row(4, "X", inn="9"), row(5, "Y", inn="9")]
    assert [(p.first, p.second, p.why) for p in doubles.pairs(rows)] == [
        (4, 5, "number"), (1, 2, "name"), (1, 3, "alike"), (2, 3, "alike"),
    ]  # fmt: skip


def test_many_bodies_of_one_name_do_not_make_endless_pairs() -> None:
    assert len(doubles.pairs([row(n, "Мастерская") for n in range(400)])) <= 50 * 49 // 2


def test_whoever_adds_a_known_body_is_asked_whether_it_is_this_one(app: Flask) -> None:
    with unit_of_work():
        known = service.add_organisation(factories_shell(), name_ru="АНО «Северные нити»", legal_form="ano")
    person = factories.person()
    browser = factories.signed_in(app, person)
    page = browser.get("/organisation/new")
    sent = {
        "key": field(page, "key"), "name_en": "Severnye Niti", "name_ru": "", "legal_form": "ano", "kind": "cso",
        "country": "RU", "place_id": "", "inn": "", "kpp": "", "ogrn": "", "founded_on": "",
    }  # fmt: skip
    asked = browser.post("/organisation/new", data=sent)
    assert asked.status_code == 400 and "Is it this one?" in text_of(asked)
    assert "Северные нити" in text_of(asked) and "Severnye Niti" in asked.get_data(as_text=True), "nothing is lost"
    assert field(asked, "looked_at") == str(known)
    blind = browser.post("/organisation/new", data=sent | {"another": "y", "looked_at": ""})
    assert blind.status_code == 400, "a tick counts only for what was shown"
    assert browser.post("/organisation/new", data=sent | {"another": "y", "looked_at": str(known)}).status_code == 303
    added = session().scalars(select(Organisation).where(Organisation.name_en == "Severnye Niti")).one()
    opened = session().scalars(select(Event).where(Event.case_id == added.id, Event.seq == 1)).one()
    assert opened.facts["set_aside"] == [known]


def test_a_body_like_no_other_is_added_without_a_question(app: Flask) -> None:
    factories.organisation("Ladoga", inn="7707083893")
    assert doubles.like("Onego", "", country="RU") == []
    assert [one.name_en for one in doubles.like("", "Другое", inn="77 07 08 38 93")] == ["Ladoga"]


def factories_shell() -> Any:
    from grantflow.identity.access import Actor

    return Actor(None, "shell", everywhere="admin")
