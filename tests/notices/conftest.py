from __future__ import annotations

from tests.cases.conftest import Desk, desk

__all__ = ["Desk", "desk"]
