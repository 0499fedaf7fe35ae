"""Owns the mark under which titles that say nearly the same stand together. It is kept beside what was sent, so that
doubles are looked up and never searched for.

Pure. Leaves naming doubles to `eligibility.alike`.
"""

from __future__ import annotations

STEM = 5
"""So many letters of a word count: the rest is mostly its ending."""
LONGEST = 400
"""No mark is longer: an index holds it."""


def title_of(search_key: str) -> str:
    """The title in the normal form in which it is searched: what stands after the number."""
    parts = search_key.split(" | ")
    return parts[1] if len(parts) > 1 else ""


def mark_of(search_key: str) -> str:
    """What titles share that say nearly the same: the beginnings of their words, in any order; small words do not count.
    The title itself where fewer than two words are left."""
    title = title_of(search_key)
    stems = sorted({word[:STEM] for word in title.split() if len(word) > 3 or word.isdigit()})
    return (" ".join(stems) if len(stems) > 1 else title)[:LONGEST]
