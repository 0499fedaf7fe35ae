"""A browser without a screen: signed in as somebody, with what a page says."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from flask import Flask
from flask.globals import _cv_app
from flask.testing import FlaskClient
from sqlalchemy import event

from grantflow import clock, prepared
from grantflow.db import db, session
from grantflow.identity.access import Actor
from grantflow.identity.models import Person


class FreshClient(FlaskClient):
    """A client whose every request has a context of its own, as on a server: nothing of one stays for the
    next.

    The test's own transaction ends at each request, so that it reads what the request wrote.
    """

    def open(self, *given: Any, **more: Any) -> Any:
        session().rollback()
        context = copy_context()
        context.run(_cv_app.set, None)  # type: ignore[arg-type]
        return context.run(super().open, *given, **more)


def signed_in(app: Flask, actor: Actor | None) -> FlaskClient:
    """A client in a session of this person, or of nobody."""
    client = app.test_client()
    if actor is not None:
        person = session().get_one(Person, actor.person_id)
        with client.session_transaction() as cookie:
            cookie["_user_id"] = f"{person.id}:{person.session_epoch}"
            cookie["seen"] = int(clock.now().timestamp())
        session().rollback()
    return client


def text_of(response: Any) -> str:
    """The words of a page, without its markup."""
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.get_data(as_text=True), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def field(response: Any, name: str) -> str:
    """The value of an input of that name on the page."""
    page = response.get_data(as_text=True)
    for found in re.finditer(r"<input\b[^>]*>", page):
        if re.search(rf'\bname="{re.escape(name)}"', found[0]):
            value = re.search(r'\bvalue="([^"]*)"', found[0])
            return html.unescape(value[1]) if value else ""
    raise AssertionError(f"no input {name!r} on the page")


@contextmanager
def counting() -> Iterator[list[str]]:
    """The statements sent to the database inside the block, prepared ones too."""
    seen: list[str] = []
    run = prepared._Form.run

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    def noted(form: Any, *given: Any, **more: Any) -> Any:
        seen.append(form.text)
        return run(form, *given, **more)

    event.listen(db.engine, "before_cursor_execute", note)
    prepared._Form.run = noted  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        prepared._Form.run = run  # type: ignore[method-assign]
        event.remove(db.engine, "before_cursor_execute", note)
