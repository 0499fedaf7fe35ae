from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from grantflow.cases import definitions, service
from grantflow.db import unit_of_work
from grantflow.identity.access import Actor
from tests.cases.machines import small
from tests.factories import person, record_file


class Desk:
    """A programme with its people and a way to open cases that run the small machine."""

    def __init__(self) -> None:
        self.programme = record_file("programme")
        self.officer, self.officer2 = (person("officer", programme_id=self.programme) for _ in range(2))
        self.finance, self.finance2 = (person("finance", programme_id=self.programme) for _ in range(2))
        self.stranger = person("officer", programme_id=record_file("programme"))

    def case(self, **more: Any) -> Any:
        with unit_of_work():
            return service.open_case(
                "check",
                workflow="small",
                actor=self.officer,
                title="Felt workshop",
                programme_id=self.programme,
                **more,
            )

    def fire(self, case: Any, trigger: str, actor: Actor, **more: Any) -> service.Outcome:
        with unit_of_work():
            return service.fire(case.id, trigger, actor=actor, **more)


@pytest.fixture
def desk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Desk:
    real: Callable[[str], Any] = definitions.current
    monkeypatch.setattr(definitions, "current", lambda name: small() if name == "small" else real(name))
    return Desk()
