"""Autosave through `kill -9`, in a real browser at a real server: what was typed before, meanwhile and after is all there."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from grantflow import clock
from grantflow.db import unit_of_work
from grantflow.identity import service as identity
from grantflow.programmes import pack as packs
from grantflow.submissions import service as submissions
from tests.browser import PASSWORD, Hands, sign_in
from tests.faults.conftest import build, migrated
from tests.faults.house import House
from tests.journeys import scene as made
from tests.journeys.scene import CALL, Scene
from tests.journeys.test_writing import saved

__all__ = ["build", "migrated"]


def since_yesterday() -> tuple[packs.ProgrammePack, int]:
    """The contest open since yesterday: a real server's clock does not travel, and it may be early in the morning."""
    pack = packs.read(made.FILE)
    days = (clock.today(made.ZONE) - pack.call(CALL).opens.date()).days - 1
    return pack.shifted({CALL: days}), days


def test_a_server_killed_outright_while_one_types_costs_no_word(
    build: Callable[..., House], at_desk: Callable[..., Hands], monkeypatch: pytest.MonkeyPatch, thorough: bool
) -> None:
    if not thorough:
        pytest.skip("a server of its own is killed under --thorough; otherwise its sockets are closed, in test_writing")
    monkeypatch.setattr(made, "moved_pack", since_yesterday)
    house = build()
    with house.inside():
        scene = Scene("en")
        for move in ("approve", "open"):
            scene.fire(scene.call, move, "manager")
        with unit_of_work():
            scene.people["writer"] = identity.register(
                email="writer@journey.example", name="Anna Cranberry", password=PASSWORD, language="en", consent=True
            ).id
        writer = scene.actor("writer")
        with unit_of_work():
            body = identity.add_organisation(writer, name_en="Cranberry", kind="business", legal_form="ooo")
        writer = scene.actor("writer")
        with unit_of_work():
            case_id = int(submissions.start_draft(CALL, body, actor=writer).id)
    house.start()
    try:
        hands = at_desk(SimpleNamespace(address=f"http://127.0.0.1:{house.port}"))
        sign_in(hands, "writer@journey.example", f"/applications/{case_id}/edit/people")
        team = hands.page.locator("#q-team")
        for words in ("Before.", " Twice."):
            team.press_sequentially(words)
            saved(hands)
            assert house.stop(signal.SIGKILL) == -signal.SIGKILL
            team.press_sequentially(" While it was away.")
            hands.page.locator(".gf-saved.no").wait_for()
            house.start()
            saved(hands)  # by itself, without another key, and nobody has to sign in again
        hands.open(f"/applications/{case_id}/edit/people")
        assert team.input_value() == "Before. While it was away. Twice. While it was away."
    finally:
        if house.process is not None:
            house.stop(signal.SIGKILL)
    with house.inside():
        assert submissions.row_of(case_id).answers["team"] == "Before. While it was away. Twice. While it was away."
