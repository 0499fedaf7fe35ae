"""Owns the inside of a rehearsal: the same application once more, on the database of one chapter, asked as if one were
somebody in it.

Nothing gets out: no mail server, no queue and no worker is set, the secret that signs links is another one, and the
cookie holds within the rehearsal. Nothing gets in but who asks, as what, and in which language. Who may ask at all is
judged by `views` at every request.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, Request, has_request_context, request
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager
from sqlalchemy import event
from werkzeug.wrappers import Response

from grantflow import clock, create_app
from grantflow.cases import outbox
from grantflow.cases.worker import do_long_work
from grantflow.config import Settings
from grantflow.db import db
from grantflow.delivery import ROOT
from grantflow.errors import NotFound
from grantflow.identity.access import PUBLIC, access
from grantflow.identity.session import Visitor, arrive

ENTRY = "grantflow.rehearsal"
"""Where a request says who asks: a name no header of a browser can have."""
MOST = 6
"""So many chapters are kept open by a process; the one longest unused is closed, and opened again when asked for."""
_apps: OrderedDict[Path, Flask] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Manner:
    """How the house outside is set up, as far as a rehearsal follows it; and in which language it is made."""

    home: Path
    url: str
    language: str
    zone: str
    upload_mb: int
    secure: bool
    templates: Any = field(repr=False)

    @classmethod
    def of(cls, app: Flask, language: str) -> Manner:
        """What a rehearsal takes over from the application outside."""
        known: Settings = app.config["GRANTFLOW"]
        return cls(
            known.home, known.url, language, known.zone, known.upload_mb, known.secure_cookies, app.jinja_env
        )  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """Who asks: nobody (a visitor) or an invented person, with the frame that the page is shown in."""

    person_id: int | None
    language: str
    theme: str
    stamp: str
    """Tells one chapter's telling from every other, for what a browser keeps."""
    title: Any
    at: datetime
    back: str
    tongues: dict[str, str]
    others: list[tuple[Any, str, bool]]
    """Whom one may be instead: the name of the role, the way there, and whether one is that already."""


def _entry() -> Entry | None:
    return request.environ.get(ENTRY) if has_request_context() else None


class _Sessions(SecureCookieSessionInterface):
    """A cookie that goes to the one role of the one chapter and to nobody else."""

    def get_cookie_path(self, app: Flask) -> str:
        """The address under which the chapter is asked in this role."""
        return f"{request.script_root}/"


@access(PUBLIC)
def _nowhere(**_of: Any) -> str:
    """There is no rehearsal within a rehearsal."""
    raise NotFound


def _arriving(asked: Request) -> Visitor | None:
    entry: Entry | None = asked.environ.get(ENTRY)
    if entry is None or entry.person_id is None:
        return None
    return arrive(entry.person_id, language=entry.language, theme=entry.theme)


def _frame() -> dict[str, Any]:
    return {"rehearsal": _entry(), "demo": None}


def app_of(folder: Path, manner: Manner) -> Flask:
    """The application on the chapter in a folder: made once, while it is in use."""
    with _lock:
        if folder not in _apps:
            _apps[folder] = _made(folder, manner)
            while len(_apps) > MOST:
                _close(_apps.popitem(last=False)[1])
        _apps.move_to_end(folder)
        return _apps[folder]


def let_go(folder: Path) -> None:
    """Close every chapter that lies in this folder."""
    with _lock:
        for known in [known for known in _apps if known == folder or folder in known.parents]:
            _close(_apps.pop(known))


def _close(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


def _made(folder: Path, manner: Manner) -> Flask:
    app = create_app(
        {
            "GRANTFLOW_HOME": str(folder), "GRANTFLOW_WORKER": "no", "GRANTFLOW_LANGUAGE": manner.language,
            "GRANTFLOW_ZONE": manner.zone, "GRANTFLOW_UPLOAD_MB": str(manner.upload_mb), "GRANTFLOW_BASE_URL": manner.url,
            "GRANTFLOW_SECURE_COOKIES": "yes" if manner.secure else "no",
        },
        throttled=False,
    )  # fmt: skip
    app.config["REHEARSAL"] = True
    # The same templates by the same words: compiled once for the house outside and for all within.
    app.jinja_env = manner.templates
    app.config["SESSION_COOKIE_NAME"] = "rehearsal"
    app.session_interface = _Sessions()
    door = LoginManager()
    door.session_protection = None
    door.request_loader(_arriving)
    door.init_app(app)
    app.context_processor(_frame)
    for name in [name for name in app.view_functions if name.startswith("rehearsals.")]:
        app.view_functions[name] = _nowhere
    with app.app_context():
        # What is thrown away need not be safe from a loss of power.
        event.listen(db.engine, "connect", _unhurried)
    return app


def _unhurried(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def ask(app: Flask, environ: dict[str, Any], prefix: str, entry: Entry) -> Response:
    """The answer of a chapter to a request of the house outside, whose address begins with `prefix` there.

    What the answer sets going (letters, work of minutes) is done at once: nobody else does it.
    """
    outside = environ.get("SCRIPT_NAME", "")
    inner = {name: value for name, value in environ.items() if not name.startswith(("werkzeug.request", "flask."))}
    inner["SCRIPT_NAME"] = outside + prefix
    inner["PATH_INFO"] = environ["PATH_INFO"][len(prefix) :]
    inner |= {ENTRY: entry, ROOT: outside}

    def answer() -> Response:
        with clock.at(entry.at):
            reply = Response.from_app(app.wsgi_app, inner, buffered=True)
            if inner["REQUEST_METHOD"] == "POST":
                with app.app_context():
                    while outbox.drain(100):
                        pass
                    do_long_work(lambda: False)
                    db.session.remove()
        return reply

    return Context().run(answer)
