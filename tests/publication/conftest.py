"""A contest that can be carried to its announcement: the one of the tests of scoring."""

from __future__ import annotations

from tests.scoring.conftest import contest, prepared, prozvet, web

__all__ = ["contest", "prepared", "prozvet", "web"]
