"""What an officer does to many applications at once, one line for each, and the filters she keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_saved_filters_has_a_name")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_saved_filters_person_id")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.case_id"], name=op.f("fk_saved_filters_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("person_id", "call_id", "name", name=op.f("uq_saved_filters_person_id_call_id_name")),
    )
    op.create_table(
        "bulk_acts",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=140), nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("by_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.String(length=80), nullable=True),
        sa.CheckConstraint("act IN ('check', 'return', 'refuse', 'restore')", name=op.f("ck_bulk_acts_known_act")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.case_id"], name=op.f("fk_bulk_acts_call_id")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_bulk_acts_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_acts")),
        sa.UniqueConstraint("key", name=op.f("uq_bulk_acts_key")),
    )
    op.create_index("ix_bulk_acts_call_id_id", "bulk_acts", ["call_id", "id"])
    op.create_index("ix_bulk_acts_finished_at_lease_until", "bulk_acts", ["finished_at", "lease_until"])
    op.create_table(
        "bulk_lines",
        sa.Column("id", ID, nullable=False),
        sa.Column("bulk_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("said", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('waiting', 'done', 'voted', 'not_done')", name=op.f("ck_bulk_lines_known_outcome")
        ),
        sa.CheckConstraint(
            "(outcome = 'not_done') = (said IS NOT NULL)", name=op.f("ck_bulk_lines_a_refusal_says_why")
        ),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_acts.id"], name=op.f("fk_bulk_lines_bulk_id")),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_bulk_lines_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_lines")),
        sa.UniqueConstraint("bulk_id", "case_id", name=op.f("uq_bulk_lines_bulk_id_case_id")),
    )
    op.create_index("ix_bulk_lines_bulk_id_outcome", "bulk_lines", ["bulk_id", "outcome"])


def downgrade() -> None:
    op.drop_index("ix_bulk_lines_bulk_id_outcome", table_name="bulk_lines")
    op.drop_table("bulk_lines")
    op.drop_index("ix_bulk_acts_finished_at_lease_until", table_name="bulk_acts")
    op.drop_index("ix_bulk_acts_call_id_id", table_name="bulk_acts")
    op.drop_table("bulk_acts")
    op.drop_table("saved_filters")
