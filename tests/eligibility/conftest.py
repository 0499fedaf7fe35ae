"""The same open call as in the tests of submissions."""

from tests.submissions.conftest import prepared, prozvet, world

__all__ = ["prepared", "prozvet", "world"]
