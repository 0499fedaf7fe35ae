"""Questions about a call and the versions of their answers. The words themselves stand beside the events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = {
    "inquiries": "(id = NEW.id) OR (call_id = NEW.call_id AND number = NEW.number) OR (key = NEW.key)",
    "inquiry_answers": "(id = NEW.id) OR (inquiry_id = NEW.inquiry_id AND version = NEW.version) OR (key = NEW.key)",
}


def _refuse_changes(table: str, dialect: str) -> list[str]:
    """The statements that let the database refuse everything but a new row."""
    if dialect == "postgresql":
        run = "EXECUTE FUNCTION grantflow_insert_only()"
        return [
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}",
        ]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
    again = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {KEYS[table]})"  # noqa: S608  names are ours
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {again} {refuse}",
    ]


def upgrade() -> None:
    op.create_table(
        "inquiries",
        sa.Column("id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("asker_id", ID, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_inquiries_numbers_count_from_one")),
        sa.CheckConstraint("language IN ('en', 'ru')", name=op.f("ck_inquiries_known_language")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.case_id"], name=op.f("fk_inquiries_call_id")),
        sa.ForeignKeyConstraint(
            ["call_id", "seq"], ["events.case_id", "events.seq"], name=op.f("fk_inquiries_call_id_seq")
        ),
        sa.ForeignKeyConstraint(["asker_id"], ["people.id"], name=op.f("fk_inquiries_asker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiries")),
        sa.UniqueConstraint("call_id", "number", name=op.f("uq_inquiries_call_id_number")),
        sa.UniqueConstraint("key", name=op.f("uq_inquiries_key")),
    )
    op.create_index("ix_inquiries_asker_id_call_id", "inquiries", ["asker_id", "call_id"])
    op.create_table(
        "inquiry_answers",
        sa.Column("id", ID, nullable=False),
        sa.Column("inquiry_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("answered_by_id", ID, nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reach", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_inquiry_answers_versions_count_from_one")),
        sa.CheckConstraint("reach IN ('public', 'asker', 'withdrawn')", name=op.f("ck_inquiry_answers_known_reach")),
        sa.CheckConstraint(
            "reach <> 'withdrawn' OR version > 1", name=op.f("ck_inquiry_answers_only_what_was_said_is_withdrawn")
        ),
        sa.ForeignKeyConstraint(["inquiry_id"], ["inquiries.id"], name=op.f("fk_inquiry_answers_inquiry_id")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.case_id"], name=op.f("fk_inquiry_answers_call_id")),
        sa.ForeignKeyConstraint(
            ["call_id", "seq"], ["events.case_id", "events.seq"], name=op.f("fk_inquiry_answers_call_id_seq")
        ),
        sa.ForeignKeyConstraint(["answered_by_id"], ["people.id"], name=op.f("fk_inquiry_answers_answered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiry_answers")),
        sa.UniqueConstraint("inquiry_id", "version", name=op.f("uq_inquiry_answers_inquiry_id_version")),
        sa.UniqueConstraint("key", name=op.f("uq_inquiry_answers_key")),
    )
    for table in KEYS:
        for statement in _refuse_changes(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("inquiry_answers")
    op.drop_index("ix_inquiries_asker_id_call_id", table_name="inquiries")
    op.drop_table("inquiries")
