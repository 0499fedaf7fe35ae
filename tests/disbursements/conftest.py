from __future__ import annotations

import pytest
from flask import Flask

from tests.awards.scene import Scene


@pytest.fixture
def scene(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)
