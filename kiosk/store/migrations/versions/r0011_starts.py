"""Who asked for a start, terms that a driver agreed to, starts given up before payment, and chargers that take none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0011"
down_revision = "r0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("sessions", sa.Column("agreed", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("given_up_at", TIME, nullable=True))
    op.create_table(
        "origins",
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("device_hash", sa.String(), nullable=False),
        sa.Column("network_hash", sa.String(), nullable=True),
        sa.Column("on_site", sa.Boolean(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_origins_session_key"),
        sa.PrimaryKeyConstraint("session_key", name="pk_origins"),
    )
    op.create_index("ix_origins_asked_at", "origins", ["asked_at"])
    op.create_table(
        "full_chargers",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_full_chargers"),
    )
