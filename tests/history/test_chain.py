"""The chain holds against editing, deleting, replacing, reordering and dropping; and a stranger can verify it."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from grantflow.cases import service
from grantflow.db import db, session, unit_of_work
from grantflow.history import canonical, checkpoints, verify
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from tests.factories import person, record_file


@pytest.fixture
def chain(app: Flask) -> int:
    """A file with five events, and a checkpoint over it."""
    programme = record_file("programme")
    officer = person("officer", programme_id=programme)
    for number in range(4):
        note(programme, officer, number)
    checkpoints.lodge()
    return programme


def note(case_id: int, actor: Actor, number: int) -> None:
    with unit_of_work():
        service.record(case_id, "noted", actor=actor, facts={"number": number, "word": "ё"}, reason=f"Reason {number}")


def force(*statements: str, **parameters: object) -> None:
    """Write past the triggers and keys, as somebody with the database file, or the rights of its keeper, would."""
    session().rollback()
    if db.engine.dialect.name == "postgresql":
        with db.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in statements:
                named = re.sub(r":(id|other)\b", r"%(\1)s", statement)
                connection.exec_driver_sql(named, parameters)
        return
    file = sqlite3.connect(str(db.engine.url.database), isolation_level=None)
    for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        file.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        file.execute(statement, parameters)
    file.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET role = 'manager' WHERE case_id = :id AND seq = 2",
        "DELETE FROM events WHERE case_id = :id AND seq = 2",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE case_id = :id AND seq = 2",
        "UPDATE checkpoints SET root = hash WHERE seq = 1",
        "DELETE FROM checkpoints",
        "UPDATE checkpoint_heads SET version = 1",
        "UPDATE private_values SET value = '\"somebody else\"' WHERE case_id = :id AND seq = 2 AND name = 'actor'",
        "DELETE FROM private_values",
    ],
)
def test_the_database_itself_refuses_to_rewrite_history(chain: int, statement: str) -> None:
    if db.engine.dialect.name == "postgresql" and statement.startswith("INSERT OR REPLACE"):
        here = "INSERT INTO events SELECT * FROM events WHERE case_id = :id AND seq = 2"
        statement = f"{here} ON CONFLICT (id) DO UPDATE SET role = 'manager'"
    with pytest.raises(DatabaseError, match=r"insert-only|only be erased"), db.engine.begin() as connection:
        connection.execute(text(statement), {"id": chain})


def edit(column: str, value: str) -> str:
    return f"UPDATE events SET {column} = {value} WHERE case_id = :id AND seq = 3"


TAMPERING: dict[str, tuple[list[str], str]] = {
    "an edited fact": ([edit("facts", '\'{"number":99,"word":"ё"}\'')], "3: its content is not what was written"),
    "an edited actor": ([edit("actor_id", "1")], "3: its content"),
    "an edited role": ([edit("role", "'manager'")], "3: its content"),
    "an edited time": ([edit("at", "'2001-01-01 00:00:00.000000'")], "3: its content"),
    "an edited move": ([edit("move", "'approved'")], "3: its content"),
    "an edited key": ([edit("key", "'other'")], "3: its content"),
    "a deleted event": (["DELETE FROM events WHERE case_id = :id AND seq = 3"], "3: this event is missing"),
    "a cut tail": (
        ["DELETE FROM events WHERE case_id = :id AND seq = 5"],
        "5: the case counts 5 events, the chain has 4",
    ),
    "a cut tail with the case rewound": (
        [
            "DELETE FROM events WHERE case_id = :id AND seq = 5",
            "UPDATE cases SET version = 4, since_seq = 0, head_hash = (SELECT hash FROM events WHERE case_id = :id AND seq = 4) "
            "WHERE id = :id",
        ],
        "5: checkpoint 1 saw another event here",
    ),
    "two events swapped": (
        [
            "UPDATE events SET seq = 100 WHERE case_id = :id AND seq = 2",
            "UPDATE events SET seq = 2 WHERE case_id = :id AND seq = 3",
            "UPDATE events SET seq = 3 WHERE case_id = :id AND seq = 100",
        ],
        "2: it does not follow from the event before it",
    ),
    "a dropped case": (
        [
            "DELETE FROM events WHERE case_id = :id",
            "DELETE FROM private_values WHERE case_id = :id",
            "DELETE FROM cases WHERE id = :id",
        ],
        "checkpoint 1 knew it, but it is gone",
    ),
    "a dropped case whose events stayed": (["DELETE FROM cases WHERE id = :id"], "it has events, but the case is gone"),
    "a changed name": (
        ["UPDATE private_values SET value = '\"Somebody\"' WHERE case_id = :id AND seq = 3 AND name = 'actor'"],
        "3: a name or reason beside it was changed",
    ),
    "a removed reason": (
        ["DELETE FROM private_values WHERE case_id = :id AND seq = 3 AND name = 'reason'"],
        "3: the value beside it was removed, not erased",
    ),
    "a case pointing elsewhere": (
        ["UPDATE cases SET head_hash = :other WHERE id = :id"],
        "the case points to another last event",
    ),
    "an edited checkpoint": (["UPDATE checkpoints SET events = 1"], "checkpoint 1: it is not what was written"),
    "a removed head": (["DELETE FROM checkpoint_heads WHERE case_id = :id"], "checkpoint 1: its root does not cover"),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_verification_names_the_place_of(chain: int, how: str) -> None:
    assert verify.verify_all().whole
    statements, expected = TAMPERING[how]
    force(*statements, id=chain, other="0" * 64)
    session().rollback()
    report = verify.verify_all()
    assert not report.whole
    assert expected in " / ".join(str(b) for b in report.breaks)


def test_rehashing_one_event_and_all_after_it_is_found_by_the_checkpoint(chain: int) -> None:
    rows = [
        dict(r._mapping)
        for r in session().execute(Event.__table__.select().where(Event.case_id == chain).order_by(Event.seq))
    ]
    from grantflow.history.store import as_object

    rows[2]["facts"] = {"number": 42, "word": "ё"}
    previous = rows[1]["hash"]
    statements = []
    for row in rows[2:]:
        row["prev_hash"] = previous
        row["hash"] = previous = canonical.event_hash(as_object(f"programme/{chain}", row))
        facts = json.dumps(row["facts"], ensure_ascii=False)
        statements.append(
            f"UPDATE events SET facts = '{facts}', prev_hash = '{row['prev_hash']}', hash = '{row['hash']}' "
            f"WHERE case_id = :id AND seq = {row['seq']}"
        )
    statements.append(f"UPDATE cases SET head_hash = '{previous}' WHERE id = :id")
    force(*statements, id=chain)
    session().rollback()
    assert verify.verify_case(chain).whole
    assert "checkpoint 1 saw another event here" in " ".join(map(str, verify.verify_all().breaks))


def test_a_stranger_verifies_an_event_with_json_and_sha256_alone(chain: int) -> None:
    row = session().execute(Event.__table__.select().where(Event.case_id == chain, Event.seq == 2)).one()
    stranger = {
        "v": 1, "case": f"programme/{chain}", "seq": 2, "at": row.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": row.actor_id, "role": row.role, "for": None, "trigger": row.trigger, "move": row.move, "from": None,
        "to": None, "facts": row.facts, "private": row.private, "key": None, "prev": row.prev_hash,
    }  # fmt: skip
    written = json.dumps(stranger, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(written).hexdigest() == row.hash


def test_the_canonical_form_never_changes() -> None:
    event = {
        "v": 1, "case": "application/17", "seq": 1, "at": "2022-02-10T09:00:00.000000Z", "actor": 3, "role": "chair", "for": None,
        "trigger": "award", "move": "award", "from": "ranked", "to": "awarded",
        "facts": {"sum": {"minor": 33180000, "currency": "RUB"}, "word": "ёж"}, "private": {}, "key": None,
        "prev": canonical.genesis("application/17"),
    }  # fmt: skip
    assert canonical.genesis("application/17") == hashlib.sha256(b"grantflow/1/application/17").hexdigest()
    assert canonical.event_hash(event) == "e1812a5ef00a3780d673fc5af3b46e6ed05529b31330efaa7150d98c79ea4c1c"
    assert canonical.canonical({"b": 1, "a": "e\u0308"}) == '{"a":"ë","b":1}'


LETTERS = st.text(st.sampled_from('ab"\\\n\x07e\u0308\u0301ёЁ\u212b\u2028😀'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS | st.integers(0, 20), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_any_value_is_written_as_the_rules_say_in_words(value: Any) -> None:
    def composed(value: Any) -> Any:
        if isinstance(value, str):
            return unicodedata.normalize("NFC", value)
        if isinstance(value, dict):
            return {composed(str(key)): composed(item) for key, item in value.items()}
        return [composed(item) for item in value] if isinstance(value, list) else value

    wanted = json.dumps(composed(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical.canonical(value) == wanted


@pytest.mark.parametrize("value", [{"sum": 1.5}, [{"a": {"b": (1, float("nan"))}}], 0.0, {"set": {1}}, b"bytes"])
def test_a_fraction_cannot_enter_an_event(value: Any) -> None:
    with pytest.raises(TypeError, match=r"an event holds no (float|set|bytes)"):
        canonical.canonical(value)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7, 8, 13])
def test_the_merkle_root_is_that_of_rfc_6962(count: int) -> None:
    leaves = [f"leaf {n}" for n in range(count)]

    def root(part: list[str]) -> bytes:
        if not part:
            return hashlib.sha256(b"").digest()
        if len(part) == 1:
            return hashlib.sha256(b"\x00" + part[0].encode()).digest()
        k = 1
        while k * 2 < len(part):
            k *= 2
        return hashlib.sha256(b"\x01" + root(part[:k]) + root(part[k:])).digest()

    assert canonical.merkle_root(leaves) == root(leaves).hex()


def test_a_checkpoint_a_day_is_lodged_and_lists_only_what_grew(chain: int, app: Flask) -> None:
    assert not checkpoints.lodge_if_older(timedelta(days=1))
    officer = person("officer", programme_id=chain)
    note(chain, officer, 9)
    checkpoints.lodge()
    grown = (
        session()
        .execute(text("SELECT case_id, version FROM checkpoint_heads WHERE checkpoint = 2 ORDER BY case_id"))
        .all()
    )
    assert (chain, 6) in grown and len(grown) == 2
    assert verify.verify_all().checkpoints == 2
