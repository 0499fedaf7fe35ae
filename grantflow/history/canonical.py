"""The canonical form of an event, version 1, and the hashes over it. Settled before the first event: it never changes.

A stranger can verify an exported history with any program that has JSON, UTF-8 and SHA-256:

1.  An event is the JSON object with exactly the keys `v case seq at actor role for trigger move from to facts private
    key prev`:
    v        the number 1;
    case     kind of the case, a slash, its number in the database: "application/17";
    seq      1 for the first event of the case, then one more each;
    at       UTC, "2022-02-10T09:00:00.000000Z", always six digits after the point;
    actor    number of the person who acted, or null for the system;
    role     the role in which they acted;
    for      number of the person they acted for, or null;
    trigger  what was asked for; move: the name of the move in the definition, or of the record;
    from, to names of states, or null for an event without states;
    facts    an object of strings, whole numbers, booleans, nulls, arrays and objects; no fractions: a decimal is a
             string, money is {"minor": whole number, "currency": "RUB"}, a date "2022-02-10";
    private  an object from the name of a private value to its salted digest (see 4);
    key      the idempotency key, or null;
    prev     the hash of the event before it; for seq 1 the genesis hash (see 3).
2.  It is written as JSON in UTF-8, strings in Unicode NFC, keys sorted by code point, separators "," and ":" without
    blanks, non-ASCII characters as they are, no trailing line break. Its hash is the lower-case hexadecimal SHA-256.
3.  The genesis hash of a case is the SHA-256 of "grantflow/1/" followed by the case as in 1.
4.  Names, written reasons and personal before-and-after values are not in the chain. In their place stands
    SHA-256(salt bytes followed by the UTF-8 bytes of the value's JSON as in 2); salt and value lie in a row beside it
    that can be erased on request. The salt is 16 random bytes.
5.  A checkpoint is the Merkle tree hash (as in RFC 6962, section 2.1: leaf = SHA-256(0x00 || text), node =
    SHA-256(0x01 || left || right), split at the largest power of two below the number of leaves) over one leaf text per
    case, "application/17:VERSION:HASH", cases in the order of their number. The checkpoint's own hash is the SHA-256 of
    the canonical JSON of {v, seq, at, cases, events, root, prev}; the first one's prev is SHA-256 of
    "grantflow/1/checkpoints". An empty history has the root SHA-256 of nothing.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

VERSION = 1


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _checked(value: Any) -> Any:
    """NFC strings and the permitted types, all the way down; a float is a TypeError."""
    if isinstance(value, str):
        return _nfc(value)
    if value is None or type(value) in (int, bool):
        return value
    if isinstance(value, dict):
        return {_nfc(str(key)): _checked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_checked(item) for item in value]
    raise TypeError(f"an event holds no {type(value).__name__}: {value!r}")


# An encoder of its own: json.dumps() makes a new one each time it is given these.
_write = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _plain(value: Any) -> bool:
    """Whether it is made of the permitted types alone, with strings for keys."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not (type(item) is str or type(item) is int or item is None or _plain(item)):
                return False
        return True
    if kind is list or kind is tuple:
        return all(map(_plain, value))
    return kind is str or kind is int or kind is bool or value is None


def canonical(value: Any) -> str:
    """The one way to write a value: rules 1 and 2."""
    if _plain(value):
        written = _write(value)
        if written.isascii():  # which is in NFC as it stands
            return written
    return _write(_checked(value))


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def stamp(moment: datetime) -> str:
    """An aware instant as rule 1 writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def genesis(case: str) -> str:
    """Rule 3: what the first event of a case points back to."""
    return sha256(f"grantflow/1/{case}".encode())


def event_hash(event: dict[str, Any]) -> str:
    """The hash of an event object with the keys of rule 1."""
    return sha256(canonical(event).encode())


def digest(salt: bytes, value: Any) -> str:
    """Rule 4: the salted digest that stands in the chain for a private value."""
    return digest_of_written(salt, canonical(value))


def digest_of_written(salt: bytes, written: str) -> str:
    """The same of a value that is in its canonical form already."""
    return sha256(salt + written.encode())


def merkle_root(leaves: Sequence[str]) -> str:
    """Rule 5: the Merkle tree hash over leaf texts."""
    if not leaves:
        return sha256(b"")
    level = [hashlib.sha256(b"\x00" + leaf.encode()).digest() for leaf in leaves]
    # Pairing neighbours and carrying an odd last node up builds the same tree as the recursive definition.
    while len(level) > 1:
        paired = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0].hex()
