"""Applications made elsewhere: who leads the work, and what a register says became of an application."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Said in SQL both databases share: a batch would make the table anew, which rows that point to it forbid.
    op.execute(
        "ALTER TABLE applications ADD COLUMN led_by VARCHAR(20) CONSTRAINT ck_applications_known_leader "
        "CHECK (led_by IS NULL OR led_by IN ('woman', 'man', 'not_stated'))"
    )
    op.create_table(
        "past_outcomes",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("noted_by_id", ID, nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('awarded', 'declined')", name=op.f("ck_past_outcomes_known_kind")),
        sa.CheckConstraint(
            "(kind = 'awarded') = (amount_minor IS NOT NULL)", name=op.f("ck_past_outcomes_an_award_has_a_sum")
        ),
        sa.CheckConstraint(
            "amount_minor IS NULL OR (amount_minor >= 0 AND amount_minor <= 1000000000000000)",
            name=op.f("ck_past_outcomes_sum_is_not_negative"),
        ),
        sa.CheckConstraint(
            "stage <> 'award' OR kind = 'awarded'", name=op.f("ck_past_outcomes_awarded_stage_has_an_award")
        ),
        sa.CheckConstraint(
            "stage <> 'refused' OR kind = 'declined'", name=op.f("ck_past_outcomes_refused_stage_has_a_refusal")
        ),
        sa.ForeignKeyConstraint(
            ["case_id", "stage"], ["cases.id", "cases.stage"], name="fk_past_outcomes_stage_follows", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["noted_by_id"], ["people.id"], name=op.f("fk_past_outcomes_noted_by_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_past_outcomes")),
    )


def downgrade() -> None:
    op.drop_table("past_outcomes")
    op.execute("ALTER TABLE applications DROP COLUMN led_by")
