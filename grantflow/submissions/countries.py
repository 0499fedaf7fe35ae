"""Owns the countries an answer may name: two letters as they are kept, names in both languages as people type them.

Names are those of the Unicode locale data that Babel brings. Leaves tables to `lines`.
"""

from __future__ import annotations

from functools import cache

from babel import Locale
from flask_babel import lazy_gettext as _

from grantflow import rendering
from grantflow.identity.words import search_key
from grantflow.typed import Unreadable

_NOT_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
"""Two letters that stand for a union, a group of countries, a far island or nothing at all."""


@cache
def names(language: str) -> dict[str, str]:
    """Countries by their two letters, in the alphabet's order of a language."""
    territories = Locale.parse(language).territories
    found = {c: str(n) for c, n in territories.items() if len(c) == 2 and c.isalpha() and c not in _NOT_COUNTRIES}
    return dict(sorted(found.items(), key=lambda one: search_key(one[1])))


@cache
def _keys() -> dict[str, str]:
    return {search_key(name): code for language in ("en", "ru") for code, name in names(language).items()}


def code_of(text: str) -> str:
    """The two letters of a country written as these, or by its name in English or Russian. Unreadable for others."""
    letters = text.strip().upper()
    found = letters if letters in names("en") else _keys().get(search_key(text))
    if found is None:
        raise Unreadable(_("Write the name of a country, for example Russia, or its two letters, RU."))
    return found


def name_of(code: str) -> str:
    """A country's name in the reader's language; the letters themselves where they are none."""
    return names(rendering.language()[:2]).get(code, code)
