"""A grant with a tranche approved by the first person, made once and copied for each test."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from grantflow import clock
from grantflow.awards.banking import russian_account
from grantflow.cases.models import Outbox
from grantflow.db import session, unit_of_work
from grantflow.disbursements import accounts, asking, confirming
from grantflow.disbursements.asking import Asked
from grantflow.disbursements.confirming import Reached
from grantflow.disbursements.models import AccountChange
from grantflow.identity.access import Actor
from tests.awards.scene import BIK, Scene, shorten
from tests.databases import Prepared, prepared_by
from tests.factories import person

NEW = russian_account("40703810", "00000067890", BIK)
REACHED = Reached("phone", "+7 8142 00-11-22", "The director", NEW[-4:])


class Bank(Scene):
    """The grant of the tests, and each step of a change of its account as one word."""

    def __init__(self) -> None:
        super().__init__()
        self.award_id = self.active()
        self.tranche_id = self.first_approved(self.award_id).case_id
        self.grantee = self.grantees[self.award_id]
        self.colleague = person("applicant", organisation_id=self.body)

    @property
    def body(self) -> int:
        return int(self.award(self.award_id).organisation_id)

    def given(self, **changed: Any) -> Asked:
        day = clock.today("Europe/Moscow")
        return replace(Asked(NEW, BIK, "Ladoga Bank", "Organisation", day, "Our bank has closed."), **changed)

    def ask(self, award_id: int = 0, *, actor: Actor | None = None, **more: Any) -> int:
        how = {name: more.pop(name) for name in ("key", "version") if name in more}
        with unit_of_work():
            award_id = award_id or self.award_id
            return asking.ask(award_id, self.given(**more), actor=actor or self.grantees[award_id], **how)

    def look(self, number: int, actor: Actor | None = None, **more: Any) -> None:
        with unit_of_work():
            confirming.look_at(number, actor=actor or self.finance, **more)

    def confirm(self, number: int, actor: Actor | None = None, reached: Reached = REACHED, **more: Any) -> None:
        with unit_of_work():
            confirming.confirm(number, reached, actor=actor or self.finance2, **more)

    def refuse(self, number: int, actor: Actor | None = None, reason: str = "Nobody knew of it.", **more: Any) -> None:
        with unit_of_work():
            confirming.refuse(number, reason, actor=actor or self.finance2, **more)

    def take_back(self, number: int, actor: Actor | None = None, **more: Any) -> None:
        with unit_of_work():
            asking.take_back(number, actor=actor or self.grantee, **more)

    def looked_at(self) -> int:
        number = self.ask()
        self.look(number)
        return number

    def change(self, number: int) -> AccountChange:
        session().rollback()
        return accounts.change(number)

    def told(self, notice: str) -> list[int]:
        session().rollback()
        return sorted(row.person_id for row in session().query(Outbox).filter_by(notice=notice))


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest) -> Prepared:
    """Databases in which the grant stands already."""

    def begin() -> Bank:
        with pytest.MonkeyPatch.context() as patched:
            shorten(patched)
            return Bank()

    return prepared_by(begin, request)


@pytest.fixture
def bank(app: Flask, begun: Bank, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """The grant, a test's own."""
    shorten(monkeypatch)
    return deepcopy(begun)
