"""Fixtures for all tests: an app on a fresh, real database each time, SQLite or the PostgreSQL of `tests.postgres`."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import settings
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event
from werkzeug.routing import Rule

from grantflow.config import FOR_TESTS
from tests import order, postgres
from tests.browser import browser
from tests.databases import KEY, Prepared, prepared_by
from tests.post import post

__all__ = ["browser", "post"]

# What the tests' own environment says of an installation must not reach them.
for _name in list(os.environ):
    if (_name.startswith("GRANTFLOW_") and _name not in FOR_TESTS) or _name in ("DATABASE_URL", "REDIS_URL"):
        del os.environ[_name]

# The tests start hundreds of programs: where nothing compiled may be kept, each would compile all of the code again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("quick", deadline=None, database=None, max_examples=60)
settings.register_profile("thorough", deadline=None, database=None, max_examples=1000)


def _compile_addresses_once() -> None:
    """Every test makes an app with the same addresses, and compiling them is most of what an app costs."""
    compile_one: Any = Rule._compile_builder
    known: dict[Any, Any] = {}

    def once(self: Rule, append_unknown: bool = True) -> Any:
        key = (tuple(self._trace), tuple(sorted((self.defaults or {}).items())), append_unknown)
        if key not in known:
            known[key] = compile_one(self, append_unknown)
        return known[key]

    Rule._compile_builder = once  # type: ignore[method-assign]


_compile_addresses_once()


_compiled: dict[str, tuple[Any, Any]] = {}


def _share_compiled(engine: Any) -> None:
    """Every test makes an engine, and each would compile the same statements anew: an eighth of all time. They are kept
    by dialect and statement, so that all engines of one kind can have them from the first one."""
    engine._compiled_cache.capacity = 5000
    engine.dialect, engine._compiled_cache = _compiled.setdefault(
        engine.dialect.name, (engine.dialect, engine._compiled_cache)
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("thorough" if config.getoption("--thorough") else "quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return order.scheduler(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # What is there by now stays to the end: looking through it for garbage again and again is a tenth of all time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    order.the_long_ones_first(items)
    if config.getoption("--thorough"):
        for item in items:  # a long count takes the time it takes
            item.add_marker(pytest.mark.timeout(0))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="run the long counts too")
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql", "both"),
        default="sqlite",
        help="where the tests that take any database run; those about PostgreSQL itself always run on it",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = metafunc.config.getoption("--database")
    if wanted == "sqlite":
        return
    only = metafunc.definition.get_closest_marker("sqlite_only")
    kinds = ["sqlite"] if only else ["sqlite", "postgresql"] if wanted == "both" else ["postgresql"]
    for name, scope in (("kept_in", "function"), ("kept_for_all", "module")):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, kinds, indirect=True, scope=scope)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    """Whether the large counts were asked for."""
    return bool(pytestconfig.getoption("--thorough"))


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """The passwords of tests are no secret, and a hash that is hard to guess is a tenth of a second of work."""
    from grantflow.identity import passwords

    with passwords.no_secret():
        yield


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest) -> Prepared:
    """Empty databases of each kind, to be copied for each test."""
    return prepared_by(lambda: None, request)


@pytest.fixture(scope="session")
def template_database(prepared: Prepared) -> Path:
    """An empty SQLite database as the migrations make it."""
    return Path(prepared("sqlite")[0])


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """The folder of a demo told up to a stage, to read or to copy: built once for all processes of the tests, each of
    which has a copy. Nobody opens the first one, so its files are at rest while they are copied."""
    from tests.demo.home import build

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base

    @cache
    def folder(stage: str) -> Path:
        home, mine = shared / f"demo-{stage}", tmp_path_factory.mktemp(f"demo-{stage}-")
        with (shared / f"demo-{stage}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not home.exists():
                half = shared / f"demo-{stage}.half"
                shutil.rmtree(half, ignore_errors=True)
                half.mkdir()
                build(half, until=stage)
                half.rename(home)
            shutil.copytree(home, mine, dirs_exist_ok=True)
        return mine

    return folder


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates compiled once for all tests of a process."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


def _without_waiting_for_the_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """A PostgreSQL for all tests of a process, to make databases on."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(cluster: str, prepared: Prepared) -> Callable[[], str]:
    """`migrated_postgres()` gives the URL of a database of one's own as the migrations make it, with nothing in it."""
    return lambda: postgres.fresh_database(cluster, like=prepared("postgresql")[0])


@contextmanager
def _kept(request: Any, home: Path) -> Iterator[dict[str, str]]:
    """A copy of the prepared database of the kind this run asks for, and its settings."""
    kind, prepared = getattr(request, "param", "sqlite"), request.getfixturevalue("prepared")
    if kind == "sqlite":
        shutil.copy(prepared(kind)[0], home / "grantflow.db")
        yield {}
        return
    url = postgres.fresh_database(request.getfixturevalue("cluster"), like=prepared(kind)[0])
    yield {"DATABASE_URL": url}
    postgres.drop(url)


@pytest.fixture
def kept_in(request: pytest.FixtureRequest, prepared: Prepared, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of this test's database, beside its folder."""
    with _kept(request, tmp_path) as settings:
        yield settings


@pytest.fixture(scope="module")
def kept_for_all(
    request: pytest.FixtureRequest, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The settings of an installation that all tests of a module share."""
    home = tmp_path_factory.mktemp("shared")
    with _kept(request, home) as settings:
        yield {"GRANTFLOW_HOME": str(home), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": KEY, **settings}


@pytest.fixture
def begun(kept_in: dict[str, str], prepared: Prepared) -> Any:
    """What the beginning of this test's database gave back."""
    return prepared("postgresql" if kept_in else "sqlite")[1]


@pytest.fixture
def installation(kept_in: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The settings that a command of this test's installation needs in its environment."""
    return {"GRANTFLOW_HOME": str(tmp_path), "GRANTFLOW_WORKER": "no", "GRANTFLOW_SECRET_KEY": KEY, **kept_in}


@pytest.fixture
def app(installation: dict[str, str], compiled_templates: FileSystemBytecodeCache) -> Iterator[Flask]:
    """The application on a fresh database of its own, with its context pushed."""
    from grantflow import create_app
    from grantflow.db import db
    from tests.browsing import FreshClient

    made = create_app(installation)
    made.jinja_env.bytecode_cache = compiled_templates
    made.test_client_class = FreshClient
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    with made.app_context():
        _share_compiled(db.engine)
        if db.engine.dialect.name == "sqlite":
            # These tests kill no machine: what is lost with the power does not concern them.
            event.listen(db.engine, "connect", _without_waiting_for_the_disk)
        yield made
        db.session.remove()
        db.engine.dispose()
