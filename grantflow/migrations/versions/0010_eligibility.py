"""Exceptions from a rule need a second officer, and the evidence looked at for each rule is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = {
    "eligibility_waiver_votes": "(id = NEW.id) OR (waiver_id = NEW.waiver_id)",
    "eligibility_evidence": "(id = NEW.id) OR (case_id = NEW.case_id AND code = NEW.code AND n = NEW.n)",
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
    op.create_index("ix_eligibility_waivers_id_by", "eligibility_waivers", ["id", "by"], unique=True)
    op.create_table(
        "eligibility_waiver_votes",
        sa.Column("id", ID, nullable=False),
        sa.Column("waiver_id", ID, nullable=False),
        sa.Column("proposed_by", ID, nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", ID, nullable=False),
        sa.CheckConstraint('"by" <> proposed_by', name=op.f("ck_eligibility_waiver_votes_a_second_person")),
        sa.CheckConstraint("agreed OR reason <> ''", name=op.f("ck_eligibility_waiver_votes_a_no_with_its_reason")),
        sa.ForeignKeyConstraint(
            ["waiver_id", "proposed_by"],
            ["eligibility_waivers.id", "eligibility_waivers.by"],
            name=op.f("fk_eligibility_waiver_votes_waiver_id_proposed_by"),
        ),
        sa.ForeignKeyConstraint(["by"], ["people.id"], name=op.f("fk_eligibility_waiver_votes_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eligibility_waiver_votes")),
        sa.UniqueConstraint("waiver_id", name=op.f("uq_eligibility_waiver_votes_waiver_id")),
    )
    op.create_table(
        "eligibility_evidence",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("attachment_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", ID, nullable=False),
        sa.CheckConstraint("n >= 1", name=op.f("ck_eligibility_evidence_notes_count_up")),
        sa.CheckConstraint(
            "note <> '' OR attachment_id IS NOT NULL", name=op.f("ck_eligibility_evidence_says_something")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_eligibility_evidence_case_id")),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_eligibility_evidence_attachment_id")
        ),
        sa.ForeignKeyConstraint(["by"], ["people.id"], name=op.f("fk_eligibility_evidence_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eligibility_evidence")),
        sa.UniqueConstraint("case_id", "code", "n", name=op.f("uq_eligibility_evidence_case_id_code_n")),
    )
    for table in KEYS:
        for statement in _refuse_changes(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("eligibility_evidence")
    op.drop_table("eligibility_waiver_votes")
    op.drop_index("ix_eligibility_waivers_id_by", table_name="eligibility_waivers")
