"""Titles that are nearly the same are looked up by a mark; moves an applicant is told of later; two keys that had none."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = (("organisations", "merged_into_id"), ("awards", "payee_id"))
LOT = 1000


def upgrade() -> None:
    op.add_column("applications", sa.Column("likeness", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_applications_call_id_likeness", "applications", ["call_id", "likeness"])
    _mark_titles(op.get_bind())
    op.create_table(
        "untold_moves",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.String(length=60), nullable=False),
        sa.Column("tell_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_seq", sa.Integer(), nullable=True),
        sa.CheckConstraint("taken_back_seq > seq", name=op.f("ck_untold_moves_taken_back_afterwards")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_untold_moves_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_untold_moves")),
        sa.UniqueConstraint("case_id", "seq", name=op.f("uq_untold_moves_case_id_seq")),
    )
    op.create_index("ix_organisations_inn", "organisations", ["inn"])
    for table, column in KEYS:
        _point(table, column)


def downgrade() -> None:
    for table, column in KEYS:
        _point(table, column, away=True)
    op.drop_index("ix_organisations_inn", table_name="organisations")
    op.drop_table("untold_moves")
    op.drop_index("ix_applications_call_id_likeness", table_name="applications")
    op.drop_column("applications", "likeness")


def _mark_titles(bind: Any) -> None:
    """The marks of what was sent already, as sending has made them since."""
    rows = sa.table("applications", sa.column("case_id"), sa.column("search_key"), sa.column("likeness"))
    known = bind.execute(sa.select(rows.c.case_id, rows.c.search_key).where(rows.c.search_key != "")).all()
    write = sa.update(rows).where(rows.c.case_id == sa.bindparam("of")).values(likeness=sa.bindparam("mark"))
    for start in range(0, len(known), LOT):
        bind.execute(write, [{"of": case_id, "mark": _mark(key)} for case_id, key in known[start : start + LOT]])


def _mark(search_key: str) -> str:
    title = [*search_key.split(" | "), ""][1]
    stems = sorted({word[:5] for word in title.split() if len(word) > 3 or word.isdigit()})
    return (" ".join(stems) if len(stems) > 1 else title)[:400]


def _point(table: str, column: str, away: bool = False) -> None:
    """A foreign key of a column to organisations, or none any more.

    A batch would make SQLite's table anew, which rows that point to it forbid while keys are watched, and keys cannot be
    left unwatched inside a transaction. There the definition of the table is written anew: a key changes no row and no
    trigger.
    """
    bind, name = op.get_bind(), f"fk_{table}_{column}"
    if bind.dialect.name == "postgresql":
        if away:
            op.drop_constraint(name, table, type_="foreignkey")
        else:
            op.create_foreign_key(name, table, "organisations", [column], ["id"])
        return
    key = f", CONSTRAINT {name} FOREIGN KEY({column}) REFERENCES organisations (id)"
    wanted = {"table": table}
    sql = bind.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), wanted
    ).scalar_one()
    new = sql.replace(key, "") if away else f"{sql.rstrip().removesuffix(')').rstrip()}{key})"
    version = bind.execute(sa.text("PRAGMA schema_version")).scalar_one()
    op.execute("PRAGMA writable_schema = ON")
    bind.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table"), wanted | {"sql": new}
    )
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = RESET")
    broken = bind.execute(sa.text(f"PRAGMA foreign_key_check({table})")).all()
    if broken:
        raise ValueError(f"{table}.{column}: {len(broken)} rows point to no organisation")
