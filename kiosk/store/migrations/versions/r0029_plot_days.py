"""What finished days add up to, how often their sessions changed since, and indexes for holds and bays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0029"
down_revision = "r0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settled",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "day", name="pk_settled"),
    )
    op.create_table(
        "plot_days",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("sums", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "day", name="pk_plot_days"),
    )
    for leading in (["authorized_minor"], ["code", "connector_id"]):
        columns = [*leading, "requested_at", "id"]
        op.create_index(f"ix_sessions_{'_'.join(columns)}", "sessions", columns)
