"""The same open call as in the tests of submissions."""

from tests.submissions.conftest import built, prozvet, template_database, world

__all__ = ["built", "prozvet", "template_database", "world"]
