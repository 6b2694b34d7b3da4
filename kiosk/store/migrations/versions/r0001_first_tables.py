"""The first tables.

Column types are spelled out here, so that a later change of the code cannot change what this step did. There is no
way down: going back means restoring a backup.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
LONG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite's integers are long by themselves
LONG = LONG_ID


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("id", LONG_ID, nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("called_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_called_at", "calls", ["called_at"])

    op.create_table(
        "chargers",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("card", sa.Text(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("problem_at", TIME, nullable=True),
        sa.Column("wanted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("code", name="pk_chargers"),
    )
    op.create_index("ix_chargers_problem_at", "chargers", ["problem_at"])
    op.create_index("ix_chargers_wanted_at", "chargers", ["wanted_at"])

    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "receipt_years",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_receipt_years"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", LONG_ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("connector_id", LONG, nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("charger_name", sa.String(), nullable=True),
        sa.Column("charger_online", sa.Boolean(), nullable=True),
        sa.Column("connector_status", sa.String(), nullable=True),
        sa.Column("tariff_currency", sa.String(), nullable=True),
        sa.Column("price_per_kwh_minor", sa.BigInteger(), nullable=True),
        sa.Column("start_fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("hold_minor", sa.BigInteger(), nullable=True),
        sa.Column("limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("authorized_minor", sa.BigInteger(), nullable=True),
        sa.Column("energy_kwh", sa.String(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("captured_minor", sa.BigInteger(), nullable=True),
        sa.Column("tax_minor", sa.BigInteger(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("email_known", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=True),
        sa.Column("authorized_at", TIME, nullable=True),
        sa.Column("charging_started_at", TIME, nullable=True),
        sa.Column("completed_at", TIME, nullable=True),
        sa.Column("captured_at", TIME, nullable=True),
        sa.Column("status_since", TIME, nullable=True),
        sa.Column("held_seen_at", TIME, nullable=True),
        sa.Column("asked_at", TIME, nullable=True),
        sa.Column("observed_at", TIME, nullable=True),
        sa.Column("fresh_at", TIME, nullable=True),
        sa.Column("gone_at", TIME, nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("retry_at", TIME, nullable=True),
        sa.Column("last_live", sa.Text(), nullable=True),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("slot", sa.String(), nullable=True),
        sa.Column("watch", sa.Boolean(), nullable=False),
        sa.Column("unproven", sa.Boolean(), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("payment", sa.Text(), nullable=True),
        sa.Column("intent_id", sa.String(), nullable=True),
        sa.Column("bank_return_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("key", name="uq_sessions_key"),
    )
    op.create_index("ix_sessions_code", "sessions", ["code"])
    op.create_index("ix_sessions_ended_at", "sessions", ["ended_at"])
    op.create_index("ix_sessions_intent_id", "sessions", ["intent_id"])
    op.create_index("ix_sessions_unproven_id", "sessions", ["unproven", "id"])
    op.create_index("ix_sessions_watch_id", "sessions", ["watch", "id"])
    op.create_index("ux_sessions_slot", "sessions", ["slot"], unique=True)

    op.create_table(
        "webhooks",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("session_key", sa.String(), nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_webhooks"),
    )
    op.create_table(
        "commands",
        sa.Column("id", LONG_ID, nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_commands_session_key"),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
    )
    op.create_index("ix_commands_session_key_id", "commands", ["session_key", "id"])
    op.create_index("ix_commands_state_not_before", "commands", ["state", "not_before"])

    op.create_table(
        "grants",
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("device_hash", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("granted_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_grants_session_key"),
        sa.PrimaryKeyConstraint("session_key", "device_hash", name="pk_grants"),
    )
    op.create_index("ix_grants_device_hash", "grants", ["device_hash"])

    op.create_table(
        "hints",
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("hinted_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_hints_session_key"),
        sa.PrimaryKeyConstraint("session_key", name="pk_hints"),
    )
    op.create_table(
        "observations",
        sa.Column("id", LONG_ID, nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_observations_session_key"),
        sa.PrimaryKeyConstraint("id", name="pk_observations"),
    )
    op.create_index("ix_observations_session_key_id", "observations", ["session_key", "id"])

    op.create_table(
        "receipts",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("revised_at", TIME, nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_receipts_session_key"),
        sa.PrimaryKeyConstraint("number", name="pk_receipts"),
        sa.UniqueConstraint("session_key", name="uq_receipts_session_key"),
    )
    op.create_table(
        "takeovers",
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_takeovers_session_key"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_takeovers"),
    )
    op.create_index("ix_takeovers_session_key", "takeovers", ["session_key"])

    op.create_table(
        "receipt_revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("replaced_at", TIME, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["receipts.number"], name="fk_receipt_revisions_number"),
        sa.PrimaryKeyConstraint("id", name="pk_receipt_revisions"),
    )
    op.create_index("ix_receipt_revisions_number_id", "receipt_revisions", ["number", "id"])
