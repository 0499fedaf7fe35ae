"""Grants that open calls of their own: the clause of the agreement in its versions, the grant a call is paid from, and the
role of a national partner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BEFORE = "'applicant', 'officer', 'panellist', 'chair', 'finance', 'manager', 'auditor'"
PARTNER = "ck_roles_partner_of_an_organisation_in_a_programme"
TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER regrant_clauses_no_update BEFORE UPDATE ON regrant_clauses BEGIN SELECT RAISE(ABORT, 'regrant_clauses is insert-only'); END",
        "CREATE TRIGGER regrant_clauses_no_delete BEFORE DELETE ON regrant_clauses BEGIN SELECT RAISE(ABORT, 'regrant_clauses is insert-only'); END",
        "CREATE TRIGGER regrant_clauses_no_replace BEFORE INSERT ON regrant_clauses WHEN EXISTS (SELECT 1 FROM regrant_clauses WHERE (id = NEW.id) OR (award_id = NEW.award_id AND version = NEW.version)) BEGIN SELECT RAISE(ABORT, 'regrant_clauses is insert-only'); END",
    ],
    "postgresql": [
        "CREATE TRIGGER regrant_clauses_insert_only BEFORE UPDATE OR DELETE ON regrant_clauses FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER regrant_clauses_no_truncate BEFORE TRUNCATE ON regrant_clauses FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
    ],
}


def upgrade() -> None:
    with op.batch_alter_table("roles") as batch:
        batch.drop_constraint(op.f("ck_roles_known_role"), type_="check")
        batch.create_check_constraint(op.f("ck_roles_known_role"), f"role IN ({BEFORE}, 'partner')")
        batch.create_check_constraint(
            op.f(PARTNER), "role <> 'partner' OR (programme_id IS NOT NULL AND organisation_id IS NOT NULL)"
        )
    op.create_table(
        "regrant_clauses",
        sa.Column("id", ID, nullable=False),
        sa.Column("award_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("activities", sa.Text(), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=False),
        sa.Column("maximum_minor", sa.BigInteger(), nullable=False),
        sa.Column("envelope_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_regrant_clauses_counts_from_one")),
        sa.CheckConstraint(
            "minimum_minor >= 0 AND minimum_minor <= maximum_minor", name=op.f("ck_regrant_clauses_least_below_most")
        ),
        sa.CheckConstraint(
            "maximum_minor > 0 AND maximum_minor <= envelope_minor",
            name=op.f("ck_regrant_clauses_most_within_envelope"),
        ),
        sa.CheckConstraint(
            "envelope_minor <= 1000000000000000", name=op.f("ck_regrant_clauses_envelope_can_be_counted")
        ),
        sa.ForeignKeyConstraint(["award_id"], ["awards.case_id"], name=op.f("fk_regrant_clauses_award_id")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_regrant_clauses_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regrant_clauses")),
        sa.UniqueConstraint("award_id", "version", name=op.f("uq_regrant_clauses_award_id_version")),
    )
    op.create_table(
        "call_fundings",
        sa.Column("call_id", ID, autoincrement=False, nullable=False),
        sa.Column("award_id", ID, nullable=False),
        sa.Column("activities", sa.Text(), nullable=False),
        sa.Column("rate", sa.String(length=40), nullable=True),
        sa.Column("rate_on", sa.Date(), nullable=True),
        sa.Column("rate_source", sa.String(length=200), nullable=True),
        sa.Column("set_by_id", ID, nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(rate IS NULL) = (rate_on IS NULL) AND (rate IS NULL) = (rate_source IS NULL)",
            name=op.f("ck_call_fundings_rate_whole"),
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.case_id"], name=op.f("fk_call_fundings_call_id")),
        sa.ForeignKeyConstraint(["award_id"], ["awards.case_id"], name=op.f("fk_call_fundings_award_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["people.id"], name=op.f("fk_call_fundings_set_by_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_fundings")),
    )
    op.create_index("ix_call_fundings_award_id", "call_fundings", ["award_id"])
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_call_fundings_award_id", table_name="call_fundings")
    op.drop_table("call_fundings")
    op.drop_table("regrant_clauses")
    op.execute("DELETE FROM roles WHERE role = 'partner'")
    with op.batch_alter_table("roles") as batch:
        batch.drop_constraint(op.f(PARTNER), type_="check")
        batch.drop_constraint(op.f("ck_roles_known_role"), type_="check")
        batch.create_check_constraint(op.f("ck_roles_known_role"), f"role IN ({BEFORE})")
