"""The operator's desk: who may sign in, who is, wrong tries, notes, and a log of which no row can be changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0020"
down_revision = "r0019"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "desk_users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("sites", sa.Text(), nullable=True),
        sa.Column("second", sa.Text(), nullable=True),
        sa.Column("second_step", sa.BigInteger(), nullable=True),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_desk_users"),
        sa.UniqueConstraint("name", name="uq_desk_users_name"),
    )
    op.create_table(
        "desk_recovery_codes",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["desk_users.id"], name="fk_desk_recovery_codes_user_id"),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_desk_recovery_codes"),
    )
    op.create_table(
        "desk_sessions",
        sa.Column("id", LONG, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["desk_users.id"], name="fk_desk_sessions_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_desk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_desk_sessions_token_hash"),
    )
    op.create_index("ix_desk_sessions_user_id", "desk_sessions", ["user_id"])
    op.create_table(
        "desk_tries",
        sa.Column("who_hash", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("who_hash", name="pk_desk_tries"),
    )
    op.create_index("ix_desk_tries_last_at", "desk_tries", ["last_at"])
    op.create_table(
        "desk_log",
        sa.Column("id", LONG, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("did", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_desk_log"),
    )
    op.create_index("ix_desk_log_subject_id", "desk_log", ["subject", "id"])
    op.create_index("ix_desk_log_who_id", "desk_log", ["who", "id"])
    op.create_table(
        "desk_notes",
        sa.Column("id", LONG, nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_desk_notes_session_key"),
        sa.PrimaryKeyConstraint("id", name="pk_desk_notes"),
    )
    op.create_index("ix_desk_notes_session_key_id", "desk_notes", ["session_key", "id"])
    _never_changed("desk_log")


def _never_changed(table: str) -> None:
    """Rows of that table can be added and read. Who wants to change one has to take the table apart."""
    said = f"{table} can only be added to"
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{said}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )
