"""Checkpoints lodged outside the house: written to a file, and compared with the database later.

A database that was rewound whole, checkpoints included, agrees with itself; only such a file gives it away.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow.db import session
from grantflow.errors import Misconfigured
from grantflow.history.canonical import canonical, stamp
from grantflow.history.models import Checkpoint
from grantflow.history.verify import Break


def write(row: dict[str, Any], out: Path) -> None:
    """Write a checkpoint's row as one line of canonical JSON."""
    lodged = {
        "v": row["v"], "seq": row["seq"], "at": stamp(row["at"]), "cases": row["cases"], "events": row["events"],
        "root": row["root"], "prev": row["prev_hash"], "hash": row["hash"],
    }  # fmt: skip
    out.write_text(canonical(lodged) + "\n", encoding="utf-8")


def compare(file: Path) -> list[Break]:
    """What differs between a lodged checkpoint and the database's own of that number; nothing where they agree."""
    try:
        lodged = json.loads(file.read_text(encoding="utf-8"))
        seq, wanted = int(lodged["seq"]), str(lodged["hash"])
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        raise Misconfigured(f"{file} is no checkpoint of GrantFlow.") from None
    found = session().scalar(select(Checkpoint.hash).where(Checkpoint.seq == seq))
    if found is None:
        return [Break(f"checkpoint {seq}", None, _("it was lodged elsewhere, but the database does not have it"))]
    if found != wanted:
        return [Break(f"checkpoint {seq}", None, _("it differs from the one lodged elsewhere"))]
    return []
