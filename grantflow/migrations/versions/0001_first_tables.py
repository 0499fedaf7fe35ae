"""The first tables: cases and their history, people, programmes and every stage; and what the database refuses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

REFUSALS = {
    "sqlite": [
        "CREATE TRIGGER call_packs_no_update BEFORE UPDATE ON call_packs BEGIN SELECT RAISE(ABORT, 'call_packs is insert-only'); END",
        "CREATE TRIGGER call_packs_no_delete BEFORE DELETE ON call_packs BEGIN SELECT RAISE(ABORT, 'call_packs is insert-only'); END",
        "CREATE TRIGGER call_packs_no_replace BEFORE INSERT ON call_packs WHEN EXISTS (SELECT 1 FROM call_packs WHERE (hash = NEW.hash)) BEGIN SELECT RAISE(ABORT, 'call_packs is insert-only'); END",
        "CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints is insert-only'); END",
        "CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints is insert-only'); END",
        "CREATE TRIGGER checkpoints_no_replace BEFORE INSERT ON checkpoints WHEN EXISTS (SELECT 1 FROM checkpoints WHERE (seq = NEW.seq)) BEGIN SELECT RAISE(ABORT, 'checkpoints is insert-only'); END",
        "CREATE TRIGGER installation_no_update BEFORE UPDATE ON installation BEGIN SELECT RAISE(ABORT, 'installation is insert-only'); END",
        "CREATE TRIGGER installation_no_delete BEFORE DELETE ON installation BEGIN SELECT RAISE(ABORT, 'installation is insert-only'); END",
        "CREATE TRIGGER installation_no_replace BEFORE INSERT ON installation WHEN EXISTS (SELECT 1 FROM installation WHERE (name = NEW.name)) BEGIN SELECT RAISE(ABORT, 'installation is insert-only'); END",
        "CREATE TRIGGER checkpoint_heads_no_update BEFORE UPDATE ON checkpoint_heads BEGIN SELECT RAISE(ABORT, 'checkpoint_heads is insert-only'); END",
        "CREATE TRIGGER checkpoint_heads_no_delete BEFORE DELETE ON checkpoint_heads BEGIN SELECT RAISE(ABORT, 'checkpoint_heads is insert-only'); END",
        "CREATE TRIGGER checkpoint_heads_no_replace BEFORE INSERT ON checkpoint_heads WHEN EXISTS (SELECT 1 FROM checkpoint_heads WHERE (checkpoint = NEW.checkpoint AND case_id = NEW.case_id)) BEGIN SELECT RAISE(ABORT, 'checkpoint_heads is insert-only'); END",
        "CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events is insert-only'); END",
        "CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events is insert-only'); END",
        "CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE (id = NEW.id) OR (case_id = NEW.case_id AND seq = NEW.seq)) BEGIN SELECT RAISE(ABORT, 'events is insert-only'); END",
        "CREATE TRIGGER interests_no_update BEFORE UPDATE ON interests BEGIN SELECT RAISE(ABORT, 'interests is insert-only'); END",
        "CREATE TRIGGER interests_no_delete BEFORE DELETE ON interests BEGIN SELECT RAISE(ABORT, 'interests is insert-only'); END",
        "CREATE TRIGGER interests_no_replace BEFORE INSERT ON interests WHEN EXISTS (SELECT 1 FROM interests WHERE (id = NEW.id)) BEGIN SELECT RAISE(ABORT, 'interests is insert-only'); END",
        "CREATE TRIGGER indicator_values_no_update BEFORE UPDATE ON indicator_values BEGIN SELECT RAISE(ABORT, 'indicator_values is insert-only'); END",
        "CREATE TRIGGER indicator_values_no_delete BEFORE DELETE ON indicator_values BEGIN SELECT RAISE(ABORT, 'indicator_values is insert-only'); END",
        "CREATE TRIGGER indicator_values_no_replace BEFORE INSERT ON indicator_values WHEN EXISTS (SELECT 1 FROM indicator_values WHERE (id = NEW.id) OR (indicator_id = NEW.indicator_id AND slot = NEW.slot AND revision = NEW.revision)) BEGIN SELECT RAISE(ABORT, 'indicator_values is insert-only'); END",
        "CREATE TRIGGER payments_no_update BEFORE UPDATE ON payments BEGIN SELECT RAISE(ABORT, 'payments is insert-only'); END",
        "CREATE TRIGGER payments_no_delete BEFORE DELETE ON payments BEGIN SELECT RAISE(ABORT, 'payments is insert-only'); END",
        "CREATE TRIGGER payments_no_replace BEFORE INSERT ON payments WHEN EXISTS (SELECT 1 FROM payments WHERE (id = NEW.id) OR (kind = NEW.kind AND bank_ref = NEW.bank_ref)) BEGIN SELECT RAISE(ABORT, 'payments is insert-only'); END",
        "CREATE TRIGGER report_versions_no_update BEFORE UPDATE ON report_versions BEGIN SELECT RAISE(ABORT, 'report_versions is insert-only'); END",
        "CREATE TRIGGER report_versions_no_delete BEFORE DELETE ON report_versions BEGIN SELECT RAISE(ABORT, 'report_versions is insert-only'); END",
        "CREATE TRIGGER report_versions_no_replace BEFORE INSERT ON report_versions WHEN EXISTS (SELECT 1 FROM report_versions WHERE (id = NEW.id) OR (report_id = NEW.report_id AND n = NEW.n)) BEGIN SELECT RAISE(ABORT, 'report_versions is insert-only'); END",
        "CREATE TRIGGER application_versions_no_update BEFORE UPDATE ON application_versions BEGIN SELECT RAISE(ABORT, 'application_versions is insert-only'); END",
        "CREATE TRIGGER application_versions_no_delete BEFORE DELETE ON application_versions BEGIN SELECT RAISE(ABORT, 'application_versions is insert-only'); END",
        "CREATE TRIGGER application_versions_no_replace BEFORE INSERT ON application_versions WHEN EXISTS (SELECT 1 FROM application_versions WHERE (id = NEW.id) OR (case_id = NEW.case_id AND n = NEW.n)) BEGIN SELECT RAISE(ABORT, 'application_versions is insert-only'); END",
        "CREATE TRIGGER eligibility_results_no_update BEFORE UPDATE ON eligibility_results BEGIN SELECT RAISE(ABORT, 'eligibility_results is insert-only'); END",
        "CREATE TRIGGER eligibility_results_no_delete BEFORE DELETE ON eligibility_results BEGIN SELECT RAISE(ABORT, 'eligibility_results is insert-only'); END",
        "CREATE TRIGGER eligibility_results_no_replace BEFORE INSERT ON eligibility_results WHEN EXISTS (SELECT 1 FROM eligibility_results WHERE (id = NEW.id) OR (case_id = NEW.case_id AND run = NEW.run AND code = NEW.code)) BEGIN SELECT RAISE(ABORT, 'eligibility_results is insert-only'); END",
        "CREATE TRIGGER eligibility_waivers_no_update BEFORE UPDATE ON eligibility_waivers BEGIN SELECT RAISE(ABORT, 'eligibility_waivers is insert-only'); END",
        "CREATE TRIGGER eligibility_waivers_no_delete BEFORE DELETE ON eligibility_waivers BEGIN SELECT RAISE(ABORT, 'eligibility_waivers is insert-only'); END",
        "CREATE TRIGGER eligibility_waivers_no_replace BEFORE INSERT ON eligibility_waivers WHEN EXISTS (SELECT 1 FROM eligibility_waivers WHERE (id = NEW.id) OR (case_id = NEW.case_id AND run = NEW.run AND code = NEW.code)) BEGIN SELECT RAISE(ABORT, 'eligibility_waivers is insert-only'); END",
        "CREATE TRIGGER private_values_erase_only BEFORE UPDATE ON private_values WHEN NEW.case_id <> OLD.case_id OR NEW.seq <> OLD.seq OR NEW.name <> OLD.name OR NEW.value IS NOT NULL OR NEW.salt IS NOT NULL BEGIN SELECT RAISE(ABORT, 'private_values can only be erased'); END",
        "CREATE TRIGGER private_values_no_delete BEFORE DELETE ON private_values BEGIN SELECT RAISE(ABORT, 'private_values can only be erased'); END",
        "CREATE TRIGGER private_values_no_replace BEFORE INSERT ON private_values WHEN EXISTS (SELECT 1 FROM private_values WHERE case_id = NEW.case_id AND seq = NEW.seq AND name = NEW.name) BEGIN SELECT RAISE(ABORT, 'private_values can only be erased'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION grantflow_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER call_packs_insert_only BEFORE UPDATE OR DELETE ON call_packs FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER call_packs_no_truncate BEFORE TRUNCATE ON call_packs FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER checkpoints_insert_only BEFORE UPDATE OR DELETE ON checkpoints FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER checkpoints_no_truncate BEFORE TRUNCATE ON checkpoints FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER installation_insert_only BEFORE UPDATE OR DELETE ON installation FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER installation_no_truncate BEFORE TRUNCATE ON installation FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER checkpoint_heads_insert_only BEFORE UPDATE OR DELETE ON checkpoint_heads FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER checkpoint_heads_no_truncate BEFORE TRUNCATE ON checkpoint_heads FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER events_insert_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER interests_insert_only BEFORE UPDATE OR DELETE ON interests FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER interests_no_truncate BEFORE TRUNCATE ON interests FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER indicator_values_insert_only BEFORE UPDATE OR DELETE ON indicator_values FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER indicator_values_no_truncate BEFORE TRUNCATE ON indicator_values FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER payments_insert_only BEFORE UPDATE OR DELETE ON payments FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER payments_no_truncate BEFORE TRUNCATE ON payments FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER report_versions_insert_only BEFORE UPDATE OR DELETE ON report_versions FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER report_versions_no_truncate BEFORE TRUNCATE ON report_versions FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER application_versions_insert_only BEFORE UPDATE OR DELETE ON application_versions FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER application_versions_no_truncate BEFORE TRUNCATE ON application_versions FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER eligibility_results_insert_only BEFORE UPDATE OR DELETE ON eligibility_results FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER eligibility_results_no_truncate BEFORE TRUNCATE ON eligibility_results FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER eligibility_waivers_insert_only BEFORE UPDATE OR DELETE ON eligibility_waivers FOR EACH ROW EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE TRIGGER eligibility_waivers_no_truncate BEFORE TRUNCATE ON eligibility_waivers FOR EACH STATEMENT EXECUTE FUNCTION grantflow_insert_only()",
        "CREATE OR REPLACE FUNCTION grantflow_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP = 'UPDATE' AND NEW.case_id = OLD.case_id AND NEW.seq = OLD.seq AND NEW.name = OLD.name AND NEW.value IS NULL AND NEW.salt IS NULL THEN RETURN NEW; END IF; RAISE EXCEPTION 'private_values can only be erased' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER private_values_erase_only BEFORE UPDATE OR DELETE ON private_values FOR EACH ROW EXECUTE FUNCTION grantflow_erase_only()",
        "CREATE TRIGGER private_values_no_truncate BEFORE TRUNCATE ON private_values FOR EACH STATEMENT EXECUTE FUNCTION grantflow_erase_only()",
    ],
}
"""Triggers that keep history and the books: SQLite drops them with their tables, PostgreSQL their functions stay."""


def upgrade() -> None:
    op.create_table(
        "call_packs",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_call_packs")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("v", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "definitions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_definitions")),
    )
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "places",
        sa.Column("id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=True),
        sa.Column("zone_label", sa.Text(), nullable=True),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.CheckConstraint("(kind = 'country') = (parent_id IS NULL)", name=op.f("ck_places_below_a_parent")),
        sa.CheckConstraint("kind <> 'region' OR zone IS NOT NULL", name=op.f("ck_places_a_region_has_a_zone")),
        sa.CheckConstraint("kind IN ('country', 'region', 'district')", name=op.f("ck_places_known_kind")),
        sa.ForeignKeyConstraint(["parent_id"], ["places.id"], name=op.f("fk_places_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
        sa.UniqueConstraint("code", name=op.f("uq_places_code")),
    )
    op.create_index("ix_places_parent_id", "places", ["parent_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("workflow_hash", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=60), nullable=True),
        sa.Column("stage", sa.String(length=20), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=60), nullable=True),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("programme_id", ID, nullable=True),
        sa.Column("alliance_id", ID, nullable=True),
        sa.Column("call_id", ID, nullable=True),
        sa.Column("panel_id", ID, nullable=True),
        sa.Column("organisation_id", ID, nullable=True),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since_seq", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open_key", sa.String(length=120), nullable=True),
        sa.CheckConstraint(
            "(kind IN ('call', 'application', 'award', 'tranche', 'report', 'check')) = (workflow_hash IS NOT NULL) AND (workflow_hash IS NULL) = (state IS NULL) AND (state IS NULL) = (stage IS NULL)",
            name=op.f("ck_cases_a_workflow_has_a_state"),
        ),
        sa.CheckConstraint(
            "kind IN ('call', 'application', 'award', 'tranche', 'report', 'check', 'person', 'organisation', 'programme', 'alliance', 'panel')",
            name=op.f("ck_cases_known_kind"),
        ),
        sa.CheckConstraint(
            "stage IN ('preparation', 'submission', 'eligibility', 'scoring', 'decision', 'award', 'disbursement', 'followup', 'closed', 'refused')",
            name=op.f("ck_cases_known_stage"),
        ),
        sa.CheckConstraint("version >= 0 AND since_seq <= version", name=op.f("ck_cases_version_counts_events")),
        sa.ForeignKeyConstraint(["alliance_id"], ["cases.id"], name=op.f("fk_cases_alliance_id")),
        sa.ForeignKeyConstraint(["call_id"], ["cases.id"], name=op.f("fk_cases_call_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["cases.id"], name=op.f("fk_cases_organisation_id")),
        sa.ForeignKeyConstraint(["panel_id"], ["cases.id"], name=op.f("fk_cases_panel_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["cases.id"], name=op.f("fk_cases_parent_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["cases.id"], name=op.f("fk_cases_programme_id")),
        sa.ForeignKeyConstraint(["workflow_hash"], ["definitions.hash"], name=op.f("fk_cases_workflow_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("id", "stage", name="uq_cases_id_stage"),
        sa.UniqueConstraint("open_key", name=op.f("uq_cases_open_key")),
        sa.UniqueConstraint("ref", name=op.f("uq_cases_ref")),
    )
    op.create_index("ix_cases_call_id_kind_state", "cases", ["call_id", "kind", "state"], unique=False)
    op.create_index("ix_cases_due_at", "cases", ["due_at"], unique=False)
    op.create_index("ix_cases_organisation_id_kind", "cases", ["organisation_id", "kind"], unique=False)
    op.create_index("ix_cases_panel_id", "cases", ["panel_id"], unique=False)
    op.create_index("ix_cases_parent_id", "cases", ["parent_id"], unique=False)
    op.create_index("ix_cases_programme_id_kind_state", "cases", ["programme_id", "kind", "state"], unique=False)
    op.create_table(
        "checkpoint_heads",
        sa.Column("checkpoint", sa.Integer(), nullable=False),
        sa.Column("case_id", ID, autoincrement=False, nullable=False),
        sa.Column("case", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["checkpoint"], ["checkpoints.seq"], name=op.f("fk_checkpoint_heads_checkpoint")),
        sa.PrimaryKeyConstraint("checkpoint", "case_id", name=op.f("pk_checkpoint_heads")),
    )
    op.create_table(
        "deadlines",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("trigger", sa.String(length=60), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=400), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_deadlines_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadlines")),
    )
    op.create_index("ix_deadlines_case_id", "deadlines", ["case_id"], unique=False)
    op.create_index("ix_deadlines_closed_at_due_at", "deadlines", ["closed_at", "due_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("v", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("for_id", ID, nullable=True),
        sa.Column("trigger", sa.String(length=60), nullable=False),
        sa.Column("move", sa.String(length=60), nullable=False),
        sa.Column("from_state", sa.String(length=60), nullable=True),
        sa.Column("to_state", sa.String(length=60), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("private", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=True),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(hash) = 64 AND length(prev_hash) = 64", name=op.f("ck_events_hashes_are_sha256")),
        sa.CheckConstraint("seq > 0", name=op.f("ck_events_seq_counts_from_one")),
        sa.ForeignKeyConstraint(["actor_id"], ["cases.id"], name=op.f("fk_events_actor_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_events_case_id")),
        sa.ForeignKeyConstraint(["for_id"], ["cases.id"], name=op.f("fk_events_for_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("case_id", "seq", name=op.f("uq_events_case_id_seq")),
    )
    op.create_index("ix_events_actor_id_at", "events", ["actor_id", "at"], unique=False)
    op.create_index("ix_events_case_id_key", "events", ["case_id", "key"], unique=True)
    op.create_table(
        "organisations",
        sa.Column("id", ID, nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("name_ru", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("legal_form", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("place_id", ID, nullable=True),
        sa.Column("inn", sa.String(length=12), nullable=False),
        sa.Column("ogrn", sa.String(length=15), nullable=False),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column("bank_account", sa.String(length=34), nullable=False),
        sa.CheckConstraint(
            "kind IN ('cso', 'local_authority', 'business', 'initiative_group', 'other')",
            name=op.f("ck_organisations_known_kind"),
        ),
        sa.CheckConstraint(
            "legal_form IN ('ano', 'roo', 'foundation', 'ooo', 'ip', 'self_employed', 'initiative_group', 'cooperative', 'public_body', 'other')",
            name=op.f("ck_organisations_known_legal_form"),
        ),
        sa.CheckConstraint("name_en <> '' OR name_ru <> ''", name=op.f("ck_organisations_has_a_name")),
        sa.ForeignKeyConstraint(["id"], ["cases.id"], name=op.f("fk_organisations_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_organisations_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    op.create_index("ix_organisations_search_key", "organisations", ["search_key"], unique=False)
    op.create_table(
        "panels",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("alliance_id", ID, nullable=True),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reviews_due_on", sa.Date(), nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.CheckConstraint("quorum > 0", name=op.f("ck_panels_quorum_counts")),
        sa.ForeignKeyConstraint(["alliance_id"], ["cases.id"], name=op.f("fk_panels_alliance_id")),
        sa.ForeignKeyConstraint(["call_id"], ["cases.id"], name=op.f("fk_panels_call_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_panels_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_panels")),
        sa.UniqueConstraint("call_id", name=op.f("uq_panels_call_id")),
    )
    op.create_table(
        "people",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("name_ru", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("theme", sa.String(length=5), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("language IN ('en', 'ru')", name=op.f("ck_people_known_language")),
        sa.CheckConstraint("name_en <> '' OR name_ru <> ''", name=op.f("ck_people_has_a_name")),
        sa.CheckConstraint("theme IN ('auto', 'light', 'dark')", name=op.f("ck_people_known_theme")),
        sa.ForeignKeyConstraint(["id"], ["cases.id"], name=op.f("fk_people_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email_key", name=op.f("uq_people_email_key")),
    )
    op.create_table(
        "private_values",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.CheckConstraint("(salt IS NULL) = (value IS NULL)", name=op.f("ck_private_values_erased_whole")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_private_values_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["cases.id"], name=op.f("fk_private_values_person_id")),
        sa.PrimaryKeyConstraint("case_id", "seq", "name", name=op.f("pk_private_values")),
    )
    op.create_index(op.f("ix_private_values_person_id"), "private_values", ["person_id"], unique=False)
    op.create_table(
        "programmes",
        sa.Column("id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("donor", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("page_on", sa.Date(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("workflows", sa.Text(), nullable=False),
        sa.Column("districts", sa.Text(), nullable=False),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_programmes_ends_after_start")),
        sa.ForeignKeyConstraint(["id"], ["cases.id"], name=op.f("fk_programmes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
        sa.UniqueConstraint("code", name=op.f("uq_programmes_code")),
    )
    op.create_table(
        "standings",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("mean", sa.Integer(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("reviews", sa.Integer(), nullable=False),
        sa.Column("ranked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("low <= mean AND mean <= high", name=op.f("ck_standings_mean_between_its_ends")),
        sa.CheckConstraint("mean BETWEEN 0 AND 10000", name=op.f("ck_standings_mean_within_a_hundred")),
        sa.CheckConstraint("reviews > 0", name=op.f("ck_standings_somebody_read_it")),
        sa.ForeignKeyConstraint(["call_id"], ["cases.id"], name=op.f("fk_standings_call_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_standings_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_standings")),
    )
    op.create_index("ix_standings_call_id_mean", "standings", ["call_id", "mean"], unique=False)
    op.create_table(
        "alliances",
        sa.Column("id", ID, nullable=False),
        sa.Column("programme_id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region_id", ID, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("founded_on", sa.Date(), nullable=False),
        sa.Column("chair", sa.Text(), nullable=False),
        sa.Column("cso_count", sa.Integer(), nullable=False),
        sa.Column("local_authority_count", sa.Integer(), nullable=False),
        sa.Column("other_count", sa.Integer(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "cso_count >= 0 AND local_authority_count >= 0 AND other_count >= 0",
            name=op.f("ck_alliances_counts_not_negative"),
        ),
        sa.ForeignKeyConstraint(["id"], ["cases.id"], name=op.f("fk_alliances_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_alliances_programme_id")),
        sa.ForeignKeyConstraint(["region_id"], ["places.id"], name=op.f("fk_alliances_region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alliances")),
        sa.UniqueConstraint("code", name=op.f("uq_alliances_code")),
    )
    op.create_table(
        "awards",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("application_id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("programme_id", ID, nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("terms_hash", sa.String(length=64), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("own_minor", sa.BigInteger(), nullable=True),
        sa.Column("total_minor", sa.BigInteger(), nullable=True),
        sa.Column("decided_by_id", ID, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prepared_by_id", ID, nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by_id", ID, nullable=True),
        sa.Column("bank_account", sa.String(length=34), nullable=True),
        sa.Column("bank_name", sa.String(length=200), nullable=True),
        sa.Column("bank_code", sa.String(length=11), nullable=False),
        sa.Column("signatory", sa.String(length=200), nullable=True),
        sa.Column("agreement_no", sa.String(length=60), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("signed_by_id", ID, nullable=True),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("returned_minor", sa.BigInteger(), nullable=False),
        sa.Column("terminated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stage <> 'closed' OR paid_minor = amount_minor", name=op.f("ck_awards_closed_when_paid")),
        sa.CheckConstraint(
            "stage = 'preparation' OR offered_at IS NOT NULL", name=op.f("ck_awards_offered_before_it_goes_on")
        ),
        sa.CheckConstraint(
            "stage NOT IN ('disbursement', 'followup', 'closed') OR agreement_no IS NOT NULL",
            name=op.f("ck_awards_no_payment_without_an_agreement"),
        ),
        sa.CheckConstraint("terminated_at IS NULL OR stage <> 'closed'", name=op.f("ck_awards_closed_or_terminated")),
        sa.CheckConstraint(
            "(accepted_at IS NULL) = (accepted_by_id IS NULL) AND (accepted_at IS NULL) = (bank_account IS NULL) AND (accepted_at IS NULL) = (bank_name IS NULL) AND (accepted_at IS NULL) = (signatory IS NULL)",
            name=op.f("ck_awards_accepted_whole"),
        ),
        sa.CheckConstraint(
            "(agreement_no IS NULL) = (signed_on IS NULL) AND (agreement_no IS NULL) = (starts_on IS NULL) AND (agreement_no IS NULL) = (ends_on IS NULL) AND (agreement_no IS NULL) = (signed_by_id IS NULL)",
            name=op.f("ck_awards_agreement_whole"),
        ),
        sa.CheckConstraint(
            "agreement_no IS NULL OR accepted_at IS NOT NULL", name=op.f("ck_awards_accepted_before_signed")
        ),
        sa.CheckConstraint(
            "amount_minor > 0 AND amount_minor <= 1000000000000000", name=op.f("ck_awards_amount_is_positive")
        ),
        sa.CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_awards_ends_after_start")),
        sa.CheckConstraint("own_minor IS NULL OR own_minor >= 0", name=op.f("ck_awards_own_part_is_not_negative")),
        sa.CheckConstraint(
            "paid_minor = 0 OR agreement_no IS NOT NULL", name=op.f("ck_awards_nothing_paid_without_an_agreement")
        ),
        sa.CheckConstraint(
            "paid_minor >= 0 AND paid_minor <= amount_minor", name=op.f("ck_awards_paid_never_exceeds_awarded")
        ),
        sa.CheckConstraint("returned_minor >= 0", name=op.f("ck_awards_returned_is_not_negative")),
        sa.CheckConstraint(
            "total_minor IS NULL OR total_minor >= amount_minor", name=op.f("ck_awards_total_holds_the_grant")
        ),
        sa.ForeignKeyConstraint(["accepted_by_id"], ["people.id"], name=op.f("fk_awards_accepted_by_id")),
        sa.ForeignKeyConstraint(["application_id"], ["cases.id"], name=op.f("fk_awards_application_id")),
        sa.ForeignKeyConstraint(["call_id"], ["cases.id"], name=op.f("fk_awards_call_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "stage"], ["cases.id", "cases.stage"], name="fk_awards_stage_follows", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_awards_case_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["people.id"], name=op.f("fk_awards_decided_by_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["cases.id"], name=op.f("fk_awards_organisation_id")),
        sa.ForeignKeyConstraint(["prepared_by_id"], ["people.id"], name=op.f("fk_awards_prepared_by_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["cases.id"], name=op.f("fk_awards_programme_id")),
        sa.ForeignKeyConstraint(["signed_by_id"], ["people.id"], name=op.f("fk_awards_signed_by_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_awards")),
        sa.UniqueConstraint("application_id", name=op.f("uq_awards_application_id")),
        sa.UniqueConstraint("number", name=op.f("uq_awards_number")),
    )
    op.create_index("ix_awards_call_id", "awards", ["call_id"], unique=False)
    op.create_index("ix_awards_organisation_id", "awards", ["organisation_id"], unique=False)
    op.create_index("ix_awards_programme_id", "awards", ["programme_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("mean", sa.Integer(), nullable=True),
        sa.Column("decided_by_id", ID, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind <> 'awarded' OR (amount_minor IS NOT NULL AND amount_minor > 0)",
            name=op.f("ck_decisions_award_has_a_sum"),
        ),
        sa.CheckConstraint(
            "kind = 'awarded' OR amount_minor IS NULL", name=op.f("ck_decisions_only_an_award_has_a_sum")
        ),
        sa.CheckConstraint(
            "kind = 'declined' OR (mean IS NOT NULL AND place IS NOT NULL)",
            name=op.f("ck_decisions_who_receives_is_ranked"),
        ),
        sa.CheckConstraint("kind IN ('awarded', 'reserve', 'declined')", name=op.f("ck_decisions_known_kind")),
        sa.CheckConstraint(
            "stage <> 'award' OR kind = 'awarded'", name=op.f("ck_decisions_awarded_stage_has_an_award")
        ),
        sa.CheckConstraint(
            "announced_at IS NULL OR announced_at >= decided_at", name=op.f("ck_decisions_announced_after_deciding")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["cases.id"], name=op.f("fk_decisions_call_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "stage"], ["cases.id", "cases.stage"], name="fk_decisions_stage_follows", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["people.id"], name=op.f("fk_decisions_decided_by_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_call_id_place", "decisions", ["call_id", "place"], unique=False)
    op.create_table(
        "interests",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by_system", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('none', 'organisation', 'family', 'financial', 'other')", name=op.f("ck_interests_known_kind")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_interests_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_interests_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interests")),
    )
    op.create_index("ix_interests_case_id_person_id_id", "interests", ["case_id", "person_id", "id"], unique=False)
    op.create_index("ix_interests_person_id", "interests", ["person_id"], unique=False)
    op.create_table(
        "kept_inputs",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_kept_inputs_person_id")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_kept_inputs")),
    )
    op.create_table(
        "letters",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_letters_person_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_letters")),
    )
    op.create_index(op.f("ix_letters_person_id"), "letters", ["person_id"], unique=False)
    op.create_table(
        "objectives",
        sa.Column("id", ID, nullable=False),
        sa.Column("programme_id", ID, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "level IN (1, 2, 3) AND (level = 1) = (parent_id IS NULL)", name=op.f("ck_objectives_level_below_parent")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["objectives.id"], name=op.f("fk_objectives_parent_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_objectives_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objectives")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_objectives_programme_id_code")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("dedupe", sa.String(length=200), nullable=False),
        sa.Column("notice", sa.String(length=60), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=True),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.String(length=80), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=400), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_attempts_count")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outbox_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_outbox_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe", name="uq_outbox_dedupe"),
    )
    op.create_index("ix_outbox_person_id_id", "outbox", ["person_id", "id"], unique=False)
    op.create_index("ix_outbox_sent_at_due_at", "outbox", ["sent_at", "due_at"], unique=False)
    op.create_table(
        "panel_members",
        sa.Column("id", ID, nullable=False),
        sa.Column("panel_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("seat", sa.String(length=20), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("organisation_id", ID, nullable=True),
        sa.Column("chair", sa.Boolean(), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.CheckConstraint("seat IN ('cso', 'local_authority', 'other')", name=op.f("ck_panel_members_known_seat")),
        sa.CheckConstraint("left_on IS NULL OR left_on >= joined_on", name=op.f("ck_panel_members_left_after_joining")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_panel_members_organisation_id")
        ),
        sa.ForeignKeyConstraint(["panel_id"], ["panels.case_id"], name=op.f("fk_panel_members_panel_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_panel_members_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_members")),
        sa.UniqueConstraint("panel_id", "person_id", name=op.f("uq_panel_members_panel_id_person_id")),
    )
    op.create_index("ix_panel_members_person_id", "panel_members", ["person_id"], unique=False)
    op.create_table(
        "programme_partners",
        sa.Column("id", ID, nullable=False),
        sa.Column("programme_id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("country_id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=True),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "role IN ('lead', 'partner', 'associate', 'donor')", name=op.f("ck_programme_partners_known_role")
        ),
        sa.ForeignKeyConstraint(["country_id"], ["places.id"], name=op.f("fk_programme_partners_country_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_programme_partners_organisation_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_programme_partners_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_partners")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_programme_partners_programme_id_code")),
    )
    op.create_table(
        "reviews",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("private_note", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status = 'draft' OR submitted_at IS NOT NULL", name=op.f("ck_reviews_submitted_has_its_moment")
        ),
        sa.CheckConstraint("status = 'draft' OR total IS NOT NULL", name=op.f("ck_reviews_submitted_has_its_total")),
        sa.CheckConstraint("status IN ('draft', 'submitted', 'locked')", name=op.f("ck_reviews_known_status")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_reviews_revision_counts")),
        sa.CheckConstraint(
            "total IS NULL OR total BETWEEN 0 AND 10000", name=op.f("ck_reviews_total_within_a_hundred")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reviews_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reviews_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("case_id", "person_id", name=op.f("uq_reviews_case_id_person_id")),
    )
    op.create_index("ix_reviews_person_id_status", "reviews", ["person_id", "status"], unique=False)
    op.create_table(
        "roles",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("programme_id", ID, nullable=True),
        sa.Column("alliance_id", ID, nullable=True),
        sa.Column("panel_id", ID, nullable=True),
        sa.Column("organisation_id", ID, nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("granted_by", ID, nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role <> 'applicant' OR organisation_id IS NOT NULL", name=op.f("ck_roles_applicant_of_an_organisation")
        ),
        sa.CheckConstraint(
            "role IN ('applicant', 'officer', 'panellist', 'chair', 'finance', 'manager', 'auditor')",
            name=op.f("ck_roles_known_role"),
        ),
        sa.CheckConstraint(
            "role NOT IN ('officer', 'finance', 'manager', 'auditor') OR programme_id IS NOT NULL",
            name=op.f("ck_roles_staff_of_a_programme"),
        ),
        sa.CheckConstraint(
            "role NOT IN ('panellist', 'chair') OR panel_id IS NOT NULL", name=op.f("ck_roles_member_of_a_panel")
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name=op.f("ck_roles_ends_after_start")
        ),
        sa.ForeignKeyConstraint(["alliance_id"], ["cases.id"], name=op.f("fk_roles_alliance_id")),
        sa.ForeignKeyConstraint(["granted_by"], ["people.id"], name=op.f("fk_roles_granted_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["cases.id"], name=op.f("fk_roles_organisation_id")),
        sa.ForeignKeyConstraint(["panel_id"], ["cases.id"], name=op.f("fk_roles_panel_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_roles_person_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["cases.id"], name=op.f("fk_roles_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
    )
    op.create_index("ix_roles_person_id", "roles", ["person_id"], unique=False)
    op.create_index("ix_roles_role_programme_id", "roles", ["role", "programme_id"], unique=False)
    op.create_table(
        "statistics",
        sa.Column("id", ID, nullable=False),
        sa.Column("programme_id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place_id", ID, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_statistics_place_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_statistics_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statistics")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_statistics_programme_id_code")),
    )
    op.create_table(
        "alliance_members",
        sa.Column("id", ID, nullable=False),
        sa.Column("alliance_id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("place_id", ID, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('cso', 'local_authority', 'other')", name=op.f("ck_alliance_members_known_kind")),
        sa.CheckConstraint(
            "left_on IS NULL OR left_on >= joined_on", name=op.f("ck_alliance_members_left_after_joining")
        ),
        sa.ForeignKeyConstraint(["alliance_id"], ["alliances.id"], name=op.f("fk_alliance_members_alliance_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_alliance_members_organisation_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_alliance_members_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alliance_members")),
        sa.UniqueConstraint("alliance_id", "code", name=op.f("uq_alliance_members_alliance_id_code")),
    )
    op.create_table(
        "checks",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("award_id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("operating", sa.Boolean(), nullable=True),
        sa.Column("jobs_women", sa.Integer(), nullable=True),
        sa.Column("jobs_men", sa.Integer(), nullable=True),
        sa.Column("jobs_not_stated", sa.Integer(), nullable=True),
        sa.Column("grant_income_share_bp", sa.Integer(), nullable=True),
        sa.Column("ways", sa.Text(), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filled_by_id", ID, nullable=True),
        sa.Column("verdict", sa.String(length=20), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by_id", ID, nullable=True),
        sa.CheckConstraint("stage <> 'closed' OR verdict IS NOT NULL", name=op.f("ck_checks_closed_with_a_verdict")),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict <> 'ceased' OR operating = false",
            name=op.f("ck_checks_ceased_does_not_operate"),
        ),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict = 'no_answer' OR operating IS NOT NULL",
            name=op.f("ck_checks_verdict_has_an_answer"),
        ),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict = 'no_answer' OR verified_by_id IS NOT NULL",
            name=op.f("ck_checks_verdict_has_a_verifier"),
        ),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict IN ('sustainable', 'at_risk', 'ceased', 'no_answer')",
            name=op.f("ck_checks_known_verdict"),
        ),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict NOT IN ('sustainable', 'at_risk') OR operating = true",
            name=op.f("ck_checks_standing_operates"),
        ),
        sa.CheckConstraint("(filled_at IS NULL) = (filled_by_id IS NULL)", name=op.f("ck_checks_filled_whole")),
        sa.CheckConstraint(
            "(jobs_women IS NULL OR jobs_women >= 0) AND (jobs_men IS NULL OR jobs_men >= 0) AND (jobs_not_stated IS NULL OR jobs_not_stated >= 0)",
            name=op.f("ck_checks_jobs_are_not_negative"),
        ),
        sa.CheckConstraint(
            "grant_income_share_bp IS NULL OR grant_income_share_bp BETWEEN 0 AND 10000",
            name=op.f("ck_checks_share_is_a_share"),
        ),
        sa.CheckConstraint("months > 0", name=op.f("ck_checks_months_are_positive")),
        sa.ForeignKeyConstraint(["award_id"], ["awards.case_id"], name=op.f("fk_checks_award_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "stage"], ["cases.id", "cases.stage"], name="fk_checks_stage_follows", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_checks_case_id")),
        sa.ForeignKeyConstraint(["filled_by_id"], ["people.id"], name=op.f("fk_checks_filled_by_id")),
        sa.ForeignKeyConstraint(["verified_by_id"], ["people.id"], name=op.f("fk_checks_verified_by_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_checks")),
        sa.UniqueConstraint("award_id", "months", name=op.f("uq_checks_award_id_months")),
    )
    op.create_index("ix_checks_opens_on", "checks", ["opens_on"], unique=False)
    op.create_table(
        "indicators",
        sa.Column("id", ID, nullable=False),
        sa.Column("programme_id", ID, nullable=False),
        sa.Column("objective_id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("measure", sa.String(length=60), nullable=False),
        sa.Column("people", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["objective_id"], ["objectives.id"], name=op.f("fk_indicators_objective_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_indicators_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicators")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_indicators_programme_id_code")),
    )
    op.create_table(
        "reports",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("award_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by_id", ID, nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by_id", ID, nullable=True),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "stage <> 'closed' OR accepted_at IS NOT NULL", name=op.f("ck_reports_closed_when_accepted")
        ),
        sa.CheckConstraint(
            "stage NOT IN ('submission', 'closed') OR submitted_at IS NOT NULL",
            name=op.f("ck_reports_sent_has_a_sender"),
        ),
        sa.CheckConstraint("(accepted_at IS NULL) = (accepted_by_id IS NULL)", name=op.f("ck_reports_accepted_whole")),
        sa.CheckConstraint(
            "(submitted_at IS NULL) = (submitted_by_id IS NULL)", name=op.f("ck_reports_submitted_whole")
        ),
        sa.CheckConstraint(
            "accepted_at IS NULL OR submitted_at IS NOT NULL", name=op.f("ck_reports_accepted_after_submitted")
        ),
        sa.CheckConstraint("n >= 1 AND n <= of", name=op.f("ck_reports_one_of_so_many")),
        sa.CheckConstraint("spent_minor IS NULL OR spent_minor >= 0", name=op.f("ck_reports_spent_is_not_negative")),
        sa.ForeignKeyConstraint(["accepted_by_id"], ["people.id"], name=op.f("fk_reports_accepted_by_id")),
        sa.ForeignKeyConstraint(["award_id"], ["awards.case_id"], name=op.f("fk_reports_award_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "stage"], ["cases.id", "cases.stage"], name="fk_reports_stage_follows", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reports_case_id")),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["people.id"], name=op.f("fk_reports_submitted_by_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_reports")),
        sa.UniqueConstraint("award_id", "kind", name=op.f("uq_reports_award_id_kind")),
        sa.UniqueConstraint("award_id", "n", name=op.f("uq_reports_award_id_n")),
    )
    op.create_index("ix_reports_due_on", "reports", ["due_on"], unique=False)
    op.create_table(
        "review_scores",
        sa.Column("id", ID, nullable=False),
        sa.Column("review_id", ID, nullable=False),
        sa.Column("criterion", sa.String(length=40), nullable=False),
        sa.Column("hundredths", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_scores_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_scores")),
        sa.UniqueConstraint("review_id", "criterion", name=op.f("uq_review_scores_review_id_criterion")),
    )
    op.create_table(
        "strategies",
        sa.Column("id", ID, nullable=False),
        sa.Column("alliance_id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("endorsed_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["alliance_id"], ["alliances.id"], name=op.f("fk_strategies_alliance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strategies")),
        sa.UniqueConstraint("alliance_id", "code", name=op.f("uq_strategies_alliance_id_code")),
    )
    op.create_table(
        "tranches",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("award_id", ID, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("condition", sa.String(length=60), nullable=False),
        sa.Column("condition_case_id", ID, nullable=True),
        sa.Column("prepared_by_id", ID, nullable=True),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_by_id", ID, nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_by_id", ID, nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by_id", ID, nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("bank_ref", sa.String(length=60), nullable=True),
        sa.Column("returned_on", sa.Date(), nullable=True),
        sa.CheckConstraint("stage <> 'closed' OR paid_on IS NOT NULL", name=op.f("ck_tranches_closed_when_paid")),
        sa.CheckConstraint("(first_by_id IS NULL) = (first_at IS NULL)", name=op.f("ck_tranches_first_whole")),
        sa.CheckConstraint(
            "(paid_on IS NULL) = (bank_ref IS NULL) AND (paid_on IS NULL) = (paid_by_id IS NULL)",
            name=op.f("ck_tranches_paid_whole"),
        ),
        sa.CheckConstraint("(prepared_by_id IS NULL) = (prepared_at IS NULL)", name=op.f("ck_tranches_prepared_whole")),
        sa.CheckConstraint("(second_by_id IS NULL) = (second_at IS NULL)", name=op.f("ck_tranches_second_whole")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_tranches_amount_is_positive")),
        sa.CheckConstraint(
            "first_by_id IS NULL OR prepared_by_id IS NOT NULL", name=op.f("ck_tranches_first_after_prepared")
        ),
        sa.CheckConstraint("n >= 1 AND n <= of", name=op.f("ck_tranches_one_of_so_many")),
        sa.CheckConstraint(
            "paid_on IS NULL OR second_by_id IS NOT NULL", name=op.f("ck_tranches_paid_after_two_persons")
        ),
        sa.CheckConstraint("returned_on IS NULL OR paid_on IS NOT NULL", name=op.f("ck_tranches_returned_after_paid")),
        sa.CheckConstraint(
            "second_by_id IS NULL OR (second_by_id <> prepared_by_id AND second_by_id <> first_by_id)",
            name=op.f("ck_tranches_second_is_another_person"),
        ),
        sa.CheckConstraint(
            "second_by_id IS NULL OR first_by_id IS NOT NULL", name=op.f("ck_tranches_second_after_first")
        ),
        sa.ForeignKeyConstraint(["award_id"], ["awards.case_id"], name=op.f("fk_tranches_award_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "stage"], ["cases.id", "cases.stage"], name="fk_tranches_stage_follows", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_tranches_case_id")),
        sa.ForeignKeyConstraint(["condition_case_id"], ["cases.id"], name=op.f("fk_tranches_condition_case_id")),
        sa.ForeignKeyConstraint(["first_by_id"], ["people.id"], name=op.f("fk_tranches_first_by_id")),
        sa.ForeignKeyConstraint(["paid_by_id"], ["people.id"], name=op.f("fk_tranches_paid_by_id")),
        sa.ForeignKeyConstraint(["prepared_by_id"], ["people.id"], name=op.f("fk_tranches_prepared_by_id")),
        sa.ForeignKeyConstraint(["second_by_id"], ["people.id"], name=op.f("fk_tranches_second_by_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_tranches")),
        sa.UniqueConstraint("award_id", "n", name=op.f("uq_tranches_award_id_n")),
    )
    op.create_index("ix_tranches_due_on", "tranches", ["due_on"], unique=False)
    op.create_table(
        "calls",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("programme_id", ID, nullable=False),
        sa.Column("alliance_id", ID, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("guide", sa.Text(), nullable=False),
        sa.Column("panel", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("contact_phone", sa.String(length=60), nullable=False),
        sa.Column("budget_minor", ID, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("questions_until_on", sa.Date(), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grace_minutes", sa.Integer(), nullable=False),
        sa.Column("results_on", sa.Date(), nullable=False),
        sa.Column("strategy_id", ID, nullable=True),
        sa.Column("no_strategy", sa.Text(), nullable=True),
        sa.Column("pack_hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "stage IN ('preparation', 'refused') OR strategy_id IS NOT NULL OR no_strategy IS NOT NULL",
            name=op.f("ck_calls_follows_a_strategy_or_says_why"),
        ),
        sa.CheckConstraint("budget_minor > 0", name=op.f("ck_calls_budget_positive")),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_calls_closes_after_opening")),
        sa.CheckConstraint("grace_minutes >= 0", name=op.f("ck_calls_grace_not_negative")),
        sa.CheckConstraint("next_number >= 1", name=op.f("ck_calls_numbers_count_up")),
        sa.ForeignKeyConstraint(["alliance_id"], ["alliances.id"], name=op.f("fk_calls_alliance_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "stage"], ["cases.id", "cases.stage"], name="fk_calls_stage_follows", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["pack_hash"], ["call_packs.hash"], name=op.f("fk_calls_pack_hash")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_calls_programme_id")),
        sa.ForeignKeyConstraint(["strategy_id"], ["strategies.id"], name=op.f("fk_calls_strategy_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_calls")),
        sa.UniqueConstraint("code", name=op.f("uq_calls_code")),
    )
    op.create_index("ix_calls_programme_id_opens_at", "calls", ["programme_id", "opens_at"], unique=False)
    op.create_table(
        "indicator_values",
        sa.Column("id", ID, nullable=False),
        sa.Column("indicator_id", ID, nullable=False),
        sa.Column("slot", sa.String(length=60), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("as_of_on", sa.Date(), nullable=False),
        sa.Column("place_id", ID, nullable=True),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("women", sa.Integer(), nullable=True),
        sa.Column("men", sa.Integer(), nullable=True),
        sa.Column("not_stated", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(women IS NULL) = (men IS NULL) AND (men IS NULL) = (not_stated IS NULL)",
            name=op.f("ck_indicator_values_whole_split"),
        ),
        sa.ForeignKeyConstraint(["indicator_id"], ["indicators.id"], name=op.f("fk_indicator_values_indicator_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_indicator_values_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator_values")),
        sa.UniqueConstraint(
            "indicator_id", "slot", "revision", name=op.f("uq_indicator_values_indicator_id_slot_revision")
        ),
    )
    op.create_table(
        "payments",
        sa.Column("id", ID, nullable=False),
        sa.Column("award_id", ID, nullable=False),
        sa.Column("tranche_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("bank_ref", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("reverses_id", ID, nullable=True),
        sa.CheckConstraint(
            "(kind = 'payment' AND amount_minor > 0 AND reverses_id IS NULL) OR (kind = 'reversal' AND amount_minor < 0 AND reverses_id IS NOT NULL)",
            name=op.f("ck_payments_sign_follows_kind"),
        ),
        sa.CheckConstraint("bank_ref <> ''", name=op.f("ck_payments_has_a_reference")),
        sa.CheckConstraint("kind IN ('payment', 'reversal')", name=op.f("ck_payments_known_kind")),
        sa.ForeignKeyConstraint(["award_id"], ["awards.case_id"], name=op.f("fk_payments_award_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_payments_person_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["payments.id"], name=op.f("fk_payments_reverses_id")),
        sa.ForeignKeyConstraint(["tranche_id"], ["tranches.case_id"], name=op.f("fk_payments_tranche_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("kind", "bank_ref", name=op.f("uq_payments_kind_bank_ref")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_payments_reverses_id")),
    )
    op.create_index("ix_payments_award_id", "payments", ["award_id"], unique=False)
    op.create_index("ix_payments_tranche_id", "payments", ["tranche_id"], unique=False)
    op.create_table(
        "report_files",
        sa.Column("id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("question", sa.String(length=40), nullable=False),
        sa.Column("stored_name", sa.String(length=80), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("uploaded_by", ID, nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_by", ID, nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_by IS NULL)", name=op.f("ck_report_files_removed_by_somebody")
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_report_files_not_empty")),
        sa.ForeignKeyConstraint(["removed_by"], ["people.id"], name=op.f("fk_report_files_removed_by")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.case_id"], name=op.f("fk_report_files_report_id")),
        sa.ForeignKeyConstraint(["uploaded_by"], ["people.id"], name=op.f("fk_report_files_uploaded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_files")),
        sa.UniqueConstraint("stored_name", name=op.f("uq_report_files_stored_name")),
    )
    op.create_index("ix_report_files_report_id_question", "report_files", ["report_id", "question"], unique=False)
    op.create_table(
        "report_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.CheckConstraint("n >= 1", name=op.f("ck_report_versions_counts_from_one")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_report_versions_person_id")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.case_id"], name=op.f("fk_report_versions_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_versions")),
        sa.UniqueConstraint("report_id", "n", name=op.f("uq_report_versions_report_id_n")),
    )
    op.create_table(
        "applications",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("pack_hash", sa.String(length=64), nullable=False),
        sa.Column("award_type", sa.String(length=20), nullable=True),
        sa.Column("grant_kind", sa.String(length=20), nullable=True),
        sa.Column("district_id", ID, nullable=True),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=True),
        sa.Column("own_minor", sa.BigInteger(), nullable=True),
        sa.Column("asked_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("saved", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_version", sa.Integer(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("correction_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened", sa.Text(), nullable=False),
        sa.Column("correction_note", sa.Text(), nullable=False),
        sa.Column("extension_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extension_reason", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "award_type IS NULL OR award_type IN ('female', 'social', 'both')",
            name=op.f("ck_applications_known_award_type"),
        ),
        sa.CheckConstraint(
            "extension_until IS NULL OR extension_reason <> ''", name=op.f("ck_applications_extension_with_its_reason")
        ),
        sa.CheckConstraint(
            "grant_kind IS NULL OR grant_kind IN ('new', 'growing')", name=op.f("ck_applications_known_grant_kind")
        ),
        sa.CheckConstraint(
            "stage IN ('preparation', 'refused') OR (submitted_version IS NOT NULL AND submitted_at IS NOT NULL AND asked_minor IS NOT NULL AND total_minor IS NOT NULL AND own_minor IS NOT NULL AND district_id IS NOT NULL AND title <> '')",
            name=op.f("ck_applications_sent_with_its_facts"),
        ),
        sa.CheckConstraint(
            "(submitted_version IS NULL) = (submitted_at IS NULL)", name=op.f("ck_applications_version_with_its_time")
        ),
        sa.CheckConstraint(
            "asked_minor IS NULL OR (asked_minor >= 0 AND own_minor >= 0 AND asked_minor + own_minor = total_minor)",
            name=op.f("ck_applications_asked_and_own_make_the_total"),
        ),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_applications_revision_counts_saves")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.case_id"], name=op.f("fk_applications_call_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "stage"], ["cases.id", "cases.stage"], name="fk_applications_stage_follows", onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["district_id"], ["places.id"], name=op.f("fk_applications_district_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_applications_organisation_id")
        ),
        sa.ForeignKeyConstraint(["pack_hash"], ["call_packs.hash"], name=op.f("fk_applications_pack_hash")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_applications")),
    )
    op.create_index("ix_applications_call_id_district_id", "applications", ["call_id", "district_id"], unique=False)
    op.create_index(
        "ix_applications_organisation_id_call_id", "applications", ["organisation_id", "call_id"], unique=False
    )
    op.create_table(
        "call_scopes",
        sa.Column("id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("place_id", ID, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.CheckConstraint("until_on IS NULL OR until_on >= from_on", name=op.f("ck_call_scopes_until_after_from")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.case_id"], name=op.f("fk_call_scopes_call_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_call_scopes_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_scopes")),
        sa.UniqueConstraint("call_id", "place_id", "from_on", name=op.f("uq_call_scopes_call_id_place_id_from_on")),
    )
    op.create_table(
        "application_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pack_hash", sa.String(length=64), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.CheckConstraint("n >= 1", name=op.f("ck_application_versions_versions_count_up")),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_application_versions_case_id")),
        sa.ForeignKeyConstraint(["pack_hash"], ["call_packs.hash"], name=op.f("fk_application_versions_pack_hash")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_application_versions_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_versions")),
        sa.UniqueConstraint("case_id", "n", name=op.f("uq_application_versions_case_id_n")),
    )
    op.create_table(
        "attachments",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("question", sa.String(length=40), nullable=False),
        sa.Column("stored_name", sa.String(length=80), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("uploaded_by", ID, nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_by", ID, nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_by IS NULL)", name=op.f("ck_attachments_removed_by_somebody")
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_attachments_not_empty")),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_attachments_case_id")),
        sa.ForeignKeyConstraint(["removed_by"], ["people.id"], name=op.f("fk_attachments_removed_by")),
        sa.ForeignKeyConstraint(["uploaded_by"], ["people.id"], name=op.f("fk_attachments_uploaded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("stored_name", name=op.f("uq_attachments_stored_name")),
    )
    op.create_index("ix_attachments_case_id_question", "attachments", ["case_id", "question"], unique=False)
    op.create_table(
        "eligibility_results",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", ID, nullable=True),
        sa.CheckConstraint("verdict IN ('ok', 'fail', 'unknown')", name=op.f("ck_eligibility_results_known_verdict")),
        sa.CheckConstraint("run >= 1", name=op.f("ck_eligibility_results_runs_count_up")),
        sa.ForeignKeyConstraint(["by"], ["people.id"], name=op.f("fk_eligibility_results_by")),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_eligibility_results_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eligibility_results")),
        sa.UniqueConstraint("case_id", "run", "code", name=op.f("uq_eligibility_results_case_id_run_code")),
    )
    op.create_index(
        "ix_eligibility_results_case_id_version", "eligibility_results", ["case_id", "version"], unique=False
    )
    op.create_table(
        "eligibility_waivers",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", ID, nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_eligibility_waivers_with_a_reason")),
        sa.ForeignKeyConstraint(["by"], ["people.id"], name=op.f("fk_eligibility_waivers_by")),
        sa.ForeignKeyConstraint(["case_id"], ["applications.case_id"], name=op.f("fk_eligibility_waivers_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eligibility_waivers")),
        sa.UniqueConstraint("case_id", "run", "code", name=op.f("uq_eligibility_waivers_case_id_run_code")),
    )
    for statement in REFUSALS[op.get_bind().dialect.name]:
        op.execute(sa.DDL(statement.replace("%", "%%")))


def downgrade() -> None:
    op.drop_table("eligibility_waivers")
    op.drop_index("ix_eligibility_results_case_id_version", table_name="eligibility_results")
    op.drop_table("eligibility_results")
    op.drop_index("ix_attachments_case_id_question", table_name="attachments")
    op.drop_table("attachments")
    op.drop_table("application_versions")
    op.drop_table("call_scopes")
    op.drop_index("ix_applications_organisation_id_call_id", table_name="applications")
    op.drop_index("ix_applications_call_id_district_id", table_name="applications")
    op.drop_table("applications")
    op.drop_table("report_versions")
    op.drop_index("ix_report_files_report_id_question", table_name="report_files")
    op.drop_table("report_files")
    op.drop_index("ix_payments_tranche_id", table_name="payments")
    op.drop_index("ix_payments_award_id", table_name="payments")
    op.drop_table("payments")
    op.drop_table("indicator_values")
    op.drop_index("ix_calls_programme_id_opens_at", table_name="calls")
    op.drop_table("calls")
    op.drop_index("ix_tranches_due_on", table_name="tranches")
    op.drop_table("tranches")
    op.drop_table("strategies")
    op.drop_table("review_scores")
    op.drop_index("ix_reports_due_on", table_name="reports")
    op.drop_table("reports")
    op.drop_table("indicators")
    op.drop_index("ix_checks_opens_on", table_name="checks")
    op.drop_table("checks")
    op.drop_table("alliance_members")
    op.drop_table("statistics")
    op.drop_index("ix_roles_role_programme_id", table_name="roles")
    op.drop_index("ix_roles_person_id", table_name="roles")
    op.drop_table("roles")
    op.drop_index("ix_reviews_person_id_status", table_name="reviews")
    op.drop_table("reviews")
    op.drop_table("programme_partners")
    op.drop_index("ix_panel_members_person_id", table_name="panel_members")
    op.drop_table("panel_members")
    op.drop_index("ix_outbox_sent_at_due_at", table_name="outbox")
    op.drop_index("ix_outbox_person_id_id", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("objectives")
    op.drop_index(op.f("ix_letters_person_id"), table_name="letters")
    op.drop_table("letters")
    op.drop_table("kept_inputs")
    op.drop_index("ix_interests_person_id", table_name="interests")
    op.drop_index("ix_interests_case_id_person_id_id", table_name="interests")
    op.drop_table("interests")
    op.drop_index("ix_decisions_call_id_place", table_name="decisions")
    op.drop_table("decisions")
    op.drop_index("ix_awards_programme_id", table_name="awards")
    op.drop_index("ix_awards_organisation_id", table_name="awards")
    op.drop_index("ix_awards_call_id", table_name="awards")
    op.drop_table("awards")
    op.drop_table("alliances")
    op.drop_index("ix_standings_call_id_mean", table_name="standings")
    op.drop_table("standings")
    op.drop_table("programmes")
    op.drop_index(op.f("ix_private_values_person_id"), table_name="private_values")
    op.drop_table("private_values")
    op.drop_table("people")
    op.drop_table("panels")
    op.drop_index("ix_organisations_search_key", table_name="organisations")
    op.drop_table("organisations")
    op.drop_index("ix_events_case_id_key", table_name="events")
    op.drop_index("ix_events_actor_id_at", table_name="events")
    op.drop_table("events")
    op.drop_index("ix_deadlines_closed_at_due_at", table_name="deadlines")
    op.drop_index("ix_deadlines_case_id", table_name="deadlines")
    op.drop_table("deadlines")
    op.drop_table("checkpoint_heads")
    op.drop_index("ix_cases_programme_id_kind_state", table_name="cases")
    op.drop_index("ix_cases_parent_id", table_name="cases")
    op.drop_index("ix_cases_panel_id", table_name="cases")
    op.drop_index("ix_cases_organisation_id_kind", table_name="cases")
    op.drop_index("ix_cases_due_at", table_name="cases")
    op.drop_index("ix_cases_call_id_kind_state", table_name="cases")
    op.drop_table("cases")
    op.drop_index("ix_places_parent_id", table_name="places")
    op.drop_table("places")
    op.drop_table("installation")
    op.drop_table("definitions")
    op.drop_table("checkpoints")
    op.drop_table("call_packs")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS grantflow_insert_only() CASCADE")
        op.execute("DROP FUNCTION IF EXISTS grantflow_erase_only() CASCADE")
