"""Passwords: which may be chosen, how they are kept (Argon2id) and compared.

Whose they are, and what happens when they change, is in `service`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _

SHORTEST, LONGEST = 10, 200
_WORN_OUT = {
    "password", "passwort", "qwertyuiop", "qwerty", "letmein", "welcome", "administrator", "grantflow", "1234567890",
    "0123456789", "пароль", "йцукенгшщз", "админ",
}  # fmt: skip
_hasher = PasswordHasher()


def _plain(password: str) -> str:
    """One form of what a keyboard may write in two: é as a letter, or as e and a mark."""
    return unicodedata.normalize("NFC", password)


def fault(password: str, *, email: str = "") -> Any:
    """Why a password may not be chosen, as a sentence; None when it may."""
    plain = _plain(password)
    if len(plain) < SHORTEST:
        return _("Write at least %(count)s characters. A few words in a row are easy to remember.", count=SHORTEST)
    if len(plain) > LONGEST:
        return _("Write at most %(count)s characters.", count=LONGEST)
    bare = plain.casefold().strip("0123456789!?. ")
    if len(set(plain)) < 4 or bare in _WORN_OUT or plain.casefold() in _WORN_OUT:
        return _("This one is guessed first. Take a few words that do not belong together.")
    if email and bare and bare in (email.casefold(), email.casefold().partition("@")[0]):
        return _("Your address is no secret. Take a few words that do not belong together.")
    return None


def hashed(password: str) -> str:
    """The hash to keep."""
    return _hasher.hash(_plain(password))


@contextmanager
def no_secret() -> Iterator[None]:
    """Inside the block passwords are hashed in next to no time: for the demo, whose only password it prints itself.

    At the first sign-in such a hash counts as worn and is made anew.
    """
    global _hasher
    kept, _hasher = _hasher, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    try:
        yield
    finally:
        _hasher = kept


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")


def matches(kept: str | None, password: str) -> bool:
    """Whether the password is the kept one. Without a kept one it takes as long and is no."""
    try:
        fits = _hasher.verify(kept or _nobodys(), _plain(password)[:LONGEST])
        return fits if kept is not None else False
    except (VerificationError, InvalidHashError):
        return False


def worn(kept: str) -> bool:
    """Whether the hash was made with weaker parameters than today's and should be made anew."""
    return _hasher.check_needs_rehash(kept)
