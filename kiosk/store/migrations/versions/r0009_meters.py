"""What is known of a session's connector and meter, figures that are in doubt, and how often each charger reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite's integers are long by themselves


def upgrade() -> None:
    op.add_column("sessions", sa.Column("connector_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("most_kw", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("meter_seconds", LONG, nullable=True))
    op.add_column("sessions", sa.Column("doubt", sa.Text(), nullable=True))
    op.add_column("chargers", sa.Column("pace", sa.Text(), nullable=True))
