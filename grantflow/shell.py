"""What every command of the shell needs: the app on a database that fits, the person as whom it acts, a bar.

The commands themselves are in `cli` and `amendments`.
"""

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


def open_app(*, schema: bool = True) -> Flask:
    """The application; Misconfigured where the database is older or newer than it, unless `schema` is false."""
    from grantflow import create_app
    from grantflow import schema as database

    app = create_app()
    if schema:
        database.require_current(app)
    return app


def person(email: str) -> Actor:
    """The active person with that address, with the roles held today; Misconfigured where there is none."""
    from grantflow.identity.access import actor_for
    from grantflow.identity.service import person_by_email

    row = person_by_email(email)
    if row is None or not row.active:
        raise Misconfigured(f"There is no active account with the address {email}.")
    return actor_for(row)


acting_as = click.option(
    "--as", "email", required=True, metavar="EMAIL", help="Who does it: the change is recorded as theirs."
)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on long work, told how much is done and of how much; on a terminal only."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def tell(done: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        yield tell
        bar.finish()
