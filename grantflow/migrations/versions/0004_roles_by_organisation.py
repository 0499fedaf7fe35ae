"""Who acts for one organisation is found without reading every applicant there is: every move with a notice asks it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_roles_role_organisation_id", "roles", ["role", "organisation_id"])


def downgrade() -> None:
    op.drop_index("ix_roles_role_organisation_id", table_name="roles")
