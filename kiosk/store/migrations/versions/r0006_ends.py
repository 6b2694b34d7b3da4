"""What the proof of every end needs: the last known status, refunds, a later price, and tokens in rows of their own.

Column types are spelled out here, so that a later change of the code cannot change what this step did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
KNOWN = (
    "created",
    "authorized",
    "starting",
    "charging",
    "stopping",
    "settling",
    "captured",
    "no_charge",
    "expired",
    "failed",
    "abandoned",
    "capture_failed",
    "requires_review",
    "refunded",
    "written_off",
)
"""The statuses that were known when this was written."""


def upgrade() -> None:
    op.add_column("sessions", sa.Column("last_known", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("refunds", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("sessions", sa.Column("later_tariff", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("incomplete", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("energy_unsaid", sa.Boolean(), nullable=False, server_default=sa.false()))
    rows = sa.table("sessions", sa.column("status", sa.String()), sa.column("last_known", sa.String()))
    op.execute(rows.update().where(rows.c.status.in_(KNOWN)).values(last_known=rows.c.status))
    op.create_table(
        "received_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_received_tokens_session_key"),
        sa.PrimaryKeyConstraint("id", name="pk_received_tokens"),
    )
    op.create_index("ix_received_tokens_session_key", "received_tokens", ["session_key"])
    op.create_index("ix_webhooks_received_at", "webhooks", ["received_at"])
