"""An open call, an applicant with an organisation, officers, and a complete set of typed answers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases.service import fire, get
from grantflow.db import session, unit_of_work
from grantflow.identity.access import SYSTEM, Actor
from grantflow.programmes import pack as packs
from grantflow.programmes.models import Call
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.service import load_pack
from grantflow.submissions import service
from tests.databases import Prepared, prepared_by
from tests.factories import organisation, person

FILE = Path(__file__).parents[2] / "workflows" / "programmes" / "prozvet.toml"
OPEN_DAY = datetime(2021, 10, 20, 9, 0, tzinfo=UTC)
"""A day on which KR-2021 is open: it closes on 1 November 2021 at 23:59 in Moscow, with ten minutes of
grace."""
CLOSES = datetime(2021, 11, 1, 20, 59, 59, 999999, tzinfo=UTC)
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"

ANSWERS: dict[str, dict[str, Any]] = {
    "enterprise": {
        "legal_form": "ip", "registered": "yes", "inn": "100100000134", "registered_on": "12.03.2020",
        "sponsor": "", "sponsor_inn": "", "district": "suoyarvsky", "address": "Suoyarvi, Lesnaya 4",
        "activity": "We weave linen and felt wool.", "returned_late": "no", "returned_late_story": "",
    },
    "people": {
        "award_type": "female", "social_basis": "", "owner_share": "100",
        "leaders": {"women": "3", "men": "1", "not_stated": ""},
        "board": {"women": "", "men": "", "not_stated": ""}, "team": "Four weavers, one of them teaches.",
        "course": "yes", "contact_phone": "+7 900 000-00-00",
    },
    "project": {
        "title": "Felt and linen workshop", "title_en": "",
        "summary": "Two looms and three paid jobs in Suoyarvi.",
        "grant_kind": "growing", "prepared": "", "income_last_year": "412 000", "needs": ["income", "youth"],
        "need_facts": "Two orders were refused last winter.", "place_flags": [],
        "risks": "Yarn may come late.",
    },
    "benefit": {
        "people_served": {"women": "80", "men": "30", "not_stated": "10"},
        "jobs": {"women": "3", "men": "0", "not_stated": "0"}, "evidence": "The book of orders.",
        "work_life": "Half days are possible.", "partners": "",
    },
    "budget": {
        "costs": [
            {"item": "Floor loom, 120 cm", "unit": "piece", "quantity": "2", "price": "64000"},
            {"item": "Linen yarn", "unit": "kg", "quantity": "45", "price": "1850,50"},
            {"item": "Training", "unit": "day", "quantity": "6", "price": "9500"},
            {"item": "", "unit": "", "quantity": "", "price": ""},
        ],
        "own_share": "45 250", "largest_cost": "The looms: one gives three metres a day.",
        "other_funding": "no",
        "other_funding_story": "",
    },
    "plan": {
        "starts_on": "1.3.2022", "ends_on": "31.12.2022", "steps": "March: looms. April: training.",
        "after_grant": "Sales at two guest houses.",
    },
    "declarations": {"true_answers": "1", "personal_data": "1", "no_double": "1"},
}  # fmt: skip


class World:
    """KR-2021, open, with people of each kind."""

    def __init__(self, pack: ProgrammePack) -> None:
        with clock.at(datetime(2021, 9, 20, 9, 0, tzinfo=UTC)):
            with unit_of_work():
                load_pack(pack, SYSTEM)
            row = session().execute(select(Call.case_id, Call.programme_id).where(Call.code == "KR-2021")).one()
            self.call, self.programme = row.case_id, row.programme_id
            self.manager = person("manager", programme_id=self.programme)
            self.officer = person("officer", programme_id=self.programme)
            self.second = person("officer", programme_id=self.programme)
            self.auditor = person("auditor", programme_id=self.programme)
            self.body = organisation("Tervo Craft Workshop")
            self.applicant = person("applicant", organisation_id=self.body, name="Owner")
            self.stranger_body = organisation("Second Sledge")
            self.stranger = person("applicant", organisation_id=self.stranger_body)
        with clock.at(datetime(2021, 10, 1, 6, 0, tzinfo=UTC)), unit_of_work():
            for trigger in ("approve", "schedule", "open"):
                fire(self.call, trigger, actor=self.manager)

    def draft(self, actor: Actor | None = None, body: int | None = None) -> int:
        """A draft that has just been begun."""
        with unit_of_work():
            case = service.start_draft("KR-2021", body or self.body, actor=actor or self.applicant)
        return int(case.id)

    def write(self, case_id: int, section: str, typed: dict[str, Any], actor: Actor | None = None) -> service.Saved:
        """Save a section over whatever stands there."""
        with unit_of_work():
            revision = service.row_of(case_id).revision
            return service.save_section(case_id, section, typed, revision=revision, actor=actor or self.applicant)

    def attach(
        self, case_id: int, question: str = "tax_certificate", data: bytes = PDF, name: str = "Справка.pdf",
        actor: Actor | None = None,
    ) -> int:  # fmt: skip
        with unit_of_work():
            return service.add_file(case_id, question, name, io.BytesIO(data), actor=actor or self.applicant)

    def complete(self, actor: Actor | None = None, body: int | None = None, **changes: dict[str, Any]) -> int:
        """A draft with every answer; `changes` replace answers, by section."""
        case_id = self.draft(actor, body)
        for section, typed in ANSWERS.items():
            self.write(case_id, section, typed | changes.get(section, {}), actor)
        self.attach(case_id, actor=actor)
        self.attach(case_id, "register_extract", PDF + b"%2", "Устав.pdf", actor=actor)
        return case_id

    def submit(self, case_id: int, actor: Actor | None = None, **more: Any) -> Any:
        with unit_of_work():
            return service.submit(case_id, actor=actor or self.applicant, **more)

    def submitted(self, actor: Actor | None = None, body: int | None = None, **changes: dict[str, Any]) -> int:
        """An application that was sent."""
        case_id = self.complete(actor, body, **changes)
        self.submit(case_id, actor)
        return case_id

    def give_back(self, case_id: int, *sections: str) -> None:
        """Return it for correction."""
        with unit_of_work():
            fire(
                case_id,
                "return",
                actor=self.officer,
                payload={"sections": list(sections)},
                reason="Add the certificate.",
            )

    def state(self, case_id: int) -> str:
        with session().no_autoflush:
            return str(get(case_id).state)

    def close(self) -> None:
        with unit_of_work():
            fire(self.call, "close", actor=SYSTEM)


@pytest.fixture(scope="session")
def prozvet() -> ProgrammePack:
    return packs.read(FILE)


@pytest.fixture(scope="session")
def prepared(prozvet: ProgrammePack, request: pytest.FixtureRequest) -> Prepared:
    """Databases in which the world stands already."""
    return prepared_by(lambda: World(prozvet), request)


@pytest.fixture
def world(app: Flask, begun: World) -> Iterator[World]:
    """The call is open, and the clock stands on one of its days."""
    with clock.at(OPEN_DAY):
        yield begun
