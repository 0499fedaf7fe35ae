"""GrantFlow: a grant's whole life. `create_app()` is the only place that knows every part."""

from __future__ import annotations

import gc
import logging
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Flask

STAGES = (
    "identity", "cases", "programmes", "submissions", "eligibility", "scoring", "awards", "disbursements", "followups",
    "publication", "oversight", "rehearsals",
)  # fmt: skip
"""The packages in the order of a grant's life, which is the order of imports."""


def _room(package: str, room: str) -> Any:
    """A room of a stage, where the stage has it."""
    name = f"grantflow.{package}.{room}"
    return import_module(name) if find_spec(name) else None


def load_stages() -> None:
    """Import every stage's tables, use cases and forms, so that definitions find all they name."""
    import_module("grantflow.history.models")
    for package in STAGES:
        for room in ("models", "service", "forms"):
            _room(package, room)
    from grantflow.cases import notices

    notices.register()


def create_app(environ: dict[str, str] | None = None, *, throttled: bool = True) -> Flask:
    """The application, made from the environment. Raises Misconfigured with a sentence for whoever runs it.

    The throttle is one for the process: an application inside another one leaves it to that one.
    """
    collecting = gc.isenabled()
    gc.disable()  # what is made here stays: to look through it for garbage is a seventh of every start
    try:
        return _made(environ, throttled)
    finally:
        if collecting:
            gc.enable()


def _made(environ: dict[str, str] | None, throttled: bool) -> Flask:
    from grantflow import rendering
    from grantflow.cases.relay import Relay
    from grantflow.config import read_settings, resource_folder
    from grantflow.db import db, let_go
    from grantflow.extensions import babel, bootstrap, csrf, limiter

    settings = read_settings(environ)
    app = Flask(
        __name__,
        template_folder=str(resource_folder("templates")),
        static_folder=str(Path(__file__).parent / "static"),
        instance_path=str(settings.home),
    )
    app.config.update(
        GRANTFLOW=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": not settings.database_url.startswith("sqlite")},
        BABEL_DEFAULT_LOCALE=settings.language,
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).parent / "translations"),
        BOOTSTRAP_SERVE_LOCAL=True,
        MAX_CONTENT_LENGTH=settings.upload_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        MAX_FORM_PARTS=5000,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        WTF_CSRF_TIME_LIMIT=None,  # a token ends with its session; what was typed is kept either way
        ZONE=settings.zone,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.proxies:
        from werkzeug.middleware.proxy_fix import ProxyFix

        proxies = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    settings.home.mkdir(parents=True, exist_ok=True)
    load_stages()
    if settings.redis_url:
        app.extensions["relay"] = Relay(settings.redis_url)
    db.init_app(app)
    app.teardown_appcontext(let_go)  # before the one of Flask-SQLAlchemy, which would raise where the connection broke
    bootstrap.init_app(app)
    csrf.init_app(app)
    if throttled:
        limiter.init_app(app)
    session = _room("identity", "session")
    babel.init_app(
        app,
        locale_selector=session.chosen_language if session else None,
        timezone_selector=session.chosen_zone if session else None,
    )
    rendering.install(app)
    if session:
        session.install(app)
    for package in STAGES:
        for room in ("views", "public"):
            if (pages := _room(package, room)) is not None:
                app.register_blueprint(pages.bp)
    pages = _room("cases", "error_pages")
    if pages:
        pages.install_error_pages(app)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    return app
