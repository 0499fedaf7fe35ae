"""Letters as their readers find them: what was sent, and the links in it."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from grantflow.cases import outbox
from grantflow.cases.models import Letter
from grantflow.db import session


def letters(to: str = "") -> list[Any]:
    """What has been sent, oldest first, to one address or to all."""
    outbox.drain(200)
    session().rollback()
    rows = session().scalars(select(Letter).order_by(Letter.created_at, Letter.message_id))
    return [row for row in rows if to in ("", row.recipient)]


def link_in(letter: Any, kind: str) -> str:
    """The path of the link of that kind in a letter."""
    found = re.search(rf"https?://[^/\s]+(/(?:letter/)?{kind}/\S+)", letter.body)
    assert found, letter.body
    return found[1]
