"""Typed words as they may be kept: addresses, names in any script, and what each fault says to the person.

It knows no form and no row; whoever calls decides where the sentence stands.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import force_locale
from flask_babel import lazy_gettext as _

from grantflow.errors import Invalid

_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = {
    **dict(zip("абвгдезийклмнопрстуфцыэ", "abvgdeziiklmnoprstufcye", strict=True)),
    **{"ж": "zh", "х": "kh", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ь": "", "ю": "yu", "я": "ya"},
}
_TURNERS = frozenset(chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0xFEFF))


def line(text: str | None, *, longest: int, needed: bool = True, what: Any = None) -> str:
    """One line of typed text: NFC, blanks folded, nothing invisible. Raises Invalid with what to write."""
    plain = " ".join(unicodedata.normalize("NFC", text or "").split())
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") or c in _TURNERS for c in plain):
        raise Invalid(_("There is an invisible character in it. Type it by hand instead of pasting it."))
    if needed and not plain:
        raise Invalid(what or _("Write something here."))
    if len(plain) > longest:
        raise Invalid(_("This has %(count)s characters; write at most %(longest)s.", count=len(plain), longest=longest))
    return plain


def name(text: str | None, *, longest: int = 200, needed: bool = True) -> str:
    """A person's or body's name in any script: at least one letter, no angle brackets."""
    plain = line(text, longest=longest, needed=needed, what=_("Write a name."))
    if plain and (not any(c.isalpha() for c in plain) or "<" in plain or ">" in plain):
        raise Invalid(_("Write a name in letters."))
    return plain


def by_script(text: str) -> dict[str, str]:
    """The column a name belongs in: with Cyrillic letters `name_ru`, else `name_en`."""
    return {"name_ru": text, "name_en": ""} if _CYRILLIC.search(text) else {"name_en": text, "name_ru": ""}


def address(text: str | None) -> tuple[str, str]:
    """An e-mail address as written and as it is compared: without case. Raises Invalid with an example."""
    plain = line(text, longest=254, what=_("Write your e-mail address, for example anna@example.org."))
    try:
        found = validate_email(plain, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise Invalid(_("Write a whole e-mail address, for example anna@example.org.")) from None
    return found, found.casefold()


def address_key(text: str | None) -> str:
    """What is looked up for whatever was typed as an address; never raises."""
    try:
        return address(text)[1]
    except Invalid:
        return ""


def search_key(*names: str) -> str:
    """All spellings in one normal form: without case, ё, marks and quotes, Cyrillic in Latin letters."""
    keys = []
    for text in names:
        bare = unicodedata.normalize("NFKD", text.casefold().replace("ё", "е").replace("й", "и"))
        latin = "".join(_LATIN.get(c, c) for c in bare if not unicodedata.combining(c))
        keys.append(" ".join(re.findall(r"\w+", latin)))
    return " | ".join(dict.fromkeys(key for key in keys if key))


def in_both(label: Any) -> dict[str, str]:
    """A lazy label in both languages, for a notice whose reader's language is not known yet."""
    said = {}
    for language in ("en", "ru"):
        with force_locale(language):
            said[language] = str(label)
    return said
