"""Owns `grantflow demo`: deciding whether to build, telling how far it is, printing the sign-ins, serving.

Leaves building to `build` and what lies in the folder to `home`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from grantflow import clock
from grantflow.config import Settings, read_settings
from grantflow.demo import home
from grantflow.demo.progress import Progress

_ROLES = {
    "applicant": "Applicant", "officer": "Programme officer", "panellist": "Panel member", "chair": "Panel chair",
    "finance": "Finance officer", "manager": "Programme manager", "auditor": "Auditor",
}  # fmt: skip


def run(*, until: str | None, fresh: bool, serve: bool, host: str | None, port: int | None) -> None:
    """Build the demo where it is needed, then print its sign-ins and serve it.

    Raises Misconfigured, with what to do, for a taken port, a database that is no demo, and a demo in use.
    """
    settings = read_settings(_environ())
    home.present(settings)  # whose database this is comes before everything else
    host, port = host or settings.host, port or settings.port
    sock = None
    if serve:
        from grantflow import server

        sock = server.listen(host, port)  # before the build: nobody waits a minute to hear that the port is taken
        port = int(sock.getsockname()[1])  # of port 0 the system makes a free one
    try:
        environ = _environ(settings, host, port)
        with home.building(settings, lambda: click.echo("Another start is building the demo here; waiting for it.")):
            _ensure(settings, environ, until, fresh)
            lock = home.serving(settings) if sock is not None else None
        if sock is None:
            return
        _serve(environ, sock, host, port)
        if lock is not None:
            lock.close()
    finally:
        if sock is not None:
            sock.close()


def _environ(settings: Settings | None = None, host: str = "", port: int = 0) -> dict[str, str]:
    """The environment the demo's apps are made from: its letters are always kept, never mailed, by its own server."""
    found = {
        name: value for name, value in os.environ.items() if name.startswith("GRANTFLOW_") or name == "DATABASE_URL"
    }
    for elsewhere in ("GRANTFLOW_SMTP_HOST", "GRANTFLOW_REDIS_URL"):
        found.pop(elsewhere, None)
    if settings is not None:
        found |= {
            "GRANTFLOW_HOME": str(settings.home), "GRANTFLOW_SECRET_KEY": settings.secret_key,
            "GRANTFLOW_HOST": host, "GRANTFLOW_PORT": str(port),
        }  # fmt: skip
    return found


def _ensure(settings: Settings, environ: dict[str, str], until: str | None, fresh: bool) -> None:
    mark = home.present(settings)
    why = _why(mark, until, fresh)
    if mark is not None and why is None:
        _mention(mark)
        return
    if mark is not None:
        home.require_unserved(settings)
        click.echo(why)
    from grantflow.demo import build

    stage = until or (mark.until if mark is not None else build.DEFAULT)
    click.echo(f"Building the demo, up to the stage “{stage}”. This takes about half a minute.")
    partial = home.fresh_partial(settings)
    progress = Progress()
    try:
        build.build(environ | {"GRANTFLOW_HOME": str(partial), "GRANTFLOW_WORKER": "no"}, stage, progress)
    except BaseException:
        progress.clear()
        home.throw_away(partial)
        raise
    home.put_in_place(settings, partial)
    progress.end(f"100 %  The demo is ready in {settings.home}")


def _why(mark: home.Mark | None, until: str | None, fresh: bool) -> str | None:
    """Why a demo that is here is built anew, as a sentence; None to keep it."""
    if mark is None:
        return None
    from grantflow import schema

    if fresh:
        return "The demo is built anew, as --fresh asks."
    if until is not None and until != mark.until:
        return f"The demo here stands at “{mark.until}”; it is built anew up to “{until}”."
    if mark.schema != schema.newest():
        return "The demo here was made by another version of GrantFlow; it is built anew."
    return None


def _mention(mark: home.Mark) -> None:
    from grantflow.demo import build

    days = (clock.today("Europe/Moscow") - mark.day).days
    if days > 0:
        since = "yesterday" if days == 1 else f"{days} days ago"
        click.echo(f"The demo was built {since} and its dates are of that day; --fresh builds it anew as of today.")
    elif mark.content != build.content_hash():
        click.echo("The demo's story has changed since it was built; --fresh tells it anew.")


def _serve(environ: dict[str, str], sock: Any, host: str, port: int) -> None:
    from grantflow import create_app, server

    app = create_app(environ)
    demo_facts(app)
    for line in sign_ins(f"http://{host}:{port}"):
        click.echo(line)
    server.serve(app, sock)


def demo_facts(app: Flask) -> None:
    """Where the app's database is marked as a demo, tell the app: people to look around as, and their password."""
    from grantflow.cases.models import Installation
    from grantflow.db import db, session
    from grantflow.demo import cast, content

    with app.app_context(), suppress(DBAPIError):
        file = db.engine.url.database
        if db.engine.dialect.name == "sqlite" and not (file and Path(file).exists()):
            return  # to ask would make an empty one
        try:
            marked = session().scalar(select(Installation.value).where(Installation.name == home.MARK))
        finally:
            db.session.remove()
        if marked is None:
            return
        people = content.read("people", content.People).people
        app.config["DEMO"] = {
            "people": {one.email: one.does for one in people},
            "password": cast.PASSWORD,
            **{name: getattr(home.mark_of(marked), name) for name in ("until", "day")},
        }


def sign_ins(address: str) -> Iterable[str]:
    """The address and who one may look around as, as lines of a table."""
    from grantflow.demo import cast, content

    people = content.read("people", content.People).people
    rows = [(_ROLES[one.role], one.email, f"{one.name.en}: {one.does.en}") for one in people]
    wide = [max(len(row[n]) for row in rows) for n in (0, 1)]
    yield ""
    yield f"GrantFlow is at {address}  (Ctrl+C stops it)"
    yield f"Everybody’s password is {cast.PASSWORD}"
    yield ""
    for role, email, does in rows:
        yield f"  {role:<{wide[0]}}  {email:<{wide[1]}}  {does}"
    yield ""
    yield "Everything in it is invented: organisations, people, sums and scores. Letters are kept, never sent."
