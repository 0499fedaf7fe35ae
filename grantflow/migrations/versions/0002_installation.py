"""Facts about the installation as a whole, such as being a demonstration; the database refuses to change them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REFUSALS = {
    "sqlite": [
        "CREATE TRIGGER installation_no_update BEFORE UPDATE ON installation BEGIN SELECT RAISE(ABORT, 'installation is insert-only'); END",
        "CREATE TRIGGER installation_no_delete BEFORE DELETE ON installation BEGIN SELECT RAISE(ABORT, 'installation is insert-only'); END",
        "CREATE TRIGGER installation_no_replace BEFORE INSERT ON installation WHEN EXISTS (SELECT 1 FROM installation WHERE (name = NEW.name)) BEGIN SELECT RAISE(ABORT, 'installation is insert-only'); END",
    ],
    "postgresql": [
        "CREATE TRIGGER installation_insert_only BEFORE UPDATE OR DELETE ON installation FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER installation_no_truncate BEFORE TRUNCATE ON installation FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
    ],
}


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    for statement in REFUSALS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("installation")
