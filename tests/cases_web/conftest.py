"""A programme with people and cases that run the tests' own small machine, and browsers signed in as them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired

from grantflow.cases import definitions, pages, service
from grantflow.db import unit_of_work
from grantflow.engine.registry import registry
from grantflow.identity.access import Actor
from tests.browsing import signed_in
from tests.cases.machines import small
from tests.factories import organisation, person, record_file


class House:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.programme = record_file("programme", "PROZVET")
        self.call = record_file("panel", "Call", programme_id=self.programme)
        self.organisation = organisation("Felt Workshop")
        self.officer, self.officer2 = (person("officer", programme_id=self.programme, name=f"Olga {n}") for n in (1, 2))
        self.finance = person("finance", programme_id=self.programme)
        self.auditor = person("auditor", programme_id=self.programme)
        self.applicant = person("applicant", organisation_id=self.organisation)
        self.stranger = person("officer", programme_id=record_file("programme"))

    def case(self, title: str = "Felt workshop", workflow: str = "small", kind: str = "check", **more: Any) -> Any:
        with unit_of_work():
            return service.open_case(
                kind,
                workflow=workflow,
                actor=self.officer,
                title=title,
                programme_id=self.programme,
                organisation_id=self.organisation,
                **more,
            )

    def fire(self, case: Any, trigger: str, actor: Actor, **more: Any) -> service.Outcome:
        with unit_of_work():
            return service.fire(case.id, trigger, actor=actor, **more)

    def at(self, actor: Actor | None) -> FlaskClient:
        return signed_in(self.app, actor)


class LampForm(FlaskForm):  # type: ignore[misc]
    lamp = StringField("Lamp", [InputRequired("Say whether the lamp is on.")])

    def __init__(self, formdata: Any, *, case: Any, actor: Actor) -> None:
        super().__init__(formdata)

    def payload(self) -> dict[str, Any]:
        return {"lamp": self.lamp.data}


@pytest.fixture
def house(app: Flask, monkeypatch: pytest.MonkeyPatch) -> House:
    real: Callable[[str], Any] = definitions.current
    registry.form("tests.lamp", LampForm)
    made = small()
    check = made.move("check").model_copy(update={"form": "tests.lamp", "reason": "optional"})
    moves = tuple(check if m.name == "check" else m for m in made.moves)
    made = made.model_copy(update={"moves": moves})
    monkeypatch.setattr(definitions, "current", lambda name: made if name == "small" else real(name))
    monkeypatch.setattr(pages, "_pages", {})
    monkeypatch.setattr(
        "grantflow.cases.desk._providers",
        {"waiting": __import__("grantflow.cases.waiting", fromlist=["x"]).by_definition},
    )
    return House(app)
