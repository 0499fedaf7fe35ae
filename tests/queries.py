"""Counting the statements a piece of work sends to the database, so that a list may not ask once per row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from grantflow.db import db


class Counted(list[str]):
    """The statements sent so far, in their order; BEGIN, PRAGMA and savepoints do not count."""

    def __str__(self) -> str:
        return "\n".join(f"{n:3}. {' '.join(text.split())[:200]}" for n, text in enumerate(self, 1))


@contextmanager
def count_queries(app: Flask) -> Iterator[Counted]:
    """`with count_queries(app) as sent:`; then `len(sent)` statements were sent, and `print(sent)` shows them."""
    sent = Counted()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
