"""Prices of chargers as upstream has had them, from now on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0031"
down_revision = "r0030"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "prices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("price_per_kwh_minor", sa.BigInteger(), nullable=True),
        sa.Column("start_fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("hold_minor", sa.BigInteger(), nullable=True),
        sa.Column("since", TIME, nullable=False),
        sa.Column("before_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_prices"),
    )
    op.create_index("ix_prices_code_id", "prices", ["code", "id"])
