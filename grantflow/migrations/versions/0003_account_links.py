"""Links by mail that open one door once: each row knows its link by the digest alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = "'invitation', 'confirmation', 'password', 'address', 'undo', 'language'"


def upgrade() -> None:
    op.create_table(
        "account_links",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=False),
        sa.Column("onward", sa.String(length=500), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_account_links_known_kind")),
        sa.CheckConstraint("used_at IS NULL OR withdrawn_at IS NULL", name=op.f("ck_account_links_ends_in_one_way")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_account_links_ends_after_it_began")),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_account_links_digest_is_sha256")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_account_links_person_id")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_account_links_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_account_links_digest")),
    )
    op.create_index("ix_account_links_person_id_kind", "account_links", ["person_id", "kind"])
    op.create_index("ix_account_links_email_key", "account_links", ["email_key"])


def downgrade() -> None:
    op.drop_index("ix_account_links_email_key", table_name="account_links")
    op.drop_index("ix_account_links_person_id_kind", table_name="account_links")
    op.drop_table("account_links")
