"""Notices: reminders planned, the versions of their words, who stopped which mail, and what became of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER notice_texts_no_update BEFORE UPDATE ON notice_texts BEGIN SELECT RAISE(ABORT, 'notice_texts is insert-only'); END",
        "CREATE TRIGGER notice_texts_no_delete BEFORE DELETE ON notice_texts BEGIN SELECT RAISE(ABORT, 'notice_texts is insert-only'); END",
        "CREATE TRIGGER notice_texts_no_replace BEFORE INSERT ON notice_texts WHEN EXISTS (SELECT 1 FROM notice_texts WHERE (id = NEW.id) OR (key = NEW.key)) BEGIN SELECT RAISE(ABORT, 'notice_texts is insert-only'); END",
    ],
    "postgresql": [
        "CREATE TRIGGER notice_texts_insert_only BEFORE UPDATE OR DELETE ON notice_texts FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER notice_texts_no_truncate BEFORE TRUNCATE ON notice_texts FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
    ],
}


def upgrade() -> None:
    op.create_table(
        "notice_texts",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("notice", sa.String(length=60), nullable=False),
        sa.Column("programme_id", ID, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("origin IN ('standard', 'manager')", name=op.f("ck_notice_texts_known_origin")),
        sa.CheckConstraint(
            "origin <> 'manager' OR (programme_id IS NOT NULL AND by_id IS NOT NULL)",
            name=op.f("ck_notice_texts_has_its_writer"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_notice_texts_by_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["cases.id"], name=op.f("fk_notice_texts_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_texts")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_texts_key")),
    )
    op.create_index("ix_notice_texts_programme_id_notice", "notice_texts", ["programme_id", "notice"])
    op.create_table(
        "reminders",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("notice", sa.String(length=60), nullable=False),
        sa.Column("rung", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("anchor_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reminders_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reminders_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("key", name=op.f("uq_reminders_key")),
    )
    op.create_index("ix_reminders_notice_anchor_at", "reminders", ["notice", "anchor_at"])
    op.create_table(
        "notice_stops",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notice_stops_person_id")),
        sa.PrimaryKeyConstraint("person_id", "code", name=op.f("pk_notice_stops")),
    )
    # On SQLite the table is made anew, which none of its triggers or of other tables' rows forbids: it has neither.
    count = sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_attempts_count"))
    with op.batch_alter_table("outbox", table_args=(count,) if op.get_bind().dialect.name == "sqlite" else ()) as batch:
        batch.add_column(sa.Column("withheld", sa.String(length=20), nullable=True))
        batch.add_column(sa.Column("text_id", ID, nullable=True))
        batch.add_column(sa.Column("digest_id", ID, nullable=True))
        batch.create_foreign_key(op.f("fk_outbox_text_id"), "notice_texts", ["text_id"], ["id"])
        batch.create_foreign_key(op.f("fk_outbox_digest_id"), "outbox", ["digest_id"], ["id"])
    op.create_index("ix_outbox_digest_id", "outbox", ["digest_id"])
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_outbox_digest_id", table_name="outbox")
    count = sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_attempts_count"))
    with op.batch_alter_table("outbox", table_args=(count,) if op.get_bind().dialect.name == "sqlite" else ()) as batch:
        for name in ("digest_id", "text_id"):
            batch.drop_constraint(op.f(f"fk_outbox_{name}"), type_="foreignkey")
        for name in ("digest_id", "text_id", "withheld"):
            batch.drop_column(name)
    op.drop_table("notice_stops")
    op.drop_index("ix_reminders_notice_anchor_at", table_name="reminders")
    op.drop_table("reminders")
    op.drop_index("ix_notice_texts_programme_id_notice", table_name="notice_texts")
    op.drop_table("notice_texts")
