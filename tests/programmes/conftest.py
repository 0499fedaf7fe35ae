"""The PROZVET pack as its file has it, and the same pack loaded into a fresh database."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from grantflow.db import unit_of_work
from grantflow.identity.access import SYSTEM
from grantflow.programmes import pack as packs
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.rows import Loaded
from grantflow.programmes.service import load_pack

FILE = Path(__file__).parents[2] / "workflows" / "programmes" / "prozvet.toml"


@pytest.fixture(scope="session")
def text() -> str:
    return FILE.read_text("utf-8")


@pytest.fixture(scope="session")
def prozvet() -> ProgrammePack:
    return packs.read(FILE)


@pytest.fixture
def loaded(app: Flask, prozvet: ProgrammePack) -> Loaded:
    with unit_of_work():
        return load_pack(prozvet, SYSTEM)
