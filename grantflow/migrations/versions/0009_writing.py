"""Whose an application is and who else writes in it; links by mail that lead back to a draft."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BEFORE = "'invitation', 'confirmation', 'password', 'address', 'undo', 'language'"


def _kinds(known: str) -> None:
    """Hold the kinds of links to this list. On SQLite the table is made anew: it has no trigger, and no other table
    refers to it."""
    name = op.f("ck_account_links_known_kind")
    with op.batch_alter_table("account_links") as batch:
        batch.drop_constraint(name, type_="check")
        batch.create_check_constraint(name, f"kind IN ({known})")


def upgrade() -> None:
    op.create_table(
        "ownerships",
        sa.Column("case_id", ID, autoincrement=False, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_ownerships_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_ownerships_person_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_ownerships")),
    )
    op.create_table(
        "collaborators",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("sections", sa.Text(), nullable=False),
        sa.Column("invited_by_id", ID, nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", ID, nullable=True),
        sa.CheckConstraint("whole OR sections <> '[]'", name=op.f("ck_collaborators_has_something_to_write")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by_id IS NULL)", name=op.f("ck_collaborators_ended_by_somebody")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_collaborators_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_collaborators_person_id")),
        sa.ForeignKeyConstraint(["invited_by_id"], ["people.id"], name=op.f("fk_collaborators_invited_by_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["people.id"], name=op.f("fk_collaborators_ended_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collaborators")),
        sa.UniqueConstraint("case_id", "person_id", name=op.f("uq_collaborators_case_id_person_id")),
    )
    op.create_index("ix_collaborators_person_id", "collaborators", ["person_id"])
    # Whoever began an application owns it; what came from a file was begun by staff and is nobody's.
    op.execute(
        "INSERT INTO ownerships (case_id, person_id, since_at) SELECT a.case_id, e.actor_id, e.at FROM applications a "
        "JOIN events e ON e.case_id = a.case_id AND e.seq = 1 JOIN people p ON p.id = e.actor_id WHERE e.role = 'applicant'"
    )
    _kinds(f"{BEFORE}, 'draft'")


def downgrade() -> None:
    op.execute("DELETE FROM account_links WHERE kind = 'draft'")
    _kinds(BEFORE)
    op.drop_index("ix_collaborators_person_id", table_name="collaborators")
    op.drop_table("collaborators")
    op.drop_table("ownerships")
