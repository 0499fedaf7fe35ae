"""Owns how a row of a pack is made or brought up to date, and the count of what a load did.

Leaves which rows there are to `loading` and `calls`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import select

from grantflow.db import Base, writing
from grantflow.programmes.parts import Prose

Row = TypeVar("Row", bound=Base)


@dataclass
class Loaded:
    """What a load did: the programme's file, the calls' cases by code, and how many rows of each kind
    changed."""

    programme_id: int
    calls: dict[str, int] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)

    @property
    def anything(self) -> bool:
        """Whether the database was not already as the pack has it."""
        return bool(self.added or self.changed)


def two(label: Any) -> Prose:
    """A label as the database keeps it."""
    return Prose(en=label.en, ru=label.ru)


def put(done: Loaded, model: type[Row], where: Mapping[str, Any], values: Mapping[str, Any]) -> Row:
    """The row with these keys, made or brought to these values."""
    current = writing()
    row = current.scalars(select(model).filter_by(**where)).one_or_none()
    if row is None:
        row = model(**where, **values)
        current.add(row)
        current.flush()
        done.added[model.__tablename__] += 1
        return row
    if wrong := {name: value for name, value in values.items() if getattr(row, name) != value}:
        for name, value in wrong.items():
            setattr(row, name, value)
        current.flush()
        done.changed[model.__tablename__] += 1
    return row
