"""A call that takes applications and questions, those who ask, and those who answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from grantflow import clock
from grantflow.cases.models import Case
from grantflow.db import session, unit_of_work
from grantflow.identity.access import SYSTEM, Actor
from grantflow.programmes import inquiries, inquiry_queries
from grantflow.programmes import pack as packs
from grantflow.programmes.inquiries import Reply
from grantflow.programmes.inquiry_models import Said
from grantflow.programmes.models import Call
from grantflow.programmes.service import load_pack
from tests.browsing import signed_in
from tests.databases import Prepared, prepared_by
from tests.factories import organisation, person, record_file

FILE = Path(__file__).parents[2] / "workflows" / "programmes" / "prozvet.toml"
NOW = datetime(2021, 10, 20, 9, tzinfo=UTC)
"""KR-2021 is open then, and questions are taken for five more days."""
ASKED = "May our workshop “Lake Felt” rent its loom instead of buying it?"
WORDED = Said("May equipment be rented?", "Можно ли взять оборудование в аренду?")
ANSWERED = Said("Yes, for the months of the grant.", "Да, на месяцы гранта.")


class Desk:
    """The people around one open call, and short ways to act as them."""

    def __init__(self) -> None:
        call = session().scalars(select(Call).where(Call.code == "KR-2021")).one()
        self.call, self.programme = call.case_id, call.programme_id
        self.put("open", "submission")
        self.officer = person("officer", name="Olga Officer", programme_id=self.programme)
        self.second = person("officer", name="Piotr Second", programme_id=self.programme)
        self.manager = person("manager", programme_id=self.programme)
        self.foreign = person("officer", programme_id=record_file("programme"))
        self.asker = person("applicant", name="Inna Asker", language="ru", organisation_id=organisation())
        self.stranger = person("applicant", organisation_id=organisation())
        self._presses = 0

    def put(self, state: str, stage: str) -> None:
        """Put the call where its own moves, tested elsewhere, would leave it."""
        with unit_of_work() as current:
            current.execute(update(Case).where(Case.id == self.call).values(state=state, stage=stage))
        session().expire_all()

    def key(self) -> str:
        self._presses += 1
        return f"press {self._presses}"

    def ask(self, text: str = ASKED, *, actor: Actor | None = None, language: str = "en", key: str = "") -> int:
        with unit_of_work():
            return inquiries.ask(self.call, text, actor=actor or self.asker, language=language, key=key or self.key())

    def answer(
        self, number: int, reach: str = "public", *, wording: Said = WORDED, text: Said = ANSWERED, seen: int = 0,
        actor: Actor | None = None, key: str = "",
    ) -> int:  # fmt: skip
        with unit_of_work():
            return inquiries.answer(
                self.call, number, Reply(reach, wording, text), actor=actor or self.officer, seen=seen,
                key=key or self.key(),
            )  # fmt: skip

    def of(self, number: int) -> inquiry_queries.Exchange:
        session().rollback()
        return inquiry_queries.exchange(self.call, number)


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest) -> Prepared:
    """Databases with the programme loaded, once for this folder."""
    pack = packs.read(FILE)

    def begin() -> None:
        with clock.at(NOW), unit_of_work():
            load_pack(pack, SYSTEM)

    return prepared_by(begin, request)


@pytest.fixture
def desk(app: Flask) -> Iterator[Desk]:
    """The call and its people; the clock stands in October 2021."""
    with clock.at(NOW):
        yield Desk()


@pytest.fixture
def web(app: Flask) -> Any:
    """`web(actor)` is a browser in which this person is signed in; `web(None)` one of nobody."""
    return lambda actor: signed_in(app, actor)
