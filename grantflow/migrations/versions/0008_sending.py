"""What was changed after sending and not sent again; and how far each draft is, counted for the call's health."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "words_set_aside",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pack_hash", sa.String(length=64), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_words_set_aside_case_id")),
        sa.ForeignKeyConstraint(["pack_hash"], ["call_packs.hash"], name=op.f("fk_words_set_aside_pack_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_words_set_aside")),
    )
    op.create_index("ix_words_set_aside_case_id", "words_set_aside", ["case_id"])
    op.create_table(
        "draft_progress",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pack_hash", sa.String(length=64), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("stuck_at", sa.String(length=40), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_draft_progress_case_id")),
        sa.ForeignKeyConstraint(["pack_hash"], ["call_packs.hash"], name=op.f("fk_draft_progress_pack_hash")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_draft_progress")),
    )


def downgrade() -> None:
    op.drop_table("draft_progress")
    op.drop_index("ix_words_set_aside_case_id", table_name="words_set_aside")
    op.drop_table("words_set_aside")
