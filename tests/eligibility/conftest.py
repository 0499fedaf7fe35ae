"""The same open call as in the tests of submissions; and an app for sentences, which needs no database."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.submissions.conftest import prepared, prozvet, world

__all__ = ["app_of_words", "prepared", "prozvet", "world"]


@pytest.fixture(scope="session")
def app_of_words(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    from grantflow import create_app

    return create_app({"GRANTFLOW_HOME": str(tmp_path_factory.mktemp("words")), "GRANTFLOW_WORKER": "no"})
