"""A call of the past that waits for an import, its manager, and files made for each test. All data is invented."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import Workbook
from sqlalchemy import func, select

from grantflow.cases.models import Case
from grantflow.cases.service import fire
from grantflow.db import session, unit_of_work
from grantflow.identity.access import SYSTEM, Actor
from grantflow.programmes import pack as packs
from grantflow.programmes.service import load_pack
from grantflow.submissions import importing
from tests.factories import person

ROOT = Path(__file__).parents[2]
PACK = ROOT / "workflows" / "programmes" / "rcn_2012.toml"
CALL, OTHER = "RCN-5164", "RCN-7461"
HEAD = ("Number", "Title", "Body", "Register", "Region", "Leader", "Received", "Asked", "Outcome", "Awarded")
LINE: dict[str, Any] = {
    "Number": "17", "Title": "Warm wool for cold schools", "Body": "Nordlys Ull AS", "Register": "999000111",
    "Region": "Oslo", "Leader": "K", "Received": "2012-10-16", "Asked": "120000,50", "Outcome": "yes",
    "Awarded": "100 000,00",
}  # fmt: skip
MAPPING = """
key = ["Number"]
received = "Received"

[calls]
RCN-5164 = { }

[layout]
numbers = "ru"

[organisation]
name = { column = "Body" }
country = { value = "NO" }
number = { column = "Register", no_value = ["0"] }

[answers]
title = { column = "Title" }
region = { column = "Region", blank = "NO-not-stated", values = { "Oslo" = "NO-03", "Troms" = "NO-55" } }
led_by = { column = "Leader", blank = "not_stated", values = { "K" = "woman", "M" = "man" } }
sector = { value = "business" }
applied_for = { column = "Asked", item = "Sum applied for" }
own_share = { value = "0" }

[outcome]
column = "Outcome"
awarded = ["yes"]
declined = ["no"]
amount = "Awarded"
"""


def line(number: int | str, **changes: Any) -> dict[str, Any]:
    """A good line, changed in some columns."""
    return {**LINE, "Number": str(number), **changes}


class Desk:
    """Somebody who imports: a manager of the programme, with a folder for files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with unit_of_work():
            loaded = load_pack(packs.read(PACK), SYSTEM)
        self.programme, self.calls = loaded.programme_id, loaded.calls
        self.manager = person("manager", programme_id=self.programme, email="manager@example.org")
        self.mapping()
        self.open(CALL)

    def open(self, code: str) -> None:
        with unit_of_work():
            fire(self.calls[code], "take_over", actor=self.manager)

    def mapping(self, text: str = MAPPING) -> Path:
        path = self.folder / "mapping.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def csv(self, lines: Iterable[dict[str, Any]], *, head: Sequence[str] = HEAD, delimiter: str = ",",
            encoding: str = "utf-8", name: str = "table.csv") -> Path:  # fmt: skip
        made = io.StringIO(newline="")
        writer = csv.writer(made, delimiter=delimiter)
        writer.writerow(head)
        writer.writerows([one.get(column, "") for column in head] for one in lines)
        path = self.folder / name
        path.write_bytes(made.getvalue().encode(encoding))
        return path

    def xlsx(self, lines: Iterable[dict[str, Any]], *, head: Sequence[str] = HEAD, name: str = "table.xlsx") -> Path:
        book = Workbook()
        book.active.append(list(head))
        for one in lines:
            book.active.append([one.get(column) for column in head])
        path = self.folder / name
        book.save(path)
        return path

    def look(self, file: Path, actor: Actor | None = None, call: str = CALL) -> importing.Plan:
        return importing.look(file, call, self.folder / "mapping.toml", actor or self.manager, lambda _d, _o: None)

    def bring(self, file: Path, actor: Actor | None = None, call: str = CALL) -> int:
        plan = self.look(file, actor, call)
        with unit_of_work():
            return importing.carry_out(plan, actor or self.manager, lambda _d, _o: None)

    def told(self, lines: Iterable[dict[str, Any]]) -> list[str]:
        """Every fault of lines in a CSV, as the operator reads it."""
        return [str(fault) for fault in self.look(self.csv(lines)).faults]

    def count(self, kind: str = "application") -> int:
        session().rollback()
        return session().scalar(select(func.count()).select_from(Case).where(Case.kind == kind)) or 0


@pytest.fixture
def desk(app: Flask, tmp_path: Path) -> Desk:
    return Desk(tmp_path)
