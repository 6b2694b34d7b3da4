"""What the charger's own meter said at the beginning and at the end of a charge."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0013"
down_revision = "r0012"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "meter_stands",
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("stopped_at", TIME, nullable=False),
        sa.Column("start_wh", sa.BigInteger(), nullable=False),
        sa.Column("stop_wh", sa.BigInteger(), nullable=False),
        sa.Column("stop_reason", sa.String(), nullable=True),
        sa.Column("seen_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_meter_stands_session_key"),
        sa.PrimaryKeyConstraint("session_key", name="pk_meter_stands"),
        sa.UniqueConstraint("number", name="uq_meter_stands_number"),
    )
