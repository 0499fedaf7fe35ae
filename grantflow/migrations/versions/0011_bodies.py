"""Profiles of organisations: figures, funding, fiscal sponsors, mergers; who is paid; and the scan of attached files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSERT_ONLY = ("organisation_figures", "organisation_funding")
COUNTS = [f"{group}_{sex}" for group in ("board", "owners", "staff") for sex in ("women", "men", "not_stated")]


def _refuse_changes(table: str, dialect: str) -> list[str]:
    if dialect == "postgresql":
        return [
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        ]
    say = f"{table} is insert-only"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{say}'); END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{say}'); END",
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608  names are ours
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE (id = NEW.id)) BEGIN SELECT RAISE(ABORT, '{say}'); END",
    ]


def _width(of: str, width: int) -> None:
    """Another width of a column. A batch would make SQLite's table anew, which rows that point to it forbid: there the
    column is made beside the old one and takes its name."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE organisations ALTER COLUMN {of} TYPE VARCHAR({width}) USING left({of}, {width})")
        return
    op.execute(f"ALTER TABLE organisations ADD COLUMN {of}_wider VARCHAR({width}) NOT NULL DEFAULT ''")
    op.execute(f"UPDATE organisations SET {of}_wider = {of}")  # noqa: S608
    op.execute(f"ALTER TABLE organisations DROP COLUMN {of}")
    op.execute(f"ALTER TABLE organisations RENAME COLUMN {of}_wider TO {of}")


def upgrade() -> None:
    number = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    instant = "TIMESTAMP WITH TIME ZONE" if op.get_bind().dialect.name == "postgresql" else "DATETIME"
    # Said in SQL both databases share, for the same reason. SQLite gives no name to a foreign key that is added so:
    # the two columns that point to an organisation have none.
    for statement in (
        "ALTER TABLE organisations ADD COLUMN kpp VARCHAR(9) NOT NULL DEFAULT ''",
        f"ALTER TABLE organisations ADD COLUMN merged_into_id {number}",
        f"ALTER TABLE awards ADD COLUMN payee_id {number}",
        "ALTER TABLE awards ADD COLUMN payee TEXT",
        "ALTER TABLE attachments ADD COLUMN scan VARCHAR(10) NOT NULL DEFAULT 'none' "
        "CONSTRAINT ck_attachments_known_scan CHECK (scan IN ('none', 'waiting', 'clean', 'infected'))",
        "ALTER TABLE attachments ADD COLUMN scan_attempts INTEGER NOT NULL DEFAULT 0",
        f"ALTER TABLE attachments ADD COLUMN scan_lease_until {instant}",
        f"ALTER TABLE attachments ADD COLUMN scanned_at {instant}",
    ):
        op.execute(statement)
    _width("inn", 20)
    op.create_index("ix_attachments_scan", "attachments", ["scan"])
    op.create_table(
        "organisation_figures",
        sa.Column("id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("as_of_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in COUNTS),
        sa.Column("women_share", sa.String(length=12), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", ID, nullable=True),
        sa.CheckConstraint(
            " AND ".join(f"({name} IS NULL OR {name} >= 0)" for name in COUNTS),
            name=op.f("ck_organisation_figures_nobody_is_counted_below_zero"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_organisation_figures_organisation_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["people.id"], name=op.f("fk_organisation_figures_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_figures")),
    )
    op.create_index(
        "ix_organisation_figures_organisation_id_as_of_on", "organisation_figures", ["organisation_id", "as_of_on"]
    )
    op.create_table(
        "organisation_funding",
        sa.Column("id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", ID, nullable=True),
        sa.CheckConstraint(
            "source IN ('state', 'grant', 'own', 'donation')", name=op.f("ck_organisation_funding_known_source")
        ),
        sa.CheckConstraint(
            "amount_minor IS NULL OR (amount_minor >= 0 AND amount_minor <= 1000000000000000)",
            name=op.f("ck_organisation_funding_sum_in_bounds"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_organisation_funding_organisation_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["people.id"], name=op.f("fk_organisation_funding_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_funding")),
    )
    op.create_index("ix_organisation_funding_organisation_id_year", "organisation_funding", ["organisation_id", "year"])
    op.create_table(
        "sponsorships",
        sa.Column("id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("sponsor_id", ID, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("asked_by_id", ID, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by_id", ID, nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('asked', 'agreed', 'declined', 'ended')", name=op.f("ck_sponsorships_known_state")
        ),
        sa.CheckConstraint("group_id <> sponsor_id", name=op.f("ck_sponsorships_nobody_sponsors_itself")),
        sa.CheckConstraint(
            "(state = 'asked') = (answered_at IS NULL)", name=op.f("ck_sponsorships_answered_or_still_asked")
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answered_by_id IS NULL)", name=op.f("ck_sponsorships_answered_by_somebody")
        ),
        sa.ForeignKeyConstraint(["group_id"], ["organisations.id"], name=op.f("fk_sponsorships_group_id")),
        sa.ForeignKeyConstraint(["sponsor_id"], ["organisations.id"], name=op.f("fk_sponsorships_sponsor_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["people.id"], name=op.f("fk_sponsorships_asked_by_id")),
        sa.ForeignKeyConstraint(["answered_by_id"], ["people.id"], name=op.f("fk_sponsorships_answered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sponsorships")),
    )
    op.create_index("ix_sponsorships_group_id_state", "sponsorships", ["group_id", "state"])
    op.create_index("ix_sponsorships_sponsor_id_state", "sponsorships", ["sponsor_id", "state"])
    op.create_table(
        "co_leads",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=True),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("part", sa.String(length=300), nullable=False),
        sa.Column("added_by_id", ID, nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_by_id", ID, nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_co_leads_has_a_name")),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_by_id IS NULL)", name=op.f("ck_co_leads_removed_by_somebody")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_co_leads_case_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_co_leads_organisation_id")),
        sa.ForeignKeyConstraint(["added_by_id"], ["people.id"], name=op.f("fk_co_leads_added_by_id")),
        sa.ForeignKeyConstraint(["removed_by_id"], ["people.id"], name=op.f("fk_co_leads_removed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_co_leads")),
    )
    op.create_index("ix_co_leads_case_id", "co_leads", ["case_id"])
    for table in INSERT_ONLY:
        for statement in _refuse_changes(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    for table in ("co_leads", "sponsorships", "organisation_funding", "organisation_figures"):
        op.drop_table(table)
    op.drop_index("ix_attachments_scan", table_name="attachments")
    _width("inn", 12)
    for table, column in (
        ("organisations", "kpp"),
        ("organisations", "merged_into_id"),
        ("awards", "payee_id"),
        ("awards", "payee"),
        ("attachments", "scan"),
        ("attachments", "scan_attempts"),
        ("attachments", "scan_lease_until"),
        ("attachments", "scanned_at"),
    ):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
