"""Other bank details that were asked for, in quarantine until a second person has confirmed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITS = sa.text("state IN ('asked', 'looked_at')")
CHECKS = {
    "known_state": "state IN ('asked', 'looked_at', 'confirmed', 'refused', 'taken_back', 'lapsed')",
    "known_channel": "channel IS NULL OR channel IN ('phone', 'video', 'visit')",
    "looked_at_whole": "(looked_by_id IS NULL) = (looked_at IS NULL)",
    "asked_before_looked_at": "state <> 'asked' OR looked_at IS NULL",
    "looked_at_by_somebody": "state <> 'looked_at' OR looked_at IS NOT NULL",
    "looked_at_by_another": "looked_by_id IS NULL OR looked_by_id <> asked_by_id",
    "settled_or_waits": "(state IN ('asked', 'looked_at')) = (settled_at IS NULL)",
    "settled_by_somebody": "state NOT IN ('confirmed', 'refused', 'taken_back') OR settled_by_id IS NOT NULL",
    "a_second_person": "state NOT IN ('confirmed', 'refused') OR (looked_by_id IS NOT NULL "
    "AND settled_by_id <> looked_by_id AND settled_by_id <> asked_by_id)",
    "confirmed_with_how_and_whom": "state <> 'confirmed' OR (channel IS NOT NULL AND contact <> '' AND reached <> '')",
    "a_no_with_its_reason": "state <> 'refused' OR answer <> ''",
    "letter_whole": "(letter_stored IS NULL) = (letter_name IS NULL) AND (letter_stored IS NULL) = (letter_type IS NULL)",
}
PEOPLE = ("asked_by_id", "looked_by_id", "settled_by_id")


def upgrade() -> None:
    op.create_table(
        "account_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("award_id", ID, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("old_account", sa.String(length=34), nullable=False),
        sa.Column("old_bank", sa.String(length=200), nullable=False),
        sa.Column("old_code", sa.String(length=11), nullable=False),
        sa.Column("old_payee", sa.Text(), nullable=True),
        sa.Column("account", sa.String(length=34), nullable=False),
        sa.Column("bank", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=11), nullable=False),
        sa.Column("payee_id", ID, nullable=True),
        sa.Column("payee", sa.Text(), nullable=True),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("letter_stored", sa.String(length=80), nullable=True),
        sa.Column("letter_name", sa.String(length=255), nullable=True),
        sa.Column("letter_type", sa.String(length=100), nullable=True),
        sa.Column("asked_by_id", ID, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_by_id", ID, nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.String(length=10), nullable=True),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("reached", sa.String(length=200), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("settled_by_id", ID, nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.CheckConstraint(words, name=op.f(f"ck_account_changes_{name}")) for name, words in CHECKS.items()),
        sa.ForeignKeyConstraint(["award_id"], ["awards.case_id"], name=op.f("fk_account_changes_award_id")),
        sa.ForeignKeyConstraint(["payee_id"], ["organisations.id"], name=op.f("fk_account_changes_payee_id")),
        *(sa.ForeignKeyConstraint([name], ["people.id"], name=op.f(f"fk_account_changes_{name}")) for name in PEOPLE),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_changes")),
    )
    op.create_index("ix_account_changes_award_id", "account_changes", ["award_id"])
    op.create_index(
        "uq_account_changes_waits", "account_changes", ["award_id"], unique=True,
        sqlite_where=WAITS, postgresql_where=WAITS,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("uq_account_changes_waits", table_name="account_changes")
    op.drop_index("ix_account_changes_award_id", table_name="account_changes")
    op.drop_table("account_changes")
