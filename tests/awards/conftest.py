"""The scene of the tests of awards."""

from tests.awards.scene import prepared, scene

__all__ = ["prepared", "scene"]
