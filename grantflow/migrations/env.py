"""Alembic's entry: runs the migrations on the app's own engine, each in one transaction."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import text

from grantflow.db import Base, db

config = context.config


def run() -> None:
    """Run online, on the engine of the app that called."""
    with db.engine.connect().execution_options(grantflow_writes=True) as connection:
        options: dict[str, Any] = {"render_as_batch": True, "compare_type": True, "transaction_per_migration": True}
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET lock_timeout = '10s'"))
            connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, **options)
        with context.begin_transaction():
            context.run_migrations()


run()
