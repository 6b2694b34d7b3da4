"""Who looks at what needs a person, what they did about it, and which messages told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0022"
down_revision = "r0021"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("exceptions", sa.Column("owner", sa.String(), nullable=True))
    op.add_column("exceptions", sa.Column("aside_until", TIME, nullable=True))
    op.add_column("exceptions", sa.Column("done_at", TIME, nullable=True))
    op.create_index("ix_exceptions_closed_at_level_since_id", "exceptions", ["closed_at", "level", "since", "id"])
    op.create_table(
        "handlings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exception_id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("did", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("until", TIME, nullable=True),
        sa.Column("was_owner", sa.String(), nullable=True),
        sa.Column("was_aside_until", TIME, nullable=True),
        sa.Column("was_done_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["exception_id"], ["exceptions.id"], name="fk_handlings_exception_id"),
        sa.PrimaryKeyConstraint("id", name="pk_handlings"),
    )
    op.create_index("ix_handlings_exception_id_id", "handlings", ["exception_id", "id"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("tried_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("said", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_state_next_at", "deliveries", ["state", "next_at"])
    op.create_index("ix_deliveries_receiver_id", "deliveries", ["receiver", "id"])
    op.create_table(
        "told",
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("exception_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["exception_id"], ["exceptions.id"], name="fk_told_exception_id"),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name="fk_told_delivery_id"),
        sa.PrimaryKeyConstraint("receiver", "exception_id", "level", name="pk_told"),
    )
    op.create_index("ix_told_delivery_id", "told", ["delivery_id"])
    op.create_index("ix_told_exception_id", "told", ["exception_id"])
