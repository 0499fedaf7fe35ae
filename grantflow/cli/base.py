"""What commands share: the application they work in, the person they act for, a bar on long work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from grantflow.errors import Misconfigured

if TYPE_CHECKING:
    from flask import Flask

    from grantflow.identity.access import Actor


def house(*, schema: bool = True) -> Flask:
    """The application, its connections closed when the command ends; Misconfigured where its database is not the one
    this code needs, unless that is not asked."""
    from grantflow import create_app
    from grantflow import schema as database
    from grantflow.db import db

    app = create_app()

    def close() -> None:
        with app.app_context():
            db.engine.dispose()

    click.get_current_context().call_on_close(close)
    if schema:
        database.require_current(app)
    return app


def actor_of(email: str) -> Actor:
    """Who acts, by the address of an active account; Misconfigured where there is none."""
    from grantflow.identity.access import actor_for
    from grantflow.identity.service import person_by_email

    person = person_by_email(email)
    if person is None or not person.active:
        raise Misconfigured(f"There is no active account with the address {email}.")
    return actor_for(person)


acting_as = click.option(
    "--as", "email", required=True, metavar="EMAIL", help="Who does it: the change is recorded as theirs."
)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on long work, told how much is done and of how much; on a terminal only."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def told(done: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        yield told
        bar.finish()


def say(text: str) -> int:
    """Say what went wrong where errors are read; gives back the exit code of a failure."""
    click.echo(text, err=True)
    return 1
