"""The demo's applications many times over: each with its organisation and with all that grew out of it.

Rows are copied as they stand, under new numbers, so that every list has more of what it lists. Nobody acts for the
copied organisations, and the chains of the copies do not verify: they are there to be listed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, String, Table, insert, select

from grantflow.cases.models import Case
from grantflow.db import Base
from grantflow.submissions.models import Application

ABOUT = {"cases": "id", "organisations": "id", "payments": "award_id", "review_scores": "review_id"}
"""The column that says whose a row is, where it is not `case_id` or `report_id`."""
LEFT = ("checkpoint_heads",)


def _points_to(table: Table, column: Any) -> str:
    """The table whose numbers a column holds, "cases" for every key that is a case's; "" for one that holds none."""
    for key in column.foreign_keys:
        if key.column.name not in ("stage", "code", "hash"):
            target: Table = key.column.table
            return _points_to(target, key.column) or target.name
    return table.name if column.primary_key and column.name == "id" else ""


class Multiplied:
    """The applications of a database, ready to be written again and again."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        cases, applications = Case.__table__, Application.__table__
        self.size = len(connection.execute(select(applications.c.case_id)).all())
        self._of: dict[tuple[str, int], int] = {}
        """Whose a row of a table is: the number of its application, by (table, number)."""
        bodies = select(applications.c.case_id, applications.c.organisation_id).order_by(applications.c.case_id)
        for case_id, body in connection.execute(bodies):  # a body belongs to its first application
            self._of["cases", case_id] = case_id
            self._of.setdefault(("cases", body), case_id)
        for number, parent in connection.execute(select(cases.c.id, cases.c.parent_id).order_by(cases.c.id)):
            if ("cases", parent) in self._of and ("cases", number) not in self._of:
                self._of["cases", number] = self._of["cases", parent]
        self._rows: list[tuple[Table, dict[str, str], set[str], dict[int, list[dict[str, Any]]]]] = []
        self._stride: dict[str, int] = {}
        for table in Base.metadata.sorted_tables:
            self._read(table)
        self._copies = 0

    def _read(self, table: Table) -> None:
        about = ABOUT.get(table.name) or next((name for name in ("case_id", "report_id") if name in table.c), "")
        if not about or table.name in LEFT:
            return
        points = {column.name: to for column in table.c if (to := _points_to(table, column))}
        alike = {c.name for key in table.constraints if hasattr(key, "columns") for c in key.columns}
        unique = {name for name in alike if isinstance(table.c[name].type, String) and table.c[name].unique}
        unique |= {"key"} & {
            c.name
            for one in table.constraints
            if hasattr(one, "columns") and len(one.columns) == 1
            for c in one.columns
        }
        unique |= {"ref", "open_key", "dedupe", "stored_name", "bank_ref", "number", "message_id"} & set(table.c.keys())
        found: dict[int, list[dict[str, Any]]] = {}
        for row in self.connection.execute(select(table).order_by(*table.primary_key)).mappings():
            if (family := self._of.get((points[about], row[about]))) is not None:
                found.setdefault(family, []).append(dict(row))
                if points.get("id") == table.name:
                    self._of.setdefault((table.name, row["id"]), family)
            if points.get("id") == table.name:
                self._stride[table.name] = max(self._stride.get(table.name, 0), row["id"])
        self._rows.append((table, points, unique, found))

    def reach(self, wanted: int) -> None:
        """Write copies until there are so many applications, and let the database look at them."""
        families = sorted({family for (table, _), family in self._of.items() if table == "cases"})
        while self.size < wanted:
            self._copies += 1
            chosen = families[: wanted - self.size]
            for table, points, unique, found in self._rows:
                rows = [self._copied(row, points, unique) for family in chosen for row in found.get(family, ())]
                if rows:
                    self.connection.execute(insert(table), rows)
            self.size += len(chosen)
        self.connection.commit()
        self.connection.exec_driver_sql("ANALYZE")
        self.connection.commit()

    def _copied(self, row: dict[str, Any], points: dict[str, str], unique: set[str]) -> dict[str, Any]:
        new = dict(row)
        for name, to in points.items():
            if (to, row[name]) in self._of:
                new[name] = row[name] + self._copies * self._stride[to]
        for name in unique:
            if row[name]:
                new[name] = f"{row[name]}~{self._copies}"
        return new
