"""The database's schema: bringing it up to date, and noticing that it is older or newer than the code.

The migrations themselves are in `migrations/versions/`, numbered, one idea each, both ways.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import inspect, text

from grantflow.db import db
from grantflow.errors import Misconfigured

MIGRATIONS = Path(__file__).parent / "migrations"


def newest() -> str:
    """The number of the newest migration in this code."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def present(app: Flask) -> str | None:
    """The number of the migration the database stands at; None for a database without tables."""
    with app.app_context(), db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return str(found) if found else None


def require_current(app: Flask) -> None:
    """Raise Misconfigured, with what to do, unless the database fits this code."""
    here, wanted = present(app), newest()
    if here == wanted:
        return
    if here is None:
        raise Misconfigured("The database has no tables yet. Run: python3 run.py init (or: python3 run.py db upgrade).")
    if here < wanted:
        raise Misconfigured(
            f"The database stands at migration {here}, this GrantFlow needs {wanted}. "
            "Make a copy of it, then run: python3 run.py db upgrade"
        )
    raise Misconfigured(
        f"The database stands at migration {here}, newer than this GrantFlow, which knows {wanted}. "
        "Install the GrantFlow that made it."
    )


def _config(app: Flask) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["app"] = app
    return config


def upgrade(app: Flask, revision: str = "head") -> None:
    """Bring the database up to a migration; makes every table of an empty one."""
    from alembic import command

    with app.app_context():
        command.upgrade(_config(app), revision)


def downgrade(app: Flask, revision: str) -> None:
    """Take the database down to a migration, or to "base": no tables."""
    from alembic import command

    with app.app_context():
        command.downgrade(_config(app), revision)
