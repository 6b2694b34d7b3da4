"""What the back office told of every charge at a site, day by day, and who looks at a line of a reconciliation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0024"
down_revision = "r0023"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "line_owners",
        sa.Column("id", LONG, nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_line_owners"),
    )
    op.create_index("ix_line_owners_line_id", "line_owners", ["line", "id"])
    op.create_table(
        "site_transactions",
        sa.Column("id", LONG, nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("charger_uuid", sa.String(), nullable=True),
        sa.Column("connector_id", LONG, nullable=True),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("meter_start_wh", sa.BigInteger(), nullable=True),
        sa.Column("meter_stop_wh", sa.BigInteger(), nullable=True),
        sa.Column("reported_kwh", sa.String(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("stopped_at", TIME, nullable=True),
        sa.Column("stop_reason", sa.String(), nullable=True),
        sa.Column("is_valid", sa.Boolean(), nullable=True),
        sa.Column("at", TIME, nullable=True),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site_transactions"),
        sa.UniqueConstraint("site_id", "number", name="uq_site_transactions_site_id"),
    )
    op.create_index("ix_site_transactions_site_id_at", "site_transactions", ["site_id", "at"])
    op.create_index("ix_site_transactions_seen_at", "site_transactions", ["seen_at"])
    op.create_table(
        "site_days",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("read_at", TIME, nullable=True),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("asked_at", TIME, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", TIME, nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("told_first", sa.Date(), nullable=True),
        sa.Column("told_last", sa.Date(), nullable=True),
        sa.Column("total_kwh", sa.String(), nullable=True),
        sa.Column("rows_kwh", sa.String(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "day", name="pk_site_days"),
    )
