"""How often the door may be tried: by account, by network address, and by browsers that were let in before.

Nothing here asks whether an account exists, so the same tries get the same answers. Guessing somebody's password from
elsewhere does not lock them out: a browser they have signed in with keeps a count of its own, every count ends by
itself, and a link by mail always lets in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Response, current_app, request
from flask_limiter.util import get_remote_address
from itsdangerous import BadSignature, URLSafeSerializer

from grantflow import clock
from grantflow.identity import words

COOKIE, COOKIE_DAYS = "known", 180
MOST_ACCOUNTS = 8
"""Accounts one browser is known to; the oldest goes."""
PACE_SECONDS = 0.35
"""The least time an answer takes that must not tell by its haste whether there was anything to do."""
FROM_ONE_PLACE = "10 per 15 minutes"
ONE_ACCOUNT = "30 per 15 minutes"
ONE_ADDRESS = "60 per 15 minutes"
LETTERS = "5 per hour"


def account() -> str:
    """The account that was typed, in a form that no store of counts can read as an address."""
    typed = request.form.get("email", "")[:254]
    name = words.address_key(typed) or typed.strip().casefold()
    return hmac.new(_secret(), name.encode(), hashlib.sha256).hexdigest()[:32]


def _secret() -> bytes:
    return f"grantflow/throttle/{current_app.config['SECRET_KEY']}".encode()


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(
        current_app.config["SECRET_KEY"],
        salt="grantflow/known-browser",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _card() -> tuple[str, list[str]]:
    """The browser's own number and the accounts that were opened with it; nothing for a browser never let in."""
    try:
        number, accounts = _signer().loads(request.cookies.get(COOKIE, ""))
        return str(number), [str(one) for one in accounts]
    except (BadSignature, ValueError, TypeError):
        return "", []


def known() -> bool:
    """Whether the typed account was opened with this browser before."""
    return account() in _card()[1]


def for_account() -> str:
    """The key under which tries for an account are counted, wherever they come from."""
    return f"account/{account()}"


def for_place() -> str:
    """The key for tries for an account from one place: a browser known to it, else a network address."""
    number, accounts = _card()
    name = account()
    return f"place/{name}/{number if name in accounts else get_remote_address()}"


def remember(response: Response, email_key: str) -> Response:
    """Let the browser that was just let in be known to that account."""
    name = hmac.new(_secret(), email_key.encode(), hashlib.sha256).hexdigest()[:32]
    number, accounts = _card()
    accounts = [*(one for one in accounts if one != name), name][-MOST_ACCOUNTS:]
    response.set_cookie(
        COOKIE,
        str(_signer().dumps([number or secrets.token_urlsafe(12), accounts])),
        max_age=COOKIE_DAYS * 86400,
        httponly=True,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        samesite="Lax",
        path="/",
    )
    return response


def again_at(limit: Any) -> Any:
    """The instant from which the next try counts, by the house's clock."""
    return clock.now() + timedelta(seconds=max(0, limit.reset_at - time.time()))


@contextmanager
def evenly(now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Let the block take its time and no less, whatever there was to do in it."""
    began = now()
    try:
        yield
    finally:
        if (left := PACE_SECONDS - (now() - began)) > 0:
            sleep(left)
