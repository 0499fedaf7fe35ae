"""The same body under two spellings: found by its number, or by names that sound alike whatever their script, quotes and
legal form.

Pure but for the two readings at its foot; whether two bodies are one, a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import select

from grantflow.db import session
from grantflow.identity import words
from grantflow.identity.models import Organisation
from grantflow.identity.numbers import bare

_BODIES = Organisation.__table__
_FORMS = frozenset(
    words.search_key(
        "ано нко ноо ооо оао зао пао ао ип ро роо моо рoо мбу мау гбу тос нп чоу общество с ограниченной "
        "ответственностью индивидуальный предприниматель автономная некоммерческая организация региональная "
        "общественная местная фонд учреждение кооператив объединение самозанятая самозанятый инициативная группа "
        "the of for and ltd llc inc foundation fund association organisation organization ngo npo union cooperative "
        "limited company oy ab as aps ry mtu srl onlus autonomous non profit noncommercial public regional"
    ).split()
)
"""Words that say what kind of body it is, not which."""
_SOUNDS = tuple(
    (re.compile(before), after)
    for before, after in (
        ("shch|sch|sh", "s"), ("zh", "z"), ("kh", "h"), ("ch", "c"), ("ts|tc|tz", "c"), ("ck", "k"), ("ph", "f"),
        ("ks|x", "ks"), ("w", "v"), ("yo|jo|io|e", "e"), ("yu|ju|iu", "u"), ("ya|ja|ia", "a"), ("[yj]", "i"),
        ("iu", "u"), ("ia", "a"), (r"(.)\1+", r"\1"), ("i$", ""),
    )
)  # fmt: skip
"""Ways of writing one Cyrillic sound in Latin letters, brought to one; order matters."""
SHORTEST = 6
"""Names shorter than this must sound the same; a letter more or less would make too many alike."""


def sound(key: str) -> str:
    """A name's normal form (`words.search_key`) as it sounds: without what kind of body it is, in any order of words."""
    heard = []
    for word in key.split():
        if word in _FORMS:
            continue
        for pattern, after in _SOUNDS:
            word = pattern.sub(after, word)
        heard.append(word)
    return "".join(sorted(heard))


def sounds(search_key: str) -> list[str]:
    """What all the names of a body sound like; empty where nothing is left but the kind of body."""
    return list(dict.fromkeys(filter(None, (sound(key) for key in search_key.split(" | ")))))


def _shorter(heard: str) -> Iterator[str]:
    """The sound itself, and with any one letter left out: two names that share one differ by a letter."""
    yield heard
    if len(heard) >= SHORTEST:
        for place in range(len(heard)):
            yield heard[:place] + heard[place + 1 :]


@dataclass(frozen=True)
class Double:
    """Two bodies that may be one, and why: "number", "name" or "alike"."""

    first: int
    second: int
    why: str


def pairs(bodies: Iterable[Any]) -> list[Double]:
    """Every two of these rows (`id inn ogrn country search_key`) that may be one, the surest first; each once.

    A number decides before a name. Bodies of one register with two different numbers are two bodies, however alike.
    """
    rows = list(bodies)
    numbers: dict[tuple[str, str, str], list[int]] = {}
    names: dict[str, set[int]] = {}
    same: dict[str, set[int]] = {}
    for place, row in enumerate(rows):
        for register in ("inn", "ogrn"):
            if getattr(row, register):
                numbers.setdefault((register, row.country, getattr(row, register)), []).append(place)
        for heard in sounds(row.search_key):
            same.setdefault(heard, set()).add(place)
            for short in _shorter(heard):
                names.setdefault(short, set()).add(place)
    found: dict[tuple[int, int], str] = {}
    for why, groups in (("number", numbers.values()), ("name", same.values()), ("alike", names.values())):
        for group in groups:
            for one, other in combinations(sorted(group)[:50], 2):
                if why == "number" or not _two_numbers(rows[one], rows[other]):
                    found.setdefault((one, other), why)
    order = {"number": 0, "name": 1, "alike": 2}
    return sorted(
        (Double(rows[one].id, rows[other].id, why) for (one, other), why in found.items()),
        key=lambda pair: (order[pair.why], pair.first, pair.second),
    )


def _two_numbers(one: Any, other: Any) -> bool:
    return bool(one.inn and other.inn and one.country == other.country and one.inn != other.inn)


_KNOWN = select(
    _BODIES.c.id, _BODIES.c.name_en, _BODIES.c.name_ru, _BODIES.c.inn, _BODIES.c.ogrn, _BODIES.c.country,
    _BODIES.c.place_id, _BODIES.c.legal_form, _BODIES.c.search_key,
).where(_BODIES.c.merged_into_id.is_(None)).order_by(_BODIES.c.id)  # fmt: skip


def known() -> list[Any]:
    """Every body that stands for itself, in the columns by which doubles are told. One query."""
    return list(session().execute(_KNOWN))


@dataclass(frozen=True)
class _Asked:
    id: int
    inn: str
    ogrn: str
    country: str
    search_key: str


def like(name_en: str, name_ru: str, inn: str = "", ogrn: str = "", country: str = "RU") -> list[Any]:
    """The bodies here that a body so described may be, the surest first; at most ten."""
    asked = _Asked(0, bare(inn), bare(ogrn), country, words.search_key(name_en, name_ru))
    heard = {short for one in sounds(asked.search_key) for short in _shorter(one)}
    near = []
    for row in known():
        shared = heard and any(not heard.isdisjoint(_shorter(one)) for one in sounds(row.search_key))
        number = row.country == country and any(
            n and n == getattr(row, k) for k, n in (("inn", asked.inn), ("ogrn", asked.ogrn))
        )
        if shared or number:
            near.append(row)
    rows = {row.id: row for row in near}
    first = [pair for pair in pairs([asked, *near]) if 0 in (pair.first, pair.second)]
    return [rows[pair.second or pair.first] for pair in first][:10]
