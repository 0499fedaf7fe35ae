"""The gallery as a test app, in a chosen language."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from flask import Flask


def _create() -> Flask:
    # Loaded by its path: it is a script too, and `tests` is no package.
    name = "look_gallery"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "gallery.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    app: Flask = sys.modules[name].create_gallery(TESTING=True)
    return app


@pytest.fixture(scope="session")
def gallery() -> Flask:
    return _create()


@pytest.fixture
def reading(gallery: Flask) -> Callable[[str], AbstractContextManager[None]]:
    """`with reading("ru"):` runs what is inside as a request of a reader of that language."""

    @contextmanager
    def read(language: str) -> Iterator[None]:
        with gallery.test_request_context(f"/?lang={language}"):
            yield

    return read
