"""Exports made in the background: what was asked for, as it stood when, how far it is and where the file lies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("asked_by_id", ID, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("cut_off", sa.Text(), nullable=False),
        sa.Column("stood_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("problem", sa.String(length=20), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.String(length=80), nullable=True),
        sa.Column("stored_name", sa.String(length=60), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'being_made', 'ready', 'failed', 'expired')", name=op.f("ck_exports_known_state")
        ),
        sa.CheckConstraint("language IN ('en', 'ru')", name=op.f("ck_exports_known_language")),
        sa.CheckConstraint(
            "(state = 'failed') = (problem IS NOT NULL) AND (problem IS NULL OR (problem IN ('rights', 'trouble')))",
            name=op.f("ck_exports_a_failure_says_why"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('ready', 'expired') OR (size IS NOT NULL AND sha256 IS NOT NULL AND expires_at IS NOT NULL)",
            name=op.f("ck_exports_what_is_ready_has_its_file"),
        ),
        sa.CheckConstraint("attempts >= 0 AND done >= 0 AND done <= events", name=op.f("ck_exports_figures_count")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["people.id"], name=op.f("fk_exports_asked_by_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_exports_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("key", name=op.f("uq_exports_key")),
    )
    op.create_index("ix_exports_state_lease_until", "exports", ["state", "lease_until"])
    op.create_index("ix_exports_asked_by_id_id", "exports", ["asked_by_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_exports_asked_by_id_id", table_name="exports")
    op.drop_index("ix_exports_state_lease_until", table_name="exports")
    op.drop_table("exports")
