"""Demo databases for the tests, by their stage, and apps on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from grantflow.demo import command

USUAL = ("open", "paying")
LONG = ("end", "eligibility", "scoring", "award", "followup")
TOO_LONG = "built under --thorough"


@pytest.fixture(params=[*USUAL, *LONG])
def stage(request: pytest.FixtureRequest, thorough: bool) -> str:
    """Each stage one may stop at; the long ones only where they are asked for."""
    if request.param in LONG and not thorough:
        pytest.skip(TOO_LONG)
    return str(request.param)


@pytest.fixture(scope="session")
def apps(built: Callable[[str], Path]) -> Callable[[str], Flask]:
    """One app for each stage: making one takes longer than asking it something."""
    from grantflow import create_app

    known: dict[str, Flask] = {}

    def app(stage: str) -> Flask:
        if stage not in known:
            made = create_app({"GRANTFLOW_HOME": str(built(stage)), "GRANTFLOW_WORKER": "no"})
            made.config.update(TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
            command.demo_facts(made)
            known[stage] = made
        return known[stage]

    return app


@pytest.fixture
def open_app(apps: Callable[[str], Flask], thorough: bool) -> Iterator[Callable[[str], Flask]]:
    """An app on the demo of a stage, its context pushed."""
    from grantflow.db import db

    contexts = []

    def made(stage: str) -> Flask:
        if stage in LONG and not thorough:
            pytest.skip(TOO_LONG)
        context = apps(stage).app_context()
        context.push()
        contexts.append(context)
        return apps(stage)

    yield made
    for context in contexts:
        db.session.remove()
        db.engine.dispose()
        context.pop()
